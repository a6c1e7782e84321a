"""What a person may do to the queue: stop and start a backend, cancel kernels, send failed ones back.

Put interventions here; nothing of them happens by itself. None loses a result that is paid: what a job has finished is
taken home whatever was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError, ProviderError, UsageError
from hybrid_assets.model.jobs import JobHandle, JobStatus
from hybrid_assets.model.queue import BreakerState, KernelState
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import open_orders, orders_of, reopen_order

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hybrid_assets.model.queue import BatchRecord, Breaker, QueuedKernel
    from hybrid_assets.runner.orders import Cell
    from hybrid_assets.runner.project import Project

#: Shorter beginnings of a kernel's id may be another's by chance.
LEAST_ID = 8
_UNFINISHED = (KernelState.READY, KernelState.BATCHED)


def set_breaker(project: Project, backend: str, *, is_open: bool, note: str) -> Breaker:
    """Open a backend's breaker until somebody closes it, or close it whatever opened it."""
    state = BreakerState.OPEN if is_open else BreakerState.CLOSED
    return project.ledger.set_breaker(backend, state=state, reason=note, retry_at=None, now=utc_now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Kernels of a night, of all its workloads and backends or of one."""

    night: str
    workload: str | None = None
    backend: str | None = None

    def holds(self, cell: Cell) -> bool:
        """Tell whether a partition is meant."""
        return (
            cell.night == self.night and self.workload in {None, cell.workload} and self.backend in {None, cell.backend}
        )


# --- sending back


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBack:
    """What became of failed and cancelled kernels."""

    requeued: Sequence[str]
    #: Partitions that are unfinished again and wait for them.
    cells: Sequence[Cell]


def send_back(project: Project, choice: Choice) -> SentBack:
    """Send a night's FAILED and CANCELLED kernels back to the queue, and make their partitions unfinished again.

    Only kernels that a partition still asks for: one that was made anew for a changed target would be paid for nothing.
    """
    requeued: list[str] = []
    cells: list[Cell] = []
    for order in orders_of(project, choice.night):
        if not choice.holds(order.cell):
            continue
        ended = project.ledger.kernels(kernel_ids=order.kernel_ids, states=(KernelState.FAILED, KernelState.CANCELLED))
        if ended:
            reopen_order(project, order.cell)  # before: a kernel in the queue that nobody waits for is not collected
            requeued += project.ledger.requeue([kernel.kernel_id for kernel in ended], now=utc_now())
            cells.append(order.cell)
    return SentBack(requeued=requeued, cells=cells)


# --- cancelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What became of kernels that were to be cancelled."""

    #: Taken out of the queue.
    kernels: Sequence[str]
    #: One sentence a QPU job that was cancelled, or that was not and why.
    jobs: Sequence[str]
    #: Kernels left alone because another night's unfinished partition asks for them too, with that night.
    wanted: Sequence[tuple[str, str]]
    #: Kernels that were over already.
    num_over: int


def chosen_kernels(project: Project, choice: Choice) -> tuple[list[QueuedKernel], list[tuple[str, str]]]:
    """Return a night's unfinished kernels, less those that another night waits for, which come second."""
    ledger, orders = project.ledger, open_orders(project)
    found = ledger.kernels(night=choice.night, workload=choice.workload, backend=choice.backend, states=_UNFINISHED)
    ids = dict.fromkeys(kernel.kernel_id for kernel in found)
    ids |= dict.fromkeys(name for order in orders if choice.holds(order.cell) for name in order.kernel_ids)
    others = {
        name: order.cell.night for order in orders if order.cell.night != choice.night for name in order.kernel_ids
    }
    kernels = ledger.kernels(kernel_ids=[name for name in ids if name not in others], states=_UNFINISHED)
    return list(kernels), [(name, others[name]) for name in ids if name in others]


def named_kernels(project: Project, beginnings: Sequence[str]) -> list[QueuedKernel]:
    """Return the kernels of ids or their beginnings.

    Raises:
        UsageError: A beginning is too short, fits no kernel, or fits several.
    """
    ids: list[str] = []
    for beginning in beginnings:
        if len(beginning) < LEAST_ID:
            raise UsageError(f"{beginning!r} is too short: give at least {LEAST_ID} digits of a kernel's id.")
        found = project.ledger.matching(beginning, limit=2).kernel_ids
        if len(found) != 1:
            raise UsageError(
                f"{'Several kernels begin' if found else 'No kernel begins'} with {beginning!r}. "
                "`hybrid-assets status` and `hybrid-assets show NIGHT` list what there is."
            )
        ids += found
    return list(project.ledger.kernels(kernel_ids=ids))


def cancel(
    project: Project,
    kernels: Sequence[QueuedKernel],
    *,
    wanted: Sequence[tuple[str, str]] = (),
    running_too: bool = False,
) -> Cancelled:
    """Take kernels out of the queue, and cancel the QPU jobs that hold no other unfinished kernel.

    Args:
        project: The project.
        kernels: Which.
        wanted: Handed back as they are.
        running_too: Cancel jobs that run already: what they used is billed all the same, and their results are lost.
    """
    names = {kernel.kernel_id for kernel in kernels}
    ready = [kernel.kernel_id for kernel in kernels if kernel.state is KernelState.READY]
    done = project.ledger.cancel_kernels(ready, now=utc_now())
    batch_ids = {kernel.batch_id for kernel in kernels if kernel.state is KernelState.BATCHED and kernel.batch_id}
    batches = project.ledger.batches(batch_ids=batch_ids) if batch_ids else []
    return Cancelled(
        kernels=done,
        jobs=[_cancel_job(project, batch, names, running_too=running_too) for batch in batches],
        wanted=wanted,
        num_over=sum(kernel.state.is_final for kernel in kernels),
    )


def _cancel_job(project: Project, batch: BatchRecord, names: Collection[str], *, running_too: bool) -> str:
    job_id = batch.provider_job_id or batch.request_id
    left = f"{batch.backend}: job {job_id} goes on"
    if others := [name for name in batch.kernel_ids if name not in names]:
        return f"{left}: {len(others)} of its {len(batch.kernel_ids)} kernels are not to be cancelled."
    if batch.status.is_final:
        return f"{batch.backend}: job {job_id} is over ({batch.status})."
    if batch.provider_job_id is None:
        return f"{left}: it is being submitted ({batch.status}). Cancel again when it has arrived."
    try:
        status = _stop(project, batch, batch.provider_job_id, running_too=running_too)
    except (ProviderError, ConfigurationError) as exc:
        return f"{left}: its provider could not be asked. {exc}"
    if status is None:
        return f"{left}: its provider cannot cancel jobs."
    if status is JobStatus.RUNNING and not running_too:
        what = (
            "goes on: it runs, what it takes is billed, and its results are taken home. "
            "`hybrid-assets cancel` with --running stops it anyway."
        )
    elif status is JobStatus.CANCELLED:
        what = "is cancelled. `hybrid-assets collect` books it."
    else:
        what = f"{'was over already' if status.is_final else 'was asked to stop'} ({status}); what it gave is kept."
    return f"{batch.backend}: job {job_id} {what}"


def _stop(project: Project, batch: BatchRecord, job_id: str, *, running_too: bool) -> JobStatus | None:
    """Cancel a job unless it runs and may go on; return its status, None where its provider cannot."""
    provider = project.provider(batch.backend)
    description = provider.describe()
    if not description.supports_cancel:
        return None
    handle = _handle(description.provider, batch, job_id)
    report = provider.poll(handle)
    if report.status is JobStatus.RUNNING and not running_too:
        return report.status
    return provider.cancel(handle).status


def _handle(provider: str, batch: BatchRecord, job_id: str) -> JobHandle:
    return JobHandle(provider=provider, backend=batch.backend, request_id=batch.request_id, provider_job_id=job_id)
