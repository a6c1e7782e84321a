"""`run`: materialize a night, or a part of it, in this process."""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING

import click

from hybrid_assets.cli.progress import progress
from hybrid_assets.cli.table import render_night
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
@click.pass_obj
def command(
    obj: dict[str, str | None],
    *,
    night: str | None,
    workloads: Sequence[str],
    backends: Sequence[str],
    until: str | None,
    yes: bool,
) -> int:
    r"""Materialize a night in process; what is known already is neither compiled, executed nor solved again.

    \b
    Examples:
      hybrid-assets run
      hybrid-assets run --night 2026-11-20 --workload maxcut --until quantum_results
    """
    settings = load_settings(obj["config"])
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
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores
    from hybrid_assets.storage.snapshot import publish_snapshot  # noqa: PLC0415 - imports duckdb

    began = time.perf_counter()
    with progress() as report:
        project = Project.open(settings, report=report)
        if project.circuits.is_empty():
            project.compile_pool.warm()  # everything will be compiled: the workers start while Dagster is imported
        from hybrid_assets.defs.night import materialize_night, resolve_night, select  # noqa: PLC0415 - takes a second

        chosen = resolve_night(settings, night)
        selected = select(settings, workloads=workloads, backends=backends, until=until)
        if not yes and (metered := _metered(project, selected)):
            click.echo(f"{', '.join(metered)} cost money. Run with --yes to agree.", err=True)
            return EXIT_WAITS_FOR_APPROVAL
        result = materialize_night(project, night=chosen, selected=selected)
    _spare_the_exit()
    refused = _refusals(project, chosen, {spec.key[0] for spec in selected if spec.table == "normalized_inputs"})
    compared = any(key.endswith("/comparisons") for key in result.published)
    click.echo(render_night(project.home, chosen) if compared else "No comparisons were published.")
    for sentence in (*refused, *result.failures):
        click.echo(f"- {sentence}", err=True)
    if result.skipped and not result.failures:
        click.echo(f"Not published yet: {', '.join(result.skipped)}. Run the same command again.", err=True)
    click.echo(f"Night {chosen} took {time.perf_counter() - began:.1f} s. Database: {publish_snapshot(project.home)}")
    return result.exit_code or (EXIT_INPUT_REFUSED if refused else 0)


def _spare_the_exit() -> None:
    """Keep Python from searching all that Dagster and Qiskit made for cycles when it exits: a whole second.

    DuckDB's binding counts on that search for its own objects, so this comes before it is imported, or not at all.
    """
    if "duckdb" not in sys.modules:
        gc.freeze()


def _metered(project: Project, selected: Sequence[StageAsset]) -> Sequence[str]:
    used = {spec.key[1] for spec in selected if spec.pool}
    return [name for name in sorted(used) if project.provider(name).describe().is_metered]


def _refusals(project: Project, night: str, workloads: set[str]) -> Sequence[str]:
    from hybrid_assets.runner import normalizing  # noqa: PLC0415 - imports the stores

    return [
        f"refused: {refusal}"
        for workload in sorted(workloads)
        if project.warehouse.published("normalized_inputs", night=night, workload=workload)
        for refusal in normalizing.refusals(project, night=night, workload=workload)
    ]
