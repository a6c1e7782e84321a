"""Objectives of service and latency budgets of a night, measured: what a workload promised, and what it kept.

Put where the figures come from here; what is promised and how it is judged is `control.objectives`'.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.objectives import KernelService, service_outcomes, stage_outcome
from hybrid_assets.model.queue import KernelState
from hybrid_assets.runner.driver import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.control.objectives import Objectives
    from hybrid_assets.model.queue import BatchRecord, QueuedKernel
    from hybrid_assets.model.stages import CheckOutcome, StageOutcome
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project
    from hybrid_assets.settings import Settings

#: Name of the check on a stage's latency budget.
LATENCY_CHECK = "latency_budget"


def service_check_names(objectives: Objectives) -> tuple[str, ...]:
    """Return the names of the checks that `service_checks` makes."""
    return tuple(outcome.name for outcome in service_outcomes(objectives, ()))


def service_checks(
    project: Project, order: Order, kernels: Sequence[Kernel], rows: Sequence[Mapping[str, Any]]
) -> tuple[CheckOutcome, ...]:
    """Return one outcome an objective of service that the workload promises.

    Args:
        project: The project.
        order: The partition's order.
        kernels: All kernels of the partition.
        rows: Their rows of ``quantum_results``.
    """
    objectives = project.settings.objectives(order.cell.workload)
    if not service_check_names(objectives):
        return ()
    return service_outcomes(objectives, list(_services(project, order, kernels, rows)))


def _services(
    project: Project, order: Order, kernels: Sequence[Kernel], rows: Sequence[Mapping[str, Any]]
) -> Iterator[KernelService]:
    names = [kernel.kernel_id for kernel in kernels]
    queued = {kernel.kernel_id: kernel for kernel in project.ledger.kernels(kernel_ids=names)}
    batch_ids = {kernel.batch_id for kernel in queued.values() if kernel.batch_id}
    batches = {b.batch_id: b for b in project.ledger.batches(batch_ids=batch_ids)} if batch_ids else {}
    first = {row["kernel_id"]: row for row in rows if row["row"] == 0}
    now = utc_now()
    for name in names:
        row, kernel = first.get(name), queued.get(name)
        if row is not None:
            batch = batches.get(kernel.batch_id or "") if kernel else None
            yield KernelService(
                source=row["source"],
                turnaround_s=turnaround_s(order, kernel, batch, now=now),
                inputs_age_s=row["inputs_age_s"],
                calibration_age_s=row["calibration_age_s"],
            )


def turnaround_s(order: Order, kernel: QueuedKernel | None, batch: BatchRecord | None, *, now: datetime) -> float:
    """Return the seconds from asking for a kernel to its end, or so far.

    Zero where it was over before this night asked, or where it was never sent.
    """
    if kernel is None:
        return 0.0
    is_over = kernel.state not in {KernelState.READY, KernelState.BATCHED}
    ended_at = (batch.finished_at if batch else None) or now if is_over else now
    return max((ended_at - max(kernel.enqueued_at, order.ordered_at)).total_seconds(), 0.0)


def latency_outcome(project: Project, *, night: str, workload: str, backend: str, stage: str) -> CheckOutcome | None:
    """Return whether a stage that just ended kept its latency budget; None where it has none."""
    record = project.timings.get(night, "stages", f"{workload}.{backend}.{stage}")
    objectives = project.settings.objectives(workload)
    return stage_outcome(objectives, stage, wall_s=record["wall_s"]) if record else None


def has_latency_budget(settings: Settings, key: Sequence[str]) -> bool:
    """Tell whether the stage of an asset has a latency budget."""
    return len(key) > 1 and key[-1] in settings.objectives(key[0]).latency_budget_s


def with_latency(project: Project, night: str, key: Sequence[str], outcome: StageOutcome) -> StageOutcome:
    """Return a finished stage's outcome with the check on its latency budget."""
    backend = key[1] if len(key) == 3 else ""
    check = latency_outcome(project, night=night, workload=key[0], backend=backend, stage=key[-1])
    return outcome if check is None else replace(outcome, checks=(*outcome.checks, check))
