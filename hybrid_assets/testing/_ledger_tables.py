"""The tables of the ledger in memory, with what concerns kernels, breakers, budgets and history.

Put operations here that no lease is needed for; what happens to batches is in `testing.ledger`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from hybrid_assets.control.budgets import known_budget, was_executed
from hybrid_assets.control.waits import is_worth_writing
from hybrid_assets.model.queue import Breaker, BreakerState, Budget, BudgetUnit, KernelState, LedgerEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.gates import Approval
    from hybrid_assets.model.queue import BatchDecision, BatchRecord, DuplicateJob, QueuedKernel, Remedy, WorkClass


Row = TypeVar("Row", "QueuedKernel", "BatchRecord")


def changed(row: Row, **changes: object) -> Row:
    """Return a row with other values: `dataclasses.replace` five times faster, for rows that need no check."""
    new: Row = object.__new__(type(row))
    for name in type(row).__slots__:
        object.__setattr__(new, name, changes[name] if name in changes else getattr(row, name))
    return new


@dataclass(slots=True, kw_only=True)
class LedgerTables:
    """Rows by their id; see `control.ledger.JobLedger` for what each operation promises."""

    _kernels: dict[str, QueuedKernel] = field(default_factory=dict)
    _batches: dict[str, BatchRecord] = field(default_factory=dict)
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    _budgets: dict[str, Budget] = field(default_factory=dict)
    _decisions: list[BatchDecision] = field(default_factory=list)
    _duplicates: dict[str, DuplicateJob] = field(default_factory=dict)
    _events: list[LedgerEvent] = field(default_factory=list)
    _approvals: list[Approval] = field(default_factory=list)
    _sent: dict[str, list[datetime]] = field(default_factory=dict)

    # --- kernels

    def enqueue(self, kernels: Sequence[QueuedKernel]) -> int:
        """Insert the unknown ones."""
        new = {kernel.kernel_id: kernel for kernel in kernels if kernel.kernel_id not in self._kernels}
        self._kernels.update(new)
        return len(new)

    def ready(self, backend: str, *, now: datetime, limit: int) -> Sequence[QueuedKernel]:
        """Return what may be planned."""
        found = [k for k in self._kernels.values() if k.backend == backend and is_ready(k, now)]
        return sorted(found, key=_kernel_order)[:limit]

    def hold(
        self, kernel_ids: Sequence[str], *, not_before: datetime, error_class: str, error_message: str
    ) -> Sequence[str]:
        """Let READY kernels wait."""
        held = [k for k in self._known(kernel_ids) if k.state is KernelState.READY]
        for kernel in held:
            self._kernels[kernel.kernel_id] = changed(
                kernel, not_before=not_before, error_class=error_class, error_message=error_message
            )
        return [k.kernel_id for k in held]

    def requeue(self, kernel_ids: Sequence[str], *, now: datetime, lost: bool = False) -> Sequence[str]:
        """Send FAILED and CANCELLED kernels back, with ``lost`` DONE ones too."""
        states = {KernelState.FAILED, KernelState.CANCELLED} | ({KernelState.DONE} if lost else set())
        back = [k for k in self._known(kernel_ids) if k.state in states]
        for kernel in back:
            self._kernels[kernel.kernel_id] = changed(
                kernel,
                state=KernelState.READY,
                not_before=None,
                failed_attempts=0,
                split_group=None,
                error_class=None,
                error_code=None,
                error_message=None,
                remedy=None,
            )
        self._tell_of_kernels("requeued", back, now)
        return [k.kernel_id for k in back]

    def cancel_kernels(self, kernel_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """Cancel READY kernels."""
        gone = [k for k in self._known(kernel_ids) if k.state is KernelState.READY]
        for kernel in gone:
            self._kernels[kernel.kernel_id] = changed(kernel, state=KernelState.CANCELLED)
        self._tell_of_kernels("cancelled", gone, now)
        return [k.kernel_id for k in gone]

    def refuse_kernels(
        self, kernel_ids: Sequence[str], *, error_class: str, error_message: str, remedy: Remedy | None, now: datetime
    ) -> Sequence[str]:
        """Fail READY kernels."""
        refused = [k for k in self._known(kernel_ids) if k.state is KernelState.READY]
        for kernel in refused:
            self._kernels[kernel.kernel_id] = changed(
                kernel,
                state=KernelState.FAILED,
                error_class=error_class,
                error_message=error_message,
                remedy=remedy,
            )
        self._tell_of_kernels("refused", refused, now)
        return [k.kernel_id for k in refused]

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
        rows = self._kernels.values() if kernel_ids is None else self._known(kernel_ids)
        found = [
            k
            for k in rows
            if (backend is None or k.backend == backend)
            and (night is None or k.night == night)
            and (workload is None or k.workload == workload)
            and (states is None or k.state in states)
        ]
        return sorted(found, key=_kernel_order)

    # --- reads of batches

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
        found = [
            b
            for b in self._batches.values()
            if (backend is None or b.backend == backend)
            and (batch_ids is None or b.batch_id in batch_ids)
            and not (active_only and b.status.is_final)
            and ((night is None and workload is None) or self._holds(b, night, workload))
        ]
        return sorted(found, key=lambda b: (b.planned_at, b.batch_id))

    def finished(self, backend: str, *, since: datetime) -> Sequence[BatchRecord]:
        """Return final batches."""
        ended = [(b.finished_at, b) for b in self._batches.values() if b.backend == backend and b.finished_at]
        return [b for _, b in sorted(((at, b) for at, b in ended if at >= since), key=lambda e: (e[0], e[1].batch_id))]

    def served(self, backend: str, *, since: datetime) -> Mapping[tuple[WorkClass, str], float]:
        """Return the shares of each class and team."""
        seconds: defaultdict[tuple[WorkClass, str], float] = defaultdict(float)
        done = [batch for batch in self.finished(backend, since=since) if was_executed(batch)]
        for batch in (*self.batches(backend=backend, active_only=True), *done):
            for kernel in self._known(batch.kernel_ids):
                seconds[kernel.work_class, kernel.team] += kernel.share
        return dict(seconds)

    # --- backends and money

    def breaker(self, backend: str) -> Breaker:
        """Return a breaker."""
        return self._breakers.get(backend) or Breaker(backend=backend)

    def set_breaker(
        self, backend: str, *, state: BreakerState, reason: str, retry_at: datetime | None, now: datetime
    ) -> Breaker:
        """Open or close by hand."""
        is_open = state is BreakerState.OPEN
        breaker = Breaker(
            backend=backend, state=state, reason=reason, retry_at=retry_at, opened_at=now if is_open else None
        )
        self._breakers[backend] = breaker
        self._events.append(
            LedgerEvent(at=now, backend=backend, batch_id=None, kind="breaker", text=f"{state} by hand: {reason}")
        )
        return breaker

    def set_budget(
        self, budget_id: str, *, team: str, window: str, limit: float, unit: BudgetUnit = BudgetUnit.QPU_S
    ) -> Budget:
        """Make a budget or change its limit."""
        new = Budget(budget_id=budget_id, team=team, window=window, limit=limit, unit=unit)
        self._budgets[budget_id] = known_budget(self._budgets.get(budget_id), new)
        return self._budgets[budget_id]

    def budgets(self, *, team: str | None = None) -> Sequence[Budget]:
        """Return budgets."""
        return sorted((b for b in self._budgets.values() if team in {None, b.team}), key=lambda b: b.budget_id)

    # --- what persons said

    def record_approval(self, approval: Approval) -> None:
        """Add an approval."""
        self._approvals.append(approval)

    def approvals(
        self, *, night: str | None = None, workload: str | None = None, plan_hash: str | None = None
    ) -> Sequence[Approval]:
        """Return approvals."""
        return [
            row
            for row in self._approvals
            if night in {None, row.night} and workload in {None, row.workload} and plan_hash in {None, row.plan_hash}
        ]

    # --- history

    def record_waits(self, decisions: Sequence[BatchDecision]) -> int:
        """Add why kernels wait."""
        num_written = 0
        for row in decisions:
            alike = (w for w in reversed(self._decisions) if w.batch_id is None)
            newest = next((w for w in alike if (w.backend, w.reason) == (row.backend, row.reason)), None)
            if is_worth_writing(row, newest):
                self._decisions.append(row)
                num_written += 1
        return num_written

    def decisions(self, *, backend: str | None = None) -> Sequence[BatchDecision]:
        """Return decisions."""
        return [row for row in self._decisions if backend in {None, row.backend}]

    def duplicates(self, *, backend: str | None = None) -> Sequence[DuplicateJob]:
        """Return duplicates."""
        return [row for row in self._duplicates.values() if backend in {None, row.backend}]

    def events(self, *, backend: str | None = None, kinds: Collection[str] | None = None) -> Sequence[LedgerEvent]:
        """Return events."""
        return [e for e in self._events if backend in {None, e.backend} and (kinds is None or e.kind in kinds)]

    # --- parts

    def _put(self, batch: BatchRecord) -> BatchRecord:
        self._batches[batch.batch_id] = batch
        return batch

    def _holds(self, batch: BatchRecord, night: str | None, workload: str | None) -> bool:
        kernels = self._known(batch.kernel_ids)
        return any(night in {None, k.night} and workload in {None, k.workload} for k in kernels)

    def _known(self, kernel_ids: Iterable[str]) -> list[QueuedKernel]:
        return [self._kernels[name] for name in kernel_ids if name in self._kernels]

    def _tell(self, kind: str, batch: BatchRecord, text: str, now: datetime) -> None:
        self._events.append(LedgerEvent(at=now, backend=batch.backend, batch_id=batch.batch_id, kind=kind, text=text))

    def _tell_of_kernels(self, kind: str, kernels: Sequence[QueuedKernel], now: datetime) -> None:
        for backend in sorted({k.backend for k in kernels}):
            names = [k.kernel_id for k in kernels if k.backend == backend]
            text = f"{len(names)} kernels: {', '.join(names[:5])}"
            self._events.append(LedgerEvent(at=now, backend=backend, batch_id=None, kind=kind, text=text))


def _kernel_order(kernel: QueuedKernel) -> tuple[datetime, str]:
    return kernel.enqueued_at, kernel.kernel_id


def is_ready(kernel: QueuedKernel, now: datetime) -> bool:
    """Tell whether a kernel may be planned."""
    return kernel.state is KernelState.READY and (kernel.not_before is None or kernel.not_before <= now)
