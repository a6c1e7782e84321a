"""A night at a glance: kernels by state, jobs on their way, breakers, published rows. Put what `status` shows here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.model.queue import BreakerState, KernelState
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.executing import pending_sentence
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.queueing import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.queue import BatchRecord
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """One workload on one backend."""

    workload: str
    backend: str
    #: Kernels by state; states without any are left out.
    states: Mapping[KernelState, int]
    #: Jobs on their way, with the age of the oldest in seconds; None: there is none.
    num_jobs: int
    oldest_s: float | None
    #: Published rows of results; None: nothing is published.
    rows: int | None
    #: What it waits for; None: for nothing.
    pending: str | None

    @property
    def is_under_way(self) -> bool:
        """Whether a kernel waits or is on its way."""
        return any(self.states.get(state) for state in (KernelState.READY, KernelState.BATCHED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A night at a moment."""

    night: str
    cells: Sequence[CellView]
    #: One sentence a breaker that is not closed.
    breakers: Sequence[str]

    @property
    def is_under_way(self) -> bool:
        """Whether anything of it waits or is on its way."""
        return any(cell.is_under_way or cell.pending for cell in self.cells)


def overview(project: Project, night: str) -> Overview:
    """Return a night as it is now; cheap enough to be asked every few seconds."""
    pending = {
        str(order.cell): pending_sentence(order.cell, waiting)
        for order in open_orders(project)
        if order.cell.night == night and (waiting := unfinished(project, order.kernel_ids))
    }
    return Overview(
        night=night, cells=list(_cells(project, night, pending, utc_now())), breakers=list(_breakers(project))
    )


def _cells(project: Project, night: str, pending: Mapping[str, str], now: datetime) -> Iterator[CellView]:
    for workload in project.settings.workloads:
        for backend in project.settings.backends_of(workload):
            partition = {"night": night, "workload": workload, "backend": backend}
            states = project.ledger.count_kernels(**partition)
            jobs: Sequence[BatchRecord] = ()
            if states.get(KernelState.BATCHED):
                active = project.ledger.batches(night=night, workload=workload, active_only=True)
                jobs = [batch for batch in active if batch.backend == backend]
            is_published = project.warehouse.published("quantum_results", **partition)
            yield CellView(
                workload=workload,
                backend=backend,
                states=states,
                num_jobs=len(jobs),
                oldest_s=max(((now - (b.submitted_at or b.planned_at)).total_seconds() for b in jobs), default=None),
                rows=project.warehouse.read("quantum_results", columns=["row"], **partition).num_rows
                if is_published
                else None,
                pending=pending.get(f"{workload}/{backend}"),
            )


def _breakers(project: Project) -> Iterator[str]:
    for backend in project.settings.backends:
        breaker = project.ledger.breaker(backend)
        if breaker.state is not BreakerState.CLOSED:
            until = f" until {breaker.retry_at:%H:%M:%S} UTC" if breaker.retry_at else ""
            yield f"{backend}: breaker {breaker.state}{until}: {breaker.reason}"
