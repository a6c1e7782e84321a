"""`run`: materialize a night, or a part of it, in this process."""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING

import click

from hybrid_assets.cli.progress import progress
from hybrid_assets.cli.table import render_night, substitutes
from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.defs.assets import StageAsset
    from hybrid_assets.runner.project import Project
    from hybrid_assets.settings import Settings

#: The command waits for a person's approval.
EXIT_WAITS_FOR_APPROVAL = 4
#: At least one input was refused; everything else ran.
EXIT_INPUT_REFUSED = 3


@click.command(short_help="Materialize a night in process.")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the one just over).")
@click.option("--workload", "workloads", multiple=True, help="Only this workload (repeatable).")
@click.option("--backend", "backends", multiple=True, help="Only this backend (repeatable).")
@click.option("--until", metavar="STAGE", help="Stop after this stage, e.g. quantum_results.")
@click.option("--yes", is_flag=True, help="Agree to spend on metered backends.")
@click.option("--smoke", metavar="BACKEND", help="No night: check reference kernels on this backend.")
@click.option("--max-qpu-s", type=click.FloatRange(min=0), metavar="S", help="Smoke: most seconds that may be billed.")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), metavar="S", help="Smoke: seconds to wait [3600].")
@click.option("--smoke-id", metavar="NAME", help="Smoke: name of the run, new or to go on with.")
@click.option("--json", "as_json", is_flag=True, help="Smoke: print JSON.")
@click.option("--benchmark", is_flag=True, help="No night: repeat it on fixed inputs, measure every backend.")
@click.option("--repetitions", type=click.IntRange(1, 1000), metavar="N", help="Benchmark: repetitions.")
@click.pass_obj
def command(  # noqa: PLR0913 - one an option
    obj: dict[str, str | None],
    *,
    night: str | None,
    workloads: Sequence[str],
    backends: Sequence[str],
    until: str | None,
    yes: bool,
    smoke: str | None,
    max_qpu_s: float | None,
    wait_s: float | None,
    smoke_id: str | None,
    as_json: bool,
    benchmark: bool,
    repetitions: int | None,
) -> int:
    r"""Materialize a night in process; what is known already is neither compiled, executed nor solved again.

    With --smoke: send a handful of kernels with known values to one backend, under a hard cap, and check them.
    Exit code 0: all values are explained; 7: one is not; 5: the cap; 6: the backend did not answer in time.

    With --benchmark: execute a night's inputs anew again and again on every backend, apart from the night itself, and
    show quality, times and cost. The same command goes on with one that is not over.

    \b
    Examples:
      hybrid-assets run
      hybrid-assets run --night 2026-11-20 --workload maxcut --until quantum_results
      hybrid-assets run --smoke emulator --max-qpu-s 30
      hybrid-assets run --benchmark --workload maxcut --repetitions 5
    """
    if benchmark and (smoke is not None or until):
        raise UsageError("--benchmark goes with neither --smoke nor --until.")
    if repetitions is not None and not benchmark:
        raise UsageError("--repetitions belongs to --benchmark.")
    if smoke is not None:
        if night or workloads or backends or until or yes:
            raise UsageError("--smoke runs no night: leave out --night, --workload, --backend, --until and --yes.")
        if max_qpu_s is None:
            raise UsageError("Say what --smoke may spend: --max-qpu-s 30")
        from hybrid_assets.cli.smoke import run_gate  # noqa: PLC0415 - with the option

        settings = load_settings(obj["config"])
        return run_gate(settings, backend=smoke, max_qpu_s=max_qpu_s, wait_s=wait_s, smoke_id=smoke_id, as_json=as_json)
    if as_json or smoke_id or any(limit is not None for limit in (max_qpu_s, wait_s)):
        raise UsageError("--max-qpu-s, --wait, --smoke-id and --json belong to --smoke BACKEND.")
    settings = load_settings(obj["config"])
    if benchmark:
        from hybrid_assets.cli.benchmark import run_and_show  # noqa: PLC0415 - with the option

        return run_and_show(
            settings, night=night, repetitions=repetitions, workloads=workloads, backends=backends, yes=yes
        )
    return run_night(settings, night=night, workloads=workloads, backends=backends, until=until, yes=yes)


def run_night(
    settings: Settings,
    *,
    night: str | None = None,
    workloads: Sequence[str] = (),
    backends: Sequence[str] = (),
    until: str | None = None,
    yes: bool = False,
) -> int:
    """Materialize a night, show what came of it and return the exit code."""
    from hybrid_assets.report.publishing import report_path  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner import alerting  # noqa: PLC0415 - as above
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above
    from hybrid_assets.storage.snapshot import publish_snapshot  # noqa: PLC0415 - imports duckdb

    began = time.perf_counter()
    with progress() as report:
        project = Project.open(settings, report=report)
        if project.circuits.is_empty():
            project.compile_pool.warm()  # everything will be compiled: the workers start while Dagster is imported
        from hybrid_assets.defs.night import materialize_night, resolve_night, select  # noqa: PLC0415 - takes a second

        chosen = resolve_night(settings, night)
        selected = select(settings, workloads=workloads, backends=backends, until=until)
        if not yes and (costs := _unapproved(project, chosen, selected)):
            click.echo(f"{' '.join(costs)} Run with --yes to agree, or see `hybrid-assets plan`.", err=True)
            return EXIT_WAITS_FOR_APPROVAL
        result = materialize_night(project, night=chosen, selected=selected)
        if joining := [spec for spec in selected if spec.joins_backends and "/".join(spec.key) in result.skipped]:
            # One backend that is pending must not keep what is known of the others from being decided and reported.
            result = result.followed_by(materialize_night(project, night=chosen, selected=joining))
    _spare_the_exit()
    refused = _refusals(project, chosen, {spec.key[0] for spec in selected if spec.table == "normalized_inputs"})
    compared = any(key.endswith("/comparisons") for key in result.published)
    click.echo(render_night(project.home, chosen) if compared else "No comparisons were published.")
    others = substitutes(project.home, chosen) if compared else []
    for sentence in (*refused, *result.failures, *others, *(said for _, said in project.pending.values())):
        click.echo(f"- {sentence}", err=True)
    if refused:
        click.echo("Mend or remove what was refused and run the night again; everything else ran.", err=True)
    if result.skipped:
        click.echo(f"Not published yet: {', '.join(result.skipped)}.", err=True)
    click.echo(f"Night {chosen} took {time.perf_counter() - began:.1f} s. Database: {publish_snapshot(project.home)}")
    if "report/nightly_report" in result.published:
        click.echo(f"Report: {report_path(settings, chosen)}")
    for sentence in alerting.tell(project, nights=(chosen,)):
        click.echo(f"- {sentence}", err=True)
    pending = max((code for code, _ in project.pending.values()), default=0)
    return result.exit_code or pending or (EXIT_INPUT_REFUSED if refused else 0)


def _spare_the_exit() -> None:
    """Keep Python from searching all that Dagster and Qiskit made for cycles when it exits: a whole second.

    DuckDB's binding counts on that search for its own objects, so this comes before it is imported, or not at all.
    """
    if "duckdb" not in sys.modules:
        gc.freeze()


def _unapproved(project: Project, night: str, selected: Sequence[StageAsset]) -> list[str]:
    """Return a sentence for each workload that would spend money which nobody approved; a gate speaks for itself."""
    from hybrid_assets.runner.gating import ask_gate  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.planning import plan_workload  # noqa: PLC0415 - as above

    metered = {spec.key[0] for spec in selected if spec.pool and _is_metered(project, spec.key[1])}
    sentences = []
    for workload in sorted(metered):
        planned = plan_workload(project, night, workload)
        answer = ask_gate(project, night, workload, planned)
        costs = [cell.plan for cell in planned if cell.plan.buys]
        if costs and answer.lets_through and answer.approval is None:
            most = sum(cell.money.high for cell in costs if cell.money)
            names = ", ".join(cell.backend for cell in costs)
            sentences.append(f"{workload} on {names} costs money, at most {most:g} tonight.")
    return sentences


def _is_metered(project: Project, backend: str) -> bool:
    return project.provider(backend).describe().is_metered


def _refusals(project: Project, night: str, workloads: set[str]) -> Sequence[str]:
    from hybrid_assets.runner import normalizing  # noqa: PLC0415 - imports the stores

    return [
        f"refused: {refusal}"
        for workload in sorted(workloads)
        if project.warehouse.published("normalized_inputs", night=night, workload=workload)
        for refusal in normalizing.refusals(project, night=night, workload=workload)
    ]
