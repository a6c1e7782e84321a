"""Cards of the device: calibration drift, drift against quality, sensitivity to shots, depth and queue."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from hybrid_assets.report.cards.parts import (
    NARROW,
    Card,
    Column,
    data_table,
    missing,
    panel_width,
    panels,
    sentence,
    text_column,
)
from hybrid_assets.report.gathering import every_night
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.words import day, escape, number, plural, seconds
from hybrid_assets.storage.report_questions import HISTORY_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybrid_assets.report.gathering import Evidence, Row

#: Nights below which a relation of drift and quality is not spoken of.
LEAST_NIGHTS = 10
#: Level of the intervals, over all pairs together.
ALPHA = 0.05
#: Queue times that differ by less are the same wait.
LEAST_QUEUE_SPREAD_S = 0.01


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
    nights = every_night(rows)
    at = {night: index for index, night in enumerate(nights)}
    series = [
        Series(
            name=backend,
            color=index,
            points=[
                Point(
                    x=at[row["night"]],
                    y=row[column],
                    title=f"{day(row['night'])} {number(row[column])}, {plural(row['calibrations'], 'calibration')}",
                )
                for row in rows
                if row["backend"] == backend and row[column] is not None
            ],
        )
        for index, backend in enumerate(sorted({row["backend"] for row in rows}))
    ]
    axes = Axes(label=f"Median {name} by night and backend", x_title="night of execution", y_title=f"median {name}",
                names=[day(night) for night in nights])  # fmt: skip
    return draw_plot(axes, series, width=NARROW)


def drift(evidence: Evidence) -> Card:
    """Return quality against the error of the calibration it was executed under; a slope only where one is shown."""
    rows = [row for row in evidence["drift"] if row["ratio"] is not None]
    body = missing(
        "Nothing to compare yet: this card needs nights executed under calibrations with known errors, and instances "
        "with a reference."
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
                        y=row["ratio"],
                        title=f"{day(row['night'])} {number(row['ratio'])} at {number(row['two_qubit_error'])}",
                    )
                    for row in rows
                    if (row["workload"], row["backend"]) == (workload, backend)
                ],
            )
            for index, (workload, backend) in enumerate(pairs)
        ]
        axes = Axes(label="Median ratio against median two-qubit error, one point a night",
                    x_title="median two-qubit error", y_title="median ratio of a kernel's rows")  # fmt: skip
        body = panels([("One point a night", draw_plot(axes, series, width=NARROW))], beside=1)
        body += "".join(sentence(text) for text in drift_words(evidence["drift_correlation"]))
    return Card(
        key="drift",
        title="Drift against quality",
        why="Does the error of the device explain the quality of the nights?",
        body=body,
        questions=("drift", "drift_correlation"),
        is_wide=False,
    )


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


def sensitivity(evidence: Evidence) -> Card:
    """Return quality against shots, circuit depth and queue time."""
    charts, notes = [], []
    width = panel_width(3)
    for title, chart, note in (_shots(evidence, width), _depths(evidence, width), _queues(evidence, width)):
        if chart:
            charts.append((title, chart))
        notes.append(note)
    if charts and len(charts) < 3:
        width = panel_width(len(charts))
        found = [_shots(evidence, width), _depths(evidence, width), _queues(evidence, width)]
        charts = [(title, chart) for title, chart, _ in found if chart]
    body = (panels(charts, beside=len(charts)) if charts else "") + "".join(notes)
    return Card(
        key="sensitivity",
        title="Sensitivity to shots, depth and queue",
        why="Which knob moves the answer, and does waiting?",
        body=body,
        questions=("shots", "depths", "queues"),
    )


def _shots(evidence: Evidence, width: float) -> tuple[str, str, str]:
    rows = evidence["shots"]
    if len({row["shots"] for row in rows}) < 2:
        used = ", ".join(number(row) for row in sorted({row["shots"] for row in rows})) or "no"
        return "Shots", "", missing(
            f"Shots: all kernels of the last {HISTORY_NIGHTS} nights had {used} shots, so there is nothing "
            "to compare. A "
            "night with other `shots` fills this chart."
        )  # fmt: skip
    axes = Axes(
        label="Ratio of a kernel's row by shots", x_title="shots", y_title="ratio of a kernel's row", is_x_log=True
    )
    chart = draw_plot(axes, _lines(rows, "shots", "ratio", lambda row: f"{number(row['shots'])} shots"), width=width)
    return "Shots", chart, sentence(
        f"Shots: rows of the last {HISTORY_NIGHTS} nights; other things may have differed between those nights."
    )  # fmt: skip


def _depths(evidence: Evidence, width: float) -> tuple[str, str, str]:
    rows = [row for row in evidence["depths"] if row["depth"]]
    if len({row["depth"] for row in rows}) < 2:
        return "Depth", "", missing(
            "Depth: fewer than two depths of circuits with a ratio ran tonight. A workload with several `depths` fills "
            "this chart."
        )  # fmt: skip
    axes = Axes(label="Ratio of a kernel's row by depth of its circuit", x_title="depth of the compiled circuit",
                y_title="ratio of a kernel's row", is_x_log=True)  # fmt: skip
    named: Callable[[Row], str] = lambda row: (  # noqa: E731
        f"{row['label']}: depth {number(row['depth'])}, {number(row['two_qubit_gates'])} two-qubit gates"
    )
    chart = draw_plot(axes, _lines(rows, "depth", "ratio", named), width=width)
    return (
        "Circuit depth",
        chart,
        sentence("Depth: tonight; a point is a kernel's label, bars hold the middle half of rows."),
    )


def _queues(evidence: Evidence, width: float) -> tuple[str, str, str]:
    rows = evidence["queues"]
    waits = {key: [r["queue_s"] for r in rows if (r["workload"], r["backend"]) == key]
             for key in {(row["workload"], row["backend"]) for row in rows}}  # fmt: skip
    spread = {key for key, found in waits.items() if max(found) - min(found) > LEAST_QUEUE_SPREAD_S}
    rows = [row for row in rows if (row["workload"], row["backend"]) in spread]
    if not rows:
        return "Queue", "", missing(
            "Queue: no kernel that ran on several nights waited differently long. A backend with a queue "
            "fills this chart."
        )  # fmt: skip
    axes = Axes(label="Deviation of a kernel's row from its median by queue time", x_title="seconds in the queue",
                y_title="deviation of the ratio", lines=((0.0, "as always"),))  # fmt: skip
    named: Callable[[Row], str] = lambda row: (  # noqa: E731
        f"{plural(row['rows'], 'row')} that waited {seconds(row['queue_s'])}"
    )
    chart = draw_plot(axes, _lines(rows, "queue_s", "deviation", named), width=width)
    return "Queue", chart, sentence(
        f"Queue: a row's ratio minus its own median over {HISTORY_NIGHTS} nights, in quarters by waiting "
        "time. A wait may "
        "stand for the hour or the calibration it ended in."
    )  # fmt: skip


def _lines(rows: Sequence[Row], x: str, y: str, name: Callable[[Row], str]) -> list[Series]:
    cells = sorted({(row["workload"], row["backend"]) for row in rows})
    return [
        Series(
            name=f"{workload} on {backend}",
            color=index,
            points=[
                Point(
                    x=row[x],
                    y=row[y],
                    low=row[f"{y}_q25"],
                    high=row[f"{y}_q75"],
                    title=f"{name(row)}: {number(row[y], digits=3)}",
                )
                for row in sorted(rows, key=lambda row: row[x])
                if (row["workload"], row["backend"]) == (workload, backend) and row[y] is not None
            ],
        )
        for index, (workload, backend) in enumerate(cells)
    ]
