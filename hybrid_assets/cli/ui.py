"""`ui`: Dagster's web server and daemon on this project, on the loopback address only, behind a guard."""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import ConfigurationError, UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

#: Dagster's databases take 2 MiB before anything has run.
LEAST_ROOM_BYTES = 16 * 2**20


@click.command(short_help="Open the Dagster UI.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port on 127.0.0.1.")
@click.option("--read-only", is_flag=True, help="Launch and change nothing from the UI; schedules go on.")
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME[:PORT]",
    help="Answer to this name too, for a proxy in front; only with --read-only.",
)
@click.pass_obj
def command(obj: dict[str, str | None], *, port: int, read_only: bool, hosts: tuple[str, ...]) -> None:
    r"""Start Dagster's web server and daemon on 127.0.0.1, with the project's state and pool limits.

    Pages of other sites are kept out, programs of this machine are not: whoever can log in here can launch runs. The
    nightly reports are under /reports/.

    \b
    Example:
      hybrid-assets ui --port 3001
      hybrid-assets ui --read-only --allow-host nights.example.org
    """
    from hybrid_assets.cli.front.claim import claim_state, listen, tell_holder  # noqa: PLC0415 - `--help` needs none
    from hybrid_assets.cli.front.guard import Guard  # noqa: PLC0415 - as above
    from hybrid_assets.cli.front.policy import Policy  # noqa: PLC0415 - as above

    policy = Policy(port=port, shared_hosts=_shared(hosts, read_only=read_only))
    settings = load_settings(obj["config"])
    home = settings.made_home()
    _check_room(home)
    lock = claim_state(home, port)
    listener = listen(port)
    click.echo(f"Dagster UI: http://127.0.0.1:{port} (Ctrl-C ends it)")

    from hybrid_assets.defs.front import serve  # noqa: PLC0415 - imports dagster

    serve(
        settings,
        listener,
        guarded=functools.partial(Guard, policy=policy, reports_folder=home / "reports"),
        read_only=read_only,
        lock=lock,
        on_daemon=lambda pid: tell_holder(lock, {"ui": os.getpid(), "port": port, "daemon": pid}),
    )


def _check_room(home: Path) -> None:
    """Refuse a full disk: Dagster would start, serve nothing of use, and fill the terminal with tracebacks."""
    if shutil.disk_usage(home).free < LEAST_ROOM_BYTES:
        raise ConfigurationError(
            f"The disk of the state's folder {home} has less than {LEAST_ROOM_BYTES // 2**20} MiB left, and Dagster "
            "writes all the time. Make room, or set HYBRID_ASSETS_HOME to another place."
        )


def _shared(hosts: tuple[str, ...], *, read_only: bool) -> tuple[str, ...]:
    from hybrid_assets.cli.front.policy import shared_host  # noqa: PLC0415 - as above

    if hosts and not read_only:
        raise UsageError(
            "--allow-host shares the UI, and whoever reaches an editable one can launch runs. Add --read-only."
        )
    names = [shared_host(host) for host in hosts]
    if None in names:
        wrong = hosts[names.index(None)]
        raise UsageError(f"--allow-host {wrong!r} is no host name. Give it as browsers show it: NAME or NAME:PORT.")
    return tuple(name for name in names if name is not None)
