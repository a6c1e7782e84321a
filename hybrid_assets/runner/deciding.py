"""Stage `decisions`: from the verdicts of all backends, and what people said, to what downstream may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.deciding import decide_use, settle
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.driver import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.control.deciding import Decision
    from hybrid_assets.model.gates import Approval
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one backend's comparisons say, in place of what is published."""

    verdict: Mapping[str, Any]
    #: Data version of the comparisons.
    version: str


def decision_of(
    project: Project, *, night: str, workload: str, instead: Mapping[str, Evidence] | None = None
) -> Decision:
    """Return what the policy decides from the verdicts that are published now, or for some backends from others."""
    partition, other = {"night": night, "workload": workload}, instead or {}
    verdicts: list[Mapping[str, Any]] = []
    for backend in _answered(project, night, workload):
        if backend in other:
            verdicts.append(other[backend].verdict)
        else:
            verdicts += project.warehouse.read_rows("verdicts", **partition, backend=backend)
    versions = _versions(project, night, workload) | {backend: found.version for backend, found in other.items()}
    return decide_use(verdicts, basis={**partition, "versions": versions})


def decide(project: Project, *, night: str, workload: str) -> StageOutcome:
    """Decide from the published verdicts, with what people said about exactly this decision, and publish one row.

    Backends whose results are not there yet are named; when they come, it is decided again.
    """
    with project.timed(night, workload, "decisions"):
        partition = {"night": night, "workload": workload}
        approvals = project.ledger.approvals(**partition)
        decision = decision_of(project, night=night, workload=workload)
        row = decision_row(project, decision, approvals, **partition, now=utc_now())
        outcomes = (
            checks.unique([row], key=("workload",)),
            checks.schema(project.warehouse, "decisions", [row], partition),
        )
        checks.require(outcomes, what=f"{workload}/decisions of {night}")
        published = project.warehouse.publish("decisions", [row], partition=partition)
        said = [
            {
                **partition,
                "plan_hash": one.plan_hash,
                "decision": one.decision.value,
                "signer": one.signer,
                "reason": one.reason,
                "decided_at": one.decided_at,
                "expires_at": one.expires_at,
            }
            for one in approvals
        ]
        project.warehouse.publish("approvals", said, partition=partition)
    return StageOutcome(
        rows=1, data_version=published.data_version, notes={"decision": str(row["reason"])}, checks=outcomes
    )


def decision_row(
    project: Project, decision: Decision, approvals: Sequence[Approval], *, night: str, workload: str, now: datetime
) -> dict[str, Any]:
    """Return the row of a decision; backends whose results are not there yet are named in it."""
    row = settle(decision, approvals, night=night, workload=workload, now=now)
    answered = _answered(project, night, workload)
    if missing := [name for name in project.settings.backends_of(workload) if name not in answered]:
        row["reason"] += f" Still missing: {', '.join(missing)}."
    return row


def _answered(project: Project, night: str, workload: str) -> list[str]:
    """Return the backends whose comparisons are published."""
    partition = {"night": night, "workload": workload}
    backends = project.settings.backends_of(workload)
    return [name for name in backends if project.warehouse.published("comparisons", **partition, backend=name)]


def _versions(project: Project, night: str, workload: str) -> dict[str, str | None]:
    """Return the data versions of the tables that the verdicts rest on."""
    partition = {"night": night, "workload": workload}
    versions = {
        table: project.warehouse.data_version(table, **partition)
        for table in ("normalized_inputs", "classical_baselines")
    }
    for backend in project.settings.backends_of(workload):
        versions[backend] = project.warehouse.data_version("comparisons", **partition, backend=backend)
    return versions
