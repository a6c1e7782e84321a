"""The arithmetic of a benchmark: parts of a bill, what batching saved, quantiles that values support."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.runner.benchmarking_figures import Bill, alone, cost_parts, percentile, tails

SECONDS = st.floats(0, 1e4, allow_nan=False)
BILLS = st.lists(st.builds(Bill, amount=SECONDS, gave_results=st.booleans()), max_size=20)


def test_a_bill_is_parted_into_circuits_overhead_and_retries():
    """Jobs of 7 s and 5 s that gave results hold 2 s of overhead each; a failed one of 3 s is a retry, all of it."""
    bills = [Bill(amount=s, gave_results=good) for s, good in ((7.0, True), (3.0, False), (5.0, True))]
    parts = cost_parts(bills, job_overhead=2.0)
    assert (parts.qpu, parts.overhead, parts.retry, parts.total) == (8.0, 4.0, 3.0, 15.0)


def test_a_bill_below_the_overhead_is_all_overhead():
    parts = cost_parts([Bill(amount=1.5, gave_results=True)], job_overhead=2.0)
    assert (parts.qpu, parts.overhead) == (0.0, 1.5)


@given(BILLS, SECONDS)
def test_the_parts_of_a_bill_are_not_negative_and_add_up(bills, overhead_s):
    parts = cost_parts(bills, job_overhead=overhead_s)
    assert min(parts.overhead, parts.retry) >= 0
    assert parts.qpu >= -1e-6
    assert parts.total == pytest.approx(sum(bill.amount for bill in bills))


def test_four_kernels_of_one_job_would_have_cost_more_apart():
    """10 s billed, 2 s overhead: each kernel has 2 s of its own, 4 s in a job of its own, 16 s for the four."""
    apart = [alone(billed=10.0, share=0.25, job_overhead=2.0, bill_step=1.0) for _ in range(4)]
    assert apart == [4.0] * 4


def test_a_kernel_alone_is_rounded_up_to_a_step():
    """2 s + 0.25 x 5 s = 3.25 s, billed as 4 s in whole seconds, as 3.5 s in halves."""
    terms = {"billed": 7.0, "share": 0.25, "job_overhead": 2.0}
    assert alone(**terms, bill_step=1.0) == 4.0
    assert alone(**terms, bill_step=0.5) == 3.5
    assert alone(**terms, bill_step=0.0) == 3.25


@given(st.integers(1, 10_000), SECONDS, st.sampled_from([0.0, 0.5, 1.0]))
def test_a_kernel_that_was_alone_costs_its_bill(steps, overhead_s, step_s):
    """So batching neither pays nor costs where there was none."""
    billed_s = steps * (step_s or 0.37)
    found = alone(billed=billed_s, share=1.0, job_overhead=overhead_s, bill_step=step_s)
    assert found == pytest.approx(billed_s)


def test_what_is_not_billed_saves_nothing():
    assert alone(billed=0.0, share=0.5, job_overhead=2.0, bill_step=1.0) == 0.0


@pytest.mark.parametrize(("count", "percent"), [(19, 95), (99, 99), (1, 95), (0, 95), (0, 50)])
def test_a_quantile_that_too_few_values_support_has_no_number(count, percent):
    """The 95th percentile of 19 values would be the largest by count alone."""
    assert percentile([float(k) for k in range(count)], percent) is None


@pytest.mark.parametrize(
    ("count", "percent", "rank"), [(20, 95, 19), (21, 95, 20), (100, 95, 95), (100, 99, 99), (7, 50, 4), (1, 50, 1)]
)
def test_a_quantile_is_the_value_of_its_nearest_rank(count, percent, rank):
    """Rank: percent x count / 100, rounded up; 0.95 x 21 = 19.95 is the 20th."""
    assert percentile([float(k) for k in range(1, count + 1)], percent) == rank


@given(st.lists(SECONDS, min_size=20, max_size=200), st.sampled_from([50, 95]))
def test_no_fewer_than_its_percentage_lie_at_or_below_a_quantile(values, percent):
    found = percentile(sorted(values), percent)
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_tails_tell_how_many_values_they_are_of():
    found = tails([3.0, 1.0, 2.0])
    assert (found.n, found.mean_s, found.median_s, found.max_s) == (3, 2.0, 2.0, 3.0)
    assert found.std_s == pytest.approx(1.0)
    assert (found.p95_s, found.p99_s) == (None, None)
    nothing = tails([])
    assert nothing.n == 0
    assert [nothing.mean_s, nothing.std_s, nothing.median_s, nothing.max_s] == [None] * 4
    assert tails([2.0]).std_s is None
    assert math.isclose(tails([2.0]).mean_s, 2.0)
