"""`run --smoke`: the smoke gate on one backend, as a table or JSON. Put how it is shown here."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hybrid_assets.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybrid_assets.model.smoke import JobSeen, KernelCheck, RowCheck, SmokeReport
    from hybrid_assets.settings import Settings

COLUMNS = ("kernel", "row", "expected", "between", "observed", "result")


def run_gate(
    settings: Settings, *, backend: str, max_qpu_s: float, wait_s: float | None, smoke_id: str | None, as_json: bool
) -> int:
    """Run the gate, show what it found and return the exit code.

    Raises:
        UsageError: There is no such backend, or the name is none.
        BudgetExceededError: The cap is below the estimate.
    """
    from hybrid_assets.runner.naming import backend_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.smoke import WAIT_S, run_smoke  # noqa: PLC0415 - as above

    chosen = backend_named(settings, backend)
    with progress() as report:
        project = Project.open(settings, report=report)
        wait_s = WAIT_S if wait_s is None else wait_s
        found = run_smoke(project, backend=chosen, max_qpu_s=max_qpu_s, wait_s=wait_s, smoke_id=smoke_id)
    click.echo(json.dumps(asdict(found), indent=2) if as_json else render(found))
    return found.exit_code


def render(found: SmokeReport) -> str:
    """Return a run as text: a line a kernel, one more for each row that is off, then jobs and bill."""
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb

    title = f"Smoke run {found.smoke_id} on {found.backend}: {found.shots} shots a row"
    rows = [line for each in found.kernels for line in _lines(each)]
    return "\n".join((draw(COLUMNS, rows, title=title), "", *_sentences(found)))


def _lines(found: KernelCheck) -> Iterator[tuple[str, ...]]:
    if found.reason is not None:
        yield found.label, "", "", "", "", f"{found.finding}: {found.reason}"
        return
    shown = [row for row in found.rows if not row.is_inside] or [min(found.rows, key=_room)]
    for row in shown:
        between = f"{row.low:.3f} - {row.high:.3f}"
        numbers = (f"{row.ideal:.3f}", between, f"{row.observed:.3f}")
        yield found.label, f"{row.row} of {len(found.rows)}", *numbers, found.finding.value


def _room(row: RowCheck) -> float:
    """Return how far inside a value is, as part of what is allowed on that side; 1 where nothing is."""
    side = row.ideal - row.low if row.observed < row.ideal else row.high - row.ideal
    return 1.0 - abs(row.observed - row.ideal) / side if side > 0 else 1.0


def _sentences(found: SmokeReport) -> Iterator[str]:
    yield from (_job(job) for job in found.jobs)
    yield f"Billed {found.billed_s:.1f} s of {found.cap_s:g} s."
    if found.calibration_ids:
        yield f"Calibration {', '.join(name[:12] for name in found.calibration_ids)}."
    yield from found.notes
    is_over = all(each.reason is None for each in found.kernels)
    if found.exit_code == 0:
        yield f"Passed: {len(found.kernels)} kernels, {sum(len(each.rows) for each in found.kernels)} rows."
    else:
        again = "" if is_over else f" --smoke-id {found.smoke_id} goes on with this run; nothing is paid twice."
        yield f"Not passed ({_counted(found.kernels)}).{again}"


def _job(job: JobSeen) -> str:
    times = f"queue {_seconds(job.queue_s)}, run {_seconds(job.run_s)}, billed {job.billed_s:.1f} s"
    what = "Duplicate that nobody asked for, job" if job.is_duplicate else "Job"
    return f"{what} {job.provider_job_id or '(no answer yet)'} {job.status}: {times}."


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"


def _counted(kernels: Sequence[KernelCheck]) -> str:
    findings = [each.finding.value for each in kernels]
    return ", ".join(f"{findings.count(name)} {name}" for name in dict.fromkeys(findings))
