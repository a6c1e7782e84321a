"""`ui`: Dagster's web server and daemon on this project, on the loopback address only."""

from __future__ import annotations

import os
import sys

import click

from hybrid_assets.settings import CONFIG_VARIABLE, load_settings


@click.command(short_help="Open the Dagster UI.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port on 127.0.0.1.")
@click.pass_obj
def command(obj: dict[str, str | None], *, port: int) -> int:
    r"""Start Dagster's web server and daemon on 127.0.0.1, with the project's state and pool limits.

    Anybody who reaches the port can launch runs: it is never opened to the network.

    \b
    Example:
      hybrid-assets ui --port 3001
    """
    from hybrid_assets.defs.instance import dagster_home, open_instance  # noqa: PLC0415 - imports dagster

    settings = load_settings(obj["config"])
    with open_instance(settings):
        pass
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(settings)),
        CONFIG_VARIABLE: str(settings.file.resolve()),
        "PYTHONWARNINGS": "ignore",
    }
    click.echo(f"Dagster UI: http://127.0.0.1:{port} (Ctrl-C ends it)")
    command_line = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    os.chdir(settings.folder)
    os.execve(sys.executable, command_line, environment)  # noqa: S606 - our own interpreter, no shell
