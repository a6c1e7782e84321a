"""Cards of the night's course: stages and jobs in time, batches and breakers, coverage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from hybrid_assets.report.cards.parts import NARROW, WIDE, Card, Column, data_table, missing, sentence, text_column
from hybrid_assets.report.gathering import every_night
from hybrid_assets.report.strips import (
    COVERAGE,
    Bar,
    Lane,
    bar_title,
    draw_coverage,
    draw_lanes,
    draw_waterfall,
    summary,
)
from hybrid_assets.report.words import escape, number, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from hybrid_assets.report.gathering import Evidence, Row

#: Rows of a workload's coverage at most; those with the most gaps are shown first.
MOST_ROWS = 48
#: Seconds in which nothing is under way that are left out of the waterfall.
LONG_IDLE_S = 60
_STAGE_LEGEND = (
    ("bar s0", "stage"),
    ("bar s3", "stage over its budget"),
    ("queue", "job in the queue"),
    ("bar s1", "job running"),
)


def waterfall(evidence: Evidence) -> Card:
    """Return the stages of the night in time, and its jobs: queue apart from run and bill."""
    bars, idle_s = without_idle_time(_bars(evidence))
    body = missing(
        "No timing of this night is published: `control/stage_timings` and `control/job_attempts`, the "
        "last assets of a night, fill this card."
    )
    if bars:
        body = draw_waterfall(bars, label="Stages and jobs of the night in time", legend=_STAGE_LEGEND, width=WIDE)
        left_out = f" {seconds(idle_s)} in which nothing was under way are left out of the axis." if idle_s else ""
        body += sentence(
            "In the order of their beginning; of a night that was run again, the stages are those of the last run. A "
            "stage of results holds the time it waited for jobs. Billed seconds are the backend's; they need not be "
            f"the seconds a job ran here.{left_out}"
        )
    if rows := evidence["jobs"]:
        body += data_table("jobs", rows, _job_columns())
    return Card(
        key="waterfall",
        title="Where the time went",
        why="Compile, queue, run, post-process: what is worth speeding up?",
        body=body,
        questions=("stages", "job_times", "jobs"),
    )


def _job_columns() -> Sequence[Column]:
    return (
        text_column("backend", "backend"),
        text_column("workload", "workload"),
        text_column("status", "status"),
        Column(key="jobs", head="jobs"),
        Column(key="kernels", head="kernels"),
        Column(key="queue_s", head="median queue", show=seconds),
        Column(key="longest_queue_s", head="longest queue", show=seconds),
        Column(key="run_s", head="ran", show=seconds),
        Column(key="billed_s", head="billed", show=seconds),
        Column(key="cost", head="cost"),
    )


def _bars(evidence: Evidence) -> Iterator[Bar]:
    for row in evidence["stages"]:
        if row["finished_at"]:
            name = "/".join(filter(None, (row["workload"], row["backend"], row["stage"])))
            over = row["within_budget"] is False
            budget = f" of {seconds(row['budget_s'])}" if row["budget_s"] is not None else ""
            yield Bar(
                name=name,
                start_s=row["finished_at"].timestamp() - row["wall_s"],
                parts=(("bar s3" if over else "bar s0", row["wall_s"]),),
                note=f"{seconds(row['wall_s'])}{budget}",
                title=bar_title(name, row["wall_s"], "over its budget") if over else bar_title(name, row["wall_s"]),
            )
    yield from map(_job_bar, evidence["job_times"])


def without_idle_time(bars: Iterable[Bar]) -> tuple[list[Bar], float]:
    """Return bars in the order of their beginning, the first at 0, and the seconds of long idle time taken out.

    A night that is run again hours later would otherwise be two specks at the ends of its axis.
    """
    ordered = sorted(bars, key=lambda bar: (bar.start_s, bar.name))
    if not ordered:
        return [], 0.0
    origin = until = ordered[0].start_s
    idle_s, moved = 0.0, []
    for bar in ordered:
        if bar.start_s - until > LONG_IDLE_S:
            idle_s += bar.start_s - until
        moved.append(replace(bar, start_s=bar.start_s - origin - idle_s))
        until = max(until, bar.start_s + sum(length for _, length in bar.parts))
    return moved, idle_s


def _job_bar(row: Row) -> Bar:
    begun = row["submitted_at"].timestamp()
    queue_s = row["queue_s"] or 0.0
    run_s = row["run_s"] if row["run_s"] is not None else max(row["finished_at"].timestamp() - begun - queue_s, 0.0)
    failed = "" if row["status"] == "SUCCEEDED" else f", {row['status']}"
    name = f"job of {row['workload'] or 'nobody'} on {row['backend']}"
    return Bar(
        name=name,
        start_s=begun,
        parts=(("queue", queue_s), ("bar s1", run_s)),
        note=f"billed {seconds(row['billed_s'])}{failed}",
        title=f"{name}: queued {seconds(queue_s)}, ran {seconds(run_s)}, billed {seconds(row['billed_s'])}{failed}",
    )


def batches(evidence: Evidence) -> Card:
    """Return sizes of batches over the breakers' states, and why kernels had to wait."""
    lanes = list(_lanes(evidence))
    body = missing(
        "No batch was made tonight: every result was known, or nothing was asked for. A night with new "
        "kernels fills this card."
    )
    if lanes:
        legend = (
            ("bar s0", "kernels of a batch"),
            ("state-closed", "breaker closed"),
            ("state-half_open", "half open"),
            ("state-open", "open"),
        )
        body = draw_lanes(
            lanes, label="Kernels of each batch, and breaker states, by backend", legend=legend, width=NARROW
        )
        ends = [row for row in evidence["breakers"] if row["kind"] == "change" and row["reason"]]
        body += "".join(sentence(f"{row['backend']} {row['state']}: {row['reason']}") for row in ends[-3:])
    if rows := evidence["waits"]:
        columns = (
            text_column("backend", "backend"),
            text_column("reason", "why kernels waited"),
            Column(key="times", head="times"),
            Column(key="kernels", head="most kernels"),
        )
        body += data_table("waits", rows, columns)
    return Card(
        key="batches",
        title="Batches and breakers",
        why="How were jobs sized, and was a backend cut off?",
        body=body,
        questions=("batches", "breakers", "waits"),
        is_wide=False,
    )


def _lanes(evidence: Evidence) -> Iterator[Lane]:
    made, events = evidence["batches"], evidence["breakers"]
    moments = [row["decided_at"] for row in made] + [row["happened_at"] for row in events]
    if not made:
        return
    origin, last = min(moments), max(moments)
    for backend in sorted({row["backend"] for row in (*made, *events)}):
        yield Lane(
            name=backend,
            batches=[
                ((row["decided_at"] - origin).total_seconds(), row["size"], _batch_title(row))
                for row in made
                if row["backend"] == backend
            ],
            states=list(_states([row for row in events if row["backend"] == backend], origin, last)),
        )


def _batch_title(row: Row) -> str:
    most = f" of at most {number(row['limit'])}" if row["limit"] else ""
    return f"{number(row['size'])} kernels{most}: {row['reason']}"


def _states(events: Sequence[Row], origin: datetime, last: datetime) -> Iterator[tuple[float, float, str, str]]:
    """Yield the spans between a breaker's changes; it was closed before the first one."""
    if not events:
        return
    at, state, reason = origin, "closed", None
    for row in (*(row for row in events if row["kind"] == "change"), None):
        until = last if row is None else row["happened_at"]
        seconds_in = ((at - origin).total_seconds(), (until - origin).total_seconds())
        known = state if state in {"closed", "half_open", "open"} else "open"
        if until > at or row is None:
            yield *seconds_in, known, f"{state.replace('_', ' ')}{f': {reason}' if reason else ''}"
        if row is not None:
            at, state, reason = row["happened_at"], row["state"], row["reason"]


def coverage(evidence: Evidence) -> Card:
    """Return which instance was answered on which backend on which night; gaps are visible."""
    found: dict[str, dict[tuple[str, str], dict[date, str]]] = defaultdict(lambda: defaultdict(dict))
    for row in evidence["coverage"]:
        found[row["workload"]][row["instance"], row["backend"]][row["night"]] = row["state"]
    nights = every_night(evidence["coverage"])
    body = missing("No night has inputs yet: this card shows a cell for each instance, backend and night.")
    if nights:
        legend = "".join(
            f'<span><i class="{_box(state)}"></i>{escape(name)}</span>' for state, name in COVERAGE.items()
        )
        body = f'<p class="legend">{legend}</p>' + "".join(
            _workload_coverage(evidence, workload, cells, nights) for workload, cells in sorted(found.items())
        )
    return Card(
        key="coverage",
        title="Coverage",
        why="What was asked, and what was answered? A trend over gaps is no trend.",
        body=body,
        questions=("coverage",),
    )


def _box(state: str) -> str:
    return f"box cover-{state}"


def _workload_coverage(
    evidence: Evidence, workload: str, cells: dict[tuple[str, str], dict[date, str]], nights: Sequence[date]
) -> str:
    known = {backend for _, backend in cells}
    if workload in evidence.settings.workloads:
        known |= set(evidence.settings.backends_of(workload))
    instances = sorted({instance for instance, _ in cells})
    shown = instances
    if len(instances) > MOST_ROWS:
        gaps = {name: sum(len(nights) - list(cells.get((name, b), {}).values()).count("answered") for b in known)
                for name in instances}  # fmt: skip
        shown = sorted(sorted(instances, key=lambda name: (-gaps[name], name))[:MOST_ROWS])
    label = f"Coverage of {workload}: {summary(cells)}"
    svg = draw_coverage(cells, rows=shown, columns=sorted(known), nights=nights, width=WIDE, label=label)
    rest = len(instances) - len(shown)
    more = f" {rest} instances with fewer gaps are not drawn." if rest else ""
    return f"<h3>{escape(workload)}</h3>{svg}{sentence(f'{summary(cells)}.{more}')}"
