"""Cards of the device: calibration drift, drift against quality."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.cards.by_night import night_chart
from hybrid_assets.report.cards.parts import (
    NARROW,
    Card,
    Column,
    data_table,
    missing,
    panels,
    sentence,
    text_column,
)
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.words import day, escape, number
from hybrid_assets.storage.report_questions import HISTORY_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.report.gathering import Evidence, Row

#: Nights below which a relation of drift and quality is not spoken of.
LEAST_NIGHTS = 10
#: Level of the intervals, over all pairs together.
ALPHA = 0.05
#: What rows of kernels are measured by, beside each other only with themselves.
OWN_MEDIAN = f"a row's ratio minus its own median over {HISTORY_NIGHTS} nights"
DEVIATION, AS_ALWAYS = "deviation of the ratio", (0.0, "as always")


def calibration(evidence: Evidence) -> Card:
    """Return the errors of the calibrations that nights were executed under, and their relation to quality."""
    rows = evidence["calibration_by_night"]
    body = missing(
        "No night was executed under a calibration with known errors. A backend with a device (`device: "
        "fake_torino`, or "
        "real hardware) fills this card; an ideal simulator has no errors."
    )
    if rows:
        body = panels(
            [
                ("Median two-qubit error", _error_chart(rows, "two_qubit_error", "two-qubit error")),
                ("Median readout error", _error_chart(rows, "readout_error", "readout error")),
            ],
            beside=1,
        ) + _tonight(evidence)
    return Card(
        key="calibration",
        title="Calibration drift",
        why="Is the device the one it was?",
        body=body,
        questions=("calibration_by_night", "calibration"),
        is_wide=False,
    )


def _tonight(evidence: Evidence) -> str:
    if not (rows := evidence["calibration"]):
        return sentence("Tonight's results come from no backend that tells its errors.")
    columns = (
        text_column("backend", "backend"),
        text_column("calibration_id", "calibration", lambda row: escape(row["calibration_id"][:12])),
        text_column("calibrated_at", "calibrated (UTC)", lambda row: f"{row['calibrated_at']:%Y-%m-%d %H:%M}"),
        Column(key="median_two_qubit_error", head="two-qubit", show=lambda value: number(value, digits=3)),
        Column(key="median_readout_error", head="readout", show=lambda value: number(value, digits=3)),
    )
    return data_table("calibration", rows, columns, most=12)


def _error_chart(rows: Sequence[Row], column: str, name: str) -> str:
    def point_of(row: Row) -> Point | None:
        told = f"{day(row['night'])} {number(row[column])}, {plural(row['calibrations'], 'calibration')}"
        return None if row[column] is None else Point(x=0.0, y=row[column], title=told)

    axes = Axes(label=f"Median {name} by night and backend", x_title="night of execution", y_title=f"median {name}")
    return night_chart(axes, rows, point_of, width=NARROW)


def drift(evidence: Evidence) -> Card:
    """Return quality against the error of the calibration it was executed under; a slope only where one is shown."""
    rows = evidence["drift"]
    body = missing(
        "Nothing to compare yet: this card needs kernels executed on several nights under calibrations with known "
        "errors, and instances with a reference. A night that reuses the results of another executed nothing."
    )
    if rows:
        pairs = sorted({(row["workload"], row["backend"]) for row in rows})
        series = [
            Series(
                name=f"{workload} on {backend}",
                color=index,
                is_joined=False,
                points=[
                    Point(
                        x=row["two_qubit_error"],
                        y=row["deviation"],
                        title=f"{day(row['night'])} {number(row['deviation'], sign=True)} at "
                        f"{number(row['two_qubit_error'])}, {plural(row['rows'], 'row')}",
                    )
                    for row in rows
                    if (row["workload"], row["backend"]) == (workload, backend)
                ],
            )
            for index, (workload, backend) in enumerate(pairs)
        ]
        axes = Axes(label="Median deviation of kernels' rows against median two-qubit error, one point a night",
                    x_title="median two-qubit error", y_title=DEVIATION, lines=(AS_ALWAYS,))  # fmt: skip
        body = panels([("One point a night", draw_plot(axes, series, width=NARROW))], beside=1)
        body += sentence(
            f"A point is the median, over the rows of kernels executed that night, of {OWN_MEDIAN}. Kernels of "
            f"different labels or instances are not compared with each other. {parts_words(evidence['parts'])}"
        )
        last = {(row["workload"], row["backend"]): row for row in rows}
        body += "".join(sentence(text) for text in drift_words(list(last.values())))
    return Card(
        key="drift",
        title="Drift against quality",
        why="Does the error of the device explain the quality of the nights?",
        body=body,
        questions=("drift", "parts"),
        is_wide=False,
    )


def parts_words(rows: Sequence[Row]) -> str:
    """Return which kernels of tonight have no ratio, because they solve a part of an instance only."""
    if not rows:
        return "Kernels of parts of an instance would be left out: they have no reference of their own."
    told = [
        f"{row['kernels']} of {row['workload']} ({row['example']}"
        f"{f' and {more} more' if (more := row['instances'] - 1) else ''})"
        for row in rows
    ]
    return f"Kernels of parts of an instance are left out, for they have no reference of their own: {', '.join(told)}."


def drift_words(rows: Sequence[Row]) -> list[str]:
    """Return what may be said of each pair's rank correlation: nothing below `LEAST_NIGHTS`, else with its interval.

    The interval is Fisher's (tanh(atanh(r) +- z sqrt(1.06 / (n - 3))), the factor for rank correlations), at a level
    divided by the number of pairs looked at.
    """
    judged = [row for row in rows if row["nights"] >= LEAST_NIGHTS and _is_known(row["rank_correlation"])]
    said = []
    for row in rows:
        name = f"{row['workload']} on {row['backend']}"
        if row["nights"] < LEAST_NIGHTS:
            said.append(
                f"{name}: {plural(row['nights'], 'night')}, too few to speak of a relation (at least "
                f"{LEAST_NIGHTS}). A "
                "slope that the eye sees here is chance until shown otherwise."
            )
        elif not _is_known(row["rank_correlation"]):
            said.append(f"{name}: error or quality did not change in {plural(row['nights'], 'night')}.")
        else:
            low, high = rank_interval(row["rank_correlation"], row["nights"], pairs=len(judged))
            verdict = "no relation is shown" if low <= 0 <= high else "a relation, not its cause, is shown"
            said.append(
                f"{name}: rank correlation {number(row['rank_correlation'], digits=2, sign=True)} "
                f"[{number(low, digits=2, sign=True)}, {number(high, digits=2, sign=True)}] over "
                f"{row['nights']} nights, "
                f"corrected for {plural(len(judged), 'pair')}: {verdict}."
            )
    return said


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def rank_interval(correlation: float, nights: int, *, pairs: int) -> tuple[float, float]:
    """Return Fisher's interval of a rank correlation, for so many nights and as many pairs looked at."""
    z = NormalDist().inv_cdf(1 - ALPHA / 2 / max(pairs, 1))
    inside = min(max(correlation, -1 + 1e-12), 1 - 1e-12)
    spread = z * math.sqrt(1.06 / (nights - 3))
    return math.tanh(math.atanh(inside) - spread), math.tanh(math.atanh(inside) + spread)
