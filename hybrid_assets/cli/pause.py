"""`pause`: send nothing more to a backend until a person says so."""

from __future__ import annotations

import click

from hybrid_assets.settings import load_settings


@click.command(short_help="Send nothing more to a backend.")
@click.argument("backend")
@click.option("--note", default="paused by hand", show_default=True, help="Why, for whoever looks next.")
@click.pass_obj
def command(obj: dict[str, str | None], *, backend: str, note: str) -> int:
    r"""Open a backend's breaker until `resume` closes it. Jobs on their way are followed and taken home as ever.

    \b
    Example:
      hybrid-assets pause torino --note "maintenance until Monday"
    """
    from hybrid_assets.runner.naming import backend_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.steering import set_breaker  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    name = backend_named(settings, backend)
    project = Project.open(settings)
    set_breaker(project, name, is_open=True, note=note)
    on_their_way = len(project.ledger.batches(backend=name, active_only=True))
    click.echo(f"{name} is paused: {note}. Nothing is submitted; kernels are kept in the queue.")
    if on_their_way:
        click.echo(f"{on_their_way} jobs are on their way and will be taken home: hybrid-assets collect")
    click.echo(f"Go on with: hybrid-assets resume {name}")
    return 0
