"""`replay`: a night's numbers once more from stored raw counts, and its batch decisions from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import CheckFailedError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.runner.project import Project


@click.command(short_help="Recompute a night from raw counts, without a QPU.")
@click.option("--night", metavar="YYYY-MM-DD", required=True, help="Which night.")
@click.option("--workload", "workloads", multiple=True, help="Only this workload (repeatable).")
@click.option("--backend", "backends", multiple=True, help="Only this backend (repeatable).")
@click.option("--decisions", is_flag=True, help="Replay what the queue decided about its batches instead.")
@click.pass_obj
def command(
    obj: dict[str, str | None], *, night: str, workloads: Sequence[str], backends: Sequence[str], decisions: bool
) -> int:
    r"""Compute results, comparisons and decisions again and compare them with what is published; nothing is changed.

    Exit code 7: something differs. No provider is asked, no circuit is compiled.

    \b
    Examples:
      hybrid-assets replay --night 2026-11-20
      hybrid-assets replay --night 2026-11-20 --backend torino --decisions
    """
    from hybrid_assets.runner import naming  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores

    settings = load_settings(obj["config"])
    chosen = naming.night_named(settings, night)
    for workload in workloads:
        naming.workload_named(settings, workload)
    for backend in backends:
        naming.backend_named(settings, backend)
    project = Project.open(settings)
    if decisions:
        return _decisions(project, chosen, backends or tuple(settings.backends))
    return _numbers(project, chosen, workloads, backends)


def _numbers(project: Project, night: str, workloads: Sequence[str], backends: Sequence[str]) -> int:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.runner.replaying import replay_night  # noqa: PLC0415 - imports the stores

    found = list(replay_night(project, night, workloads=workloads, backends=backends))
    columns = ("workload", "backend", "table", "rows", "published", "replayed", "")
    rows = [
        (
            one.partition["workload"],
            one.partition.get("backend"),
            one.table,
            one.rows,
            one.published[:12],
            one.replayed[:12],
            "same" if one.is_same else "DIFFERS",
        )
        for one in found
    ]
    click.echo(draw(columns, rows, title=f"Night {night}, computed again from its raw counts"))
    differing = [one for one in found if not one.is_same or one.differences]
    for one in differing:
        for sentence in one.differences:
            click.echo(f"- {one.table} {'/'.join(one.partition.values())}: {sentence}", err=True)
    if not differing:
        click.echo("Every data version is the published one.")
        return 0
    click.echo(
        f"{len(differing)} of {len(found)} partitions differ: inputs, settings or code are not those they were made "
        "with. `hybrid-assets run --night` publishes them as they are now; nothing known is bought again.",
        err=True,
    )
    return CheckFailedError.exit_code


def _decisions(project: Project, night: str, backends: Sequence[str]) -> int:
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.runner.replaying_batches import replay_batches  # noqa: PLC0415 - imports the stores

    found = [one for backend in backends for one in replay_batches(project, backend, night)]
    if not found:
        click.echo(f"No batch of {night} was ever planned there: nothing to replay.")
        return 0
    columns = ("backend", "decided at", "batch", "kernels", "limit", "replayed", "its limit", "")
    rows = [
        (
            one.decision.backend,
            f"{one.decision.decided_at:%H:%M:%S}",
            (one.decision.batch_id or "")[:12],
            one.decision.size,
            one.decision.limit,
            one.size,
            one.limit,
            "same" if one.is_same else "DIFFERS",
        )
        for one in found
    ]
    click.echo(draw(columns, rows, title=f"Batches of {night}, planned again (times in UTC)"))
    same = sum(one.is_same for one in found)
    click.echo(f"{same} of {len(found)} decisions are reproduced, kernels and size limit.")
    if same == len(found):
        return 0
    click.echo(
        "The others were made with something the ledger keeps only the present of: a back-off, or a budget "
        "or setting changed since.",
        err=True,
    )
    return CheckFailedError.exit_code
