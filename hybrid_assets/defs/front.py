"""Dagster's web server, daemon and code server under one process, with no port but the one that is passed in.

This does what `dagster dev` does, with a difference that it has no option for: the web server is an application inside
this process, wrapped by the caller's guard, instead of a process with a port of its own. Code server and daemon talk
over Unix sockets, which no web page can reach. Keep rules about requests out (`hybrid_assets.cli.front`).

The modules whose names begin with an underscore are what `dagster dev` itself is made of; the acceptance tests say
whether an upgrade still fits.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.webserver import DagsterWebserver

from hybrid_assets.defs.instance import dagster_home, open_instance
from hybrid_assets.errors import ConfigurationError, HybridAssetsError
from hybrid_assets.settings import CONFIG_VARIABLE, Settings

WORKSPACE_FILE = "workspace.yaml"
#: How often the UI asks for news.
_POLL_MS = 2_000
#: How long requests under way, and the daemon, may take to end.
_LAST_REQUESTS_S, _DAEMON_END_S = 2, 8
#: What Dagster's own command sets for the connections of a web server to its database.
_STATEMENT_MS, _RECYCLE_S, _OVERFLOW = 15_000, 3_600, 20
#: Messages of the UI's subscriptions are a few hundred bytes.
_MAX_WEBSOCKET_BYTES = 2**20
_LOG_LEVEL = "warning"

#: An ASGI application.
App = Callable[..., Any]


def serve(
    settings: Settings,
    listener: socket.socket,
    *,
    guarded: Callable[[App], App],
    read_only: bool,
    lock: int,
    on_daemon: Callable[[int], None],
) -> None:
    """Serve the project's Dagster until SIGINT or SIGTERM; then end all processes that were started.

    Args:
        settings: The project.
        listener: The only socket that answers to HTTP; listening already.
        guarded: Puts a guard in front of the web application.
        read_only: Nothing is launched or changed by web; schedules and sensors go on.
        lock: File descriptor that the daemon shall hold as well.
        on_daemon: Told the daemon's process number.

    Raises:
        ConfigurationError: The project has no `workspace.yaml`.
        HybridAssetsError: The daemon ended by itself.
    """
    _prepare(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            instance = stack.enter_context(open_instance(settings))
            instance.optimize_for_webserver(_STATEMENT_MS, _RECYCLE_S, _OVERFLOW)
            code = stack.enter_context(ProxyServerManager(instance, WorkspaceFileTarget([WORKSPACE_FILE]), _LOG_LEVEL))
            workspace = Path(stack.enter_context(tempfile.TemporaryDirectory())) / WORKSPACE_FILE
            workspace.write_text(yaml.safe_dump({"load_from": [*code.get_code_server_specs()]}))
            daemon = stack.enter_context(_daemon(workspace, lock))
            on_daemon(daemon.pid)
            context = stack.enter_context(
                WorkspaceProcessContext(
                    instance,
                    WorkspaceFileTarget([str(workspace)]),
                    read_only=read_only,
                    code_server_log_level=_LOG_LEVEL,
                )
            )
            _run(guarded(DagsterWebserver(context, live_data_poll_rate=_POLL_MS).create_asgi_app()), listener, daemon)
        except KeyboardInterrupt:
            pass
        finally:  # what ends now must not be interrupted half-way by a second Ctrl-C
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)


def _prepare(settings: Settings) -> None:
    """Set what the processes that are started inherit."""
    if not (settings.folder / WORKSPACE_FILE).is_file():
        raise ConfigurationError(
            f"There is no {WORKSPACE_FILE} in {settings.folder}, which tells Dagster what to load. "
            "Copy it from the project that hybrid_assets came with."
        )
    os.chdir(settings.folder)
    warnings.simplefilter("ignore")
    os.environ |= {
        "DAGSTER_HOME": str(dagster_home(settings)),
        CONFIG_VARIABLE: str(settings.file.resolve()),
        "PYTHONWARNINGS": "ignore",
        "DAGSTER_IS_DEV_CLI": "1",
    }


@contextmanager
def _daemon(workspace: Path, lock: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run Dagster's daemon, in our process group."""
    words = [sys.executable, "-m", "dagster._daemon", "run", "--log-level", _LOG_LEVEL, "--workspace", str(workspace)]
    process = subprocess.Popen(words, pass_fds=(lock,))  # noqa: S603 - our own interpreter, no shell
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_DAEMON_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(app: App, listener: socket.socket, daemon: subprocess.Popen[bytes]) -> None:
    """Serve until a signal comes, which is raised as KeyboardInterrupt, or the daemon is gone."""
    config = uvicorn.Config(
        app,
        log_level=_LOG_LEVEL,
        lifespan="off",
        # What a proxy says of its clients decides nothing here, and anybody could say it.
        proxy_headers=False,
        server_header=False,
        ws_max_size=_MAX_WEBSOCKET_BYTES,
        timeout_graceful_shutdown=_LAST_REQUESTS_S,
    )
    server = uvicorn.Server(config)

    def watch() -> None:
        daemon.wait()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[listener])
    raise HybridAssetsError(
        f"Dagster's daemon ended by itself (exit code {daemon.poll()}), so no schedule and no sensor would run. "
        "Its last words are above. Run `hybrid-assets ui` again: nothing is lost."
    )
