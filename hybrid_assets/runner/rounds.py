"""The kernels of a partition, round after round: what the first asks for, and what results make of the next.

Put the walk over rounds here. Nothing of it is stored: rounds follow from the stored results of those before, so that a
crash between two of them loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.errors import CompilationError
from hybrid_assets.protocols import IterativeWorkload
from hybrid_assets.runner.kernels import Kernel, kernel_id, template_of
from hybrid_assets.runner.orders import Pin
from hybrid_assets.runner.placing import cached, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult, ProviderDescription
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.kernels import Template
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project

#: More rounds than any workload needs: one that asks for another for ever must not run for ever.
MAX_ROUNDS = 1000
#: What `Kernel.repetition` ends with where the policy ``rerun`` has a kernel executed once more.
AGAIN = "+rerun"


def logical_kernels(
    project: Project,
    workload: str,
    instance: ProblemInstance,
    result_of: Callable[[LogicalKernel], KernelResult | None],
    is_asked: Callable[[LogicalKernel], bool],
) -> Iterator[LogicalKernel]:
    """Yield an instance's kernels of all rounds, as far as results are known.

    Args:
        project: The project.
        workload: Name of the workload.
        instance: The instance.
        result_of: Returns the result of a kernel that is over; None: it ended without one.
        is_asked: Whether a kernel is over; the walk ends after a round with one that is not.

    Raises:
        CompilationError: Two kernels share a label, or the rounds do not end.
    """
    plugin, options, common = project.workload(workload)
    limits = {"max_qubits": common.max_qubits, "shots": common.shots}
    current = project.first_kernels(workload, instance)
    labels: set[str] = set()
    history: list[list[tuple[LogicalKernel, KernelResult]]] = []
    while current:
        for logical in current:
            if logical.label in labels:
                raise CompilationError(f"{workload}/{instance.name}: two kernels are labelled {logical.label!r}.")
            labels.add(logical.label)
            yield logical
        if not isinstance(plugin, IterativeWorkload) or not all(map(is_asked, current)):
            return
        if len(history) >= MAX_ROUNDS:
            raise CompilationError(f"{workload}/{instance.name}: still no end after {MAX_ROUNDS} rounds.")
        found = [(logical, result_of(logical)) for logical in current]
        history.append([(logical, result) for logical, result in found if result is not None])
        current = plugin.next_round(instance, options=options, **limits, history=history)


def compiled_kernels(
    project: Project,
    order: Order,
    instance: ProblemInstance,
    found: Sequence[LogicalKernel],
    *,
    compiled: set[str] | None = None,
    repetition: str | None = None,
) -> list[Kernel]:
    """Return kernels with their ids; what the circuit cache lacks is compiled, and its keys join ``compiled``.

    Under the policy ``rerun``, one whose result ran under another calibration than it was asked for has another id,
    once: so it is executed again, and whoever makes its id later finds that result.

    Args:
        project: The project.
        order: Their order.
        instance: The instance they belong to.
        found: The logical kernels.
        compiled: Takes the keys of circuits that were compiled just now.
        repetition: Part of their ids; by default what the backend's ``reuse`` asks for.
    """
    cell = order.cell
    provider, options = project.provider(cell.backend), project.compile_options(cell.backend)
    target, description = project.target(cell.backend), provider.describe()
    if repetition is None:
        repetition = f"night:{cell.night}" if project.backend(cell.backend).reuse == "night" else ""
    renews = project.backend(cell.backend).on_recalibration == "rerun"
    templates = [template_of(logical, target=target, options=options) for logical in found]
    placed = place(project, cell.backend, templates, target=target, options=options)
    if compiled is not None:
        compiled.update(placed.misses)
    kernels = []
    for template in templates:
        pin = order.pins.get(f"{instance.name}/{template.logical.label}")
        if pin is None or not project.circuits.contains(pin.compile_key):
            placement = placed.by_key[template.key.digest]
            pin = Pin(compile_key=placement.compile_key, calibration_id=placement.calibration_id)
        kernel = _kernel(project, instance, template, pin, backend=description, repetition=repetition)
        if renews and is_overtaken(project, kernel):
            kernel = _kernel(project, instance, template, pin, backend=description, repetition=f"{repetition}{AGAIN}")
        kernels.append(kernel)
    return kernels


def is_overtaken(project: Project, kernel: Kernel) -> bool:
    """Tell whether a kernel's stored result ran under another calibration than it was asked for."""
    result = project.results.get(kernel.kernel_id)
    return result is not None and result.ran_under_another


def _kernel(
    project: Project,
    instance: ProblemInstance,
    template: Template,
    pin: Pin,
    *,
    backend: ProviderDescription,
    repetition: str,
) -> Kernel:
    facts = cached(project, pin.compile_key).facts
    identity = kernel_id(
        facts=facts,
        slot_values=template.slot_values,
        shots=template.logical.shots,
        backend=backend,
        calibration_id=pin.calibration_id,
        repetition=repetition,
    )
    return Kernel(
        kernel_id=identity,
        instance=instance,
        template=template,
        facts=facts,
        calibration_id=pin.calibration_id,
        repetition=repetition,
    )
