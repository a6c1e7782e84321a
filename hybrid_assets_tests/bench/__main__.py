"""Run every benchmark and print its table."""

from __future__ import annotations

from pathlib import Path

import click

from hybrid_assets_tests.bench import batching, billed, calibration, ledger, planning, questions, scale, speed


@click.command()
@click.option(
    "--only",
    type=click.Choice(["speed", "scale", "billed", "planning", "batching", "ledger", "calibration", "questions"]),
    help="Run one benchmark.",
)
@click.option(
    "--loop-circuits", default=1200, show_default=True, help="Circuits of the plain loop (fewer: extrapolated)."
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the calibration study into this SVG file."
)
def main(only: str | None, loop_circuits: int, plot: Path | None) -> None:
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
    if only in (None, "calibration"):
        click.echo(calibration.table(plot))
    if only in (None, "questions"):
        click.echo(questions.table())


main()
