"""When a compiled circuit stands, and when it does not: sums of small steps, noise, faults, ties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.calibration.deciding import (
    Action,
    CalibrationRules,
    CircuitScore,
    choose,
    decide,
    decide_all,
)
from hybrid_assets.errors import ConfigurationError

RULES = CalibrationRules()


def scored(base, present, *, uses_faulty=False, key="k"):
    return CircuitScore(compile_key=key, base_score=base, present_score=present, uses_faulty=uses_faulty)


@pytest.mark.parametrize(
    ("base", "present", "action", "ratio"),
    [
        pytest.param(0.8, 0.76, Action.KEEP, 0.95, id="just at the threshold"),
        pytest.param(0.8, 0.7599, Action.RECOMPILE, 0.7599 / 0.8, id="just below it"),
        pytest.param(0.5, 0.9, Action.KEEP, 1.8, id="better than it was"),
        pytest.param(0.0, 0.3, Action.KEEP, None, id="it was 0, and can run again"),
        pytest.param(1.0, 1.0, Action.KEEP, 1.0, id="an ideal simulator"),
    ],
)
def test_a_circuit_stands_while_it_keeps_its_part_of_the_base(base, present, action, ratio):
    decision = decide(scored(base, present), RULES)
    assert (decision.action, decision.ratio) == (action, pytest.approx(ratio) if ratio else ratio)


@pytest.mark.parametrize("base", [0.0, 0.4])
def test_a_circuit_that_cannot_run_must_move(base):
    decision = decide(scored(base, 0.0, uses_faulty=True), CalibrationRules(keep_ratio=0.01))
    assert decision.action is Action.MOVE
    assert decision.reason.startswith("It cannot run: a qubit it uses is faulty")


def test_a_reason_gives_the_figures():
    decision = decide(scored(0.5, 0.45), RULES)
    assert decision.reason == "Expected success fell from 0.5 to 0.45: 0.9 of it, below 0.95."
    assert decide(scored(0.5, 0.48), RULES).reason == (
        "Expected success was 0.5 and is 0.48: 0.96 of it, at least 0.95."
    )


def test_all_are_decided_in_their_order():
    found = decide_all([scored(0.5, 0.5, key="a"), scored(0.5, 0.1, key="b")], RULES)
    assert [(one.compile_key, one.action.value) for one in found] == [("a", "keep"), ("b", "recompile")]


def follow(presents, rules, *, base):
    """Look at one score after another as the sensor does; return where it acted and the last base."""
    acted = []
    for index, present in enumerate(presents):
        if decide(scored(base, present), rules).action is not Action.KEEP:
            acted.append(index)
            base = present
    return acted, base


@given(
    steps=st.lists(st.floats(min_value=0.951, max_value=1.0), min_size=1, max_size=60),
    keep_ratio=st.floats(min_value=0.5, max_value=0.95),
)
def test_small_losses_add_up_and_are_caught_when_their_sum_passes_the_threshold(steps, keep_ratio):
    """No step loses the threshold's part alone; it is acted exactly when the product since the last action does."""
    rules = CalibrationRules(keep_ratio=keep_ratio)
    presents, score = [], 1.0
    for step in steps:
        score *= step
        presents.append(score)
    acted, _ = follow(presents, rules, base=1.0)
    expected, base = [], 1.0
    for index, present in enumerate(presents):
        if present / base < keep_ratio:
            expected.append(index)
            base = present
    assert acted == expected
    assert bool(acted) == (min(presents) < keep_ratio)


@given(walk=st.lists(st.floats(min_value=-0.2, max_value=0.2), max_size=60), keep_ratio=st.floats(0.5, 1.0))
def test_on_any_walk_no_circuit_stands_that_lost_more_than_its_part(walk, keep_ratio):
    """After each look the score is at least its part of the base, and a look again at the same score does nothing."""
    rules, base, score = CalibrationRules(keep_ratio=keep_ratio), 0.5, 0.5
    for step in walk:
        score = min(1.0, score * math.exp(step))
        _, base = follow([score], rules, base=base)
        assert score / base >= keep_ratio
        assert follow([score] * 3, rules, base=base) == ([], base)


@given(
    noise=st.lists(st.floats(min_value=0.0, max_value=1.0), min_size=1, max_size=60),
    keep_ratio=st.floats(min_value=0.5, max_value=0.99),
    before=st.floats(min_value=0.01, max_value=1.0),
)
def test_noise_around_the_threshold_acts_once_at_most(noise, keep_ratio, before):
    """Scores between the threshold's part of the old base and a hair below it: the one action makes them all stand."""
    rules = CalibrationRules(keep_ratio=keep_ratio)
    low, high = before * keep_ratio * keep_ratio * (1 + 1e-9), before * keep_ratio * 1.001
    first = before * keep_ratio * 0.999
    acted, base = follow([first], rules, base=before)
    assert (acted, base) == ([0], first)
    # From here on every score within keep_ratio of the new base stands, whatever the order.
    presents = [max(first * keep_ratio * (1 + 1e-9), low + (high - low) * part) for part in noise]
    assert follow(presents, rules, base=base) == ([], base)


@given(scores=st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), min_size=1), cached=st.sampled_from("abcdef"))
def test_the_best_candidate_wins(scores, cached):
    chosen = choose(scores, cached)
    assert scores[chosen] >= max(scores.values()) * (1 - 1e-9)
    if cached in scores and scores[cached] == max(scores.values()):
        assert chosen == cached


def test_the_cached_circuit_wins_a_tie_and_the_last_digits_of_a_sum():
    assert choose({"a": 0.7, "b": 0.7, "c": 0.69}, "b") == "b"
    assert choose({"a": 0.3, "b": 0.1 + 0.2}, "a") == "a"
    assert choose({"b": 0.7, "a": 0.7, "old": 0.0}, "old") == "a"
    assert choose({"new": 0.1}, "vanished") == "new"


@pytest.mark.parametrize("candidates", [{}, {"a": math.nan, "b": 0.5}], ids=["none", "not a number"])
def test_nothing_to_choose_from_is_an_error(candidates):
    with pytest.raises(ConfigurationError, match="There is nothing to choose from in place of the circuit old"):
        choose(candidates, "old")


@pytest.mark.parametrize(("base", "present"), [(math.nan, 0.5), (0.5, math.nan), (0.5, -0.1), (1.5, 0.5)])
def test_a_score_that_is_none_is_refused(base, present):
    """Not a number compares as false with everything: it would be kept for ever."""
    with pytest.raises(ConfigurationError, match="an expected success is from 0 to 1"):
        scored(base, present)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"keep_ratio": 0.0}, "keep_ratio is 0.0"), ({"keep_ratio": 1.1}, "at most 1"), ({"seeds": 0}, "seeds is 0")],
)
def test_impossible_rules_are_refused(values, message):
    with pytest.raises(ConfigurationError, match=message):
        CalibrationRules(**values)
