"""The card of quality and effect over the nights. Put what is said of a night's value and its bar here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.cards.by_night import night_chart
from hybrid_assets.report.cards.parts import WIDE, Card, missing, panel_width, panels, sentence
from hybrid_assets.report.gathering import every_night
from hybrid_assets.report.plots import Axes, Point
from hybrid_assets.report.words import SURE, day, interval, is_interval, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from hybrid_assets.report.gathering import Evidence, Row

#: What bars over instances are.
_INTERVAL, _SPREAD = f"{SURE} interval of the median", "least to largest: too few for an interval"


def quality(evidence: Evidence) -> Card:
    """Return quality and effect night by night, with intervals and the classical line."""
    rows = evidence["quality_by_night"]
    nights = every_night(rows)
    body = missing("No night has a verdict yet: this card draws one point a night from the first one on.")
    if rows:
        width = panel_width(2, WIDE)
        charts = []
        for workload in sorted({row["workload"] for row in rows}):
            ours = [row for row in rows if row["workload"] == workload]
            charts += [_ratio_chart(workload, ours, nights, width), _effect_chart(workload, ours, nights, width)]
        body = panels(charts, beside=2) + sentence(
            "Left: median over instances of what a sample of the judged method is worth; a line ends where another "
            "method is judged. The dashed line is the best classical method of the last night shown. Right: the "
            "effect; above the line quantum was better than every rival. "
            f"Solid bars are {SURE} intervals of the median over instances (the sign test's), so two that overlap show "
            "no difference. Where a night has too few instances for one (fewer than six, or a few more for the best of "
            "several methods) dotted bars go from the least instance to the largest: a spread, which shows nothing by "
            "itself. One instance has neither."
        )
    return Card(
        key="quality",
        title="Quality night by night",
        why="Is it getting better or worse, beyond what chance does?",
        body=body,
        questions=("quality_by_night",),
    )


def _ratio_chart(workload: str, rows: Sequence[Row], nights: Sequence[date], width: float) -> tuple[str, str]:
    last = max(row["night"] for row in rows)
    classical = [row["classical_best_ratio"] for row in rows if row["night"] == last]
    best = max((value for value in classical if value is not None), default=None)
    axes = Axes(
        label=f"Ratio to the reference of {workload}, by night and backend",
        x_title="night",
        y_title="ratio to the reference (1 = optimum)",
        lines=() if best is None else ((best, f"best classical, {number(best, digits=3)}"),),
        interval=_INTERVAL,
        spread=_SPREAD,
    )
    return f"{workload}: ratio", night_chart(axes, rows, _point_of("ratio"), width=width, nights=nights)


def _effect_chart(workload: str, rows: Sequence[Row], nights: Sequence[date], width: float) -> tuple[str, str]:
    axes = Axes(
        label=f"Effect of the quantum method of {workload} against its best rival, by night and backend",
        x_title="night",
        y_title="effect, in units of the reference",
        lines=((0.0, "equal to the best rival"),),
        interval=_INTERVAL,
        spread=_SPREAD,
    )
    chart = night_chart(axes, rows, _point_of("effect"), width=width, nights=nights)
    return f"{workload}: effect against the best rival", chart


def _point_of(column: str) -> Callable[[Row], Point | None]:
    """Return what makes a point of a row: a value, the ends of its bar, and what these are worth."""

    def point_of(row: Row) -> Point | None:
        names = (column, f"{column}_low", f"{column}_high", f"{column}_confidence")
        value, low, high, confidence = (row[name] for name in names)
        if value is None:
            return None
        told = f"{day(row['night'])} {interval(value, low, high, confidence, sign=column == 'effect')}"
        has_bar = confidence is not None
        return Point(
            x=0.0,
            y=value,
            low=low if has_bar else None,
            high=high if has_bar else None,
            is_spread=not is_interval(confidence),
            kind=row["method"] or "",
            title=f"{told}: {row['method']}, {plural(row['num_instances'], 'instance')}",
        )

    return point_of
