"""What budgets in seconds, shots and money set aside, refuse and are charged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.budgets import (
    allowance_s,
    charges,
    expected_money,
    has_room,
    known_budget,
    lack,
    reservations,
    room,
    was_executed,
)
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding
from hybrid_assets.model.queue import BatchRecord, Budget, BudgetUnit
from hybrid_assets.testing._ledger_steps import START, kernel

PRODUCT = replace(kernel(2), team="product")


def budget(name, unit=BudgetUnit.QPU_S, *, team="research", window="2026-11-23", limit=10.0, **booked):
    return Budget(budget_id=name, team=team, window=window, unit=unit, limit=limit, **booked)


BUDGETS = [
    budget("night"),
    budget("month", window="2026-11"),
    budget("other night", window="2026-11-24"),
    budget("product", team="product"),
    budget("shots", BudgetUnit.SHOTS),
    budget("money", BudgetUnit.MONEY, window="2026-11"),
]


def batch_of(*kernels, overhead_s=6.0, overhead_money=None, price_per_s=0.5):
    costs = {"overhead_s": overhead_s, "overhead_money": overhead_money, "price_per_s": price_per_s}
    parts = reservations(kernels, BUDGETS, now=START, **costs)
    return BatchRecord(
        batch_id="b", backend="qpu", kernel_ids=tuple(k.kernel_id for k in kernels), status=JobStatus.PLANNED,
        attempt=0, request_id="r", planned_at=START, fence=1, lease_owner=None, lease_until=None,
        reserved_s=sum(k.expected_s for k in kernels) + overhead_s, reservations=parts, price_per_s=price_per_s,
        reserved_money=expected_money(kernels, **costs),
    )  # fmt: skip


def ended(billed_s, billed_money=None, *, status=JobStatus.SUCCEEDED):
    return BatchEnding(status=status, outcomes=(), billed_s=billed_s, billed_money=billed_money)


def test_a_batch_reserves_in_every_budget_it_concerns():
    """Two kernels of one team, one of another: 3 s each and 6 / 3 s of overhead; 2 x 100 shots; 0.50 a second."""
    found = {r.budget_id: (r.amount, r.unit.value) for r in batch_of(kernel(0), kernel(1), PRODUCT).reservations}
    assert found == {
        "night": (10.0, "qpu_s"),
        "month": (10.0, "qpu_s"),
        "product": (5.0, "qpu_s"),
        "shots": (400.0, "shots"),
        "money": (5.0, "money"),
    }


def test_what_is_free_concerns_no_budget_in_money():
    """Else a used up budget in money would stop simulators too."""
    found = [r.budget_id for r in batch_of(kernel(0), price_per_s=0.0).reservations]
    assert found == ["month", "night", "shots"]


def test_seconds_and_money_are_charged_in_proportion():
    """Of 3 x 3 + 6 = 15 s reserved 12 are billed: 4/5 of each part; more than was reserved is charged all the same."""
    batch = batch_of(kernel(0), kernel(1), PRODUCT)
    assert charges(batch, ended(12.0)) == {
        "night": 8.0, "month": 8.0, "product": 4.0, "money": 4.0, "shots": 400.0,
    }  # fmt: skip
    assert charges(batch, ended(30.0))["money"] == 10.0


def test_a_bill_without_reservation_is_charged_in_full():
    free = [replace(k, expected_s=0.0) for k in (kernel(0), PRODUCT)]
    assert charges(batch_of(*free, overhead_s=0.0), ended(4.0, status=JobStatus.FAILED)) == {
        "night": 4.0, "month": 4.0, "product": 4.0, "money": 2.0, "shots": 200.0,
    }  # fmt: skip


def priced(number, money, *, team="research"):
    """Return a kernel of a backend that bills money and tells no seconds."""
    return replace(kernel(number), expected_s=0.0, expected_money=money, team=team)


BY_PRICE = {"overhead_s": 0.0, "overhead_money": 0.6, "price_per_s": 0.0}


def test_a_job_by_price_reserves_its_kernels_and_their_part_of_its_own_price_and_no_seconds():
    """0.60 a job: 0.20 for each of three kernels. The team's two: 1.00 + 2.00 + 0.40; all three: 1 + 2 + 4 + 0.60."""
    batch = batch_of(priced(0, 1.0), priced(1, 2.0), priced(2, 4.0, team="product"), **BY_PRICE)
    found = {part.budget_id: part.amount for part in batch.reservations}
    assert found == {"night": 0.0, "month": 0.0, "product": 0.0, "shots": 400.0, "money": pytest.approx(3.4)}
    assert batch.reserved_money == pytest.approx(7.6)


def test_a_bill_in_money_is_charged_in_proportion_and_seconds_are_those_that_were_billed():
    """Of 7.60 reserved 3.80 are billed: half of 3.40. 1.5 s were set aside by nobody: each budget in s pays all."""
    batch = batch_of(priced(0, 1.0), priced(1, 2.0), priced(2, 4.0, team="product"), **BY_PRICE)
    assert charges(batch, ended(0.0, 3.8)) == {
        "night": 0.0, "month": 0.0, "product": 0.0, "shots": 400.0, "money": pytest.approx(1.7),
    }  # fmt: skip
    assert charges(batch, ended(1.5, 3.8))["night"] == 1.5
    assert charges(batch, ended(0.0, 0.0, status=JobStatus.FAILED)) == {
        "night": 0.0, "month": 0.0, "product": 0.0, "shots": 0.0, "money": 0.0,
    }  # fmt: skip


def test_a_bill_in_money_that_nobody_expected_is_charged_in_full():
    """All prices are 0, so nothing is set aside."""
    batch = batch_of(priced(0, 0.0), overhead_s=0.0, overhead_money=0.0, price_per_s=0.0)
    assert charges(batch, ended(0.0, 0.3))["money"] == 0.3


def test_a_bill_in_money_counts_as_executed():
    assert was_executed(ended(0.0, 0.01, status=JobStatus.FAILED))
    assert not was_executed(ended(0.0, 0.0, status=JobStatus.FAILED))


def test_a_kernel_queued_before_prices_were_kept_reserves_what_its_seconds_stood_for():
    """Its seconds were units of money: 3 + 0.60."""
    assert expected_money([kernel(0)], **BY_PRICE) == pytest.approx(3.6)


@pytest.mark.parametrize(
    ("status", "billed_s", "shots"),
    [
        pytest.param(JobStatus.SUCCEEDED, 0.0, 200.0, id="succeeded for nothing"),
        pytest.param(JobStatus.FAILED, 0.1, 200.0, id="failed, but billed"),
        pytest.param(JobStatus.CANCELLED, 0.0, 0.0, id="cancelled before it ran"),
        pytest.param(JobStatus.FAILED, 0.0, 0.0, id="failed for nothing"),
    ],
)
def test_shots_are_charged_in_full_or_not_at_all(status, billed_s, shots):
    assert charges(batch_of(kernel(0)), ended(billed_s, status=status))["shots"] == shots


@given(st.lists(st.floats(0.001, 1e9), min_size=1, max_size=20))
def test_a_budget_can_be_spent_to_its_exact_limit(parts):
    """Sums of floats differ in their last digits; that must not refuse the last kernel, nor let another one in."""
    limit, spent = sum(parts), 0.0
    for part in sorted(parts):
        assert has_room(budget("night", limit=limit, spent=spent), part)
        spent += part
    full = budget("night", limit=limit, spent=spent)
    assert room(full) == pytest.approx(0.0, abs=1e-12 * limit)
    assert not has_room(full, 1e-8 * max(limit, 1.0))


def test_refusals_name_budget_unit_and_what_is_left():
    budgets = {"shots": budget("shots", BudgetUnit.SHOTS, limit=500.0, spent=100.0, reserved=200.0)}
    (wanted,) = (r for r in batch_of(kernel(0), kernel(1)).reservations if r.budget_id == "shots")
    assert lack([wanted], budgets) == "400 shots wanted of shots, 200 shots left."
    assert lack([replace(wanted, amount=200.0)], budgets) is None
    assert lack([wanted], {}) == "400 shots wanted of shots, no such budget."
    other = replace(wanted, unit=BudgetUnit.QPU_S)
    assert lack([other], budgets) == "400 s wanted of shots, it is kept in shots."


def test_a_budget_keeps_its_unit():
    known = budget("night", reserved=1.0, spent=2.0)
    assert known_budget(known, budget("night", limit=50.0)) == replace(known, limit=50.0)
    with pytest.raises(ConfigurationError, match=r"night is kept in qpu_s, not in shots, .* another id"):
        known_budget(known, budget("night", BudgetUnit.SHOTS))


def allowance(*more, **left):
    """Return the allowance of two kernels and more while budgets have so much left over; those not named have a lot."""
    batch = batch_of(kernel(0), kernel(1), *more)
    return allowance_s(batch, {b.budget_id: replace(b, limit=left.get(b.budget_id, 1e6)) for b in BUDGETS})


def test_a_job_may_use_what_is_set_aside_and_what_is_left_over():
    """Two kernels of 3 s and 6 s of overhead set 12 s aside, 6 of money at 0.50 a second; shots do not count time."""
    assert allowance(night=5.0, shots=0.0) == 17.0
    assert allowance(night=5.0, money=1.0) == 14.0
    assert allowance(night=-3.0) == 12.0  # the limit was lowered since: what is set aside stays


def test_a_budget_that_pays_a_part_allows_as_much_more():
    """Of 15 s, ``product`` set 5 aside and has 1 left over: 6 s of its own are 18 s of the job."""
    assert allowance(PRODUCT, product=1.0) == 18.0


def test_without_a_budget_in_time_nothing_is_limited():
    batch = batch_of(kernel(0))
    shots = [part for part in batch.reservations if part.unit is BudgetUnit.SHOTS]
    assert allowance_s(replace(batch, reservations=tuple(shots)), {b.budget_id: b for b in BUDGETS}) is None
    assert allowance_s(batch, {}) is None
    by_price = batch_of(priced(0, 1.0), **BY_PRICE)
    assert allowance_s(by_price, {b.budget_id: b for b in BUDGETS}) is None


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 3))
def test_a_job_cut_off_at_its_allowance_breaks_no_budget(night, product, money):
    limits = {"night": night, "product": product, "money": money}
    batch = batch_of(kernel(0), kernel(1), PRODUCT)
    billed_s = allowance(PRODUCT, **limits)
    paid = charges(batch, ended(billed_s, status=JobStatus.FAILED))
    aside = {part.budget_id: part.amount for part in batch.reservations}
    assert all(paid[name] <= (aside[name] + left) * (1 + 1e-9) for name, left in limits.items())
