"""A ledger in memory: the shortest thing that keeps the contract of `control.ledger`, for simulation and tests.

Put the meaning of each operation here as plainly as possible; it is what the stored ledger is compared with.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.control import breaker as breakers
from hybrid_assets.control import budgets as money
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BreakerSignal, Refusal, RefusalKind, batch_identity, request_identity
from hybrid_assets.model.queue import BatchDecision, BatchRecord, KernelState, LedgerEvent
from hybrid_assets.testing._ledger_tables import LedgerTables, changed, is_ready

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.model.ledger import BatchEnding, BatchProposal, BreakerRule, KernelOutcome, Lease, PostRate
    from hybrid_assets.model.queue import Breaker, DuplicateJob, QueuedKernel


@dataclass(slots=True, kw_only=True)
class InMemoryLedger(LedgerTables):
    """See `control.ledger.JobLedger`; every method is atomic because nothing here can be interrupted."""

    def plan_batch(
        self, proposal: BatchProposal, *, slots: int, rule: BreakerRule, owner: str, lease_s: float, now: datetime
    ) -> BatchRecord | Refusal:
        """Make a batch or refuse."""
        kernels = self._known(proposal.kernel_ids)
        batch_id = batch_identity(proposal.backend, kernels)
        breaker = breakers.admit(self.breaker(proposal.backend), batch_id, rule=rule, now=now)
        if (
            refusal := self._refusal(proposal, kernels, slots=slots, admitted=breaker is not None, now=now)
        ) is not None:
            return refusal
        if breaker is not None:
            self._store_breaker(breaker, batch_id=batch_id, now=now)
        self._reserve(proposal)
        for kernel in kernels:
            self._kernels[kernel.kernel_id] = changed(
                kernel,
                state=KernelState.BATCHED,
                batch_id=batch_id,
                num_batches=kernel.num_batches + 1,
                not_before=None,
                error_class=None,
                error_code=None,
                error_message=None,
            )
        self._decisions.append(
            BatchDecision(
                decided_at=now,
                backend=proposal.backend,
                batch_id=batch_id,
                size=len(kernels),
                limit=proposal.limit,
                reason=proposal.reason,
            )
        )
        attempt = max(k.failed_attempts for k in kernels)
        return self._put(
            BatchRecord(
                batch_id=batch_id,
                backend=proposal.backend,
                kernel_ids=proposal.kernel_ids,
                status=JobStatus.PLANNED,
                attempt=attempt,
                request_id=request_identity(batch_id, attempt),
                planned_at=now,
                fence=1,
                lease_owner=owner,
                lease_until=now + timedelta(seconds=lease_s),
                reserved_s=proposal.reserved_s,
                reservations=proposal.reservations,
                price_per_s=proposal.price_per_s,
                reserved_money=proposal.reserved_money,
            )
        )

    def claim(self, backend: str, *, owner: str, now: datetime, lease_s: float, limit: int) -> Sequence[BatchRecord]:
        """Take over what nobody holds."""
        open_ones = [b for b in self._batches.values() if b.backend == backend and self._is_claimable(b, now)]
        open_ones.sort(key=lambda b: (b.status.is_final, b.planned_at, b.batch_id))
        until = now + timedelta(seconds=lease_s)
        return [
            self._put(changed(batch, fence=batch.fence + 1, lease_owner=owner, lease_until=until))
            for batch in open_ones[:limit]
        ]

    def renew(self, lease: Lease) -> BatchRecord | None:
        """Extend the lease."""
        batch = self._held(lease)
        return batch and self._put(changed(batch, lease_until=lease.until))

    def release(self, lease: Lease, *, next_at: datetime) -> BatchRecord | None:
        """Give the lease up."""
        batch = self._held(lease)
        return batch and self._put(changed(batch, lease_owner=None, lease_until=None, next_at=next_at))

    def record_intent(
        self, lease: Lease, *, now: datetime, rule: BreakerRule, rate: PostRate | None
    ) -> BatchRecord | Refusal | None:
        """Write that a submission is about to leave."""
        del rule
        batch = self._held(lease)
        if batch is None or batch.status.is_final or batch.provider_job_id is not None:
            return None
        breaker = self.breaker(batch.backend)
        refusal = None if breakers.passes(breaker, batch.batch_id) else _breaker_refusal(breaker)
        sent = self._sent.setdefault(batch.backend, [])
        if refusal is None and rate is not None:
            refusal = _over_rate(sent, rate, now)
        if refusal is not None:
            self._put(changed(batch, lease_until=lease.until))
            return refusal
        insort(sent, now)  # a process that stood still writes a time that is over
        return self._put(
            changed(
                batch, status=JobStatus.SUBMITTING, sent_at=now, num_sends=batch.num_sends + 1, lease_until=lease.until
            )
        )

    def record_job(
        self,
        lease: Lease,
        *,
        provider_job_id: str,
        submitted_at: datetime,
        adopted: bool,
        rule: BreakerRule,
        now: datetime,
    ) -> BatchRecord | None:
        """Write the provider's job."""
        batch = self._held(lease)
        if batch is None or batch.status.is_final or batch.provider_job_id not in {None, provider_job_id}:
            return None
        self._signal(batch, BreakerSignal.ACCEPTED, rule=rule, now=now)
        self._tell("adopted" if adopted else "submitted", batch, provider_job_id, now)
        return self._put(
            changed(
                batch,
                status=JobStatus.QUEUED,
                provider_job_id=provider_job_id,
                submitted_at=submitted_at,
                lease_until=lease.until,
            )
        )

    def record_unknown(self, lease: Lease, *, message: str, now: datetime) -> BatchRecord | None:
        """Write that an answer was lost."""
        batch = self._held(lease)
        if batch is None or batch.status.is_final:
            return None
        self._tell("unknown", batch, message, now)
        return self._put(changed(batch, status=JobStatus.UNKNOWN, lease_until=lease.until))

    def record_status(
        self, lease: Lease, *, status: JobStatus, started_at: datetime | None, now: datetime
    ) -> BatchRecord | None:
        """Write what the provider tells."""
        del now
        batch = self._held(lease)
        if batch is None or batch.status.is_final:
            return None
        return self._put(changed(batch, status=status, started_at=started_at, lease_until=lease.until))

    def finish_batch(
        self, lease: Lease, *, ending: BatchEnding, rule: BreakerRule, now: datetime
    ) -> BatchRecord | None:
        """End a batch, once."""
        batch = self._held(lease)
        if batch is None or batch.status.is_final:
            return None
        self._settle(batch, ending)
        for outcome in ending.outcomes:
            self._move(batch, outcome)
        self._signal(batch, ending.signal, rule=rule, now=now, reason=ending.error_message, retry_at=ending.retry_at)
        self._tell("finished", batch, f"{ending.status} {ending.error_message or ''}".strip(), now)
        return self._put(
            changed(
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
        )

    def record_audit(self, lease: Lease, *, duplicates: Sequence[DuplicateJob], now: datetime) -> BatchRecord | None:
        """Write what a listing showed."""
        batch = self._held(lease)
        if batch is None or batch.audited_at is not None:
            return None
        for found in duplicates:
            if found.provider_job_id not in self._duplicates:
                self._duplicates[found.provider_job_id] = found
                self._charge(batch, found)
                self._tell("duplicate", batch, str(found), now)
        owner, until = (None, None) if batch.status.is_final else (batch.lease_owner, lease.until)
        return self._put(changed(batch, audited_at=now, lease_owner=owner, lease_until=until))

    # --- parts

    def _held(self, lease: Lease) -> BatchRecord | None:
        """Return the batch if the fence is still the lease's."""
        batch = self._batches.get(lease.batch_id)
        return batch if batch is not None and batch.fence == lease.fence else None

    def _is_claimable(self, batch: BatchRecord, now: datetime) -> bool:
        return (
            _needs_somebody(batch)
            and (batch.lease_until is None or batch.lease_until <= now)
            and (batch.next_at is None or batch.next_at <= now)
        )

    def _refusal(
        self, proposal: BatchProposal, kernels: Sequence[QueuedKernel], *, slots: int, admitted: bool, now: datetime
    ) -> Refusal | None:
        backend = proposal.backend
        are_ready = all(k.backend == backend and is_ready(k, now) for k in kernels)
        if len(kernels) < len(proposal.kernel_ids) or not are_ready:
            return Refusal(kind=RefusalKind.NOT_READY, detail="A kernel is unknown, waits or was taken meanwhile.")
        active = sum(b.backend == backend and not b.status.is_final for b in self._batches.values())
        if active >= slots:
            return Refusal(kind=RefusalKind.NO_SLOT, detail=f"{active} of {slots} slots of {backend} are taken.")
        if not admitted:
            return _breaker_refusal(self.breaker(backend))
        return self._over_budget(proposal)

    def _reserve(self, proposal: BatchProposal) -> None:
        for part in proposal.reservations:
            budget = self._budgets[part.budget_id]
            self._budgets[part.budget_id] = replace(budget, reserved=budget.reserved + part.amount)

    def _over_budget(self, proposal: BatchProposal) -> Refusal | None:
        detail = money.lack(proposal.reservations, self._budgets)
        return None if detail is None else Refusal(kind=RefusalKind.OVER_BUDGET, detail=detail)

    def _settle(self, batch: BatchRecord, ending: BatchEnding) -> None:
        for part in batch.reservations:
            budget = self._budgets[part.budget_id]
            self._budgets[part.budget_id] = replace(budget, reserved=budget.reserved - part.amount)
        self._charge(batch, ending)

    def _charge(self, batch: BatchRecord, job: BatchEnding | DuplicateJob) -> None:
        for name, amount in money.charges(batch, job).items():
            budget = self._budgets[name]
            self._budgets[name] = replace(budget, spent=budget.spent + amount)

    def _move(self, batch: BatchRecord, outcome: KernelOutcome) -> None:
        kernel = self._kernels[outcome.kernel_id]
        if kernel.state is not KernelState.BATCHED or kernel.batch_id != batch.batch_id:
            return
        self._kernels[outcome.kernel_id] = changed(
            kernel,
            state=outcome.state,
            not_before=outcome.not_before,
            split_group=outcome.split_group or kernel.split_group,
            failed_attempts=kernel.failed_attempts + outcome.counts,
            error_class=outcome.error_class,
            error_code=outcome.error_code,
            error_message=outcome.error_message,
            remedy=outcome.remedy,
        )

    def _signal(
        self,
        batch: BatchRecord,
        signal: BreakerSignal,
        *,
        rule: BreakerRule,
        now: datetime,
        reason: str | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        after = breakers.after_signal(
            self.breaker(batch.backend), signal, rule=rule, now=now, reason=reason or signal, retry_at=retry_at
        )
        self._store_breaker(after, batch_id=batch.batch_id, now=now)

    def _store_breaker(self, after: Breaker, *, batch_id: str, now: datetime) -> None:
        before = self.breaker(after.backend)
        self._breakers[after.backend] = after
        if after.state is not before.state:
            text = f"{after.state}: {after.reason}" if after.reason else str(after.state)
            self._events.append(
                LedgerEvent(at=now, backend=after.backend, batch_id=batch_id, kind="breaker", text=text)
            )


def _needs_somebody(batch: BatchRecord) -> bool:
    return not batch.status.is_final or (batch.sent_at is not None and batch.audited_at is None)


def _breaker_refusal(breaker: Breaker) -> Refusal:
    detail = f"The breaker of {breaker.backend} is {breaker.state}: {breaker.reason}"
    return Refusal(kind=RefusalKind.BREAKER_OPEN, detail=detail, retry_at=breaker.retry_at)


def _over_rate(sent: Sequence[datetime], rate: PostRate, now: datetime) -> Refusal | None:
    window = timedelta(seconds=rate.window_s)
    recent = [at for at in sent[-rate.limit :] if at > now - window]
    if len(recent) < rate.limit:
        return None
    detail = f"{rate.limit} submissions left within {rate.window_s:g} s."
    return Refusal(kind=RefusalKind.RATE_LIMIT, detail=detail, retry_at=recent[0] + window)
