"""What a night would buy, before it does: kernels, cache hits, seconds, money and a reason for every cell.

Put what makes a plan of settings, inputs and stores here; who lets it through is `control.gates`', asked by `gating`.
Nothing is submitted and nothing is published; circuits that a plan lacks are compiled on the way, for that costs no
money. A look at a night reads the inputs as they are now, as running it would; a night under way goes by what it has
published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import CredentialsError, TransientProviderError
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.plans import PlanCell, SweepPlan
from hybrid_assets.model.text import plural
from hybrid_assets.runner.backends import dispatch_policy
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.normalizing import inputs_now
from hybrid_assets.runner.orders import Cell, open_order
from hybrid_assets.runner.pricing import most_of, night_cost
from hybrid_assets.runner.queueing import estimates
from hybrid_assets.runner.rounds import compiled_kernels, logical_kernels
from hybrid_assets.runner.unseen import plan_unseen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell's plan with the kernels it is made of."""

    plan: PlanCell
    #: Kernels that are bought tonight, first round, in the order in which they are asked for.
    wanted: Sequence[Kernel]
    #: The most each of them may be billed, all attempts: seconds and money.
    high: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedInputs:
    """What a plan of a workload's night is made of."""

    instances: Sequence[ProblemInstance]
    #: Data version of the normalized inputs.
    version: str
    #: When they were read; None: when they were published.
    read_at: datetime | None = None


def plan_night(
    project: Project, night: str, *, workloads: Sequence[str] = (), backends: Sequence[str] = ()
) -> SweepPlan:
    """Return the plan of running a night now; empty sequences mean all."""
    planned = [
        cell
        for workload in workloads or tuple(project.settings.workloads)
        for cell in plan_workload(project, night, workload)
        if not backends or cell.plan.backend in backends
    ]
    return SweepPlan(night=night, cells=tuple(cell.plan for cell in planned), made_at=utc_now())


def plan_workload(project: Project, night: str, workload: str) -> Sequence[PlannedCell]:
    """Return the plan of running a workload's night now, on each of its backends: inputs are read as they are.

    Raises:
        ConfigurationError: The glob matches no file.
        CheckFailedError: Two files would be instances of the same name.
    """
    read = inputs_now(project, night=night, workload=workload)
    instances = project.instances_of(read.rows)
    found = PlannedInputs(instances=instances, version=read.data_version, read_at=utc_now())
    return _plan_cells(project, night, workload, found)


def plan_under_way(project: Project, night: str, workload: str) -> Sequence[PlannedCell]:
    """Return the plan of a workload's night that is being run, by the inputs that it has published.

    Raises:
        ConfigurationError: It has published none.
    """
    instances = project.accepted(night, workload)
    found = PlannedInputs(instances=instances, version=_published_version(project, night, workload))
    return _plan_cells(project, night, workload, found)


def _plan_cells(project: Project, night: str, workload: str, inputs: PlannedInputs) -> Sequence[PlannedCell]:
    cells = [Cell(night=night, workload=workload, backend=b) for b in project.settings.backends_of(workload)]
    return [_plan_cell(project, cell, inputs) for cell in cells]


def _plan_cell(project: Project, cell: Cell, inputs: PlannedInputs) -> PlannedCell:
    """Return the plan of one workload on one backend: the kernels of its first round and what may follow."""
    try:
        calibration_id = project.target(cell.backend).calibration_id
    except (TransientProviderError, CredentialsError) as exc:
        plan = plan_unseen(project, cell, inputs.instances, inputs_version=inputs.version, why=str(exc))
        return PlannedCell(plan=plan, wanted=(), high=())
    order = open_order(project, cell, calibration_id=calibration_id, now=utc_now(), inputs_at=inputs.read_at)
    kernels, misses = _first_round(project, order, inputs.instances)
    return plan_kernels(project, order, kernels, misses=misses, inputs_version=inputs.version)


def _published_version(project: Project, night: str, workload: str) -> str:
    return project.warehouse.data_version("normalized_inputs", night=night, workload=workload) or ""


def plan_kernels(
    project: Project, order: Order, kernels: Sequence[Kernel], *, misses: int = 0, inputs_version: str | None = None
) -> PlannedCell:
    """Return the plan of some kernels, ``misses`` of whose circuits were not compiled before.

    Without ``inputs_version`` they are of the inputs that their night has published. Kernels this night has bought
    already are part of it as long as the night is: a plan must stay the one that was approved while it is carried out.
    """
    cell = order.cell
    bought = {k.kernel_id for k in project.ledger.kernels(night=cell.night, workload=cell.workload)}
    known = {k.kernel_id for k in kernels if project.results.contains(k.kernel_id)}
    wanted = [k for k in kernels if k.kernel_id in bought or k.kernel_id not in known]
    num_done = sum(k.kernel_id in known for k in wanted)
    costs = estimates(project, cell.backend, wanted) if wanted else ()
    (qpu_s, money), (_, _, common) = night_cost(project, cell, costs), project.workload(cell.workload)
    if inputs_version is None:
        inputs_version = _published_version(project, cell.night, cell.workload)
    plan = PlanCell(
        night=cell.night,
        workload=cell.workload,
        backend=cell.backend,
        instances=len({kernel.instance.name for kernel in kernels}),
        kernels=len(kernels),
        cached_kernels=len(kernels) - len(wanted),
        new_kernels=len(wanted),
        kernels_hash=fingerprint(sorted(kernel.kernel_id for kernel in wanted)),
        compile_hits=len(kernels) - misses,
        compile_misses=misses,
        shots=sum(k.template.slot_values.shape[0] * k.template.logical.shots for k in wanted),
        qpu_s=qpu_s,
        money=money,
        reason=_reason(
            project.backend(cell.backend).reuse,
            num_kernels=len(kernels),
            num_wanted=len(wanted),
            num_done=num_done,
            num_bought=sum(k.kernel_id in bought for k in wanted),
        ),
        calibration_id=order.calibration_id,
        inputs_version=inputs_version,
        is_metered=project.provider(cell.backend).describe().is_metered,
        phase=common.phase,
        done_kernels=num_done,
    )
    policy = dispatch_policy(project, cell.backend)
    return PlannedCell(plan=plan, wanted=wanted, high=[most_of(policy, cost) for cost in costs])


def _first_round(project: Project, order: Order, instances: Sequence[ProblemInstance]) -> tuple[list[Kernel], int]:
    """Return the kernels of the first round and how many circuits were not compiled before."""
    cell = order.cell
    kernels: list[Kernel] = []
    compiled: set[str] = set()
    for instance in instances:
        found = list(logical_kernels(project, cell.workload, instance, lambda _: None, lambda _: False))
        kernels += compiled_kernels(project, order, instance, found, compiled=compiled)
    return kernels, sum(kernel.facts.compile_key in compiled for kernel in kernels)


def _reason(reuse: str, *, num_kernels: int, num_wanted: int, num_done: int, num_bought: int) -> str:
    if not num_kernels:
        return "Nothing runs: every input was refused."
    if num_done == num_wanted:
        return "Nothing runs: every result is known and may be used again."
    why = "these results are not known yet" if reuse == "always" else "the backend's reuse is once a night"
    asked = f"; {num_bought} of them were asked for already" if num_bought else ""
    return f"{plural(num_wanted, 'kernel')} to run: {why}{asked}."
