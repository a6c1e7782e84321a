"""Going on with what is under way: drive every backend a little, and tell which partitions can be finished.

Put what sensor and command share here; materializing the partitions is theirs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError, ProviderError
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.queue import KernelState
from hybrid_assets.runner.answering import may_be_substituted
from hybrid_assets.runner.backends import MEMORY, drive
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.queueing import unfinished
from hybrid_assets.runner.recalibrating import latest_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from hybrid_assets.runner.orders import Cell, Order
    from hybrid_assets.runner.project import Project


#: Assets that join all partitions of a night, and follow whenever one of them is published.
JOINING = ("control/job_attempts", "control/stage_timings", "report/nightly_report")
#: Pause between two rounds while another process holds what is under way.
LEAST_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An unfinished partition."""

    cell: Cell
    #: Kernels of it that are in the queue or on their way.
    num_waiting: int
    #: Whether nothing of it is published and all it waits for is late, so that its ladder may answer meanwhile.
    is_late: bool
    #: Changes whenever the partition asks for other kernels, or somebody approves or rejects them.
    order_id: str


def collect(project: Project, *, wait_s: float, backends: Sequence[str] = ()) -> Sequence[str]:
    """Drive backends that have work, each for at most ``wait_s``; return one sentence for each that could not be."""
    troubles = []
    for backend in backends or tuple(project.settings.backends):
        if not _has_work(project, backend):
            continue
        try:
            _follow(project, backend, until=utc_now() + timedelta(seconds=wait_s))
        except (ConfigurationError, ProviderError) as exc:
            troubles.append(f"{backend}: {exc}")
    return troubles


def progress(project: Project) -> Iterator[Progress]:
    """Yield every unfinished partition that the settings still have."""
    for order in open_orders(project):
        workload, backend = order.cell.workload, order.cell.backend
        if workload in project.settings.workloads and backend in project.settings.backends_of(workload):
            waiting = unfinished(project, order.kernel_ids)
            yield Progress(
                cell=order.cell,
                num_waiting=len(waiting),
                is_late=may_be_substituted(project, order, waiting),
                order_id=_order_id(project, order),
            )


def uncompared(project: Project, *, for_s: float = 0.0) -> Iterator[Cell]:
    """Yield partitions whose results were published by a process that died before it compared them.

    Args:
        project: The project.
        for_s: Only those whose results are that old, in seconds: younger ones may be compared just now.
    """
    for cell in latest_cells(project, None, "quantum_results"):
        # The rest of a night whose rivals were not solved was never asked for.
        is_asked = project.warehouse.published("classical_baselines", night=cell.night, workload=cell.workload)
        is_behind = project.warehouse.is_older("comparisons", "quantum_results", **cell.partition)
        if is_asked and is_behind and project.warehouse.age_s("quantum_results", **cell.partition) >= for_s:
            yield cell


def _follow(project: Project, backend: str, *, until: datetime) -> None:
    """Drive a backend until ``until``, or until nothing of it can move before that."""
    while True:
        drive(project, backend, until=until)
        now = utc_now()
        under_way = project.ledger.batches(backend=backend, active_only=True)
        moves_at = min((batch.next_at or now for batch in under_way), default=until)
        if max(moves_at, now) >= until:
            return
        time.sleep(max((moves_at - now).total_seconds(), LEAST_PAUSE_S))


def _order_id(project: Project, order: Order) -> str:
    said = len(project.ledger.approvals(night=order.cell.night, workload=order.cell.workload))
    return fingerprint([*order.kernel_ids, order.ordered_at.isoformat(), said])[:16]


def _has_work(project: Project, backend: str) -> bool:
    """Tell whether anything is queued, on its way, or still to be searched for duplicates."""
    counts = project.ledger.count_kernels(backend=backend)
    if counts.get(KernelState.READY) or counts.get(KernelState.BATCHED):
        return True
    recent = project.ledger.finished(backend, since=utc_now() - MEMORY)
    return any(batch.sent_at is not None and batch.audited_at is None for batch in recent)
