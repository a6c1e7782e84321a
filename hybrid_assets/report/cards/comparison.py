"""Cards of the comparison: tonight, quality against time, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.cards.parts import (
    WIDE,
    Card,
    Column,
    chip,
    data_table,
    folded,
    missing,
    panel_width,
    panels,
    sentence,
    text_column,
)
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.words import SURE, escape, interval, number, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.report.gathering import Evidence, Row

_VERDICTS = {"advantage_candidate": "good", "inconclusive": "warn", "no_advantage": "plain"}


def tonight(evidence: Evidence) -> Card:
    """Return tonight's methods against their classical rivals, with verdict and scope."""
    rows = evidence["compared"]
    body = missing(
        f"No verdict of {evidence.night} is published. `hybrid-assets run --night {evidence.night}` fills this card."
    )
    if rows:
        scopes = "".join(f"<li><b>{escape(_cell_name(row))}</b> {escape(row['scope'] or '')}</li>" for row in rows)
        body = (
            data_table("compared", rows, _compared_columns(evidence))
            + sentence(
                "Effect: the judged method's best value minus the best of all rivals on the same instance, in units of "
                f"the reference; its {SURE} interval is the sign test's, which a few instances cannot give. "
                "p: one-sided, paired, Holm-adjusted."
            )
            + f'<h3>Scope of each verdict</h3><ul class="scopes">{scopes}</ul>'
            + folded("Every method, control and baseline of tonight", _methods(evidence))
        )
    return Card(
        key="tonight",
        title="Tonight against classical",
        why="Did the quantum kernel help, on what, and how sure is that?",
        body=body,
        questions=("compared", "methods"),
    )


def _compared_columns(evidence: Evidence) -> Sequence[Column]:
    def backend(row: Row) -> str:
        simulated = evidence.is_simulated(row["workload"], row["backend"])
        mark = f" {chip('simulated', 'plain')}" if simulated else ""
        others = f" {chip(plural(row['substituted'], 'fallback row'), 'warn')}" if row["substituted"] else ""
        return f"{escape(row['backend'])}{mark}{others}"

    return (
        text_column("workload", "workload"),
        text_column("backend", "backend", backend),
        text_column(
            "verdict",
            "verdict",
            lambda row: chip(row["verdict"].replace("_", " "), _VERDICTS.get(row["verdict"], "plain")),
        ),
        text_column("method", "judged method"),
        Column(key="num_instances", head="instances"),
        Column(key="ratio", head="ratio", show=lambda value: number(value, digits=3)),
        Column(key="best_ratio", head="best of shots", show=lambda value: number(value, digits=3)),
        text_column("classical", "best classical"),
        Column(key="classical_best_ratio", head="its ratio", show=lambda value: number(value, digits=3)),
        Column(
            key="effect",
            head=f"effect [{SURE}]",
            html=lambda row: escape(
                interval(row["effect"], row["effect_low"], row["effect_high"], row["effect_confidence"])
            ),
        ),
        Column(key="p_value", head="p", show=lambda value: number(value, digits=2)),
        Column(key="wins", head="win/tie/loss", html=lambda row: f"{row['wins']}/{row['ties']}/{row['losses']}"),
    )


def _methods(evidence: Evidence) -> str:
    columns = (
        text_column("workload", "workload"),
        text_column("backend", "backend"),
        text_column("role", "role"),
        text_column("method", "method"),
        Column(key="instances", head="instances"),
        Column(key="ratio", head="ratio", show=lambda value: number(value, digits=3)),
        Column(key="best_ratio", head="best ratio", show=lambda value: number(value, digits=3)),
        Column(key="p_opt", head="p_opt", show=lambda value: number(value, digits=3)),
        Column(key="shots", head="executions"),
        Column(key="seconds", head="seconds", show=seconds),
        Column(key="cost", head="cost"),
    )
    return data_table("methods", evidence["methods"], columns, most=120)


def pareto(evidence: Evidence) -> Card:
    """Return quality against time of every method, the front marked."""
    rows = [row for row in evidence["methods"] if row["best_ratio"] is not None and (row["seconds"] or 0) > 0]
    workloads = sorted({row["workload"] for row in rows})
    left_out = len(evidence["methods"]) - len(rows)
    body = missing("No method of tonight has both a ratio and a time: a night with solved baselines fills this card.")
    if rows:
        width = panel_width(len(workloads))
        charts = [
            (workload, _pareto_chart(workload, [row for row in rows if row["workload"] == workload], width))
            for workload in workloads
        ]
        beside = round((WIDE + 20) / (width + 20))
        body = panels(charts, beside=beside) + sentence(
            "Ringed methods are on the front: no other one is both better and faster. A baseline's time "
            "is its wall time, "
            "the median over instances; a quantum method's is its part of the jobs' run time by executions, queue and "
            f"compilation apart. {plural(left_out, 'method')} without a time or a ratio left out (sampled "
            "controls have no "
            "time of their own; results of earlier nights have no jobs tonight)."
        )
    return Card(
        key="pareto",
        title="Quality against time",
        why="What does a better answer cost, and who offers it cheapest?",
        body=body,
        questions=("methods",),
    )


def _pareto_chart(workload: str, rows: Sequence[Row], width: float) -> str:
    groups = sorted({(row["role"], row["backend"]) for row in rows}, key=lambda group: (group[0] != "quantum", group))
    axes = Axes(
        label=f"Best ratio against seconds an instance of every method of {workload}",
        x_title="seconds an instance",
        y_title="best ratio",
        is_x_log=True,
    )
    front = {id(row) for row in rows if not any(_dominates(other, row) for other in rows)}
    series = [
        Series(
            name=f"{role} on {backend}" if backend else role,
            color=index,
            is_joined=False,
            points=[
                Point(
                    x=row["seconds"],
                    y=row["best_ratio"],
                    title=f"{row['method']}: {number(row['best_ratio'])} in {seconds(row['seconds'])}, "
                    f"cost {number(row['cost'])} in all",
                    is_marked=id(row) in front,
                )
                for row in rows
                if (row["role"], row["backend"]) == (role, backend)
            ],
        )
        for index, (role, backend) in enumerate(groups)
    ]
    return draw_plot(axes, series, width=width)


def _dominates(one: Row, other: Row) -> bool:
    better, faster = one["best_ratio"] >= other["best_ratio"], one["seconds"] <= other["seconds"]
    strictly = one["best_ratio"] > other["best_ratio"] or one["seconds"] < other["seconds"]
    return bool(better and faster and strictly)


def troubles(evidence: Evidence) -> Card:
    """Return what did not go as asked: fallback rows, failures, jobs that did not succeed, refused inputs."""
    parts = []
    columns: Sequence[Column]
    if rows := evidence["substitutes"]:
        columns = (
            text_column("workload", "workload"),
            text_column("backend", "backend asked"),
            text_column(
                "source", "answered by", lambda row: chip(row["source"], "bad" if row["source"] == "failed" else "warn")
            ),
            Column(key="kernels", head="kernels"),
            Column(key="instances", head="instances"),
            text_column("example", "for example"),
        )
        parts.append("<h3>Kernels the backend did not answer</h3>" + data_table("substitutes", rows, columns))
    if rows := [row for row in evidence["jobs"] if row["status"] != "SUCCEEDED" or row["is_duplicate"]]:
        parts.append(f"<h3>Jobs that did not succeed, and duplicates</h3><ul>{''.join(map(_job, rows))}</ul>")
    if rows := evidence["refused"]:
        columns = (
            text_column("workload", "workload"),
            text_column("source", "file"),
            text_column("refusal", "refused because"),
        )
        parts.append("<h3>Refused inputs</h3>" + data_table("refused", rows, columns))
    body = "".join(parts) or missing(
        "Every input was accepted, every kernel was answered by its backend, every job succeeded. Failures would be "
        "listed here, none is left out."
    )
    return Card(
        key="troubles",
        title="What did not go as asked",
        why="Fallback rows never enter a quantum claim; failures count as losses.",
        body=body,
        questions=("substitutes", "jobs", "refused"),
    )


def _job(row: Row) -> str:
    what = f"{plural(row['jobs'], 'job')} {row['status']}{', duplicates' if row['is_duplicate'] else ''}"
    where = f"{row['backend']} {row['workload'] or ''}".strip()
    bill = f", billed {seconds(row['billed_s'])}" if row["billed_s"] else ""
    return f"<li><b>{escape(where)}</b> {escape(what + bill)}: {escape(row['message'] or 'no message')}</li>"


def _cell_name(row: Row) -> str:
    return f"{row['workload']} on {row['backend']}:"
