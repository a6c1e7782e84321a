"""`status`: what of a night is published, and what is under way."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybrid_assets.runner.overview import CellView, Overview
    from hybrid_assets.runner.project import Project
    from hybrid_assets.settings import Settings

COLUMNS = ("workload", "backend", "ready", "in jobs", "done", "failed", "cancelled", "jobs", "oldest job", "rows")
_STATES = ("READY", "BATCHED", "DONE", "FAILED", "CANCELLED")


@click.command(short_help="Show what of a night is there and under way.")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the one just over).")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.option("--watch", is_flag=True, help="Stay, and redraw until nothing is under way.")
@click.option("--every", "every_s", metavar="SECONDS", default=3.0, show_default=True, type=click.FloatRange(min=0.1))
@click.pass_obj
def command(obj: dict[str, str | None], *, night: str | None, as_json: bool, watch: bool, every_s: float) -> int:
    r"""Show the published rows of every stage of a night, and its kernels by state.

    \b
    Examples:
      hybrid-assets status
      hybrid-assets status --night 2026-11-20 --json
      hybrid-assets status --watch --every 1
    """
    from hybrid_assets.defs.night import resolve_night  # noqa: PLC0415 - imports dagster
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores

    settings = load_settings(obj["config"])
    chosen = resolve_night(settings, night)
    project = Project.open(settings)
    if watch:
        return _watch(project, chosen, every_s=every_s)
    return _show(project, settings, chosen, as_json=as_json)


def _show(project: Project, settings: Settings, night: str, *, as_json: bool) -> int:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.runner import alerting  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.overview import overview  # noqa: PLC0415 - as above

    table = list(_stages(settings, night))
    if as_json:
        columns = ("workload", "backend", "stage", "rows")
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in table], indent=2))
        return 0
    shown = [(w, b or "", s, "not yet" if count is None else count) for w, b, s, count in table]
    click.echo(draw(("workload", "backend", "stage", "rows"), shown, title=f"Night {night}"))
    found = overview(project, night)
    if any(cell.states for cell in found.cells):
        click.echo(f"\n{_drawn(found)}")
    if alerts := alerting.undelivered(project):
        click.echo("\n" + "\n".join(alerts))
    return 0


def _stages(settings: Settings, night: str) -> Iterator[tuple[str, str | None, str, int | None]]:
    from hybrid_assets.storage.questions import ROWS_OF_NIGHT  # noqa: PLC0415 - imports duckdb with the next
    from hybrid_assets.storage.snapshot import query  # noqa: PLC0415

    _, found = query(settings.home, ROWS_OF_NIGHT, parameters=[night])
    rows = {(stage, workload, backend): count for stage, workload, backend, count in found}
    expected: list[tuple[str, str, str | None]] = []
    for workload in settings.workloads:
        expected += [("normalized_inputs", workload, None), ("classical_baselines", workload, None)]
        for backend in settings.backends_of(workload):
            expected += [(s, workload, backend) for s in ("compiled_circuits", "quantum_results", "comparisons")]
        expected.append(("decisions", workload, None))
    yield from (
        (workload, backend, stage, rows.get((stage, workload, backend))) for stage, workload, backend in expected
    )


# --- watching


def _watch(project: Project, night: str, *, every_s: float) -> int:
    """Redraw on a terminal, print a line a change otherwise, until nothing is under way."""
    from hybrid_assets.runner.overview import overview  # noqa: PLC0415 - imports the stores

    is_terminal = sys.stdout.isatty()
    before: dict[str, str] = {}
    while True:
        found = overview(project, night)
        if is_terminal:
            click.clear()
            click.echo(_drawn(found))
        else:
            now = dict(_lines(found))
            for name, line in now.items():
                if before.get(name) != line:
                    click.echo(line)
            for name in before.keys() - now.keys():
                click.echo(f"{name}: breaker closed")
            before = now
        if not found.is_under_way:
            click.echo("Nothing is under way.")
            return 0
        time.sleep(every_s)


def _drawn(found: Overview) -> str:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb

    table = draw(COLUMNS, [_row(cell) for cell in found.cells], title=f"Kernels of {found.night}")
    return "\n".join([table, *(cell.pending for cell in found.cells if cell.pending), *found.breakers])


def _row(cell: CellView) -> tuple[Any, ...]:
    counts = {state.value: number for state, number in cell.states.items()}
    age = None if cell.oldest_s is None else f"{cell.oldest_s:.0f} s"
    return cell.workload, cell.backend, *(counts.get(name, 0) for name in _STATES), cell.num_jobs, age, cell.rows


def _lines(found: Overview) -> Iterator[tuple[str, str]]:
    """Yield a line a cell and breaker, by what it is about; ages are left out, for they always change."""
    for cell in found.cells:
        name = f"{cell.workload}/{cell.backend}"
        states = ", ".join(f"{number} {state}" for state, number in cell.states.items()) or "no kernels"
        jobs = f", {cell.num_jobs} jobs on their way" if cell.num_jobs else ""
        rows = "" if cell.rows is None else f", {cell.rows} rows published"
        pending = f". {cell.pending.partition(': ')[2]}" if cell.pending else ""
        yield name, f"{name}: {states}{jobs}{rows}{pending}"
    for sentence in found.breakers:
        yield sentence.partition(":")[0], sentence
