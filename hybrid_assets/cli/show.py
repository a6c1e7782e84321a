"""`show`: everything that is known of one night, kernel, batch, QPU job or request."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


#: Columns that a table leaves to ``--json``: with them it would not fit a terminal.
_LONG = {"request_id", "num_sends", "planned_at", "sent_at", "reserved_s", "error_code"}
#: An id or a hash in full.
_HASH = re.compile(r"\b[0-9a-f]{32,64}\b")


@click.command(short_help="Show all that is known of a night, kernel or job.")
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@click.pass_obj
def command(obj: dict[str, str | None], *, name: str, as_json: bool) -> int:
    r"""Show what is known of ID, and the next command that helps.

    ID is a night, a kernel's, batch's, request's or provider job's id (8 characters are enough), or a correlation id
    night/workload/backend/instance/label.

    \b
    Examples:
      hybrid-assets show 2026-11-20
      hybrid-assets show 3f9c21aa --json
      hybrid-assets show 2026-11-20/maxcut/aer/petersen/p1
    """
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.tracing import trace  # noqa: PLC0415 - as above

    found = trace(Project.open(load_settings(obj["config"])), name)
    if as_json:
        click.echo(json.dumps(found, indent=2, default=_iso))
    else:
        click.echo("\n\n".join(_parts(found)))
    return 0


def _parts(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts, then a table a list, then what to do."""
    facts = {key: value for key, value in found.items() if not isinstance(value, list) and key not in {"kind", "next"}}
    lines = [f"{found['kind']} {facts.pop('id')}"]
    lines += [f"  {key:<24}{_fact(value)}" for key, value in facts.items() if value not in (None, {})]
    yield "\n".join(lines)
    for title, rows in found.items():
        if isinstance(rows, list) and rows:
            yield _table(title, rows)
    yield f"Next: {found['next']}"


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table without the columns in which nothing is said, and without those that only machines want."""
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb

    columns = [name for name in rows[0] if name not in _LONG and any(row[name] not in (None, {}) for row in rows)]
    return draw(columns, [[_cell(row[name]) for name in columns] for row in rows], title=title)


def _cell(value: object) -> object:
    """Return a value as a table has it: of ids and hashes what is enough to find them by."""
    if isinstance(value, int | float) or value is None:
        return value
    return _HASH.sub(lambda found: found[0][:12], _fact(value))


def _fact(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_fact(inner)}" for key, inner in value.items())
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(_text(value))


def _text(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
