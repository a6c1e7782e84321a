"""Run every benchmark and print its table."""

from __future__ import annotations

import click

from hybrid_assets_tests.bench import batching, billed, ledger, planning, scale, speed


@click.command()
@click.option(
    "--only",
    type=click.Choice(["speed", "scale", "billed", "planning", "batching", "ledger"]),
    help="Run one benchmark.",
)
@click.option(
    "--loop-circuits", default=1200, show_default=True, help="Circuits of the plain loop (fewer: extrapolated)."
)
def main(only: str | None, loop_circuits: int) -> None:
    """Print ratios of the product against a plain loop, against Aer alone, against itself at other sizes or rules."""
    if only in (None, "speed"):
        click.echo(speed.table(loop_circuits))
    if only in (None, "scale"):
        click.echo(scale.table())
    if only in (None, "billed"):
        click.echo(billed.table())
    if only in (None, "planning"):
        click.echo(planning.table())
    if only in (None, "batching"):
        click.echo(batching.table())
    if only in (None, "ledger"):
        click.echo(ledger.table())


main()
