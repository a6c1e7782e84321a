"""Cost ranges keep their order and follow their formulas."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.errors import HybridAssetsError
from hybrid_assets.model.costs import NOTHING, Range, cost_range, money_of, money_range, total
from hybrid_assets.model.jobs import JobLimits


def test_cost_range_follows_its_formulas():
    """Ten kernels of 3 s, 2 s a job, at most 5 PUBs a job, 3 a job now, a tenth tried again, two attempts.

    low: 2 jobs x 2 + 30 = 34; likely: ceil(10 / 3) = 4 jobs, (4 x 2 + 30) x 1.1 = 41.8; high: 2 x 10 x (2 + 3) = 100.
    """
    found = cost_range(
        [3.0] * 10, overhead_s=2.0, limits=JobLimits(max_pubs=5), batch_size=3, retry_share=0.1, max_attempts=2
    )
    assert (found.low, found.likely, found.high) == (34.0, pytest.approx(41.8), 100.0)


def test_cost_range_needs_more_jobs_where_their_run_time_is_limited():
    """30 s of kernels in jobs of 12 s, 2 of them overhead: 3 jobs, 3 x 2 + 30 = 36."""
    found = cost_range([3.0] * 10, overhead_s=2.0, limits=JobLimits(max_run_s=12.0), batch_size=100)
    assert found.low == 36.0


def test_cost_range_takes_one_job_a_kernel_where_the_overhead_fills_a_job():
    assert cost_range([1.0] * 4, overhead_s=2.0, limits=JobLimits(max_run_s=2.0), batch_size=9).low == 12.0  # 4 x 3


def test_cost_range_rounds_the_bill_up():
    """Two kernels of .25 s, 2 s a job, bills in whole seconds, one attempt.

    low: 2 + .5 = 2.5; likely: one job, 2 + 1/2 + .5 = 3; high: 2 x ceil(2.25) = 6.
    """
    found = cost_range([0.25, 0.25], overhead_s=2.0, limits=JobLimits(), batch_size=8, retry_share=0.0,
                       max_attempts=1, bill_step_s=1.0)  # fmt: skip
    assert (found.low, found.likely, found.high) == (2.5, 3.0, 6.0)


def test_cost_range_keeps_its_order_in_floating_point():
    """One job a kernel anyhow: 2 x .6 + (.8 + .1) = 2.1 is above (.6 + .8) + (.6 + .1) = 2.0999999999999996."""
    found = cost_range([0.8, 0.1], overhead_s=0.6, limits=JobLimits(max_pubs=1), batch_size=1, max_attempts=1)
    assert (found.low, found.likely, found.high) == (2.1, 2.1, 2.1)


@pytest.mark.parametrize("unknown", [math.nan, math.inf, -1.0])
def test_cost_range_is_not_known_where_a_figure_is_not(unknown):
    assert cost_range([1.0, unknown], overhead_s=2.0, limits=JobLimits(), batch_size=8) is None
    assert cost_range([1.0], overhead_s=unknown, limits=JobLimits(), batch_size=8) is None


def test_a_bill_in_money_is_the_money_and_a_bill_in_seconds_is_priced():
    assert money_of(4.0, None, price_per_s=1.5) == 6.0
    assert money_of(4.0, 0.3, price_per_s=1.5) == 0.3


def _money(prices, *, overhead_money, qpu_s=None):
    terms = {"limits": JobLimits(max_pubs=5, max_run_s=1e-9), "batch_size": 5, "max_attempts": 2, "price_per_s": 2.0}
    return money_range(qpu_s, prices, overhead_money=overhead_money, **terms)


def test_money_by_price_follows_the_formula_of_seconds():
    """Ten kernels of 3.00, 0.30 a job, 5 in one, two attempts; how long a job may run changes no price.

    low: 2 x 0.30 + 30; likely: that x 1.05; high: 2 x 10 x 3.30.
    """
    found = _money([3.0] * 10, overhead_money=0.3)
    assert (found.low, found.likely, found.high) == pytest.approx((30.6, 32.13, 66.0))


def test_money_of_seconds_is_their_range_at_their_price():
    qpu_s = Range(low=1.0, likely=2.0, high=3.0)
    assert _money([], overhead_money=None, qpu_s=qpu_s) == Range(low=2.0, likely=4.0, high=6.0)
    assert _money([], overhead_money=None) is None


def test_cost_range_of_nothing_is_nothing():
    assert cost_range([], overhead_s=2.0, limits=JobLimits(), batch_size=8) == NOTHING


@given(
    expected_s=st.lists(st.floats(0, 1e6), min_size=1, max_size=30),
    overhead_s=st.floats(0, 1e4),
    limits=st.builds(JobLimits, max_pubs=st.none() | st.integers(1, 40), max_run_s=st.none() | st.floats(1e-3, 1e5)),
    batch_size=st.integers(1, 64),
    retry_share=st.floats(0, 10),
    max_attempts=st.integers(1, 5),
    bill_step_s=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_cost_range_keeps_its_order(expected_s, **figures):
    found = cost_range(expected_s, **figures)
    assert 0 <= found.low <= found.likely <= found.high
    assert found.low >= figures["overhead_s"] + math.fsum(expected_s) - 1e-6
    assert found.high >= figures["max_attempts"] * math.fsum(expected_s) * (1 - 1e-12)


@pytest.mark.parametrize("wrong", [(-1, 0, 0), (2, 1, 3), (1, 3, 2), (0, 0, math.inf), (0, math.nan, 1)])
def test_range_refuses_a_wrong_order(wrong):
    low, likely, high = wrong
    with pytest.raises(HybridAssetsError, match="low <= likely <= high"):
        Range(low=low, likely=likely, high=high)


def test_ranges_add_up_and_change_their_unit():
    one = Range(low=1.0, likely=2.0, high=3.0)
    assert total([one, one.times(2.0)]) == Range(low=3.0, likely=6.0, high=9.0)
    assert total([one, None]) is None
    assert total([]) == NOTHING
