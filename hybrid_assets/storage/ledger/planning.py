"""The transaction that makes a batch. Put its checks and writes here, in the order the contract names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.control.breaker import admit
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import Refusal, RefusalKind, batch_identity, request_identity
from hybrid_assets.model.queue import BatchDecision, BatchRecord
from hybrid_assets.storage.ledger import backends, batches, budgets, history, queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.ledger import BatchProposal, BreakerRule
    from hybrid_assets.model.queue import QueuedKernel


def plan(
    connection: Connection,
    proposal: BatchProposal,
    *,
    slots: int,
    rule: BreakerRule,
    owner: str,
    lease_s: float,
    now: datetime,
) -> BatchRecord | Refusal:
    """Make a batch or refuse; see `JobLedger.plan_batch`."""
    backend = proposal.backend
    breaker = backends.lock(connection, backend)
    taken = queue.take(connection, proposal, now=now)
    if taken is None:
        return Refusal(kind=RefusalKind.NOT_READY, detail="A kernel is unknown, waits or was taken meanwhile.")
    if (active := batches.num_active(connection, backend)) >= slots:
        return Refusal(kind=RefusalKind.NO_SLOT, detail=f"{active} of {slots} slots of {backend} are taken.")
    batch = _batch(proposal, taken, owner=owner, lease_until=now + timedelta(seconds=lease_s), now=now)
    admitted = admit(breaker, batch.batch_id, rule=rule, now=now)
    if admitted is None:
        detail = f"The breaker of {backend} is {breaker.state}: {breaker.reason}"
        return Refusal(kind=RefusalKind.BREAKER_OPEN, detail=detail, retry_at=breaker.retry_at)
    if (lack := budgets.lack(connection, proposal.reservations)) is not None:
        return Refusal(kind=RefusalKind.OVER_BUDGET, detail=lack)
    backends.store(connection, breaker, admitted, batch_id=batch.batch_id, now=now)
    budgets.reserve(connection, proposal.reservations)
    batches.insert(connection, batch, taken)
    queue.mark_batched(connection, taken, batch.batch_id)
    history.add_decision(connection, _decision(proposal, batch))
    return batch


def _batch(
    proposal: BatchProposal, taken: Sequence[QueuedKernel], *, owner: str, lease_until: datetime, now: datetime
) -> BatchRecord:
    batch_id = batch_identity(proposal.backend, taken)
    attempt = max(kernel.failed_attempts for kernel in taken)
    return BatchRecord(
        batch_id=batch_id,
        backend=proposal.backend,
        kernel_ids=proposal.kernel_ids,
        status=JobStatus.PLANNED,
        attempt=attempt,
        request_id=request_identity(batch_id, attempt),
        planned_at=now,
        fence=1,
        lease_owner=owner,
        lease_until=lease_until,
        reserved_s=proposal.reserved_s,
        reservations=proposal.reservations,
        price_per_s=proposal.price_per_s,
        reserved_money=proposal.reserved_money,
    )


def _decision(proposal: BatchProposal, batch: BatchRecord) -> BatchDecision:
    return BatchDecision(
        decided_at=batch.planned_at,
        backend=batch.backend,
        batch_id=batch.batch_id,
        size=len(batch.kernel_ids),
        limit=proposal.limit,
        reason=proposal.reason,
    )
