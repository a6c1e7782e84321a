"""Tables for a terminal, plain enough for a file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.results import CONFIDENCE
from hybrid_assets.storage.questions import METHODS_OF_NIGHT, SUBSTITUTES_OF_NIGHT, VERDICTS_OF_NIGHT
from hybrid_assets.storage.snapshot import query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_EFFECT = f"effect [{100 * CONFIDENCE:g} %]"
#: Wider than any table: a row stays one line, and a terminal or pager wraps or scrolls it.
WIDTH = 10_000


def draw(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> str:
    """Return rows as a text table; numbers to the right, nothing cut."""
    from rich import box  # noqa: PLC0415 - only when drawing
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for index, column in enumerate(columns):
        is_number = any(isinstance(row[index], int | float) and not isinstance(row[index], bool) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out = io.StringIO()
    Console(file=out, width=WIDTH, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())


def render_night(home: Path, night: str) -> str:
    """Return the result tables of a night: one row a method, then one a verdict."""
    _, methods = query(home, METHODS_OF_NIGHT, parameters=[night])
    shown = [
        (w, b, f"{method} (fallback: {others} of {n})" if others else method, role, n, ratio, best, p_opt, value, shots)
        for w, b, role, method, n, ratio, best, p_opt, value, shots, others in methods
    ]
    columns = ("workload", "backend", "method", "role", "instances", "ratio", "best ratio", "p_opt", "value", "shots")
    _, verdicts = query(home, VERDICTS_OF_NIGHT, parameters=[night])
    verdict_rows = [
        (*known, _effect(effect, low, high, confidence), p_value)
        for *known, effect, low, high, confidence, p_value in verdicts
    ]
    return "\n\n".join(
        (
            draw(columns, shown, title=f"Night {night}: medians over instances; of the classical rivals the best one"),
            draw(
                (
                    "workload",
                    "backend",
                    "verdict",
                    "best quantum method",
                    "instances",
                    _EFFECT,
                    "p",
                ),
                verdict_rows,
                title="Verdicts: effect = best quantum value minus best rival's, in units of the reference",
            ),
        )
    )


def substitutes(home: Path, night: str) -> list[str]:
    """Return a sentence for each backend some of whose kernels it did not answer itself."""
    _, rows = query(home, SUBSTITUTES_OF_NIGHT, parameters=[night])
    return [
        f"{workload}/{backend}: {kernels} kernels have the source {source!r}, for example: {reason}"
        for workload, backend, source, kernels, reason in rows
    ]


def _effect(effect: float | None, low: float, high: float, confidence: float | None) -> str:
    """Return an effect with its interval where that is worth `CONFIDENCE`."""
    if effect is None:
        return ""
    is_sure = confidence is not None and confidence >= CONFIDENCE
    return f"{effect:+.4f} [{low:+.4f}, {high:+.4f}]" if is_sure else f"{effect:+.4f} (too few instances)"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
