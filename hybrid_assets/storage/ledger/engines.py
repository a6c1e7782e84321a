"""Connections to the ledger's database, one engine to write and one to read.

Put what differs between databases here, and nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.storage.wal import use_wal

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

#: Milliseconds a process waits for another's transaction before SQLite gives up; the longest takes a few seconds.
BUSY_TIMEOUT_MS = 30_000

#: Kilobytes of pages a connection may keep. Ids are hashes, so a large ledger's indices are touched all over.
CACHE_KB = 65_536

#: Any number nobody else takes a lock on.
_MIGRATION_LOCK = 7_203_119


def url_of(place: str | Path) -> URL:
    """Return the URL of a database; a path is a SQLite file, whose folder is made.

    Raises:
        ConfigurationError: The URL cannot be read, or the folder cannot be made.
    """
    if isinstance(place, str) and "://" in place:
        try:
            url = sa.make_url(place)
        except sa.exc.ArgumentError as exc:
            raise ConfigurationError(f"The ledger's URL cannot be read: {exc}.") from exc
        if not (url.get_backend_name() == "sqlite" and url.database):
            return url
        place = url.database
    path = Path(place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigurationError(
            f"The ledger's folder {path.parent} cannot be made: {exc}. Name another folder."
        ) from exc
    return sa.URL.create("sqlite", database=str(path))


def writing_engine(url: URL) -> Engine:
    """Return the engine for transactions that write.

    On SQLite a transaction takes the write lock when it begins. One that read first and wrote later would be refused
    at once, whatever the timeout, if another had written in between.
    """
    return _engine(url, begin="BEGIN IMMEDIATE", pragmas=("foreign_keys = ON", "synchronous = FULL"))


def reading_engine(url: URL) -> Engine:
    """Return the engine for transactions that only read; on SQLite they wait for nobody and hold up nobody."""
    return _engine(url, begin="BEGIN", pragmas=("query_only = ON",))


def lock_for_migration(connection: Connection) -> None:
    """Let one process at a time look at the schema and change it, until the transaction ends."""
    if connection.dialect.name == "postgresql":  # on SQLite the transaction itself is the lock
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def types_of(connection: Connection) -> dict[str, str]:
    """Return what the types of columns are called here that have no common name, for statements written by hand."""
    if connection.dialect.name == "postgresql":
        return {"serial": "BIGSERIAL", "double": "DOUBLE PRECISION", "text": 'TEXT COLLATE "C"'}
    return {"serial": "INTEGER NOT NULL", "double": "DOUBLE", "text": "TEXT"}


def insert_unless_known(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that leaves rows alone whose key is there already."""
    return upsert(connection, table).on_conflict_do_nothing()


def upsert(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that takes ON CONFLICT; both databases understand the same, SQLAlchemy has no common word."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _engine(url: URL, *, begin: str, pragmas: tuple[str, ...]) -> Engine:
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigurationError(
            f"The ledger runs on sqlite or postgresql, not on {url.get_backend_name()}. Name a database of one of them."
        )
    try:
        engine = sa.create_engine(url)
    except (sa.exc.NoSuchModuleError, ModuleNotFoundError) as exc:
        raise ConfigurationError(f"No driver for the ledger's database {url.drivername}: {exc}. Install it.") from exc
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, begin=begin, pragmas=pragmas)
    return engine


def _prepare_sqlite(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def connected(raw: Any, record: object) -> None:
        del record
        raw.isolation_level = None  # Python's own BEGIN is deferred; ours is sent below
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", f"cache_size = -{CACHE_KB}", *pragmas):
            raw.execute(f"PRAGMA {pragma}")
        use_wal(raw)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
