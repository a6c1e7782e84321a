"""What a night would buy, before it does: kernels, cache hits, seconds, money and a reason for every cell.

Put what makes a plan of settings, inputs and stores here; who lets it through is `control.gates`', asked by `gating`.
Nothing is submitted; what a plan needs and lacks is made on the way, for nothing of it costs money: inputs are
normalized and circuits are compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.control.plans import PlanRules
from hybrid_assets.control.sizing import SizeState, size_for
from hybrid_assets.model.costs import NOTHING, Range, cost_range
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.plans import PlanCell, SweepPlan
from hybrid_assets.protocols import IterativeWorkload
from hybrid_assets.runner.backends import MEMORY, class_sizes, dispatch_policy, size_rules
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.orders import Cell, open_order
from hybrid_assets.runner.queueing import estimates_s
from hybrid_assets.runner.rounds import compiled_kernels, logical_kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell's plan with the kernels it is made of."""

    plan: PlanCell
    #: Kernels that are bought tonight, first round, in the order in which they are asked for.
    wanted: Sequence[Kernel]
    #: The most each of them may be billed, all attempts.
    high_s: Sequence[float]


def plan_night(
    project: Project, night: str, *, workloads: Sequence[str] = (), backends: Sequence[str] = ()
) -> SweepPlan:
    """Return the plan of a night; empty sequences mean all."""
    planned = [
        cell
        for workload in workloads or tuple(project.settings.workloads)
        for cell in plan_workload(project, night, workload)
        if not backends or cell.plan.backend in backends
    ]
    return SweepPlan(night=night, cells=tuple(cell.plan for cell in planned), made_at=utc_now())


def plan_workload(project: Project, night: str, workload: str) -> Sequence[PlannedCell]:
    """Return the plan of a workload on each of its backends."""
    if not project.warehouse.published("normalized_inputs", night=night, workload=workload):
        normalize_inputs(project, night=night, workload=workload)
    cells = [Cell(night=night, workload=workload, backend=b) for b in project.settings.backends_of(workload)]
    return [plan_cell(project, cell) for cell in cells]


def plan_cell(project: Project, cell: Cell) -> PlannedCell:
    """Return the plan of one workload on one backend: the kernels of its first round and what may follow."""
    target = project.target(cell.backend)
    order = open_order(project, cell, calibration_id=target.calibration_id, now=utc_now())
    kernels, misses = _first_round(project, order)
    return plan_kernels(project, order, kernels, misses=misses)


def plan_kernels(project: Project, order: Order, kernels: Sequence[Kernel], *, misses: int = 0) -> PlannedCell:
    """Return the plan of some kernels, ``misses`` of whose circuits were not compiled before.

    Kernels this night has bought already are part of it as long as the night is: a plan must stay the one that was
    approved while it is carried out.
    """
    cell = order.cell
    bought = {k.kernel_id for k in project.ledger.kernels(night=cell.night, workload=cell.workload)}
    wanted = [k for k in kernels if k.kernel_id in bought or not project.results.contains(k.kernel_id)]
    expected_s = estimates_s(project, cell.backend, wanted) if wanted else ()
    qpu_s, (_, _, common) = _qpu_s(project, cell, expected_s), project.workload(cell.workload)
    inputs = project.warehouse.data_version("normalized_inputs", night=cell.night, workload=cell.workload)
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
        money=None if qpu_s is None else qpu_s.times(project.backend(cell.backend).price_per_s),
        reason=_reason(project, cell, wanted, num_bought=sum(k.kernel_id in bought for k in wanted)),
        calibration_id=order.calibration_id,
        inputs_version=inputs or "",
        is_metered=project.provider(cell.backend).describe().is_metered,
        phase=common.phase,
    )
    policy = dispatch_policy(project, cell.backend)
    high_s = [policy.retry.max_attempts * (policy.reserved_overhead_s + each_s) for each_s in expected_s]
    return PlannedCell(plan=plan, wanted=wanted, high_s=high_s)


def _first_round(project: Project, order: Order) -> tuple[list[Kernel], int]:
    """Return the kernels of the first round and how many circuits were not compiled before."""
    cell = order.cell
    kernels: list[Kernel] = []
    compiled: set[str] = set()
    for instance in project.accepted(cell.night, cell.workload):
        found = list(logical_kernels(project, cell.workload, instance, lambda _: None, lambda _: False))
        kernels += compiled_kernels(project, order, instance, found, compiled=compiled)
    return kernels, sum(kernel.facts.compile_key in compiled for kernel in kernels)


def _qpu_s(project: Project, cell: Cell, expected_s: Sequence[float]) -> Range | None:
    if not expected_s:
        return NOTHING
    policy = dispatch_policy(project, cell.backend)
    first = cost_range(
        expected_s,
        overhead_s=policy.overhead_s,
        limits=project.provider(cell.backend).limits(),
        batch_size=next_size(project, cell.backend, expected_s),
        max_attempts=policy.retry.max_attempts,
        bill_step_s=policy.bill_step_s,
    )
    plugin, options, _ = project.workload(cell.workload)
    if first is None or not isinstance(plugin, IterativeWorkload):
        return first
    rounds = plugin.max_rounds(options)
    return Range(low=first.low, likely=first.likely * (1 + rounds) / 2, high=first.high * rounds)


def next_size(project: Project, backend: str, expected_s: Sequence[float]) -> int:
    """Return how many of some kernels, by their expected seconds, the backend's next job would hold at most."""
    policy, rules, plans = dispatch_policy(project, backend), size_rules(project, backend), PlanRules()
    recent = project.ledger.finished(backend, since=utc_now() - MEMORY)
    learned = class_sizes(rules, recent, classify=plans.time_class, reserved_overhead_s=policy.reserved_overhead_s)
    sizes = learned.get(plans.time_class(max(expected_s)), SizeState(rules=rules))
    return size_for(sizes, waiting=len(expected_s), free_slots=policy.slots)


def _reason(project: Project, cell: Cell, wanted: Sequence[Kernel], *, num_bought: int) -> str:
    if not wanted:
        return "Nothing runs: every result is known and may be used again."
    reuse = project.backend(cell.backend).reuse
    why = "these results are not known yet" if reuse == "always" else "the backend's reuse is once a night"
    asked = f"; {num_bought} of them were asked for already" if num_bought else ""
    return f"{len(wanted)} kernels run: {why}{asked}."
