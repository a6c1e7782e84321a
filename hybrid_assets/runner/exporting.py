"""Stages `control/*`: records of a night as tables, so that SQL can ask about them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks

if TYPE_CHECKING:
    from hybrid_assets.runner.project import Project


def export(project: Project, *, night: str, table: str) -> StageOutcome:
    """Publish a night's records of one table (``job_attempts`` brings ``batch_decisions`` along)."""
    if table == "job_attempts":
        _publish(project, night, "batch_decisions", [_with_times(r) for r in project.batches.records(night)])
        return _publish(project, night, table, [_with_times(r) for r in project.attempts.records(night)])
    rows = [{**_with_times(r), "budget_s": None, "within_budget": None} for r in project.timings.records(night)]
    return _publish(project, night, table, rows)


def _publish(project: Project, night: str, table: str, rows: list[dict[str, Any]]) -> StageOutcome:
    outcomes = (checks.schema(project.warehouse, table, rows, {"night": night}),)
    checks.require(outcomes, what=f"control/{table} of {night}")
    published = project.warehouse.publish(table, rows, partition={"night": night})
    numbers: dict[str, float] = {"rows": len(rows)}
    for column in ("billed_s", "cost", "wall_s"):
        if rows and column in rows[0]:
            numbers[column] = sum(row.get(column) or 0.0 for row in rows)
    return StageOutcome(rows=len(rows), data_version=published.data_version, numbers=numbers, checks=outcomes)


def _with_times(record: dict[str, Any]) -> dict[str, Any]:
    return {
        key: datetime.fromisoformat(value) if key.endswith("_at") and value else value for key, value in record.items()
    }
