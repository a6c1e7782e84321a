"""What a listing proves, and which times may be set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hybrid_assets.control.policy import DispatchPolicy
from hybrid_assets.control.reconcile import Absent, Adopt, LookAgain, resolve
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.jobs import JobHandle
from hybrid_assets.model.ledger import PostRate

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
