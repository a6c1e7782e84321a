"""Stage `decisions`: from the verdicts of all backends to what downstream may use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.deciding import decide_use
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks

if TYPE_CHECKING:
    from hybrid_assets.runner.project import Project


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


def decide(project: Project, *, night: str, workload: str) -> StageOutcome:
    """Decide from the published verdicts and publish one row."""
    with project.timed(night, workload, "decisions"):
        partition = {"night": night, "workload": workload}
        verdicts: list[dict[str, Any]] = []
        for backend in project.settings.backends_of(workload):
            verdicts += project.warehouse.read_rows("verdicts", night=night, workload=workload, backend=backend)
        decision = decide_use(verdicts, basis={**partition, "versions": _versions(project, night, workload)})
        row = {
            "night": night,
            "workload": workload,
            "plan_hash": decision.plan_hash,
            "decision": decision.kind.value,
            "signer": "policy",
            "reason": decision.reason,
            "decided_at": datetime.now(UTC),
            "expires_at": None,
        }
        outcomes = (
            checks.unique([row], key=("workload",)),
            checks.schema(project.warehouse, "decisions", [row], partition),
        )
        checks.require(outcomes, what=f"{workload}/decisions of {night}")
        published = project.warehouse.publish("decisions", [row], partition=partition)
    return StageOutcome(
        rows=1, data_version=published.data_version, notes={"decision": decision.reason}, checks=outcomes
    )
