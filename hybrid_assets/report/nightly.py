"""Stage `report/nightly_report`: record what only this process knows, write the report, tell its key numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.report.publishing import FOLDER, write_report
from hybrid_assets.report.recording import record_environment, record_night
from hybrid_assets.report.words import SURE, interval
from hybrid_assets.runner import checks
from hybrid_assets.runner.driver import utc_now

if TYPE_CHECKING:
    from hybrid_assets.report.publishing import Report
    from hybrid_assets.runner.project import Project

#: Dagster shows Markdown below this length where it is, longer one at a click.
MOST_MARKDOWN = 1_000
#: Columns of the question `tiles` that are charted over the nights: the lowest ratio and the largest effect of a cell.
CHARTED = ("ratio", "effect", "billed_s", "cost")


def publish_report(project: Project, *, night: str) -> StageOutcome:
    """Write the report of a night from what is published, complete or not.

    Raises:
        CheckFailedError: The row about the report does not fit its table.
    """
    record_environment(project, night)
    record_night(project, night)
    report = write_report(project.settings, night)
    file = f"{FOLDER}/{report.path.name}"
    row = {"night": night, "file": file, "sha256": report.sha256, "bytes": report.num_bytes, "written_at": utc_now()}
    outcomes = (checks.schema(project.warehouse, "nightly_report", [row], {"night": night}),)
    checks.require(outcomes, what=f"report/nightly_report of {night}")
    published = project.warehouse.publish("nightly_report", [row], partition={"night": night})
    numbers = {name: float(report.tiles[name]) for name in CHARTED if report.tiles[name] is not None}
    return StageOutcome(
        rows=1,
        data_version=published.data_version,
        numbers=numbers,
        headline="ratio" if "ratio" in numbers else None,
        links={"report": f"/{file}"},
        paths={"report_file": str(report.path)},
        markdown={"tonight": verdict_table(report)},
        checks=outcomes,
    )


def verdict_table(report: Report) -> str:
    """Return tonight's verdicts as a Markdown table short enough to be shown at once; what does not fit is counted."""
    head = f"| workload | backend | verdict | effect [{SURE}] |\n| --- | --- | --- | ---: |"
    lines, rows = [head], report.evidence["compared"]
    for index, row in enumerate(rows):
        effect = interval(row["effect"], row["effect_low"], row["effect_high"], row["effect_confidence"])
        line = f"| {' | '.join((row['workload'], row['backend'], row['verdict'], effect))} |"
        rest = f"\n\nand {len(rows) - index} more"
        if len("\n".join([*lines, line])) + len(rest) >= MOST_MARKDOWN:
            return "\n".join(lines) + rest
        lines.append(line)
    return "\n".join(lines) if rows else "No verdict tonight."
