"""What a listing proves, which times may be set, and what budgets are charged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.budgets import charges, has_room, reservations, room_s
from hybrid_assets.control.policy import DispatchPolicy
from hybrid_assets.control.reconcile import Absent, Adopt, LookAgain, resolve
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.jobs import JobHandle
from hybrid_assets.model.ledger import PostRate
from hybrid_assets.model.queue import Budget
from hybrid_assets.testing._ledger_steps import kernel

SENT = datetime(2026, 11, 23, tzinfo=UTC)


def look(found, after_s):
    return resolve(found, sent_at=SENT, began_at=SENT + timedelta(seconds=after_s), settle_s=30.0)


def test_an_empty_listing_proves_absence_only_after_the_settle_time():
    assert look([], 0.0).seconds == pytest.approx(30.0, abs=0.01)
    assert isinstance(look([], 30.0), LookAgain)
    assert isinstance(look([], 30.001), Absent)


def test_the_oldest_job_is_adopted():
    first, second = (
        JobHandle(provider="p", backend="b", request_id="r", provider_job_id=name) for name in ("one", "two")
    )
    assert look([first, second], 1.0) == Adopt(oldest=first, extras=(second,))


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"settle_s": 25.0, "send_s": 5.0, "lag_s": 20.0}, "Raise settle_s"),
        ({"hold_s": 31.0, "lease_s": 60.0}, "Lower hold_s"),
        ({"hold_s": 0.0}, "Lower hold_s"),
    ],
)
def test_times_that_would_pay_twice_are_refused(times, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        DispatchPolicy(slots=1, **times)


def test_intents_keep_to_a_longer_window():
    """Intents in any 65 s <= 5, each leaves within 5 s: so submissions in any 60 s <= 5."""
    policy = DispatchPolicy(slots=1, rate=PostRate(limit=5, window_s=60.0), send_s=5.0)
    assert policy.intent_rate == PostRate(limit=5, window_s=65.0)
    assert DispatchPolicy(slots=1).intent_rate is None


def budget(name, team="research", window="2026-11-23", limit_s=10.0, **booked):
    return Budget(budget_id=name, team=team, window=window, limit_s=limit_s, **booked)


def test_a_batch_reserves_in_every_budget_it_concerns():
    kernels = [kernel(0), kernel(1), replace(kernel(2), team="product")]
    budgets = [
        budget("night"),
        budget("month", window="2026-11"),
        budget("other night", window="2026-11-24"),
        budget("product", team="product"),
    ]
    found = {r.budget_id: r.reserved_s for r in reservations(kernels, budgets, overhead_s=6.0, now=SENT)}
    assert found == {"night": 10.0, "month": 10.0, "product": 5.0}  # 3 s a kernel and 6 / 3 s of overhead each


def test_a_bill_is_charged_in_proportion():
    parts = reservations(
        [kernel(0), replace(kernel(1), team="product")],
        [budget("night"), budget("month", window="2026-11"), budget("product", team="product")],
        overhead_s=2.0,
        now=SENT,
    )
    assert charges(parts, reserved_s=8.0, billed_s=4.0) == {"month": 2.0, "night": 2.0, "product": 2.0}
    assert charges(parts, reserved_s=0.0, billed_s=4.0) == {"month": 4.0, "night": 4.0, "product": 4.0}


@given(st.lists(st.floats(0.001, 100.0), min_size=1, max_size=20))
def test_a_budget_can_be_spent_to_its_exact_limit(parts):
    """Sums of floats differ in their last digits; that must not refuse the last kernel."""
    limit_s, spent_s = sum(parts), 0.0
    for part in sorted(parts):
        assert has_room(budget("night", limit_s=limit_s, spent_s=spent_s), part)
        spent_s += part
    full = budget("night", limit_s=limit_s, spent_s=spent_s)
    assert room_s(full) == pytest.approx(0.0, abs=1e-9)
    assert not has_room(full, 0.0001)
