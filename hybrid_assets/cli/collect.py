"""`collect`: go on with what is under way, and publish what is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybrid_assets.runner.finishing import Materialized
    from hybrid_assets.runner.project import Project


@click.command(short_help="Go on with QPU jobs and publish what is finished.")
@click.option("--night", "nights", metavar="YYYY-MM-DD", multiple=True, help="Only this night (repeatable).")
@click.option("--backend", "backends", multiple=True, help="Only this backend (repeatable).")
@click.option("--wait", "wait_s", metavar="SECONDS", default=10.0, show_default=True, type=click.FloatRange(min=0))
@click.pass_obj
def command(obj: dict[str, str | None], *, nights: Sequence[str], backends: Sequence[str], wait_s: float) -> int:
    r"""Follow QPU jobs for a while, publish every partition whose kernels are over, and say what still waits and why.

    Exit code 6: a backend takes no jobs and kernels wait for it; 5: only a budget keeps them; 4: an approval does.

    \b
    Examples:
      hybrid-assets collect
      hybrid-assets collect --night 2026-11-20 --backend torino --wait 600
    """
    from hybrid_assets.cli.progress import progress  # noqa: PLC0415 - only when asked
    from hybrid_assets.runner import alerting, naming  # noqa: PLC0415 - as above
    from hybrid_assets.runner.finishing import Scope, finish  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    scope = Scope(
        nights=[naming.night_named(settings, night) for night in nights],
        backends=[naming.backend_named(settings, backend) for backend in backends],
    )
    with progress() as report:
        project = Project.open(settings, report=report)
        found = finish(project, scope=scope, wait_s=wait_s, materialize=_materialize(project))
    for published in found.published:
        click.echo(f"published  {published}")
    for waiting in found.waiting:
        click.echo(f"waits      {waiting}")
    if not found.published and not found.waiting:
        click.echo("Nothing is under way. `hybrid-assets run` starts a night.")
    for sentence in (*found.troubles, *found.failures, *alerting.tell(project, nights=nights)):
        click.echo(f"- {sentence}", err=True)
    return found.exit_code


def _materialize(project: Project) -> Callable[[str, Sequence[tuple[str, ...]]], Materialized]:
    """Return what materializes assets of a night in this process; Dagster is imported when it is first called."""

    def materialize(night: str, keys: Sequence[tuple[str, ...]]) -> Materialized:
        from hybrid_assets.defs.assets import stage_assets  # noqa: PLC0415 - imports dagster
        from hybrid_assets.defs.night import materialize_night  # noqa: PLC0415 - as above
        from hybrid_assets.runner.finishing import Materialized  # noqa: PLC0415 - imports the stores

        selected = [spec for spec in stage_assets(project.settings) if spec.key in keys]
        result = materialize_night(project, night=night, selected=selected)
        return Materialized(published=result.published, failures=result.failures, exit_code=result.exit_code)

    return materialize
