"""`breaker`: whether submissions to a backend are let through, and why not."""

from __future__ import annotations

import json

import click

from hybrid_assets.settings import load_settings


@click.command(short_help="Show breakers, or set one by hand.")
@click.argument("backend", required=False)
@click.argument("state", type=click.Choice(["open", "close"]), required=False)
@click.option("--note", default="set by hand", show_default=True, help="Why, for whoever looks next.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.pass_obj
def command(obj: dict[str, str | None], *, backend: str | None, state: str | None, note: str, as_json: bool) -> int:
    r"""Show the breaker of every backend, or of one; `open` and `close` set it by hand.

    One opened by hand stays open until it is closed by hand; one that failures opened lets a probe through by itself.

    \b
    Examples:
      hybrid-assets breaker
      hybrid-assets breaker torino close --note "the outage is over"
    """
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.runner.naming import backend_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.steering import set_breaker  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    names = tuple(settings.backends) if backend is None else (backend_named(settings, backend),)
    project = Project.open(settings)
    if state is not None:
        set_breaker(project, names[0], is_open=state == "open", note=note)
    columns = ("backend", "state", "failures", "since", "retry at", "reason")
    rows = []
    for found in map(project.ledger.breaker, names):
        since, retry = (None if at is None else f"{at:%Y-%m-%d %H:%M:%S}" for at in (found.opened_at, found.retry_at))
        rows.append((found.backend, found.state.value, found.consecutive_failures, since, retry, found.reason))
    if as_json:
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
    else:
        click.echo(draw(columns, rows, title="Breakers (times in UTC)"))
    return 0
