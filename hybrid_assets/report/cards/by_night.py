"""Charts of a number night by night, one line a backend. Put what they share here; what they show is their card's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hybrid_assets.report.gathering import every_night
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.words import day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from hybrid_assets.report.gathering import Row

#: Most that backends are moved apart, in nights; that all of them are together; as a part of all nights.
_APART, _ALL_APART, _PART_APART = 0.16, 0.6, 0.02


def night_chart(
    axes: Axes,
    rows: Sequence[Row],
    point_of: Callable[[Row], Point | None],
    *,
    width: float,
    nights: Sequence[date] = (),
) -> str:
    """Return a chart of rows with a night and a backend as SVG.

    Args:
        axes: Of the chart; names of the nights are filled in.
        rows: In the order of the nights.
        point_of: The point of a row, wherever on the horizontal axis; None leaves it out.
        width: Of the drawing.
        nights: On the horizontal axis, empty: those of the rows.
    """
    nights = nights or every_night(rows)
    at = {night: index for index, night in enumerate(nights)}
    found: dict[str, list[Point]] = {}
    for row in rows:
        if (point := point_of(row)) is not None:
            found.setdefault(row["backend"], []).append(replace(point, x=at[row["night"]]))
    if any(point.low is not None for points in found.values() for point in points):
        found = _moved_apart(found, last=len(nights) - 1)
    series = [Series(name=name, points=found[name], color=index) for index, name in enumerate(sorted(found))]
    return draw_plot(replace(axes, names=[day(night) for night in nights]), series, width=width)


def _moved_apart(found: dict[str, list[Point]], *, last: int) -> dict[str, list[Point]]:
    """Return the points of each backend a little aside, so that bars do not hide each other."""
    step = min(_APART, _ALL_APART / len(found), _PART_APART * last)
    aside = {name: (index - (len(found) - 1) / 2) * step for index, name in enumerate(sorted(found))}
    return {
        name: [replace(point, x=min(max(point.x + aside[name], 0.0), max(last, 1))) for point in points]
        for name, points in found.items()
    }
