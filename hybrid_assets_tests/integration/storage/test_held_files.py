"""Dagster's SQLite files are held open during a night, and nobody else's."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import sqlalchemy as sa

from hybrid_assets.storage.held_files import sqlite_files_held_open


def _write(path, value):
    """Write as Dagster does: an engine and a connection for one event, closed again."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
    with engine.connect() as connection, connection.begin():
        connection.execute(sa.text("PRAGMA journal_mode=WAL"))
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS t (i INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (:i)"), {"i": value})
    engine.dispose()


def test_log_of_a_held_file_is_folded_in_once_at_the_end(tmp_path):
    inside, outside = tmp_path / "dagster" / "events.db", tmp_path / "ledger.sqlite"
    inside.parent.mkdir()
    with sqlite_files_held_open(inside.parent):
        for value in range(3):
            _write(inside, value)
            _write(outside, value)
            assert inside.with_name("events.db-wal").exists()
            assert not outside.with_name("ledger.sqlite-wal").exists()
        with sqlite3.connect(inside) as other:  # another process sees what was written at once
            assert other.execute("SELECT count(*) FROM t").fetchone() == (3,)
        other.close()
    assert not inside.with_name("events.db-wal").exists()
    _write(inside, 3)
    assert not inside.with_name("events.db-wal").exists()


def test_engines_in_memory_are_left_alone(tmp_path):
    with sqlite_files_held_open(tmp_path), sa.create_engine("sqlite://").connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_process_has_locked_is_left_alone(tmp_path):
    """It is only not held: to hold files must never make a night fail."""
    path = tmp_path / "events.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (i INTEGER)")
        other.execute("BEGIN EXCLUSIVE")
        with sqlite_files_held_open(tmp_path), sa.create_engine(f"sqlite:///{path}").connect():
            other.execute("INSERT INTO t VALUES (1)")
            other.execute("COMMIT")
        assert other.execute("SELECT count(*) FROM t").fetchone() == (1,)
