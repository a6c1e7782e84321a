"""Saying yes or no to a plan or a decision, bound to its hash. Put what a word does here; `control` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import UsageError
from hybrid_assets.model.gates import Approval, GateDecision
from hybrid_assets.runner.deciding import decide, decision_of
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.planning import plan_night

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybrid_assets.runner.project import Project

#: Shorter beginnings of a hash say too little about what is approved.
LEAST_HASH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that may be approved."""

    workload: str
    #: ``plan`` or ``decision``.
    kind: str
    plan_hash: str
    parts: Mapping[str, str]


def candidates(project: Project, night: str) -> Iterator[Candidate]:
    """Yield the plans and the decisions of a night as they are now."""
    plan = plan_night(project, night)
    for workload in plan.workloads:
        yield Candidate(workload=workload, kind="plan", plan_hash=plan.hash_of(workload), parts=plan.parts_of(workload))
        made = decision_of(project, night=night, workload=workload)
        yield Candidate(workload=workload, kind="decision", plan_hash=made.plan_hash, parts=made.parts)


def say(
    project: Project,
    *,
    night: str,
    plan_hash: str,
    decision: GateDecision,
    signer: str,
    reason: str,
    valid_s: float | None = None,
) -> tuple[Candidate, Approval]:
    """Record a person's word on what has this hash now; a decision that waited for it is published anew.

    Args:
        project: The project.
        night: Night of the plan.
        plan_hash: The hash or its beginning, at least `LEAST_HASH` digits.
        decision: Yes or no.
        signer: Who says it.
        reason: Why.
        valid_s: How long it holds; None: as long as the plan stays what it is.

    Raises:
        UsageError: Signer or reason is empty, the hash is too short, or nothing has it now.
    """
    if not signer.strip() or not reason.strip():
        raise UsageError("An approval needs a name and a reason: --by NAME --note WHY.")
    if len(plan_hash) < LEAST_HASH:
        raise UsageError(f"{plan_hash!r} is too short: give at least {LEAST_HASH} digits of the plan's hash.")
    known = list(candidates(project, night))
    found = [candidate for candidate in known if candidate.plan_hash.startswith(plan_hash)]
    if not found:
        present = "; ".join(f"{c.kind} of {c.workload} {c.plan_hash[:12]}" for c in known)
        raise UsageError(
            f"No plan and no decision of {night} has the hash {plan_hash} now: calibration, inputs or kernels may have "
            f"changed since. Present ones: {present}."
        )
    now = utc_now()
    approval = Approval(
        night=night,
        workload=found[0].workload,
        plan_hash=found[0].plan_hash,
        decision=decision,
        signer=signer.strip(),
        reason=reason.strip(),
        decided_at=now,
        expires_at=None if valid_s is None else now + timedelta(seconds=valid_s),
        parts=dict(found[0].parts),
    )
    project.ledger.record_approval(approval)
    if found[0].kind == "decision" and project.warehouse.published(
        "decisions", night=night, workload=approval.workload
    ):
        decide(project, night=night, workload=approval.workload)
    return found[0], approval
