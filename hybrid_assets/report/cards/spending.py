"""The card of the money: what nights were billed, what budgets have left, when they would be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.cards.by_night import night_chart
from hybrid_assets.report.cards.parts import NARROW, Card, Column, data_table, missing, panels, sentence, text_column
from hybrid_assets.report.gathering import every_night
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.words import day, number, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.report.gathering import Evidence, Row

#: Nights spending must be known of before it is continued; a burn-down of fewer would be an empty chart.
LEAST_NIGHTS = 2
#: Nights a forecast is drawn for at most.
MOST_AHEAD = 10


def spending(evidence: Evidence) -> Card:
    """Return what was billed night by night, and the burn-down of the month's budgets with a forecast."""
    parts = []
    if rows := evidence["spending_by_night"]:
        parts.append(panels([("Billed seconds a night", _billed_chart(rows))], beside=1))
        simulated = {b for b in {row["backend"] for row in rows} if _is_emulated(evidence, b)}
        if simulated:
            parts.append(sentence(f"The bills of {', '.join(sorted(simulated))} are emulated: nothing was paid."))
    else:
        parts.append(missing("No job was ever billed. A backend that bills seconds fills this chart."))
    rows = evidence["budgets_by_night"]
    if len({row["night"] for row in rows}) >= LEAST_NIGHTS:
        parts.append(panels([("Budgets of the month, left over", _burn_down(rows, evidence["forecast"]))], beside=1))
    if rows:
        parts.append(sentence(_forecast_words(evidence["forecast"])))
    else:
        parts.append(
            missing(
                "No budget of a month is recorded. `budgets: [{team: ..., per: month, qpu_s: ...}]` fills "
                "the burn-down."
            )
        )
    if rows := evidence["budgets"]:
        columns = (
            text_column("team", "team"),
            text_column("period", "period"),
            text_column("unit", "unit"),
            Column(key="limit", head="limit"),
            Column(key="spent", head="spent"),
            Column(key="reserved", head="reserved"),
            Column(key="left_over", head="left"),
        )
        parts.append(data_table("budgets", rows, columns))
    return Card(
        key="spending",
        title="Budget",
        why="What did the nights cost, and how long will the budget last?",
        body="".join(parts),
        questions=("spending_by_night", "budgets_by_night", "forecast", "budgets"),
        is_wide=False,
    )


def _is_emulated(evidence: Evidence, backend: str) -> bool:
    return any(
        evidence.is_simulated(row["workload"], backend) for row in evidence["kernels"] if row["backend"] == backend
    )


def _billed_chart(rows: Sequence[Row]) -> str:
    def point_of(row: Row) -> Point:
        told = f"{day(row['night'])} {seconds(row['billed_s'])}, cost {number(row['cost'])}, "
        jobs = f"{plural(row['jobs'], 'job')}, {row['not_succeeded']} not succeeded"
        return Point(x=0.0, y=row["billed_s"], title=told + jobs)

    axes = Axes(label="Billed seconds by night and backend", x_title="night", y_title="billed seconds", include=(0.0,))
    return night_chart(axes, rows, point_of, width=NARROW)


def _burn_down(rows: Sequence[Row], forecast: Sequence[Row]) -> str:
    nights = every_night(rows)
    at = {night: index for index, night in enumerate(nights)}
    ahead = {_budget(row): row for row in forecast if row["nights"] >= LEAST_NIGHTS and row["nights_left"] is not None}
    steps = min(MOST_AHEAD, max(len(nights) // 2, 3)) if ahead else 0
    series = []
    for index, name in enumerate(sorted({_budget(row) for row in rows})):
        ours = [row for row in rows if _budget(row) == name and row["limit"]]
        points = [
            Point(
                x=at[row["night"]],
                y=100 * row["left_over"] / row["limit"],
                title=f"{day(row['night'])} {number(row['left_over'])} of {number(row['limit'])} left",
            )
            for row in ours
        ]
        series.append(Series(name=name, points=points, color=index))
        if points and (known := ahead.get(name)):
            series.append(_continued(points[-1], known, name, index, steps))
    names = [day(night) for night in nights] + [f"+{step}" for step in range(1, steps + 1)]
    axes = Axes(label="Part of each monthly budget that is left, by night, with a forecast", x_title="night",
                y_title="percent left (dashed: forecast)", names=names, include=(0.0, 100.0))  # fmt: skip
    return draw_plot(axes, series, width=NARROW)


def _continued(last: Point, known: Row, name: str, index: int, steps: int) -> Series:
    """Return the mean night's spending continued until nothing is left."""
    until = min(float(steps), max(known["nights_left"], 0.0))
    rate = 100 * known["per_night"] / known["limit"]
    end = Point(x=last.x + until, y=max(last.y - rate * until, 0.0), title=f"forecast of {name}")
    return Series(name="", points=(last, end), color=index, is_dashed=True)


def _forecast_words(forecast: Sequence[Row]) -> str:
    how = "Forecast: the mean spending of the last nights, continued; it knows nothing of what is planned."
    known = [row for row in forecast if row["nights"] >= LEAST_NIGHTS and row["nights_left"] is not None]
    said = [
        f"{_budget(row)}: {number(row['per_night'], digits=3)} a night over {row['nights']} nights "
        f"({number(row['least'], digits=3)} to {number(row['most'], digits=3)}), enough for "
        f"{row['nights_left']:.0f} more."
        for row in known
    ]
    return " ".join([how, *said]) if said else (
        f"There is no forecast yet: it needs {LEAST_NIGHTS + 1} recorded nights of the month, with spending."
    )  # fmt: skip


def _budget(row: Row) -> str:
    return f"{row['team']} {row['period']} {row['unit']}"
