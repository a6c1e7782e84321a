"""`sql`: one read-only query over the warehouse's views."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(short_help="Query the warehouse.")
@click.argument("query")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values on standard output.")
@click.option("--json", "form", flag_value="json", help="A JSON list of objects on standard output.")
@click.pass_obj
def command(obj: dict[str, str | None], *, query: str, form: str | None) -> int:
    r"""Run one read-only query over the views of the warehouse.

    \b
    Examples:
      hybrid-assets sql "select workload, backend, verdict from verdicts"
      hybrid-assets sql "from comparisons where role = 'quantum' order by ratio desc limit 5" --csv
      hybrid-assets sql "show tables"
    """
    from hybrid_assets.storage.snapshot import query as ask  # noqa: PLC0415 - imports duckdb

    columns, rows = ask(load_settings(obj["config"]).home, query)
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif form == "json":
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str, indent=2))
    else:
        _draw(columns, rows)
    return 0


def _draw(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports rich

    click.echo(draw(columns, rows))
    click.echo(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")
