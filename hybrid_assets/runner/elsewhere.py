"""The rung `other_backend`: kernels made for another backend and asked for there.

Put what makes another backend's kernels of one's here. They pass its gate and its queue as any kernel does, and stay
there when nobody waits any longer: whoever asks again finds their results.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import CompilationError, ConfigurationError, ProviderError
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.gating import passage
from hybrid_assets.runner.orders import Cell, Order, keep_order, open_order
from hybrid_assets.runner.queueing import ask_for, wait_for
from hybrid_assets.runner.rounds import compiled_kernels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.project import Project

    Answers = Mapping[str, KernelResult | float | str]


def ask_elsewhere(
    project: Project, order: Order, kernels: Sequence[Kernel], *, backend: str, until: datetime | None
) -> tuple[Order, Answers]:
    """Ask another backend for kernels.

    Args:
        project: The project.
        order: The order of the backend that does not answer.
        kernels: What it does not answer.
        backend: The other one.
        until: When to stop waiting; by default after the other backend's ``wait_s``.

    Returns:
        The order, which now knows under which calibration the other backend was asked, so that a later look buys
        nothing again; and for each kernel its result, or why there is none in words without a period.
    """
    try:
        order, there = _order_there(project, order, backend)
        others = _made_there(project, there, kernels)
        refused = _bought(project, there, list(others.values()), until=until)
    except (ProviderError, CompilationError, ConfigurationError) as exc:
        return order, {kernel.kernel_id: str(exc).rstrip(".") for kernel in kernels}
    answers: dict[str, KernelResult | float | str] = {}
    for name, other in others.items():
        result = project.results.get(other.kernel_id)
        answers[name] = result or refused.get(other.kernel_id) or "it did not answer in time"
    return order, answers


def _order_there(project: Project, order: Order, backend: str) -> tuple[Order, Order]:
    """Return the order with the calibration under which the other backend is asked, and the order to ask there."""
    cell, now = replace(order.cell, backend=backend), utc_now()
    pinned = order.elsewhere.get(backend)
    if pinned is None:
        # Kernels that its own partition waits for are the same ones, as long as the calibration is.
        pinned = open_order(
            project, cell, calibration_id=project.target(backend).calibration_id, now=now
        ).calibration_id
        order = replace(order, elsewhere={**order.elsewhere, backend: pinned})
        keep_order(project, order)
    there = Order(cell=cell, calibration_id=pinned, ordered_at=order.ordered_at, inputs_at=order.inputs_at)
    return order, there


def _made_there(project: Project, there: Order, kernels: Sequence[Kernel]) -> dict[str, Kernel]:
    """Return the other backend's kernels by the ids of those they stand for."""
    made: dict[str, Kernel] = {}
    instances = {kernel.instance.name: kernel.instance for kernel in kernels}
    for name, instance in instances.items():
        ours = [kernel for kernel in kernels if kernel.instance.name == name]
        theirs = compiled_kernels(project, there, instance, [kernel.template.logical for kernel in ours])
        made |= {kernel.kernel_id: other for kernel, other in zip(ours, theirs, strict=True)}
    return made


def _bought(project: Project, there: Order, kernels: Sequence[Kernel], *, until: datetime | None) -> Mapping[str, str]:
    """Ask for those whose results are not known and wait; return why kernels were not asked for."""
    missing = [kernel for kernel in kernels if not project.results.contains(kernel.kernel_id)]
    refused = _refused(project, there.cell, missing)
    asked = [kernel for kernel in missing if kernel.kernel_id not in refused]
    if asked:
        ask_for(project, there, asked)
        end = until or utc_now() + timedelta(seconds=project.backend(there.cell.backend).wait_s)
        waiting = wait_for(project, there.cell.backend, {kernel.kernel_id for kernel in asked}, until=end)
        failed = project.ledger.kernels(kernel_ids=[kernel.kernel_id for kernel in asked])
        on_their_way = {kernel.kernel_id for kernel in waiting}
        refused |= {
            kernel.kernel_id: (kernel.error_message or "it failed as well").rstrip(".")
            for kernel in failed
            if kernel.kernel_id not in on_their_way
        }
    return refused


def _refused(project: Project, cell: Cell, kernels: Sequence[Kernel]) -> dict[str, str]:
    """Return which kernels its gate does not let through, and why; what no plan covers costs nothing or is refused."""
    is_planned = cell.backend in project.settings.backends_of(cell.workload)
    if project.provider(cell.backend).describe().is_metered and not is_planned:
        reason = f"it costs money and is not among the backends of {cell.workload}, so no plan covers it"
        return dict.fromkeys((kernel.kernel_id for kernel in kernels), reason)
    answer = passage(project, cell, kernels)
    if answer.closed is not None:
        return dict.fromkeys((kernel.kernel_id for kernel in kernels), answer.closed.rstrip("."))
    return {name: reason.rstrip(".") for name, reason in answer.withheld.items()}
