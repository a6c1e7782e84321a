"""The card of what moves the answer: shots, depth, queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.cards.parts import (
    Card,
    Column,
    data_table,
    folded,
    missing,
    panel_width,
    panels,
    sentence,
    text_column,
)
from hybrid_assets.report.cards.physics import AS_ALWAYS, DEVIATION, OWN_MEDIAN, parts_words
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.words import number, seconds
from hybrid_assets.storage.report_questions import HISTORY_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybrid_assets.report.gathering import Evidence, Row

MIDDLE_HALF = "middle half of rows"
#: Queue times that differ by less are the same wait.
LEAST_QUEUE_SPREAD_S = 0.01


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
    if charts:
        body += sentence(f"Dotted bars hold the middle half of rows: a spread. {parts_words(evidence['parts'])}")
    return Card(
        key="sensitivity",
        title="Sensitivity to shots, depth and queue",
        why="Which knob moves the answer, and does waiting?",
        body=body,
        questions=("shots", "depths", "queues", "parts"),
    )


def _shots(evidence: Evidence, width: float) -> tuple[str, str, str]:
    rows = evidence["shots"]
    if not rows:
        return "Shots", "", missing(
            f"Shots: no kernel's row was executed with several numbers of shots in the last {HISTORY_NIGHTS} nights, "
            "so there is nothing to compare. A night with other `shots` fills this chart."
        )  # fmt: skip
    axes = Axes(label="Deviation of a kernel's row from its own median by shots", x_title="shots",
                y_title=DEVIATION, is_x_log=True, lines=(AS_ALWAYS,), spread=MIDDLE_HALF)  # fmt: skip
    chart = draw_plot(axes, _lines(rows, "shots", "deviation", lambda row: f"{number(row['shots'])} shots"),
                      width=width)  # fmt: skip
    return "Shots", chart, sentence(
        f"Shots: {OWN_MEDIAN}; other things may have differed between those nights. More shots should not move the "
        "middle, only shorten the bars."
    )  # fmt: skip


def _depths(evidence: Evidence, width: float) -> tuple[str, str, str]:
    rows = [row for row in evidence["depths"] if row["depth"]]
    if len({row["depth"] for row in rows}) < 2:
        return "Depth", "", missing(
            "Depth: fewer than two depths of circuits with a ratio ran tonight. A workload with several `depths` fills "
            "this chart."
        )  # fmt: skip
    axes = Axes(label="Ratio of a kernel's row by depth of its circuit", x_title="depth of the compiled circuit",
                y_title="ratio of a kernel's row", is_x_log=True, spread=MIDDLE_HALF)  # fmt: skip
    named: Callable[[Row], str] = lambda row: (  # noqa: E731
        f"{row['label']}, {plural(row['instances'], 'instance')}: depth {number(row['depth'])}, "
        f"{number(row['two_qubit_gates'])} two-qubit gates"
    )
    chart = draw_plot(axes, _lines(rows, "depth", "ratio", named, is_joined=False), width=width)
    return "Circuit depth", chart, sentence(
        "Depth: tonight; a point is a kernel's label, the median over the rows of its instances. No line joins labels: "
        "they may be of different instances."
    ) + folded("The points of the depth chart", data_table("depths", rows, _depth_columns()))  # fmt: skip


def _depth_columns() -> Sequence[Column]:
    return (
        text_column("workload", "workload"),
        text_column("backend", "backend"),
        text_column("label", "label"),
        Column(key="instances", head="instances"),
        Column(key="rows", head="rows"),
        Column(key="depth", head="depth"),
        Column(key="two_qubit_gates", head="two-qubit gates"),
        Column(key="ratio_q25", head="lower quarter below"),
        Column(key="ratio", head="median ratio"),
        Column(key="ratio_q75", head="upper quarter above"),
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
    axes = Axes(label="Deviation of a kernel's row from its own median by queue time", x_title="seconds in the queue",
                y_title=DEVIATION, lines=(AS_ALWAYS,), spread=MIDDLE_HALF)  # fmt: skip
    named: Callable[[Row], str] = lambda row: (  # noqa: E731
        f"{plural(row['rows'], 'row')} that waited {seconds(row['queue_s'])}"
    )
    chart = draw_plot(axes, _lines(rows, "queue_s", "deviation", named), width=width)
    return "Queue", chart, sentence(
        f"Queue: {OWN_MEDIAN}, in quarters by waiting time. A wait may stand for the hour or the calibration it ended "
        "in."
    )  # fmt: skip


def _lines(rows: Sequence[Row], x: str, y: str, name: Callable[[Row], str], *, is_joined: bool = True) -> list[Series]:
    cells = sorted({(row["workload"], row["backend"]) for row in rows})
    return [
        Series(
            name=f"{workload} on {backend}",
            color=index,
            is_joined=is_joined,
            points=[
                Point(
                    x=row[x],
                    y=row[y],
                    low=row[f"{y}_q25"],
                    high=row[f"{y}_q75"],
                    is_spread=True,
                    title=f"{name(row)}: {number(row[y], digits=3)}",
                )
                for row in sorted(rows, key=lambda row: row[x])
                if (row["workload"], row["backend"]) == (workload, backend) and row[y] is not None
            ],
        )
        for index, (workload, backend) in enumerate(cells)
    ]
