"""Kernels on their way through the queue: asking for them once, and waiting for them with an end.

Put what makes a queued kernel of a compiled one here; driving the backend is `backends`'.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.jobs import JobRequest
from hybrid_assets.model.queue import BreakerState, BudgetUnit, KernelState, QueuedKernel, WorkClass
from hybrid_assets.runner.backends import drive
from hybrid_assets.runner.driver import WRITERS, utc_now
from hybrid_assets.runner.kernels import pub
from hybrid_assets.runner.placing import cached
from hybrid_assets.storage.payloads import KernelPayload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from hybrid_assets.model.jobs import Pub
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project

#: Kernels written in one transaction.
CHUNK = 1000
#: Pauses between two looks at kernels that other processes drive.
PAUSE_FIRST_S, PAUSE_LAST_S, PAUSE_GROWTH = 0.02, 2.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who pays for kernels, and whose turn they have."""

    team: str
    work_class: WorkClass
    #: Kernels of another value never share a job with these; empty: whoever is alike may.
    apart: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCost:
    """What a kernel is expected to add to the bill of its job."""

    expected_s: float
    #: None where the provider bills seconds.
    expected_money: float | None = None


def ask_for(project: Project, order: Order, kernels: Sequence[Kernel], *, terms: Terms | None = None) -> None:
    """Enqueue kernels whose results are not stored; those in the queue already stay as they are.

    What a kernel needs is on disk before it is in the queue. One whose stored result was lost is executed again.

    Args:
        project: The project.
        order: Their order.
        kernels: Which.
        terms: By default those of the order's workload in the settings.
    """
    terms = terms or _terms_of(project, order.cell.workload)
    open_budgets(project, order.cell.night)
    ledger, now = project.ledger, utc_now()
    for start in range(0, len(kernels), CHUNK):
        chunk = kernels[start : start + CHUNK]
        queued = list(_queued(project, order, chunk, terms=terms, now=now))
        new = ledger.enqueue(queued)
        if new < len(queued):
            ledger.requeue([k.kernel_id for k in _lost(project, [k.kernel_id for k in queued])], now=now, lost=True)


def _terms_of(project: Project, workload: str) -> Terms:
    _, _, common = project.workload(workload)
    return Terms(team=common.team, work_class=WorkClass(common.class_))


def wait_for(
    project: Project,
    backend: str,
    kernel_ids: Collection[str],
    *,
    until: datetime,
    is_vain: Callable[[Sequence[QueuedKernel]], bool] = lambda _waiting: False,
) -> list[QueuedKernel]:
    """Drive a backend until all of these kernels are final, nothing moves before ``until``, or it is ``until``.

    Args:
        project: The project.
        backend: Which.
        kernel_ids: Which kernels are waited for.
        until: How long at most.
        is_vain: Tells of the kernels that wait that waiting longer is of no use.

    Returns:
        The kernels that are not final.
    """
    pause_s = PAUSE_FIRST_S
    waiting = unfinished(project, kernel_ids)
    while waiting:
        before = len(waiting)
        drive(project, backend, until=until)
        waiting = unfinished(project, kernel_ids)
        if not waiting or is_vain(waiting) or max(moves_at(project, backend, waiting), utc_now()) >= until:
            break
        pause_s = PAUSE_FIRST_S if len(waiting) < before else min(pause_s * PAUSE_GROWTH, PAUSE_LAST_S)
        time.sleep(min(pause_s, max((until - utc_now()).total_seconds(), 0.0)))
    return waiting


def unfinished(project: Project, kernel_ids: Collection[str]) -> list[QueuedKernel]:
    """Return those of some kernels that are in the queue or on their way."""
    waiting = (KernelState.READY, KernelState.BATCHED)
    return list(project.ledger.kernels(kernel_ids=kernel_ids, states=waiting))


def open_budgets(project: Project, night: str) -> None:
    """Make the budgets of a night and of this month as the settings have them; what was spent stays.

    The newest word counts: a limit that a person set by hand stays until that limit is changed in the settings.
    """
    month, known = f"{utc_now():%Y-%m}", {budget.budget_id for budget in project.ledger.budgets()}
    for budget in project.settings.budgets:
        window = night if budget.per == "night" else month
        for unit in BudgetUnit:
            if (limit := getattr(budget, unit.value)) is None:
                continue
            name, said = budget_id(budget.team, window, unit), (window, "budgets", f"{budget.team}.{unit.value}")
            before = project.numbers.get(*said)
            if name not in known or (before is not None and before["limit"] != limit):
                project.ledger.set_budget(name, team=budget.team, window=window, unit=unit, limit=limit)
            if before is None or before["limit"] != limit:
                project.numbers.put(*said, {"limit": limit})


def budget_id(team: str, window: str, unit: BudgetUnit) -> str:
    """Return the name of a team's budget of a night or a month."""
    return f"{team}/{window}/{unit.value}"


def moves_at(project: Project, backend: str, waiting: Sequence[QueuedKernel]) -> datetime:
    """Return when the first of some kernels may move; far off when only a person can move them."""
    breaker, now = project.ledger.breaker(backend), utc_now()
    is_paused = breaker.state is BreakerState.OPEN and breaker.retry_at is None
    ready = [k.not_before or now for k in waiting if k.state is KernelState.READY and not is_paused]
    if breaker.state is BreakerState.OPEN and breaker.retry_at is not None:
        ready = [max(at, breaker.retry_at) for at in ready]
    batch_ids = {k.batch_id for k in waiting if k.state is KernelState.BATCHED and k.batch_id}
    batches = project.ledger.batches(batch_ids=batch_ids) if batch_ids else []
    return min([*ready, *(batch.next_at or now for batch in batches)], default=now + timedelta(days=1))


def _lost(project: Project, kernel_ids: Sequence[str]) -> Iterator[QueuedKernel]:
    for kernel in project.ledger.kernels(kernel_ids=kernel_ids, states=(KernelState.DONE,)):
        if not project.results.contains(kernel.kernel_id):
            yield kernel


def estimates(project: Project, backend: str, kernels: Sequence[Kernel]) -> Sequence[KernelCost]:
    """Return what each kernel is expected to add to the bill of its job."""
    return costs_of(project, backend, [_pub(project, kernel) for kernel in kernels])


def _pub(project: Project, kernel: Kernel) -> Pub:
    return pub(
        kernel.kernel_id,
        cached(project, kernel.facts.compile_key),
        slot_values=kernel.template.slot_values,
        shots=kernel.template.logical.shots,
    )


def costs_of(project: Project, backend: str, pubs: Sequence[Pub]) -> Sequence[KernelCost]:
    """Return what each PUB is expected to add to the bill of its job."""
    provider = project.provider(backend)
    job = provider.describe()
    estimate = provider.estimate(JobRequest(request_id="estimate", backend=backend, pubs=tuple(pubs)))
    each_s = _each(estimate.pubs_s, estimate.qpu_s - job.job_overhead_s, len(pubs))
    if job.job_overhead_money is None:
        return [KernelCost(expected_s=seconds) for seconds in each_s]
    each = _each(estimate.pubs_money, estimate.money - job.job_overhead_money, len(pubs))
    return [KernelCost(expected_s=s, expected_money=money) for s, money in zip(each_s, each, strict=True)]


def _each(known: Sequence[float], together: float, size: int) -> Sequence[float]:
    """Return the PUBs' parts of a job apart from its overhead: as the provider knows them, else equal ones."""
    return known if len(known) == size else [max(together, 0.0) / max(size, 1)] * size


def _queued(
    project: Project, order: Order, kernels: Sequence[Kernel], *, terms: Terms, now: datetime
) -> Iterator[QueuedKernel]:
    cell, provider = order.cell, project.provider(order.cell.backend)
    alike = [order.calibration_id, provider.describe().identity, *([terms.apart] if terms.apart else [])]
    pubs = [_pub(project, kernel) for kernel in kernels]
    present = project.target(cell.backend).calibration_id
    costs = costs_of(project, cell.backend, pubs)
    with ThreadPoolExecutor(WRITERS) as writers:
        payloads = [
            KernelPayload(pub=wanted, compiled_calibration_id=kernel.facts.calibration_id, asked_calibration_id=present)
            for kernel, wanted in zip(kernels, pubs, strict=True)
        ]
        list(writers.map(project.payloads.put, payloads))
    for kernel, wanted, cost in zip(kernels, pubs, costs, strict=True):
        logical = kernel.template.logical
        yield QueuedKernel(
            kernel_id=kernel.kernel_id,
            backend=cell.backend,
            night=cell.night,
            workload=cell.workload,
            instance=logical.instance,
            label=logical.label,
            correlation_id=kernel.correlation_id(cell),
            team=terms.team,
            work_class=terms.work_class,
            group=fingerprint(alike)[:16],
            rows=int(wanted.values.shape[0]),
            shots=wanted.shots,
            payload_bytes=len(wanted.payload) + int(wanted.values.nbytes),
            expected_s=cost.expected_s,
            expected_money=cost.expected_money,
            state=KernelState.READY,
            enqueued_at=now,
            inputs_at=order.inputs_at,
        )
