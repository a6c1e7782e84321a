"""`run --benchmark` and `export --qoblib`: what a benchmark found, as tables and as a file. Put its looks here."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.cli.progress import progress
from hybrid_assets.errors import UsageError
from hybrid_assets.storage.benchmark_views import QOBLIB_OF_NIGHT
from hybrid_assets.storage.questions import BENCHMARK_OF_NIGHT, SENSITIVITY_OF_NIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.settings import Settings

#: As `run` without --yes.
EXIT_WAITS_FOR_APPROVAL = 4
QUALITY = ("workload", "backend", "repetitions", "best method", "shots", "depth", "ratio", "worst - best repetition",
           "control", "classical")  # fmt: skip
TIMES = ("workload", "backend", "times are", "kernels", "jobs", "retries", "kernels/s", "queue", "compile", "median",
         "p95", "p99", "longest", "of n")  # fmt: skip
COSTS = ("workload", "backend", "results", "cost/result", "= QPU", "+ job overhead", "+ retries", "billed s",
         "batching saved s", "it paid")  # fmt: skip
SENSITIVITY = ("workload", "backend", "depth", "shots", "best method", "ratio", "worst - best repetition", "p(optimum)")
#: What a time that no device took is.
MEANING = {
    "simulated": "simulated: this machine's own time",
    "emulated": "emulated: waits and runs of a modeled device, shortened by the backend's speed",
    "measured": "measured: the device's and the network's",
}


def run_and_show(
    settings: Settings,
    *,
    night: str | None,
    repetitions: int | None,
    workloads: Sequence[str],
    backends: Sequence[str],
    yes: bool,
) -> int:
    """Run a benchmark, or go on with it, show what it found and return the exit code."""
    from hybrid_assets.defs.night import resolve_night  # noqa: PLC0415 - takes a second
    from hybrid_assets.runner.benchmarking import run_benchmark, unapproved  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.benchmarking_cases import Wanted  # noqa: PLC0415 - as above
    from hybrid_assets.runner.naming import backend_named, workload_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores
    from hybrid_assets.storage.snapshot import publish_snapshot  # noqa: PLC0415 - imports duckdb

    chosen = resolve_night(settings, night)
    wanted = Wanted(
        night=chosen,
        repetitions=repetitions,
        workloads=[workload_named(settings, name) for name in workloads],
        backends=[backend_named(settings, name) for name in backends],
    )
    with progress() as report:
        project = Project.open(settings, report=report)
        if not yes and (costs := unapproved(project, wanted)):
            click.echo(f"{' '.join(costs)} Run with --yes to agree.", err=True)
            return EXIT_WAITS_FOR_APPROVAL
        outcome = run_benchmark(project, wanted)
    click.echo(render(project.home, chosen))
    for note in dict.fromkeys(outcome.notes):
        click.echo(f"- {note}", err=True)
    state = "is over" if outcome.is_over else "is not over"
    click.echo(
        f"Benchmark of {chosen} {state}: {len(outcome.published)} trials now, {len(outcome.known)} before, of "
        f"{outcome.num_trials}. Database: {publish_snapshot(project.home)}"
    )
    return outcome.exit_code


def render(home: Path, night: str) -> str:
    """Return what the benchmark of a night has found so far: quality, times, cost, sensitivity, and what they mean."""
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.storage.snapshot import query_all  # noqa: PLC0415 - as above

    (columns, rows), (_, choices) = query_all(home, [BENCHMARK_OF_NIGHT, SENSITIVITY_OF_NIGHT], parameters=[night])
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    if not found:
        return f"No trial of the benchmark of {night} is over."
    parts = [
        draw(QUALITY, [_quality(row) for row in found], title=f"Benchmark of {night}: quality"),
        draw(TIMES, [_times(row) for row in found], title="Times in s: latency from being asked for to the answer"),
        draw(COSTS, [_costs(row) for row in found], title="Cost of a successful result"),
    ]
    if choices:
        shown = [(w, b, depth, s, m, _number(r), _range(low, high), _number(p)) for w, b, s, depth, m, r, low, high, p
                 in choices]  # fmt: skip
        parts.append(draw(SENSITIVITY, shown, title="Sensitivity: best method of each choice"))
    return "\n\n".join([*parts, "\n".join(_sentences(found))])


def _quality(row: Mapping[str, Any]) -> tuple[Any, ...]:
    spread = _range(row["ratio_low"], row["ratio_high"])
    rivals = (_number(row["control_ratio"]), _number(row["classical_ratio"]))
    head = (row["workload"], row["backend"], row["repetitions"], row["method"], row["shots"], row["depth"])
    return (*head, _number(row["ratio"]), spread, *rivals)


def _times(row: Mapping[str, Any]) -> tuple[Any, ...]:
    tail = ("latency_median_s", "latency_p95_s", "latency_p99_s", "latency_max_s")
    return (
        row["workload"],
        row["backend"],
        row["times"],
        row["kernels"],
        row["jobs"],
        _number(row["retry_rate"]),
        _number(row["throughput_per_s"]),
        _number(row["queue_mean_s"]),
        _number(row["compile_s"]),
        *(_number(row[name]) for name in tail),
        row["latency_n"],
    )


def _costs(row: Mapping[str, Any]) -> tuple[Any, ...]:
    parts = ("cost_per_result", "qpu_cost_per_result", "overhead_cost_per_result", "retry_cost_per_result")
    paid = {True: "yes", False: "no", None: "nothing billed"}[row["batching_paid"]]
    return (
        row["workload"],
        row["backend"],
        f"{row['results']} of {row['kernels']}",
        *(_number(row[name]) for name in parts),
        _number(row["billed_s"]),
        _number(row["batching_saved_s"]),
        paid,
    )


def _sentences(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    kinds = dict.fromkeys(kind for row in found for kind in str(row["times"]).split(","))
    yield f"Times are {'; '.join(MEANING[kind] for kind in kinds)}."
    yield "None of them is a claim about run time: a simulated or emulated run cannot support one, and classical rivals"
    yield "were solved once, at their own speed. Verdicts come from nights (view verdicts), never from this table."
    yield "Methods are the best by their mean, chosen afterwards. Quantiles that too few values support are left out."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _range(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.3f} - {high:.3f}"


def export_qoblib(home: Path, *, night: str, file: Path) -> int:
    """Write the benchmark of a night as QOBLIB submissions; an existing file is refused.

    Raises:
        UsageError: There is no such benchmark, or the file is there.
    """
    from hybrid_assets.storage.files import write_atomically  # noqa: PLC0415 - with the verb
    from hybrid_assets.storage.snapshot import query  # noqa: PLC0415 - imports duckdb

    if file.exists():
        raise UsageError(f"{file} is there already. Give another name, or remove it first.")
    columns, rows = query(home, QOBLIB_OF_NIGHT, parameters=[night])
    if not rows:
        raise UsageError(
            f"There is no benchmark of {night} with an optimization problem: nothing to export. "
            f"`hybrid-assets run --benchmark --night {night}`"
        )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_atomically(file, out.getvalue().encode())
    click.echo(f"{len(rows)} submissions of {night}: {file}")
    return 0
