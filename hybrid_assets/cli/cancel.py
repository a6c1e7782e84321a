"""`cancel`: take kernels out of the queue, and cancel QPU jobs that nobody else needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(short_help="Take kernels out of the queue.")
@click.argument("kernel_ids", metavar="[KERNEL_ID]...", nargs=-1)
@click.option("--night", metavar="YYYY-MM-DD", help="All unfinished kernels of this night.")
@click.option("--workload", help="With --night: only those of this workload.")
@click.option("--backend", help="With --night: only those of this backend.")
@click.option("--running", "running_too", is_flag=True, help="Cancel jobs that run already: billed, results lost.")
@click.pass_obj
def command(
    obj: dict[str, str | None],
    *,
    kernel_ids: Sequence[str],
    night: str | None,
    workload: str | None,
    backend: str | None,
    running_too: bool,
) -> int:
    r"""Cancel a night's unfinished kernels, or those named by their ids (8 digits are enough).

    A QPU job is cancelled only if no other kernel needs it and its provider can; what has finished is kept.

    \b
    Examples:
      hybrid-assets cancel --night 2026-11-20 --backend torino
      hybrid-assets cancel 3f9c21aa 77b01c5e
    """
    from hybrid_assets.runner import naming, steering  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    if bool(kernel_ids) == bool(night):
        raise UsageError("Say what to cancel: --night 2026-11-20 (with --workload, --backend), or ids of kernels.")
    if kernel_ids and (workload or backend):
        raise UsageError("--workload and --backend choose among a night's kernels: they need --night.")
    settings = load_settings(obj["config"])
    project = Project.open(settings)
    if night:
        choice = steering.Choice(
            night=naming.night_named(settings, night),
            workload=workload and naming.workload_named(settings, workload),
            backend=backend and naming.backend_named(settings, backend),
        )
        kernels, wanted = steering.chosen_kernels(project, choice)
    else:
        kernels, wanted = steering.named_kernels(project, kernel_ids), []
    found = steering.cancel(project, kernels, wanted=wanted, running_too=running_too)
    click.echo(f"{len(found.kernels)} kernels were taken out of the queue.")
    for sentence in found.jobs:
        click.echo(f"- {sentence}")
    if found.num_over:
        click.echo(f"- {found.num_over} kernels were over already and stay as they are.")
    for kernel_id, other in found.wanted:
        click.echo(f"- {kernel_id[:12]} stays: the night {other} asks for it too. Name it to cancel it all the same.")
    click.echo("`hybrid-assets collect` publishes what is over; `resume --night` sends cancelled kernels back.")
    return 0
