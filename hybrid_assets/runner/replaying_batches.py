"""The decisions of a night's queue once more: the same planner, on the ledger as it was when each was made.

Put the reconstruction of the past here. What the ledger keeps only the present of (back-offs, limits of budgets) is
taken as it is now: after failures a decision may therefore differ although it was right.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid_assets.control.bisect import halves
from hybrid_assets.control.budgets import charges, was_executed
from hybrid_assets.control.dispatching import Situation
from hybrid_assets.control.retry import Failure, RetryKind, decide_retry
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import KernelState
from hybrid_assets.runner.backends import dispatch_policy, planner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.control.plans import PlannedBatch
    from hybrid_assets.model.queue import BatchDecision, BatchRecord, Budget, QueuedKernel, WorkClass
    from hybrid_assets.runner.project import Project


#: What the reason of such a batch says, see `control.dispatching`.
HALVED = "; halved: "


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedBatch:
    """A recorded decision beside the planner's answer to the same situation."""

    decision: BatchDecision
    #: Kernels and limit that the planner chooses now; None: it plans no batch that begins with the same kernel.
    size: int | None
    limit: int | None
    has_same_kernels: bool

    @property
    def is_same(self) -> bool:
        """Whether kernels and limit are reproduced."""
        return self.has_same_kernels and self.limit == self.decision.limit


def replay_batches(project: Project, backend: str, night: str) -> Iterator[ReplayedBatch]:
    """Make the decisions about a night's batches of a backend again, in the order in which they were made."""
    past = _Past(project=project, backend=backend)
    names = {batch.batch_id for batch in project.ledger.batches(backend=backend, night=night)}
    limit = dispatch_policy(project, backend).plan_limit
    for decision in project.ledger.decisions(backend=backend):
        if decision.batch_id not in names or decision.batch_id is None:
            continue
        then = past.before(past.batches[decision.batch_id])
        plan = planner(project, backend, past=then)(then.situation(limit))
        yield _answer(decision, past.batches[decision.batch_id], plan.batches)


def _answer(decision: BatchDecision, batch: BatchRecord, planned: Sequence[PlannedBatch]) -> ReplayedBatch:
    same = next((one for one in planned if one.kernel_ids == batch.kernel_ids), None)
    near = same or next((one for one in planned if one.kernel_ids[0] == batch.kernel_ids[0]), None)
    # What a budget had no room for was halved after it was planned.
    was_halved = near is not None and HALVED in decision.reason
    is_part = was_halved and near is not None and near.kernel_ids[: len(batch.kernel_ids)] == batch.kernel_ids
    return ReplayedBatch(
        decision=decision,
        size=len(near.kernel_ids) if near else None,
        limit=near.limit if near else None,
        has_same_kernels=same is not None or is_part,
    )


class _Past:
    """Everything a backend's queue ever held."""

    def __init__(self, *, project: Project, backend: str) -> None:
        self.batches = {batch.batch_id: batch for batch in project.ledger.batches(backend=backend)}
        self.kernels = {kernel.kernel_id: kernel for kernel in project.ledger.kernels(backend=backend)}
        self.budgets, self.rule = project.ledger.budgets(), dispatch_policy(project, backend).retry
        self.of_kernel: dict[str, list[BatchRecord]] = defaultdict(list)
        for batch in self.batches.values():  # in order of planning
            for name in batch.kernel_ids:
                self.of_kernel[name].append(batch)

    def split_groups(self, batch: BatchRecord) -> Mapping[str, str]:
        """Return the halves in which a failed batch's kernels came back, where it was split to find a poison kernel."""
        if batch.error_class is None or batch.status is JobStatus.SUCCEEDED or batch.finished_at is None:
            return {}
        failure = Failure(
            error_class=batch.error_class,
            num_kernels=len(batch.kernel_ids),
            failed_attempts=batch.attempt,
            accepted=batch.provider_job_id is not None,
        )
        kind = decide_retry(failure, rule=self.rule, now=batch.finished_at, jitter=0.0).kind
        # Where the provider said which kernel it was, that one failed at once and the others stayed together.
        was_named = any(self._ended_in(batch, self.kernels[name]) for name in batch.kernel_ids)
        return {} if kind is not RetryKind.SPLIT or was_named else halves(batch.kernel_ids, batch_id=batch.batch_id)

    def _ended_in(self, batch: BatchRecord, kernel: QueuedKernel) -> bool:
        return kernel.state is KernelState.FAILED and self.of_kernel[kernel.kernel_id][-1] is batch

    def before(self, batch: BatchRecord) -> _Then:
        """Return the ledger as it was when a batch was planned."""
        return _Then(past=self, at=batch.planned_at, but=batch.batch_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Then:
    """The ledger as it was at a moment; implements `backends.Past`."""

    past: _Past
    at: datetime
    #: The batch that was being decided about.
    but: str

    def situation(self, limit: int) -> Situation:
        active = [batch for batch in self._planned() if not self._is_over(batch)]
        names = [name for batch in active for name in batch.kernel_ids]
        ready = [kernel for kernel in self.past.kernels.values() if self._is_ready(kernel)]
        ready.sort(key=lambda kernel: (kernel.enqueued_at, kernel.kernel_id))
        return Situation(
            now=self.at,
            ready=[self._fresh(kernel) for kernel in ready[:limit]],
            active=active,
            batched=[self.past.kernels[name] for name in names],
            budgets=self._budgets(active),
        )

    def finished(self, backend: str, *, since: datetime) -> Sequence[BatchRecord]:
        del backend
        found = [
            b for b in self._planned() if self._is_over(b) and b.finished_at is not None and b.finished_at >= since
        ]
        return sorted(found, key=lambda batch: (batch.finished_at, batch.batch_id))

    def served(self, backend: str, *, since: datetime) -> Mapping[tuple[WorkClass, str], float]:
        counted = [batch for batch in self._planned() if not self._is_over(batch)]
        counted += [batch for batch in self.finished(backend, since=since) if was_executed(batch)]
        shares: defaultdict[tuple[WorkClass, str], float] = defaultdict(float)
        for batch in counted:
            for name in batch.kernel_ids:
                kernel = self.past.kernels[name]
                shares[kernel.work_class, kernel.team] += kernel.share
        return dict(shares)

    def _planned(self) -> list[BatchRecord]:
        return [b for b in self.past.batches.values() if b.planned_at <= self.at and b.batch_id != self.but]

    def _is_over(self, batch: BatchRecord) -> bool:
        return batch.finished_at is not None and batch.finished_at <= self.at

    def _is_ready(self, kernel: QueuedKernel) -> bool:
        """Tell whether a kernel was in the queue: asked for, in no batch, and without a result."""
        if kernel.enqueued_at > self.at:
            return False
        tries = self.past.of_kernel[kernel.kernel_id]
        before = [batch for batch in tries if batch.planned_at <= self.at and batch.batch_id != self.but]
        if not before:
            return bool(tries) or not kernel.state.is_final
        comes_back = len(before) < len(tries) or kernel.state is KernelState.READY
        return self._is_over(before[-1]) and before[-1].status is not JobStatus.SUCCEEDED and comes_back

    def _budgets(self, active: Sequence[BatchRecord]) -> list[Budget]:
        spent: defaultdict[str, float] = defaultdict(float)
        reserved: defaultdict[str, float] = defaultdict(float)
        for batch in self._planned():
            if self._is_over(batch):
                for name, amount in charges(batch, batch).items():
                    spent[name] += amount
        for batch in active:
            for part in batch.reservations:
                reserved[part.budget_id] += part.amount
        return [
            replace(budget, spent=spent[budget.budget_id], reserved=reserved[budget.budget_id])
            for budget in self.past.budgets
        ]

    def _fresh(self, kernel: QueuedKernel) -> QueuedKernel:
        """Return a kernel as the queue had it; what its later batches left on it is taken off."""
        group = None
        for batch in self.past.of_kernel[kernel.kernel_id]:
            if self._is_over(batch):
                group = self.past.split_groups(batch).get(kernel.kernel_id, group)
        return replace(kernel, state=KernelState.READY, split_group=group, not_before=None)
