"""`resume`: let a backend's submissions through again, or send a night's failed kernels back to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from hybrid_assets.runner.project import Project
    from hybrid_assets.settings import Settings


@click.command(short_help="Go on with a paused backend, or with a night's failed kernels.")
@click.argument("paused", metavar="[BACKEND]", required=False)
@click.option("--night", metavar="YYYY-MM-DD", help="Send this night's failed and cancelled kernels back.")
@click.option("--workload", help="With --night: only those of this workload.")
@click.option("--backend", help="With --night: only those of this backend.")
@click.pass_obj
def command(
    obj: dict[str, str | None], *, paused: str | None, night: str | None, workload: str | None, backend: str | None
) -> int:
    r"""Close a backend's breaker; or send a night's failed and cancelled kernels back to the queue.

    Kernels that succeeded are not bought again; `collect` executes the others and publishes the night anew.

    \b
    Examples:
      hybrid-assets resume torino
      hybrid-assets resume --night 2026-11-20 --workload maxcut
    """
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores

    if (paused is None) == (night is None):
        raise UsageError("Name what to go on with: a backend (resume torino) or a night (resume --night 2026-11-20).")
    if paused is not None and (workload or backend):
        raise UsageError("--workload and --backend choose among a night's kernels: they need --night.")
    settings = load_settings(obj["config"])
    project = Project.open(settings)
    if paused is not None:
        return _close(settings, project, paused)
    return _send_back(settings, project, night or "", workload=workload, backend=backend)


def _close(settings: Settings, project: Project, paused: str) -> int:
    from hybrid_assets.runner.naming import backend_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.steering import set_breaker  # noqa: PLC0415 - imports the stores

    name = backend_named(settings, paused)
    before = project.ledger.breaker(name)
    set_breaker(project, name, is_open=False, note="resumed by hand")
    was = f" It was {before.state}: {before.reason}." if before.reason else ""
    click.echo(f"{name} takes jobs again.{was} Go on with: hybrid-assets collect --backend {name}")
    return 0


def _send_back(settings: Settings, project: Project, night: str, *, workload: str | None, backend: str | None) -> int:
    from hybrid_assets.runner import naming  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.steering import Choice, send_back  # noqa: PLC0415 - imports the stores

    choice = Choice(
        night=naming.night_named(settings, night),
        workload=workload and naming.workload_named(settings, workload),
        backend=backend and naming.backend_named(settings, backend),
    )
    found = send_back(project, choice)
    if not found.requeued:
        click.echo(f"No kernel of {night} that was asked for has failed or was cancelled: nothing to send back.")
        return 0
    cells = ", ".join(map(str, found.cells))
    click.echo(f"{len(found.requeued)} kernels are in the queue again, of {cells}.")
    click.echo(f"Go on with: hybrid-assets collect --night {night} --wait 60")
    return 0
