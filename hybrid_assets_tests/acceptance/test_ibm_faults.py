"""Nights on the genuine IBM client against the loopback service, with every fault that can meet it.

No job is created twice, nothing is paid twice by us, nothing is lost, and the wait is bounded.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from hybrid_assets_tests.acceptance.emulated import forking
from hybrid_assets_tests.acceptance.loopback_nights import Case, prepare_night, run_case

ROUNDS = 20
#: Nights at once: they mostly wait.
AT_ONCE = 5
REPLIES = ("cut", "trickle", "garbled", "empty", "no_content", "null", "html")


def case(name, *faults, **more):
    return Case(name=name, faults=faults, **more)


def post(what, **more):
    return {"where": "post_job", "what": what, **more}


CASES = {
    found.name: found
    for found in (
        # the submission: its reply is lost, it is lost itself, it is refused, its reply is no reply
        case("reply-dropped", post("drop_after")),
        case("reply-silent", post("silence_after")),
        case("reply-dropped-and-listing-lags", post("drop_after"), service={"listing_lag_s": 1.5}),
        case("post-dropped", post("drop", times=2)),
        case("post-silent", post("silence")),
        case("throttled", post("rate_limited", times=2)),
        case("throttled-with-a-date", post("rate_limited", retry_after_s=1.0)),
        case("error-before", post("error", times=5)),
        case("error-after-the-job-was-made", post("error_after", times=5)),
        *(case(f"post-{what}", post(what)) for what in REPLIES),
        case("too-many-jobs", service={"max_active_jobs": 1, "run_s": 1.0}),
        # the listing that reconciles is lost, too
        case("listing-lost", post("drop_after"), {"where": "list_jobs", "what": "drop", "times": 2, "skip": 0}),
        case("listing-fails", post("error_after"), {"where": "list_jobs", "what": "error", "times": 7, "skip": 0}),
        # following a job
        *(
            case(f"poll-{what}", {"where": "get_job", "what": what, "times": 2})
            for what in ("drop", "silence", "error", "rate_limited", "stale", "html", "null")
        ),
        case("outage", {"where": "any", "what": "error", "times": 60}),
        case("unreachable", {"where": "any", "what": "drop", "times": 25}),
        case("never-ends", post("never_ends", skip=0), job_wait_s=4.0),
        case("fails-before-it-runs", post("fail_before", code=5203)),
        case("fails-after-it-ran", post("fail_after", code=9999)),  # unknown: its halves are sound
        case("fails-after-it-ran-transiently", post("fail_after", code=5203)),
        # both jobs, then one of the four kernels by itself: it is never sent again
        case("a-permanent-code", post("fail_before", code=1517, times=3, skip=0), num_failed=1),
        # the result
        *(
            case(f"result-{what}", {"where": "results", "what": what})
            for what in (
                *("another_job", "half_shots", "missing_pub", "swapped_pubs", "wider"),
                *("drop", "silence", "error", *REPLIES),
            )
        ),
        # the sign-in
        case("token-revoked", {"where": "any", "what": "revoked"}),
        case("token-lives-shortly", service={"token_life_s": 2.0}),
        case("no-tokens-for-a-while", {"where": "token", "what": "error", "times": 8, "skip": 0}),
        case("clock-ahead", service={"clock_skew_s": 7200.0}),
        case("clock-behind", service={"clock_skew_s": -7200.0}),
    )
}  # fmt: skip
#: What `make test` looks at: one of each kind.
FAST = ("reply-dropped-and-listing-lags", "error-after-the-job-was-made", "result-swapped_pubs", "outage")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project whose kernels are compiled and not asked for yet."""
    return prepare_night(tmp_path_factory.mktemp("prepared"))


def nights(folder, prepared, names, rounds):
    """Run rounds of cases, several nights at once, in processes of their own; return what is wrong by night."""
    jobs = [(name, seed) for name in names for seed in range(rounds)]
    with ProcessPoolExecutor(AT_ONCE, mp_context=forking()) as pool:
        found = dict(zip(jobs, pool.map(partial(night, folder, prepared), jobs), strict=True))
    return {key: wrong for key, wrong in found.items() if wrong}


def night(folder, prepared, job):
    name, seed = job
    place = folder / f"{name}-{seed}"
    wrong = run_case(place, prepared, CASES[name], seed)
    if not wrong:
        shutil.rmtree(place)
    return wrong


def test_a_fault_of_each_kind_costs_nothing(tmp_path, prepared):
    assert nights(tmp_path, prepared, FAST, 1) == {}


@pytest.mark.slow
def test_each_fault_costs_nothing_in_20_of_20(tmp_path, prepared):
    assert nights(tmp_path, prepared, CASES, ROUNDS) == {}
