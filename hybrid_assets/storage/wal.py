"""Making an SQLite file one of several writers' (write-ahead log). Put nothing else here."""

from __future__ import annotations

import time
from sqlite3 import OperationalError
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

#: Longest wait for others who do the same, and the pause between two tries.
WAIT_S, PAUSE_S = 60.0, 0.01


def use_wal(connection: Connection) -> None:
    """Set a file's journal mode, which several processes may do at once.

    SQLite does not wait for others when it changes the mode: it says at once that the file is locked.

    Raises:
        sqlite3.OperationalError: It is still locked after `WAIT_S` seconds.
    """
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except OperationalError:
            if time.monotonic() >= until_s:
                raise
            time.sleep(PAUSE_S)
        else:
            return
