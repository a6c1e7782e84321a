"""Charts of values: over nights, against another value. Put what is drawn on two axes here; strips are `strips`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from hybrid_assets.report.drawing import (
    BAR,
    LINE,
    SIZE,
    Canvas,
    color,
    draw_columns,
    draw_legend,
    draw_rows,
    left_margin,
    px,
)
from hybrid_assets.report.scales import linear_scale, log_scale
from hybrid_assets.report.words import width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybrid_assets.report.scales import Scale

#: Height of the part between the axes.
PLOT_HEIGHT = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value."""

    x: float
    y: float
    #: Tooltip: the number and what it is.
    title: str
    #: Ends of its bar; None: it has none.
    low: float | None = None
    high: float | None = None
    #: Whether the bar is a spread of what was seen (dotted), and no interval of the value.
    is_spread: bool = False
    #: What it is a value of; a line joins only neighbors that are of the same.
    kind: str = ""
    #: Part of a front, drawn with a ring.
    is_marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values that belong together."""

    #: In the legend; empty: it goes with another one.
    name: str
    points: Sequence[Point]
    #: Index of its color.
    color: int
    is_joined: bool = True
    is_dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What a chart of values is called and how its axes are."""

    label: str
    x_title: str
    y_title: str
    #: Texts of the whole numbers 0, 1, ... on the horizontal axis, for ordinal ones.
    names: Sequence[str] = ()
    is_x_log: bool = False
    #: Numbers that are lines across, with what they are; they are always inside.
    lines: Sequence[tuple[float, str]] = ()
    #: Numbers that must be on the vertical axis.
    include: Sequence[float] = ()
    #: What bars are: intervals, and spreads. In the legend where there are such.
    interval: str = ""
    spread: str = ""


def draw_plot(axes: Axes, series: Sequence[Series], *, width: float) -> str:
    """Return a chart of values with intervals, legend and tooltips as SVG."""
    canvas = Canvas(width=width, height=0, label=axes.label)
    top = draw_legend(canvas, list(_legend(axes, series)), top=SIZE + LINE + 4) + 2
    canvas.text(4, SIZE, axes.y_title, css="dim", width=width - 8)
    bottom = top + PLOT_HEIGHT
    y = _vertical(axes, series, top=top, bottom=bottom)
    left, right = left_margin(y.tick_texts()), width - 12
    x = _horizontal(axes, series, left=left + 8, right=right - 8)
    draw_rows(canvas, y, left=left, right=right)
    ticks = _named(axes, x) if axes.names else list(zip(map(x, x.ticks), x.tick_texts(), strict=True))
    draw_columns(canvas, ticks, baseline=bottom + LINE)
    canvas.text(right, bottom + 2 * LINE, axes.x_title, anchor="end", css="dim", width=right - left)
    for value, _ in axes.lines:
        canvas.line(left, y(value), right, y(value), "ref")
    for one in series:
        _draw_series(canvas, one, x, y)
    canvas.height = bottom + 2 * LINE + 5
    return canvas.svg()


def _legend(axes: Axes, series: Sequence[Series]) -> Iterator[tuple[str, str]]:
    yield from ((color(one.color), one.name) for one in series if one.name)
    yield from (("ref", name) for _, name in axes.lines)
    kinds = {point.is_spread for one in series for point in one.points if _bar(point)}
    if False in kinds and axes.interval:
        yield BAR, axes.interval
    if True in kinds and axes.spread:
        yield f"{BAR} dashed", axes.spread


def _bar(point: Point) -> tuple[float, float] | None:
    return None if point.low is None or point.high is None else (point.low, point.high)


def _vertical(axes: Axes, series: Sequence[Series], *, top: float, bottom: float) -> Scale:
    values = [value for one in series for p in one.points for value in (p.y, p.low, p.high) if value is not None]
    values += [value for value, _ in axes.lines]
    return linear_scale(values, start=bottom, end=top, include=axes.include)


def _horizontal(axes: Axes, series: Sequence[Series], *, left: float, right: float) -> Scale:
    values = [p.x for one in series for p in one.points]
    if axes.is_x_log:
        return log_scale(values, start=left, end=right)
    if axes.names:
        last = max(len(axes.names) - 1, 1)
        return linear_scale([], start=left, end=right, include=(0.0, float(last)))
    # A narrow chart has room for fewer numbers.
    return linear_scale(values, start=left, end=right, count=5 if right - left > 300 else 3)


def _named(axes: Axes, x: Scale) -> list[tuple[float, str]]:
    """Return position and text of the ordinal ticks that fit beside each other, the last one always."""
    widest = max(width_of(name, SIZE) for name in axes.names) + 8
    between = (x.end - x.start) / max(len(axes.names) - 1, 1)
    step = max(1, -int(-widest // between))
    last = len(axes.names) - 1
    return [(x(index), axes.names[index]) for index in range(last % step, last + 1, step)]


def _draw_series(canvas: Canvas, one: Series, x: Scale, y: Scale) -> None:
    css = color(one.color)
    for is_spread, look in ((False, ""), (True, " dashed")):
        bars = ((p.x, bar) for p in one.points if (bar := _bar(p)) and p.is_spread == is_spread)
        canvas.path(
            "".join(f"M{px(x(at))} {px(y(low))}V{px(y(high))}" for at, (low, high) in bars), f"span {css}{look}"
        )
    for _, alike in groupby(one.points if one.is_joined else (), key=lambda p: p.kind):
        canvas.polyline([(x(p.x), y(p.y)) for p in alike], f"join {css}{' dashed' if one.is_dashed else ''}")
    marked = [(x(p.x), y(p.y), p.title) for p in one.points if p.is_marked]
    canvas.dots(marked, f"ring {css}", radius=6)
    canvas.dots([(x(p.x), y(p.y), p.title) for p in one.points], f"dot {css}", radius=3)
