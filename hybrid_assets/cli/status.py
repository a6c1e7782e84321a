"""`status`: what of a night is published."""

from __future__ import annotations

import json

import click

from hybrid_assets.settings import load_settings


@click.command(short_help="Show what of a night is there.")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the one just over).")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.pass_obj
def command(obj: dict[str, str | None], *, night: str | None, as_json: bool) -> int:
    r"""Show the published rows of every stage of a night, by workload and backend.

    \b
    Examples:
      hybrid-assets status
      hybrid-assets status --night 2026-11-20 --json
    """
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.defs.night import resolve_night  # noqa: PLC0415 - imports dagster
    from hybrid_assets.storage.questions import ROWS_OF_NIGHT  # noqa: PLC0415 - imports duckdb with the next
    from hybrid_assets.storage.snapshot import query  # noqa: PLC0415

    settings = load_settings(obj["config"])
    chosen = resolve_night(settings, night)
    _, found = query(settings.home, ROWS_OF_NIGHT, parameters=[chosen])
    rows = {(stage, workload, backend): count for stage, workload, backend, count in found}
    expected: list[tuple[str, str, str | None]] = []
    for workload in settings.workloads:
        expected += [("normalized_inputs", workload, None), ("classical_baselines", workload, None)]
        for backend in settings.backends_of(workload):
            expected += [(s, workload, backend) for s in ("compiled_circuits", "quantum_results", "comparisons")]
        expected.append(("decisions", workload, None))
    table = [(workload, backend, stage, rows.get((stage, workload, backend))) for stage, workload, backend in expected]
    if as_json:
        columns = ("workload", "backend", "stage", "rows")
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in table], indent=2))
    else:
        shown = [(w, b or "", s, "not yet" if count is None else count) for w, b, s, count in table]
        click.echo(draw(("workload", "backend", "stage", "rows"), shown, title=f"Night {chosen}"))
    return 0
