"""Charts of rows over time or nights: the night's waterfall, batch sizes over a breaker's states, coverage.

Put what has a name in front of each row here; charts on two axes of numbers are `plots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.drawing import LINE, SIZE, Canvas, draw_columns, draw_legend, px
from hybrid_assets.report.scales import linear_scale
from hybrid_assets.report.words import day, seconds, width_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

#: Height of a row of the waterfall, and of the coverage.
ROW, CELL = 17, 13
#: Widest name in front of a row.
NAME_WIDTH = 310


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row: parts one after the other, from a start on."""

    name: str
    start_s: float
    #: (class, seconds) of each part.
    parts: Sequence[tuple[str, float]]
    #: Text behind the row.
    note: str
    title: str


def draw_waterfall(bars: Sequence[Bar], *, label: str, legend: Sequence[tuple[str, str]], width: float) -> str:
    """Return bars over seconds, one a row, as SVG."""
    canvas = Canvas(width=width, height=0, label=label)
    top = draw_legend(canvas, legend, top=SIZE + 2)
    name_width = min(max(width_of(bar.name, SIZE) for bar in bars), NAME_WIDTH, width * 0.4)
    note_width = min(max(width_of(bar.note, SIZE) for bar in bars), width * 0.25)
    left, right = name_width + 14, width - note_width - 14
    ends = [bar.start_s + sum(length for _, length in bar.parts) for bar in bars]
    x = linear_scale(ends, start=left, end=right, include=(0.0,), count=8)
    bottom = top + ROW * len(bars)
    canvas.path("".join(f"M{px(x(tick))} {px(top)}V{px(bottom)}" for tick in x.ticks), "grid")
    for index, bar in enumerate(bars):
        y = top + ROW * index
        canvas.text(left - 6, y + 12, bar.name, anchor="end", width=name_width)
        at = bar.start_s
        for css, length in bar.parts:
            canvas.rect(x(at), y + 3, max(x(at + length) - x(at), 1), ROW - 6, css, bar.title)
            at += length
        canvas.text(width - 4, y + 12, bar.note, anchor="end", css="dim", width=note_width)
    columns = [(x(tick), text) for tick, text in zip(x.ticks, x.tick_texts(), strict=True)]
    draw_columns(canvas, columns, baseline=bottom + LINE)
    canvas.text(right, bottom + 2 * LINE, "seconds since the night's first stage or job", anchor="end", css="dim",
                width=right - 4)  # fmt: skip
    canvas.height = bottom + 2 * LINE + 5
    return canvas.svg()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A backend's batches, and its breaker, over the same seconds."""

    name: str
    #: (second, size, tooltip) of each batch.
    batches: Sequence[tuple[float, int, str]]
    #: (first second, last second, state, tooltip) of each span of the breaker.
    states: Sequence[tuple[float, float, str, str]]


def draw_lanes(lanes: Sequence[Lane], *, label: str, legend: Sequence[tuple[str, str]], width: float) -> str:
    """Return sizes of batches as needles, the breaker's state as a band under them, a lane a backend, as SVG."""
    canvas = Canvas(width=width, height=0, label=label)
    top = draw_legend(canvas, legend, top=SIZE + 2) + 4
    moments = [at for lane in lanes for at, _, _ in lane.batches]
    moments += [at for lane in lanes for first, last, _, _ in lane.states for at in (first, last)]
    largest = max((size for lane in lanes for _, size, _ in lane.batches), default=1)
    left, right, needle = 20 + width_of(f"{largest:,}", SIZE), width - 12, 46
    x = linear_scale(moments, start=left, end=right, include=(0.0,), count=5 if width > 450 else 3)
    for lane in lanes:
        canvas.text(4, top + SIZE, lane.name, width=width - 8)
        base = top + LINE + 6 + needle
        canvas.line(left, base, right, base, "grid")
        canvas.text(left - 6, base - needle + 6, f"{largest:,}", anchor="end", css="dim")
        canvas.text(left - 6, base, "0", anchor="end", css="dim")
        for at, size, title in lane.batches:
            tall = needle * size / largest
            canvas.rect(x(at) - 1.5, base - tall, 3, tall, "bar s0", title)
        for first, last, state, title in lane.states:
            canvas.rect(x(first), base + 3, max(x(last) - x(first), 1.5), 8, f"state-{state}", title)
        top = base + 18
    columns = [(x(tick), text) for tick, text in zip(x.ticks, x.tick_texts(), strict=True)]
    draw_columns(canvas, columns, baseline=top + 8)
    canvas.text(right, top + 8 + LINE, "seconds since the first batch or event", anchor="end", css="dim", width=right)
    canvas.height = top + LINE + 14
    return canvas.svg()


#: State of a cell -> class; in the order of the legend.
COVERAGE = {
    "answered": "answered by the backend",
    "fallback": "answered by a fallback",
    "failed": "failed",
    "refused": "input refused",
    "missing": "no result",
    "absent": "not asked for",
}


def draw_coverage(
    cells: Mapping[tuple[str, str], Mapping[date, str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    nights: Sequence[date],
    width: float,
    label: str,
) -> str:
    """Return a block of nights for each row and column as SVG; what is alike side by side is one stroke.

    Args:
        cells: (row, column) -> night -> state, a key of `COVERAGE`; a night without one was not asked for.
        rows: Names of the rows (instances).
        columns: Names of the blocks (backends).
        nights: Of a block, oldest first.
        width: Of the drawing.
        label: What it shows.
    """
    canvas = Canvas(width=width, height=0, label=label)
    name_width = min(max(width_of(name, SIZE) for name in rows), NAME_WIDTH, width * 0.3)
    left, gap = name_width + 12, 14
    block = (width - left - 6 - gap * (len(columns) - 1)) / len(columns)
    cell = min(block / len(nights), 26)
    strokes: dict[str, list[str]] = {state: [] for state in COVERAGE}
    for number, column in enumerate(columns):
        begin = left + number * (block + gap)
        canvas.text(begin, SIZE, column, css="strong", width=block)
        shown = [(begin + cell * (i + 0.5), day(night)) for i, night in enumerate(nights)]
        every = max(1, -int(-(width_of("00-00", SIZE) + 10) // cell))
        draw_columns_of_block(canvas, shown[(len(shown) - 1) % every :: every], begin, begin + block, SIZE + LINE)
        for index, row in enumerate(rows):
            y = SIZE + LINE + 6 + CELL * (index + 0.5)
            found = cells.get((row, column), {})
            at = 0
            for state, run in groupby(found.get(night, "absent") for night in nights):
                length = len(list(run))
                strokes[state].append(f"M{px(begin + at * cell)} {px(y)}h{px(length * cell - 0.8)}")
                at += length
    for index, row in enumerate(rows):
        canvas.text(left - 6, SIZE + LINE + 6 + CELL * index + 10, row, anchor="end", width=name_width)
    for state, parts in strokes.items():
        canvas.path("".join(parts), f"cover-{state}")
    canvas.height = SIZE + LINE + 8 + CELL * len(rows) + 4
    return canvas.svg()


def draw_columns_of_block(
    canvas: Canvas, ticks: Sequence[tuple[float, str]], left: float, right: float, baseline: float
) -> None:
    """Write nights over a block, none beyond its edges and none over its neighbor."""
    taken = left - 1
    for x, text in ticks:
        half = width_of(text, SIZE) / 2
        middle = min(max(x, left + half), right - half)
        if middle - half > taken and right - left >= 2 * half:
            canvas.text(middle, baseline, text, anchor="middle", css="dim")
            taken = middle + half + 4


def bar_title(name: str, wall_s: float, *extra: str) -> str:
    """Return the tooltip of a row."""
    return " · ".join([f"{name}: {seconds(wall_s)}", *extra])


def summary(cells: Mapping[tuple[str, str], Mapping[date, str]]) -> str:
    """Return how many cells are in each state, in words."""
    counts = dict.fromkeys(COVERAGE, 0)
    for found in cells.values():
        for state in found.values():
            counts[state] += 1
    return ", ".join(f"{plural(number, 'cell')} {COVERAGE[state]}" for state, number in counts.items() if number)
