"""A backend's breaker: closed -> open -> half open -> closed, as pure functions.

Put transitions here; a ledger stores them inside its transactions, so that all processes share one breaker.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.model.ledger import BreakerSignal
from hybrid_assets.model.queue import Breaker, BreakerState

if TYPE_CHECKING:
    from datetime import datetime

    from hybrid_assets.model.ledger import BreakerRule


def admit(breaker: Breaker, batch_id: str, *, rule: BreakerRule, now: datetime) -> Breaker | None:
    """Decide whether a new batch may be planned.

    Returns:
        The breaker to store (half open with this batch as its probe, where it was open long enough or its last probe
        was not heard of for ``rule.pause_s``), or None when the batch must wait.
    """
    if breaker.state is BreakerState.CLOSED:
        return breaker
    if breaker.retry_at is None or now < breaker.retry_at:
        return None
    return replace(
        breaker,
        state=BreakerState.HALF_OPEN,
        probe_batch_id=batch_id,
        probe_at=now,
        retry_at=now + timedelta(seconds=rule.pause_s),
    )


def passes(breaker: Breaker, batch_id: str) -> bool:
    """Tell whether a planned batch may be submitted now."""
    if breaker.state is BreakerState.HALF_OPEN:
        return breaker.probe_batch_id == batch_id
    return breaker.state is BreakerState.CLOSED


def after_signal(
    breaker: Breaker, signal: BreakerSignal, *, rule: BreakerRule, now: datetime, reason: str, retry_at: datetime | None
) -> Breaker:
    """Return the breaker after an event.

    - ACCEPTED closes a half-open breaker on probation: one more failure opens it again.
    - SUCCEEDED closes a half-open one and forgets failures. Neither closes an open one: the news may be older than it.
    - FAILED opens a half-open one, and a closed one at ``rule.threshold`` failures in a row.
    - THROTTLED opens until ``retry_at`` (at least: never earlier than it was); it is no failure.
    - NEUTRAL changes nothing. A breaker opened by hand (open, ``retry_at`` None) is left by hand only.
    """
    if signal is BreakerSignal.NEUTRAL or (breaker.state is BreakerState.OPEN and breaker.retry_at is None):
        return breaker
    if signal in {BreakerSignal.ACCEPTED, BreakerSignal.SUCCEEDED}:
        return _after_good_news(breaker, signal, rule)
    opened_until = now + timedelta(seconds=rule.pause_s)
    if signal is BreakerSignal.THROTTLED:
        return _opened(breaker, now, reason, max(filter(None, (retry_at or opened_until, _open_until(breaker)))))
    failures = breaker.consecutive_failures + 1
    breaker = replace(breaker, consecutive_failures=failures)
    if breaker.state is BreakerState.HALF_OPEN or failures >= rule.threshold:
        return _opened(breaker, now, reason, max(filter(None, (opened_until, _open_until(breaker)))))
    return breaker


def _after_good_news(breaker: Breaker, signal: BreakerSignal, rule: BreakerRule) -> Breaker:
    if breaker.state is BreakerState.OPEN:
        return breaker
    if signal is BreakerSignal.SUCCEEDED:
        failures = 0
    elif breaker.state is BreakerState.HALF_OPEN:
        failures = rule.threshold - 1
    else:
        return breaker
    if breaker.state is BreakerState.CLOSED and failures == breaker.consecutive_failures:
        return breaker
    return Breaker(backend=breaker.backend, consecutive_failures=failures)


def _opened(breaker: Breaker, now: datetime, reason: str, retry_at: datetime) -> Breaker:
    return replace(
        breaker,
        state=BreakerState.OPEN,
        # A probe that failed does not begin it anew: how long nothing got through decides about fallbacks.
        opened_at=now if breaker.state is BreakerState.CLOSED else breaker.opened_at,
        retry_at=retry_at,
        probe_batch_id=None,
        probe_at=None,
        reason=reason,
    )


def _open_until(breaker: Breaker) -> datetime | None:
    """Return until when it is open: later news may prolong that, never shorten it."""
    return breaker.retry_at if breaker.state is BreakerState.OPEN else None
