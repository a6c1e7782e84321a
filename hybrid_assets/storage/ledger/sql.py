"""The door of the ledger: one method an operation, one transaction a method.

Put nothing but transactions here; what happens inside one is in the module of its table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.queue import BudgetUnit
from hybrid_assets.storage.ledger import (
    backends,
    batches,
    budgets,
    history,
    lookup,
    migrations,
    planning,
    progress,
    queue,
)
from hybrid_assets.storage.ledger import (
    placements as placing,
)
from hybrid_assets.storage.ledger.engines import reading_engine, url_of, writing_engine

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from hybrid_assets.model.gates import Approval
    from hybrid_assets.model.jobs import JobStatus
    from hybrid_assets.model.ledger import BatchEnding, BatchProposal, BreakerRule, Lease, PostRate, Refusal
    from hybrid_assets.model.placements import Placement
    from hybrid_assets.model.queue import (
        BatchDecision,
        BatchRecord,
        Breaker,
        BreakerState,
        Budget,
        DuplicateJob,
        KernelState,
        LedgerEvent,
        QueuedKernel,
        Remedy,
        WorkClass,
    )
    from hybrid_assets.storage.ledger.lookup import Matches


class SqlLedger:
    """A `control.ledger.JobLedger` in a SQLite file or a Postgres database, for any number of processes and threads.

    The methods promise what the protocol says. A SQLite file must not lie on a network file system, and must not be
    opened by another SQLite library (DuckDB's) in a process that has it open here: they would break each other's
    locks.

    Args:
        place: Path of a SQLite file, or a URL such as ``postgresql://user@host/name``; made and migrated if need be.

    Raises:
        ConfigurationError: It cannot be opened, or was written by a newer version.
    """

    def __init__(self, place: str | Path) -> None:
        url = url_of(place)
        self._writer, self._reader = writing_engine(url), reading_engine(url)
        try:
            migrations.prepare(self._writer)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections; the next operation opens new ones."""
        self._writer.dispose()
        self._reader.dispose()

    # --- kernels

    def enqueue(self, kernels: Sequence[QueuedKernel]) -> int:
        """Insert the unknown ones."""
        with self._writer.begin() as connection:
            return queue.enqueue(connection, kernels)

    def ready(self, backend: str, *, now: datetime, limit: int) -> Sequence[QueuedKernel]:
        """Return what may be planned."""
        with self._reader.begin() as connection:
            return queue.ready(connection, backend, now=now, limit=limit)

    def hold(
        self, kernel_ids: Sequence[str], *, not_before: datetime, error_class: str, error_message: str
    ) -> Sequence[str]:
        """Let READY kernels wait."""
        why = {"error_class": error_class, "error_message": error_message}
        with self._writer.begin() as connection:
            return queue.hold(connection, kernel_ids, not_before=not_before, **why)

    def requeue(self, kernel_ids: Sequence[str], *, now: datetime, lost: bool = False) -> Sequence[str]:
        """Send FAILED and CANCELLED kernels back, with ``lost`` DONE ones too."""
        with self._writer.begin() as connection:
            return queue.requeue(connection, kernel_ids, now=now, lost=lost)

    def cancel_kernels(self, kernel_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """Cancel READY kernels."""
        with self._writer.begin() as connection:
            return queue.cancel(connection, kernel_ids, now=now)

    def refuse_kernels(
        self, kernel_ids: Sequence[str], *, error_class: str, error_message: str, remedy: Remedy | None, now: datetime
    ) -> Sequence[str]:
        """Fail READY kernels."""
        why = {"error_class": error_class, "error_message": error_message, "remedy": remedy}
        with self._writer.begin() as connection:
            return queue.refuse(connection, kernel_ids, now=now, **why)

    def kernels(
        self,
        *,
        backend: str | None = None,
        kernel_ids: Collection[str] | None = None,
        night: str | None = None,
        workload: str | None = None,
        states: Collection[KernelState] | None = None,
    ) -> Sequence[QueuedKernel]:
        """Return matching kernels."""
        with self._reader.begin() as connection:
            return queue.find(
                connection, backend=backend, kernel_ids=kernel_ids, night=night, workload=workload, states=states
            )

    def count_kernels(
        self, *, backend: str | None = None, night: str | None = None, workload: str | None = None
    ) -> Mapping[KernelState, int]:
        """Return how many kernels that match are in each state, without reading them; empty states are left out."""
        with self._reader.begin() as connection:
            return queue.counts(connection, backend=backend, night=night, workload=workload)

    # --- looking up

    def matching(self, beginning: str, *, limit: int = 10) -> Matches:
        """Return the kernels and batches that a beginning of an id fits."""
        with self._reader.begin() as connection:
            return lookup.matching(connection, beginning, limit=limit)

    def batches_of(self, kernel_id: str) -> Sequence[BatchRecord]:
        """Return every batch a kernel was ever in, by (planned_at, batch_id)."""
        with self._reader.begin() as connection:
            batch_ids = lookup.batch_ids_of(connection, kernel_id)
        return self.batches(batch_ids=batch_ids)

    # --- batches

    def plan_batch(
        self, proposal: BatchProposal, *, slots: int, rule: BreakerRule, owner: str, lease_s: float, now: datetime
    ) -> BatchRecord | Refusal:
        """Make a batch or refuse."""
        with self._writer.begin() as connection:
            return planning.plan(connection, proposal, slots=slots, rule=rule, owner=owner, lease_s=lease_s, now=now)

    def claim(self, backend: str, *, owner: str, now: datetime, lease_s: float, limit: int) -> Sequence[BatchRecord]:
        """Take over what nobody holds."""
        with self._writer.begin() as connection:
            return batches.claim(connection, backend, owner=owner, now=now, lease_s=lease_s, limit=limit)

    def renew(self, lease: Lease) -> BatchRecord | None:
        """Extend the lease."""
        with self._writer.begin() as connection:
            batch = batches.held(connection, lease)
            return batch and batches.write(connection, batch, lease_until=lease.until)

    def release(self, lease: Lease, *, next_at: datetime) -> BatchRecord | None:
        """Give the lease up."""
        with self._writer.begin() as connection:
            batch = batches.held(connection, lease)
            return batch and batches.write(connection, batch, lease_owner=None, lease_until=None, next_at=next_at)

    def record_intent(
        self, lease: Lease, *, now: datetime, rule: BreakerRule, rate: PostRate | None
    ) -> BatchRecord | Refusal | None:
        """Write that a submission is about to leave."""
        del rule  # an open breaker is half opened by a new batch only
        with self._writer.begin() as connection:
            return progress.intend(connection, lease, now=now, rate=rate)

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
        with self._writer.begin() as connection:
            return progress.accept(
                connection,
                lease,
                provider_job_id=provider_job_id,
                submitted_at=submitted_at,
                adopted=adopted,
                rule=rule,
                now=now,
            )

    def record_unknown(self, lease: Lease, *, message: str, now: datetime) -> BatchRecord | None:
        """Write that an answer was lost."""
        with self._writer.begin() as connection:
            return progress.lose(connection, lease, message=message, now=now)

    def record_status(
        self, lease: Lease, *, status: JobStatus, started_at: datetime | None, now: datetime
    ) -> BatchRecord | None:
        """Write what the provider tells."""
        del now
        with self._writer.begin() as connection:
            return progress.follow(connection, lease, status=status, started_at=started_at)

    def finish_batch(
        self, lease: Lease, *, ending: BatchEnding, rule: BreakerRule, now: datetime
    ) -> BatchRecord | None:
        """End a batch, once."""
        with self._writer.begin() as connection:
            return progress.finish(connection, lease, ending=ending, rule=rule, now=now)

    def record_audit(self, lease: Lease, *, duplicates: Sequence[DuplicateJob], now: datetime) -> BatchRecord | None:
        """Write what a listing showed."""
        with self._writer.begin() as connection:
            return progress.audit(connection, lease, duplicates=duplicates, now=now)

    def batches(
        self,
        *,
        backend: str | None = None,
        batch_ids: Collection[str] | None = None,
        night: str | None = None,
        workload: str | None = None,
        active_only: bool = False,
    ) -> Sequence[BatchRecord]:
        """Return batches."""
        wanted = {"backend": backend, "night": night, "workload": workload}
        with self._reader.begin() as connection:
            return batches.find(connection, batch_ids=batch_ids, active_only=active_only, **wanted)

    def finished(self, backend: str, *, since: datetime) -> Sequence[BatchRecord]:
        """Return final batches."""
        with self._reader.begin() as connection:
            return batches.finished(connection, backend, since=since)

    def served(self, backend: str, *, since: datetime) -> Mapping[tuple[WorkClass, str], float]:
        """Return the seconds of each class and team."""
        with self._reader.begin() as connection:
            return batches.served(connection, backend, since=since)

    # --- backends and money

    def breaker(self, backend: str) -> Breaker:
        """Return a breaker."""
        with self._reader.begin() as connection:
            return backends.breaker_of(connection, backend)

    def set_breaker(
        self, backend: str, *, state: BreakerState, reason: str, retry_at: datetime | None, now: datetime
    ) -> Breaker:
        """Open or close by hand."""
        with self._writer.begin() as connection:
            return backends.set_by_hand(connection, backend, state=state, reason=reason, retry_at=retry_at, now=now)

    def set_budget(
        self, budget_id: str, *, team: str, window: str, limit: float, unit: BudgetUnit = BudgetUnit.QPU_S
    ) -> Budget:
        """Make a budget or change its limit."""
        with self._writer.begin() as connection:
            return budgets.set_limit(connection, budget_id, team=team, window=window, limit=limit, unit=unit)

    def budgets(self, *, team: str | None = None) -> Sequence[Budget]:
        """Return budgets."""
        with self._reader.begin() as connection:
            return budgets.find(connection, team=team)

    # --- what persons said

    def record_approval(self, approval: Approval) -> None:
        """Add an approval."""
        with self._writer.begin() as connection:
            history.add_approval(connection, approval)

    def approvals(
        self, *, night: str | None = None, workload: str | None = None, plan_hash: str | None = None
    ) -> Sequence[Approval]:
        """Return approvals."""
        with self._reader.begin() as connection:
            return history.approvals(connection, night=night, workload=workload, plan_hash=plan_hash)

    # --- circuits

    def place(self, placements: Sequence[Placement], *, instead_of: Mapping[str, str]) -> None:
        """Write which circuits stand for templates, unless somebody else has decided meanwhile; see `placements`."""
        with self._writer.begin() as connection:
            placing.write(connection, placements, instead_of=instead_of)

    def placements(self, backend: str, *, base_keys: Collection[str] | None = None) -> Sequence[Placement]:
        """Return which circuits stand for a backend's templates, or for some of them."""
        with self._reader.begin() as connection:
            return placing.read(connection, backend, base_keys=base_keys)

    # --- history

    def record_waits(self, decisions: Sequence[BatchDecision]) -> int:
        """Add why kernels wait."""
        with self._writer.begin() as connection:
            return history.add_waits(connection, decisions)

    def decisions(self, *, backend: str | None = None) -> Sequence[BatchDecision]:
        """Return decisions."""
        with self._reader.begin() as connection:
            return history.decisions(connection, backend=backend)

    def duplicates(self, *, backend: str | None = None) -> Sequence[DuplicateJob]:
        """Return duplicates."""
        with self._reader.begin() as connection:
            return history.duplicates(connection, backend=backend)

    def events(self, *, backend: str | None = None, kinds: Collection[str] | None = None) -> Sequence[LedgerEvent]:
        """Return events."""
        with self._reader.begin() as connection:
            return history.events(connection, backend=backend, kinds=kinds)
