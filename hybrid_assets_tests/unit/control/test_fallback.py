"""The ladder applies when waiting is over, asks each rung once, and says who answered and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.fallback import (
    SOURCE_FAILED,
    Available,
    Rung,
    RungKind,
    Trouble,
    TroubleKind,
    may_claim,
    next_rung,
    parse_ladder,
    trouble_of,
)
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.queue import Breaker, BreakerState, KernelState, Remedy
from hybrid_assets.scoring.effects import BACKEND_SOURCE
from hybrid_assets_tests.unit.control.queues import NOW, ago, kernel

WHERE = "workloads.maxcut.fallback"
LADDER = parse_ladder([{"other_backend": "aer2"}, {"cached": 100}, "simulation", "classical"], where=WHERE)
TROUBLE = Trouble(kind=TroubleKind.OVERDUE, detail="it is late")
NOBODY = Available()
EVERYBODY = Available(backends={"aer2"}, cached_age_s=100.0, can_simulate=True, has_classical=True)


def step(available=EVERYBODY, *, ladder=LADDER, tried=None, backend="qpu"):
    return next_rung(ladder, trouble=TROUBLE, backend=backend, available=available, tried=tried)


def test_parse_ladder_keeps_the_order_of_the_settings():
    assert list(LADDER) == [
        Rung(kind=RungKind.OTHER_BACKEND, backend="aer2"),
        Rung(kind=RungKind.CACHED, max_age_s=100.0),
        Rung(kind=RungKind.SIMULATION),
        Rung(kind=RungKind.CLASSICAL),
    ]
    assert [rung.source for rung in LADDER] == ["other_backend:aer2", "cached", "simulation", "classical"]


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_parse_ladder_of_nothing_is_no_ladder(nothing):
    assert parse_ladder(nothing, where=WHERE) == ()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("simulation", ": 'simulation' is wrong; expected a list"),
        ({"cached": 5}, ": {'cached': 5} is wrong; expected a list"),
        (["simulatoin"], "[0]: unknown rung 'simulatoin'. Did you mean 'simulation'? Known: other"),
        ([{"cashed": 5}], "[0]: unknown rung {'cashed': 5}. Did you mean 'cached'? "),
        ([{"cached": 5, "classical": 1}], "[0]: unknown rung {'cached': 5, 'classical': 1}. Known"),
        ([3], "[0]: unknown rung 3. Known"),
        (["classical", "cached"], "[1]: 'cached' is wrong; expected {cached: SECONDS}"),
        ([{"cached": True}], "[0]: {'cached': True} is wrong; expected {cached: SECONDS}"),
        ([{"cached": float("nan")}], "[0]: {'cached': nan} is wrong"),
        ([{"cached": 0}], "[0]: {'cached': 0} is wrong"),
        (["other_backend"], "[0]: 'other_backend' is wrong; expected {other_backend: NAME}"),
        ([{"simulation": 5}], "[0]: {'simulation': 5} is wrong; expected the bare word simulation"),
        ([{"other_backend": "aer3"}], "[0]: unknown backend 'aer3'. Did you mean 'aer2'? Known: aer2"),
        (["classical", "classical"], "[1]: 'classical' is there twice. Remove one of the two."),
        ([{"cached": 5}, {"cached": 6}], "[1]: 'cached' is there twice."),
    ],
)  # fmt: skip
def test_parse_ladder_refuses_by_place_and_nearest_word(raw, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_ladder(raw, where=WHERE, backends=("aer2", "qpu"))
    assert str(caught.value).startswith(WHERE + message)


@pytest.mark.parametrize(
    ("available", "source", "reason"),
    [
        pytest.param(EVERYBODY, "other_backend:aer2", "It is late.", id="first"),
        pytest.param(
            Available(cached_age_s=100.0),
            "cached",
            "It is late; other_backend:aer2: it takes nothing now.",
            id="just-fresh",
        ),
        pytest.param(
            Available(cached_age_s=100.5, can_simulate=True),
            "simulation",
            "It is late; other_backend:aer2: it takes nothing now; cached: the newest result is 100.5 s old, allowed "
            "is 100 s.",
            id="too-old",
        ),
        pytest.param(
            Available(has_classical=True),
            "classical",
            "It is late; other_backend:aer2: it takes nothing now; cached: there is no earlier result; simulation: it "
            "cannot be simulated.",
            id="last",
        ),
        pytest.param(
            NOBODY,
            "failed",
            "It is late; other_backend:aer2: it takes nothing now; cached: there is no earlier result; simulation: it "
            "cannot be simulated; classical: there is no classical answer; no other rung could answer.",
            id="nobody",
        ),
    ],
)
def test_next_rung_is_the_first_that_can_answer(available, source, reason):
    found = step(available)
    assert (found.source, found.reason) == (source, reason)
    assert (found.rung is None) == (source == SOURCE_FAILED)


def test_next_rung_passes_what_was_tried_and_says_why():
    found = step(tried={"other_backend:aer2": "JobFailedError 1517: unsupported"})
    assert (found.source, found.reason) == (
        "cached",
        "It is late; other_backend:aer2: JobFailedError 1517: unsupported.",
    )


def test_next_rung_never_asks_the_same_backend_as_another():
    found = step(backend="aer2")
    assert found.source == "cached"
    assert "other_backend:aer2: it is the backend that does not answer" in found.reason


def test_next_rung_without_a_ladder_fails_by_name():
    assert step(ladder=()).reason == "It is late; no fallback is set."
    assert step(ladder=()).source == "failed"


rungs = st.one_of(
    st.builds(Rung, kind=st.just(RungKind.OTHER_BACKEND), backend=st.sampled_from(["a", "b", "qpu"])),
    st.builds(Rung, kind=st.just(RungKind.CACHED), max_age_s=st.floats(1, 100)),
    st.sampled_from([Rung(kind=RungKind.SIMULATION), Rung(kind=RungKind.CLASSICAL)]),
)
situations = st.builds(
    Available,
    backends=st.sets(st.sampled_from(["a", "b", "qpu"])),
    cached_age_s=st.none() | st.floats(0, 200),
    can_simulate=st.booleans(),
    has_classical=st.booleans(),
)


@given(st.lists(rungs, max_size=8), st.data())
def test_ladder_gives_each_rung_once_in_order_and_ends(ladder, data):
    """Also where what is available changes from step to step."""
    tried: dict[str, str] = {}
    sources = [rung.source for rung in ladder]
    for _ in range(len(ladder) + 1):
        available = data.draw(situations)
        found = step(available, ladder=ladder, tried=tried)
        if found.rung is None:
            break
        assert found.source not in tried
        assert found.source in sources
        assert found.source != "other_backend:qpu"
        tried[found.source] = "no"
    else:
        pytest.fail(f"{sources} does not end")
    assert found.source == SOURCE_FAILED


@given(st.lists(rungs, max_size=8), situations)
def test_only_the_backend_itself_may_claim(ladder, available):
    assert not may_claim(step(available, ladder=ladder).source)
    assert may_claim("backend")


def test_claims_and_scores_mean_the_same_source():
    assert may_claim(BACKEND_SOURCE)


def shut(seconds, state=BreakerState.OPEN):
    return Breaker(backend="qpu", state=state, opened_at=ago(seconds), reason="503")


def trouble(a_kernel, **situation):
    return trouble_of(a_kernel, now=NOW, **situation)


READY, BATCHED, DONE = KernelState.READY, KernelState.BATCHED, KernelState.DONE


@pytest.mark.parametrize(
    ("facts", "situation"),
    [
        pytest.param({"state": DONE, "waited_s": 9e9}, {"turnaround_s": 1.0}, id="done"),
        pytest.param({"state": READY, "waited_s": 60}, {"turnaround_s": 60.0}, id="in-time"),
        pytest.param({"state": READY, "waited_s": 9e5}, {}, id="no-objective"),
        pytest.param({"state": READY, "waited_s": 9e5}, {"asked_at": ago(5), "turnaround_s": 60.0}, id="asked-later"),
        pytest.param({"state": READY}, {"breaker": shut(900)}, id="patience-just-left"),
        pytest.param({"state": READY, "waited_s": 10}, {"breaker": shut(5000)}, id="came-during-the-outage"),
        pytest.param({"state": READY}, {"breaker": Breaker(backend="qpu", opened_at=ago(5000))}, id="closed"),
        pytest.param({"state": BATCHED, "waited_s": 9e5}, {"breaker": shut(9e5)}, id="past-the-breaker"),
    ],
)
def test_ladder_does_not_apply_while_the_backend_may_answer_in_time(facts, situation):
    assert trouble(kernel("k", **({"waited_s": 5000} | facts)), **situation) is None


@pytest.mark.parametrize(
    ("facts", "situation", "kind", "detail"),
    [
        pytest.param(
            {"state": KernelState.FAILED, "error_class": "JobFailedError", "error_code": "1517",
             "error_message": "Not supported.", "remedy": Remedy.RECOMPILE},
            {}, TroubleKind.FAILED, "qpu failed: JobFailedError 1517: Not supported", id="failed",
        ),
        pytest.param(
            {"state": KernelState.CANCELLED},
            {}, TroubleKind.CANCELLED, "it was cancelled on qpu: unknown error: no reason is known", id="cancelled",
        ),
        pytest.param(
            {"state": READY, "waited_s": 61}, {"turnaround_s": 60.0},
            TroubleKind.OVERDUE, "qpu has not answered in 61 s, the objective is 60 s", id="overdue",
        ),
        pytest.param(
            {"state": BATCHED, "waited_s": 61}, {"turnaround_s": 60.0},
            TroubleKind.OVERDUE, "qpu has not answered in 61 s, the objective is 60 s", id="overdue-on-its-way",
        ),
        pytest.param(
            {"state": READY, "waited_s": 2000}, {"breaker": shut(901)}, TroubleKind.UNAVAILABLE,
            "the breaker of qpu has been open for 901 s, patience is 900 s (503)", id="outage",
        ),
        pytest.param(
            {"state": READY, "waited_s": 11}, {"breaker": shut(60, BreakerState.HALF_OPEN), "patience_s": 10.0},
            TroubleKind.UNAVAILABLE, "the breaker of qpu has been open for 60 s, patience is 10 s (503)", id="probing",
        ),
    ],
)  # fmt: skip
def test_ladder_applies_when_waiting_is_over(facts, situation, kind, detail):
    found = trouble(kernel("k", **facts), **situation)
    assert (found.kind, found.detail) == (kind, detail)
    assert found.may_still_answer == (kind in {TroubleKind.OVERDUE, TroubleKind.UNAVAILABLE})
