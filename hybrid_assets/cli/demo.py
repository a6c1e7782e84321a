"""`demo`: last night's sweep on the shipped inputs, and where to look next."""

from __future__ import annotations

import sys

import click

from hybrid_assets.cli.run import run_night
from hybrid_assets.settings import load_settings


@click.command(short_help="Run last night's sweep and show the result table.")
@click.pass_obj
def command(obj: dict[str, str | None]) -> int:
    r"""Run last night's sweep of sweep.yaml in process: no account, no QPU, no network.

    \b
    Example:
      hybrid-assets demo
    """
    code = run_night(load_settings(obj["config"]))
    program = sys.argv[0]
    click.echo(f'Ask it: {program} sql "from verdicts". See it: {program} ui')
    return code
