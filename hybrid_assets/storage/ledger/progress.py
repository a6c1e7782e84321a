"""The transactions of a batch under way: intent, job, unknown, status, end, audit.

Put one function an operation here, each beginning with `batches.held`. Locks are taken in one order everywhere, so
that no two transactions wait for each other: batch, breaker, kernels, budgets, counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.control.breaker import passes
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BreakerSignal, Refusal, RefusalKind
from hybrid_assets.storage.ledger import backends, batches, budgets, history, queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.ledger import BatchEnding, BreakerRule, Lease, PostRate
    from hybrid_assets.model.queue import BatchRecord, DuplicateJob


def intend(
    connection: Connection, lease: Lease, *, now: datetime, rate: PostRate | None
) -> BatchRecord | Refusal | None:
    """Write that a submission is about to leave."""
    batch = batches.held(connection, lease)
    if batch is None or batch.status.is_final or batch.provider_job_id is not None:
        return None
    if (refusal := _refusal(connection, batch, rate, now=now)) is not None:
        batches.write(connection, batch, lease_until=lease.until)
        return refusal
    history.add_send(connection, batch, now=now)
    return batches.write(
        connection,
        batch,
        status=JobStatus.SUBMITTING,
        sent_at=now,
        num_sends=batch.num_sends + 1,
        lease_until=lease.until,
    )


def accept(
    connection: Connection,
    lease: Lease,
    *,
    provider_job_id: str,
    submitted_at: datetime,
    adopted: bool,
    rule: BreakerRule,
    now: datetime,
) -> BatchRecord | None:
    """Write the provider's job."""
    batch = batches.held(connection, lease)
    if batch is None or batch.status.is_final or batch.provider_job_id not in {None, provider_job_id}:
        return None
    backends.signal(connection, batch, BreakerSignal.ACCEPTED, rule=rule, now=now)
    history.tell_of_batch(connection, "adopted" if adopted else "submitted", batch, provider_job_id, now)
    return batches.write(
        connection,
        batch,
        status=JobStatus.QUEUED,
        provider_job_id=provider_job_id,
        submitted_at=submitted_at,
        lease_until=lease.until,
    )


def lose(connection: Connection, lease: Lease, *, message: str, now: datetime) -> BatchRecord | None:
    """Write that an answer was lost."""
    batch = batches.held(connection, lease)
    if batch is None or batch.status.is_final:
        return None
    history.tell_of_batch(connection, "unknown", batch, message, now)
    return batches.write(connection, batch, status=JobStatus.UNKNOWN, lease_until=lease.until)


def follow(
    connection: Connection, lease: Lease, *, status: JobStatus, started_at: datetime | None
) -> BatchRecord | None:
    """Write what the provider tells."""
    batch = batches.held(connection, lease)
    if batch is None or batch.status.is_final:
        return None
    return batches.write(connection, batch, status=status, started_at=started_at, lease_until=lease.until)


def finish(
    connection: Connection, lease: Lease, *, ending: BatchEnding, rule: BreakerRule, now: datetime
) -> BatchRecord | None:
    """End a batch, once."""
    batch = batches.held(connection, lease)
    if batch is None or batch.status.is_final:
        return None
    reason, retry_at = ending.error_message, ending.retry_at
    backends.signal(connection, batch, ending.signal, rule=rule, now=now, reason=reason, retry_at=retry_at)
    queue.settle(connection, batch.batch_id, ending.outcomes)
    budgets.settle(connection, batch, ending)
    text = f"{ending.status} {ending.error_message or ''}".strip()
    history.tell_of_batch(connection, "finished", batch, text, now)
    return batches.write(
        connection,
        batch,
        status=ending.status,
        billed_s=ending.billed_s,
        billed_money=ending.billed_money,
        started_at=ending.started_at,
        finished_at=ending.finished_at or now,
        error_class=ending.error_class,
        error_code=ending.error_code,
        error_message=ending.error_message,
        lease_owner=None,
        lease_until=None,
        next_at=ending.audit_at,
        audited_at=batch.audited_at or (None if batch.sent_at and ending.audit_at else now),
    )


def audit(
    connection: Connection, lease: Lease, *, duplicates: Sequence[DuplicateJob], now: datetime
) -> BatchRecord | None:
    """Write what a listing showed."""
    batch = batches.held(connection, lease)
    if batch is None or batch.audited_at is not None:
        return None
    for found in duplicates:
        if history.add_duplicate(connection, found):
            budgets.charge(connection, batch, found)
            history.tell_of_batch(connection, "duplicate", batch, str(found), now)
    owner, until = (None, None) if batch.status.is_final else (batch.lease_owner, lease.until)
    return batches.write(connection, batch, audited_at=now, lease_owner=owner, lease_until=until)


def _refusal(connection: Connection, batch: BatchRecord, rate: PostRate | None, *, now: datetime) -> Refusal | None:
    breaker = backends.lock(connection, batch.backend)
    if not passes(breaker, batch.batch_id):
        detail = f"The breaker of {batch.backend} is {breaker.state}: {breaker.reason}"
        return Refusal(kind=RefusalKind.BREAKER_OPEN, detail=detail, retry_at=breaker.retry_at)
    if rate is None:
        return None
    retry_at = history.next_send_at(connection, batch.backend, rate, now=now)
    if retry_at is None:
        return None
    detail = f"{rate.limit} submissions left within {rate.window_s:g} s."
    return Refusal(kind=RefusalKind.RATE_LIMIT, detail=detail, retry_at=retry_at)
