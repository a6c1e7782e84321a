"""SQLite files of others, held open during a night: what makes Dagster's own storage cheap. Keep our own stores out.

Dagster opens a connection for every event and closes it again. When the last connection to a file closes, SQLite folds
its log into the file, syncs both and deletes the log: five syncs an event, a thousand a night, seconds on a slow disk.
A second connection that only stays open leaves one sync an event, with the same durability.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sqlite_files_held_open(folder: Path) -> Iterator[None]:
    """Hold every SQLite file under a folder open from its first use by SQLAlchemy until the end of the block."""
    root, held = folder.resolve(), set[Path]()
    with ExitStack() as stack:

        def hold(connection: Any, _record: Any) -> None:
            path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
            if path in held or not path.is_relative_to(root):
                return
            held.add(path)
            holder = stack.enter_context(closing(sqlite3.connect(path, timeout=1, check_same_thread=False)))
            with suppress(sqlite3.OperationalError):  # another process has it locked: then it is not held, only slower
                holder.execute("PRAGMA journal_mode=WAL")  # as Dagster does; only who has read is counted as open
                holder.execute("SELECT count(*) FROM sqlite_master").fetchone()

        event.listen(Engine, "connect", hold)
        stack.callback(event.remove, Engine, "connect", hold)
        yield
