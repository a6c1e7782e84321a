"""Single steps on a ledger with everything but the interesting argument filled in, for the conformance suite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import (
    BatchEnding,
    BatchProposal,
    BreakerRule,
    BreakerSignal,
    KernelOutcome,
    Lease,
    PostRate,
    Refusal,
)
from hybrid_assets.model.queue import BatchRecord, BudgetUnit, KernelState, QueuedKernel, Reservation, WorkClass

if TYPE_CHECKING:
    from hybrid_assets.control.ledger import JobLedger

START = datetime(2026, 11, 23, 2, tzinfo=UTC)
BACKEND, TEAM, NIGHT, BUDGET = "qpu", "research", "2026-11-23", "research/2026-11-23"
RULE = BreakerRule(threshold=2, pause_s=60.0)
LEASE_S = 30.0
PRICE_PER_S = 0.5


def kernel(number: int) -> QueuedKernel:
    """Return a ready kernel that is expected to be billed 3 s."""
    at = START + timedelta(seconds=number)
    return QueuedKernel(
        kernel_id=f"kernel-{number}",
        backend=BACKEND,
        night=NIGHT,
        workload="maxcut",
        instance=f"graph-{number}",
        label="p1",
        correlation_id=f"{NIGHT}/maxcut/{number}",
        team=TEAM,
        work_class=WorkClass.PRODUCTION,
        group="alike",
        rows=2,
        shots=100,
        payload_bytes=1000,
        expected_s=3.0,
        state=KernelState.READY,
        enqueued_at=at,
        inputs_at=at,
    )


def later(seconds: float) -> datetime:
    """Return the moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def plan(
    ledger: JobLedger, *numbers: int, slots: int = 9, at_s: float = 100.0, owner: str = "a"
) -> BatchRecord | Refusal:
    """Plan a batch of the kernels with these numbers; a refusal is an answer too."""
    seconds = 3.0 * len(numbers)
    money = PRICE_PER_S * seconds
    amounts = {BudgetUnit.QPU_S: seconds, BudgetUnit.MONEY: money, BudgetUnit.SHOTS: 200 * len(numbers)}
    parts = tuple(Reservation(budget_id=b.budget_id, amount=amounts[b.unit], unit=b.unit) for b in ledger.budgets())
    proposal = BatchProposal(
        backend=BACKEND,
        kernel_ids=tuple(f"kernel-{number}" for number in numbers),
        reserved_s=seconds,
        reservations=parts,
        price_per_s=PRICE_PER_S,
        reserved_money=money,
        reason="because",
        limit=4,
    )
    return ledger.plan_batch(proposal, slots=slots, rule=RULE, owner=owner, lease_s=LEASE_S, now=later(at_s))


def planned(ledger: JobLedger, *numbers: int, at_s: float = 100.0) -> BatchRecord:
    """Plan a batch that must not be refused."""
    batch = plan(ledger, *numbers, at_s=at_s)
    assert isinstance(batch, BatchRecord), f"kernels {numbers} are ready, but: {batch}"
    return batch


def lease(batch: BatchRecord, at_s: float) -> Lease:
    """Return the lease on a batch as somebody holds it at a time."""
    return Lease(batch_id=batch.batch_id, fence=batch.fence, until=later(at_s + LEASE_S))


def intend(
    ledger: JobLedger, batch: BatchRecord, at_s: float, rate: PostRate | None = None
) -> BatchRecord | Refusal | None:
    """Write that a batch is about to be sent."""
    return ledger.record_intent(lease(batch, at_s), now=later(at_s), rule=RULE, rate=rate)


def record_job(ledger: JobLedger, batch: BatchRecord, at_s: float, job_id: str = "job-1") -> BatchRecord | None:
    """Write that the provider took it."""
    now = later(at_s)
    return ledger.record_job(
        lease(batch, at_s), provider_job_id=job_id, submitted_at=now, adopted=False, rule=RULE, now=now
    )


def finish(
    ledger: JobLedger,
    batch: BatchRecord,
    at_s: float,
    *,
    state: KernelState = KernelState.DONE,
    signal: BreakerSignal = BreakerSignal.SUCCEEDED,
    billed_s: float = 2.0,
    billed_money: float | None = None,
) -> BatchRecord | None:
    """End a batch, all its kernels alike."""
    status = JobStatus.SUCCEEDED if state is KernelState.DONE else JobStatus.FAILED
    outcomes = tuple(KernelOutcome(kernel_id=name, state=state, counts=True) for name in batch.kernel_ids)
    audit_at = later(at_s + 30.0) if batch.sent_at else None
    ending = BatchEnding(
        status=status,
        outcomes=outcomes,
        billed_s=billed_s,
        billed_money=billed_money,
        signal=signal,
        audit_at=audit_at,
    )
    return ledger.finish_batch(lease(batch, at_s), ending=ending, rule=RULE, now=later(at_s))
