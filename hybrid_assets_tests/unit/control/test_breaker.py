"""A breaker opens after failures in a row, lets one probe through after a pause, and closes on good news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.breaker import admit, after_signal, passes
from hybrid_assets.model.ledger import BreakerRule, BreakerSignal
from hybrid_assets.model.queue import Breaker, BreakerState

START = datetime(2026, 11, 23, tzinfo=UTC)
RULE = BreakerRule(threshold=3, pause_s=60.0)
CLOSED = Breaker(backend="qpu")


def at(seconds):
    return START + timedelta(seconds=seconds)


def signal(breaker, what, seconds=0.0, retry_at=None):
    return after_signal(breaker, what, rule=RULE, now=at(seconds), reason=what, retry_at=retry_at)


def opened(seconds=0.0):
    breaker = CLOSED
    for _ in range(RULE.threshold):
        breaker = signal(breaker, BreakerSignal.FAILED, seconds)
    return breaker


def test_failures_in_a_row_open_it():
    two = signal(signal(CLOSED, BreakerSignal.FAILED), BreakerSignal.FAILED)
    assert two.state is BreakerState.CLOSED
    assert signal(two, BreakerSignal.SUCCEEDED).consecutive_failures == 0
    three = signal(two, BreakerSignal.FAILED, 5.0)
    assert (three.state, three.opened_at, three.retry_at) == (BreakerState.OPEN, at(5), at(65))


def test_acceptance_alone_forgets_no_failures():
    """A backend that takes every job and finishes none must open its breaker."""
    two = signal(signal(CLOSED, BreakerSignal.FAILED), BreakerSignal.FAILED)
    assert signal(signal(two, BreakerSignal.ACCEPTED), BreakerSignal.FAILED).state is BreakerState.OPEN


def test_failed_probe_does_not_begin_the_outage_anew():
    """How long nothing got through decides about fallbacks: every probe is a minute apart, the outage is not over."""
    half = admit(opened(), "a", rule=RULE, now=at(60))
    again = signal(half, BreakerSignal.FAILED, 61)
    assert (again.state, again.opened_at, again.retry_at) == (BreakerState.OPEN, at(0), at(121))


def test_one_probe_after_the_pause():
    breaker = opened()
    assert admit(breaker, "a", rule=RULE, now=at(59)) is None
    half = admit(breaker, "a", rule=RULE, now=at(60))
    assert (half.state, half.probe_batch_id, half.probe_at) == (BreakerState.HALF_OPEN, "a", at(60))
    assert admit(half, "b", rule=RULE, now=at(119)) is None
    assert passes(half, "a")
    assert not passes(half, "b")
    assert not passes(breaker, "a")
    assert admit(half, "b", rule=RULE, now=at(120)).probe_batch_id == "b", "the first was not heard of for a pause"


def test_probe_decides():
    half = admit(opened(), "a", rule=RULE, now=at(60))
    closed = signal(half, BreakerSignal.ACCEPTED, 61.0)
    assert (closed.state, closed.consecutive_failures) == (BreakerState.CLOSED, 2), "on probation"
    assert signal(closed, BreakerSignal.FAILED, 62.0).state is BreakerState.OPEN
    assert signal(half, BreakerSignal.SUCCEEDED, 61.0) == CLOSED
    again = signal(half, BreakerSignal.FAILED, 61.0)
    assert (again.state, again.retry_at, again.probe_batch_id) == (BreakerState.OPEN, at(121), None)


def test_old_good_news_does_not_close_an_open_one():
    assert signal(opened(), BreakerSignal.SUCCEEDED, 1.0).state is BreakerState.OPEN
    assert signal(opened(), BreakerSignal.ACCEPTED, 1.0).state is BreakerState.OPEN


def test_throttling_opens_until_the_provider_says():
    slow = signal(CLOSED, BreakerSignal.THROTTLED, retry_at=at(20))
    assert (slow.state, slow.retry_at, slow.consecutive_failures) == (BreakerState.OPEN, at(20), 0)
    assert signal(slow, BreakerSignal.THROTTLED, 1.0, retry_at=at(10)).retry_at == at(20), "never shortened"


def test_opened_by_hand_it_stays_open():
    by_hand = Breaker(backend="qpu", state=BreakerState.OPEN, retry_at=None)
    assert all(signal(by_hand, what, 9.0) == by_hand for what in BreakerSignal)
    assert admit(by_hand, "a", rule=RULE, now=at(10**6)) is None


@given(st.lists(st.tuples(st.sampled_from(BreakerSignal), st.floats(0.0, 50.0)), max_size=30))
def test_it_can_always_be_left(signals):
    """Whatever is heard, a pause after the last news somebody may try again."""
    breaker, now_s = CLOSED, 0.0
    for number, (what, wait_s) in enumerate(signals):
        now_s += wait_s
        breaker = signal(breaker, what, now_s, retry_at=at(now_s + 30.0))
        breaker = admit(breaker, f"batch-{number}", rule=RULE, now=at(now_s)) or breaker
    assert admit(breaker, "last", rule=RULE, now=at(now_s + RULE.pause_s)) is not None
