"""Which of a partition's kernels may be bought now, and why the others may not. Asks `control.gates`; adds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybrid_assets.control.gates import UNUSED, GateRules, Phase, gate
from hybrid_assets.model.plans import SweepPlan
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.planning import plan_under_way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.control.gates import GateAnswer, NightUse
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Cell
    from hybrid_assets.runner.planning import PlannedCell
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What a gate lets through of the kernels it was asked about."""

    #: Why nothing may go on before a person has acted; None: it may.
    closed: str | None = None
    #: Kernels that stay out for tonight, each with the reason.
    withheld: Mapping[str, str] = field(default_factory=dict)


FREE = Passage()


def passage(
    project: Project,
    cell: Cell,
    kernels: Sequence[Kernel],
    *,
    planned: Sequence[PlannedCell] | None = None,
    used: NightUse = UNUSED,
) -> Passage:
    """Return what may be bought of a partition's kernels; backends that cost nothing have no gate.

    Args:
        project: The project.
        cell: The partition.
        kernels: What is to be bought.
        planned: The plan they are part of; by default that of the workload's night.
        used: What was let through besides that plan.
    """
    if not kernels or not project.provider(cell.backend).describe().is_metered:
        return FREE
    planned = plan_under_way(project, cell.night, cell.workload) if planned is None else planned
    answer = ask_gate(project, cell.night, cell.workload, planned, used=used)
    if answer.needs_approval and not answer.lets_through:
        return Passage(closed=answer.reason)
    if not answer.lets_through:
        return Passage(withheld=dict.fromkeys((k.kernel_id for k in kernels), answer.reason))
    if answer.max_kernels is None and answer.max_qpu_s is None:
        return FREE
    metered = [pair for one in planned if one.plan.is_metered for pair in zip(one.wanted, one.high, strict=True)]
    first = {kernel.kernel_id for kernel, _ in metered}
    later = [kernel for kernel in kernels if kernel.kernel_id not in first]
    allowed = {kernel.kernel_id for kernel, _ in metered[: answer.allowed(high for _, high in metered)]}
    kept = {kernel.kernel_id for kernel in later[: max((answer.max_kernels or 0) - len(allowed), 0)]}
    out = [kernel.kernel_id for kernel in kernels if kernel.kernel_id not in allowed | kept]
    return Passage(withheld=dict.fromkeys(out, answer.reason))


def ask_gate(
    project: Project, night: str, workload: str, planned: Sequence[PlannedCell], *, used: NightUse = UNUSED
) -> GateAnswer:
    """Return what the gate says about a workload's night."""
    approvals, (_, _, common) = project.settings.approvals, project.workload(workload)
    plan = SweepPlan(night=night, cells=tuple(one.plan for one in planned), made_at=utc_now())
    return gate(
        plan,
        workload,
        approvals=project.ledger.approvals(night=night, workload=workload),
        rules=GateRules(
            approve_over_money=approvals.over_money,
            approve_over_qpu_s=approvals.over_qpu_s,
            limited_qpu_s=approvals.limited_qpu_s,
            limited_kernels=approvals.limited_kernels,
            limited_money=approvals.limited_money,
        ),
        phase=Phase(common.phase),
        now=plan.made_at,
        used=used,
    )
