"""What one `ui` holds while it runs: the state, by a lock, and its port. Both are taken before anything slow begins."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "ui.lock"
_BACKLOG = 128


def claim_state(home: Path, port: int) -> int:
    """Lock the state for one `ui`; return the file descriptor that holds the lock.

    Whoever inherits the descriptor holds the lock too: a daemon that outlives its `ui` still keeps out a second one.

    Args:
        home: The state's folder.
        port: What to tell others of.

    Raises:
        ConfigurationError: Another `ui` has it.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / _FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode("ascii", errors="replace")
        os.close(descriptor)
        raise ConfigurationError(_occupied(home, holder)) from None
    tell_holder(descriptor, {"ui": os.getpid(), "port": port})
    return descriptor


def tell_holder(descriptor: int, facts: dict[str, int]) -> None:
    """Write into the lock's file who holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(facts).encode(), 0)


def listen(port: int) -> socket.socket:
    """Listen on the loopback address; requests wait until somebody serves.

    Raises:
        ConfigurationError: The port is taken, or needs rights.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        reason = "is in use" if exc.errno == errno.EADDRINUSE else f"cannot be opened: {exc.strerror}"
        raise ConfigurationError(f"Port {port} of 127.0.0.1 {reason}. Choose another one with --port.") from exc
    return listener


def _occupied(home: Path, holder: str) -> str:
    told = ""
    try:
        facts = json.loads(holder)
        told = f" (process {facts['ui']:d}, http://127.0.0.1:{facts['port']:d}"
        told += f", its daemon {facts['daemon']:d})" if "daemon" in facts else ")"
    except (ValueError, KeyError, TypeError):
        told = ""
    return (
        f"A `hybrid-assets ui` runs on {home} already{told}: two daemons would launch everything twice. "
        "Use that one, or end it (Ctrl-C or `kill`; also its daemon, where that was left behind) and start again, "
        "or set HYBRID_ASSETS_HOME to another folder."
    )
