"""`calibration`: which calibrations there were, what differs between two, and what the sensor would do about them."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.calibration.diffing import Change
    from hybrid_assets.runner.calibration_report import CircuitDrift, Comparison, Intention, Outlook

#: Characters of an id that a table shows; enough to name it by.
SHORT = 12
#: Names of circuits in one cell of a table; the others are counted.
MAX_NAMES = 3
#: Reasons for reruns that are written out.
MAX_REASONS = 10


@click.group(short_help="Explain calibrations, and what they change.", invoke_without_command=True)
@click.option("--backend", help="Only this backend's.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.pass_context
def command(ctx: click.Context, *, backend: str | None, as_json: bool) -> int:
    r"""List the calibrations that were seen; `diff` compares two, `plan` says what would be done about the present one.

    \b
    Examples:
      hybrid-assets calibration
      hybrid-assets calibration diff torino previous latest
      hybrid-assets calibration plan torino
    """
    if ctx.invoked_subcommand is not None:
        if backend or as_json:
            raise UsageError("--backend and --json before a word are for the list: hybrid-assets calibration --json")
        return 0
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.runner.calibration_report import snapshots  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.naming import backend_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores

    settings = load_settings(ctx.obj["config"])
    if backend is not None:
        backend_named(settings, backend)
    rows = [row for row in snapshots(Project.open(settings)) if backend in {None, row["backend"]}]
    columns = ("backend", "calibration_id", "calibrated_at", "observed_at", "num_qubits")
    medians = ("median_two_qubit_error", "median_readout_error")
    if as_json:
        found = [{name: row[name] for name in (*columns, *medians)} for row in rows]
        click.echo(json.dumps(found, indent=2, default=_iso))
    elif rows:
        titles = ("backend", "id", "calibrated", "first seen", "qubits", "median 2q error", "median readout error")
        cells = [[_cell(row[name]) for name in (*columns, *medians)] for row in rows]
        click.echo(draw(titles, cells, title="Calibrations (times in UTC)"))
    else:
        click.echo("No calibration was seen yet: a night stores the one in force. hybrid-assets run")
    return 0


@command.command("diff", short_help="Compare two calibrations of a backend.")
@click.argument("backend")
@click.argument("old", default="previous")
@click.argument("new", default="latest")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Rows of each table.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object, with everything.")
@click.pass_obj
def show_diff(obj: dict[str, str | None], *, backend: str, old: str, new: str, limit: int, as_json: bool) -> int:
    r"""Show what changed from OLD to NEW, largest first, and which circuits of the latest night it touches.

    OLD and NEW are the first characters of an id, `latest` or `previous`. The size of a change is what one use of the
    operation does to the logarithm of a circuit's expected success.

    \b
    Examples:
      hybrid-assets calibration diff torino
      hybrid-assets calibration diff torino 3f9c21 latest --limit 50
    """
    from hybrid_assets.runner import calibration_report, naming  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    naming.backend_named(settings, backend)
    project = Project.open(settings)
    ids = [calibration_report.calibration_named(project, backend, text) for text in (old, new)]
    found = calibration_report.compare_calibrations(project, backend, *ids)
    click.echo(json.dumps(_comparison(found), indent=2) if as_json else _comparison_text(found, limit=limit))
    return 0


@command.command("plan", short_help="Show what the sensor would do now, and why.")
@click.argument("backend", required=False)
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.pass_obj
def show_plan(obj: dict[str, str | None], *, backend: str | None, as_json: bool) -> int:
    r"""Show for every standing circuit what its backend's present calibration asks for; nothing is done.

    \b
    Examples:
      hybrid-assets calibration plan
      hybrid-assets calibration plan torino --json
    """
    from hybrid_assets.runner.calibration_report import outlook  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.naming import backend_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    names = tuple(settings.backends) if backend is None else (backend_named(settings, backend),)
    project = Project.open(settings)
    found = [outlook(project, name) for name in names]
    if as_json:
        click.echo(json.dumps([_outlook(one) for one in found], indent=2, default=_iso))
    else:
        click.echo("\n\n".join(_outlook_text(one) for one in found))
    return 0


def _comparison_text(found: Comparison, *, limit: int) -> str:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb

    title = f"{found.backend}: {found.old_id[:SHORT]} to {found.new_id[:SHORT]}"
    if not found.changes:
        return f"{title}: no error differs and no qubit failed; at most durations, T1 or T2 are others."
    rows = [
        (*_change_row(change), len(names), _names(names))
        for change, names in zip(found.changes[:limit], found.touched[:limit], strict=True)
    ]
    titles = ("operation", "qubits", "what", "before", "after", "ratio", "size", "circuits", "which")
    parts = [draw(titles, rows, title=f"{title}: {_of(len(rows), found.changes, 'changes')}, largest first")]
    if found.circuits:
        drifts = [_drift_row(drift) for drift in found.circuits[:limit]]
        columns = ("circuit", "changes", "expected success before", "after", "ratio")
        parts.append(draw(columns, drifts, title=f"{_of(len(drifts), found.circuits, 'circuits')} of the latest night"))
    else:
        parts.append("No compiled circuit of a night is there to be touched.")
    return "\n\n".join(parts)


def _outlook_text(found: Outlook) -> str:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb

    title = f"{found.backend} under {found.calibration_id[:SHORT]}"
    if not found.intentions:
        return f"{title}: no circuit was placed yet. hybrid-assets run"
    rows = [_intention_row(one) for one in found.intentions]
    columns = ("circuit", "key", "decided under", "score then", "score now", "ratio", "action", "why")
    cells = ", ".join(one.cell.name for one in found.reruns) or "nothing"
    why = [f"{one.cell.name} {name}: {reason}" for one in found.reruns for name, reason in one.reasons.items()]
    lines = [f"The sensor would run again: {cells}.", *(f"- {sentence}" for sentence in why[:MAX_REASONS])]
    if len(why) > MAX_REASONS:
        lines.append(f"- and {len(why) - MAX_REASONS} more; --json has them all.")
    return "\n".join([draw(columns, rows, title=title), *lines])


def _change_row(change: Change) -> tuple[Any, ...]:
    from hybrid_assets.runner.calibrating import qubits_text  # noqa: PLC0415 - imports the stores

    size = change.size if math.isfinite(change.size) else None
    return (
        change.operation,
        qubits_text(change.qubits),
        change.kind.value,
        change.error_before,
        change.error_after,
        change.ratio,
        size,
    )


def _drift_row(drift: CircuitDrift) -> tuple[Any, ...]:
    return drift.name, drift.num_changes, drift.score_before, drift.score_after, drift.ratio


def _intention_row(one: Intention) -> tuple[Any, ...]:
    placement = one.placement
    return (
        _names(one.names) or "(not in the latest night)",
        placement.compile_key[:SHORT],
        placement.calibration_id[:SHORT],
        placement.score,
        one.present_score,
        one.ratio,
        one.action.value,
        one.reason,
    )


def _comparison(found: Comparison) -> Mapping[str, Any]:
    names = ("operation", "qubits", "kind", "error_before", "error_after", "ratio", "size")
    return {
        "backend": found.backend,
        "old_calibration_id": found.old_id,
        "new_calibration_id": found.new_id,
        "changes": [
            {**dict(zip(names, _change_row(change), strict=True)), "circuits": circuits}
            for change, circuits in zip(found.changes, found.touched, strict=True)
        ],
        "circuits": [
            {
                "circuit": drift.name,
                "compile_key": drift.compile_key,
                "num_changes": drift.num_changes,
                "expected_success_before": drift.score_before,
                "expected_success_after": drift.score_after,
                "ratio": drift.ratio,
            }
            for drift in found.circuits
        ],
    }


def _outlook(found: Outlook) -> Mapping[str, Any]:
    return {
        "backend": found.backend,
        "calibration_id": found.calibration_id,
        "reruns": [one.cell.name for one in found.reruns],
        "reasons": {one.cell.name: dict(one.reasons) for one in found.reruns},
        "circuits": [
            {
                "circuits": list(one.names),
                "base_key": one.placement.base_key,
                "compile_key": one.placement.compile_key,
                "base_calibration_id": one.placement.calibration_id,
                "base_score": one.placement.score,
                "present_score": one.present_score,
                "ratio": one.ratio,
                "action": one.action.value,
                "reason": one.reason,
                "decided_at": one.placement.decided_at,
            }
            for one in found.intentions
        ],
    }


def _of(shown: int, everything: Sequence[Any], what: str) -> str:
    return f"{shown} {what}" if shown == len(everything) else f"{shown} of {len(everything)} {what} (--limit)"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return value[:SHORT] if isinstance(value, str) and len(value) == 64 else value


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
