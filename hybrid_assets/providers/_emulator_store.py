"""The emulator's own books on disk: every submission it saw and every job it made, in one SQLite file.

Each call opens its own connection (0.4 ms), so threads and forked processes share nothing. Times are whole microseconds
since 1970. Put storing and finding of rows here; keep what they mean in `_emulator_desk`.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import TransientProviderError
from hybrid_assets.storage.files import make_folder
from hybrid_assets.storage.wal import use_wal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Longest wait for another process's write.
BUSY_S = 60.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS moments (name TEXT PRIMARY KEY, at_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS posts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL, request_id TEXT NOT NULL, outcome TEXT NOT NULL,
    job_id TEXT
);
CREATE INDEX IF NOT EXISTS posts_of_request ON posts (request_id);
CREATE INDEX IF NOT EXISTS posts_by_time ON posts (at_us);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, request_id TEXT NOT NULL,
    content TEXT NOT NULL, kernel_ids TEXT NOT NULL, created_us INTEGER NOT NULL, eligible_us INTEGER NOT NULL,
    start_us INTEGER, end_us INTEGER NOT NULL, run_us INTEGER NOT NULL, run_s REAL NOT NULL, billed_s REAL NOT NULL,
    error_code TEXT, message TEXT, blamed TEXT NOT NULL, late_us INTEGER NOT NULL, wrong TEXT,
    never_ends INTEGER NOT NULL, was_cancelled INTEGER NOT NULL, fetches INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_of_request ON jobs (request_id);
CREATE INDEX IF NOT EXISTS jobs_by_start ON jobs (start_us);
CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (end_us);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job: what was asked, and everything that will become of it unless somebody cancels it."""

    job_id: str
    request_id: str
    #: Hash of what was asked, for recognizing another request under the same id.
    content: str
    #: JSON list, in order.
    kernel_ids: str
    created_us: int
    #: When it is through with the queue of other users' jobs.
    eligible_us: int
    #: Moves forward when a job before it is cancelled; None when it was cancelled before.
    start_us: int | None
    end_us: int
    #: How long it holds its slot on the clock, and how many seconds that is on the device.
    run_us: int
    run_s: float
    #: What it is billed at its end.
    billed_s: float
    #: None: it succeeds.
    error_code: str | None
    message: str | None
    #: JSON list of the kernels its failure is blamed on.
    blamed: str
    #: So long after its end its result is not there.
    late_us: int
    #: How the first fetches of its result are wrong; None: they are right.
    wrong: str | None
    never_ends: bool
    was_cancelled: bool = False
    #: Results handed out.
    fetches: int = 0
    #: Order of arrival; the store sets it.
    number: int = 0


class EmulatorStore:
    """The file, and the only code that speaks SQL to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_ready = False
        self._first_use_us: int | None = None

    def first_use_us(self, now_us: int) -> int:
        """Return when these books were first used by anybody; that is now when they were not.

        Raises:
            TransientProviderError: The file could not be used.
        """
        if self._first_use_us is None:
            with self.reading() as rows:
                self._first_use_us = rows.first_use_us()
        if self._first_use_us is None:
            with self.transaction() as rows:
                rows.set_first_use(now_us)
                self._first_use_us = rows.first_use_us()
        assert self._first_use_us is not None
        return self._first_use_us

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        """Open the only writing transaction of all processes; everything is written, or nothing after an exception.

        Raises:
            TransientProviderError: The file could not be used.
        """
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Rows(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """Open the file for looking.

        Raises:
            TransientProviderError: The file could not be used.
        """
        with self._connected() as connection:
            yield Rows(connection)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._is_ready:
                make_folder(self._path.parent)
            connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            try:
                connection.row_factory = sqlite3.Row
                if not self._is_ready:
                    use_wal(connection)
                    connection.executescript(_SCHEMA)
                    self._is_ready = True
                yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as exc:
            raise TransientProviderError(
                f"The emulator's books could not be used: {exc}. Nothing was changed."
            ) from exc


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows, as one connection sees them."""

    _connection: sqlite3.Connection

    def first_use_us(self) -> int | None:
        """Return when these books were first used; None when they were not."""
        found = self._run("SELECT at_us FROM moments WHERE name = 'first_use'").fetchone()
        return None if found is None else int(found[0])

    def set_first_use(self, at_us: int) -> None:
        """Note the first use, unless it is known."""
        self._run("INSERT OR IGNORE INTO moments VALUES ('first_use', ?)", at_us)

    def add_post(self, at_us: int, request_id: str, outcome: str, job_id: str | None = None) -> None:
        """Note a submission, whatever became of it."""
        self._run(
            "INSERT INTO posts (at_us, request_id, outcome, job_id) VALUES (?, ?, ?, ?)",
            at_us,
            request_id,
            outcome,
            job_id,
        )

    def count_posts(self, request_id: str) -> int:
        """Return how often a request was submitted."""
        return int(self._run("SELECT COUNT(*) FROM posts WHERE request_id = ?", request_id).fetchone()[0])

    def posts_after(self, at_us: int, outcomes: Sequence[str]) -> list[int]:
        """Return the times of submissions after a moment that had one of these outcomes, oldest first."""
        found = self._run("SELECT at_us, outcome FROM posts WHERE at_us > ? ORDER BY at_us", at_us)
        return [row["at_us"] for row in found if row["outcome"] in outcomes]

    def posts(self) -> list[dict[str, Any]]:
        """Return all submissions, oldest first."""
        return [dict(row) for row in self._run("SELECT * FROM posts ORDER BY number")]

    def add_job(self, job: JobRow) -> None:
        """Store a new job."""
        values = {name: value for name, value in asdict(job).items() if name != "number"}
        places = ", ".join("?" * len(values))
        # The names are those of a dataclass of this module.
        self._run(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({places})", *values.values())  # noqa: S608

    def job(self, job_id: str) -> JobRow | None:
        """Return a job."""
        return next(self._jobs("WHERE job_id = ?", job_id), None)

    def jobs_of(self, request_id: str) -> list[JobRow]:
        """Return the jobs of a request, oldest first."""
        return list(self._jobs("WHERE request_id = ? ORDER BY number", request_id))

    def jobs(self) -> list[JobRow]:
        """Return all jobs, oldest first."""
        return list(self._jobs("ORDER BY number"))

    def waiting(self, now_us: int) -> list[JobRow]:
        """Return jobs that have not started, oldest first."""
        return list(self._jobs("WHERE start_us > ? ORDER BY number", now_us))

    def waiting_before(self, number: int, now_us: int) -> int:
        """Return how many jobs that arrived before this one have not started."""
        found = self._run("SELECT COUNT(*) FROM jobs WHERE start_us > ? AND number < ?", now_us, number)
        return int(found.fetchone()[0])

    def unfinished(self, now_us: int) -> int:
        """Return how many jobs are queued or running."""
        found = self._run("SELECT COUNT(*) FROM jobs WHERE end_us > ? OR (never_ends AND NOT was_cancelled)", now_us)
        return int(found.fetchone()[0])

    def last_start_us(self) -> int:
        """Return the latest start of all jobs, 0 when there is none."""
        return int(self._run("SELECT COALESCE(MAX(start_us), 0) FROM jobs").fetchone()[0])

    def latest_ends(self, now_us: int, limit: int) -> list[int]:
        """Return the latest ends of jobs that hold a slot now or will; with as many as slots, that is all one needs.

        Whoever is planned takes the slot that is free first, so ends of jobs that are not among the latest belong to
        slots that were taken again.
        """
        found = self._run(
            "SELECT end_us FROM jobs WHERE end_us > ? AND start_us IS NOT NULL ORDER BY end_us DESC LIMIT ?",
            now_us,
            limit,
        )
        return [row[0] for row in found]

    def running_ends(self, now_us: int) -> list[int]:
        """Return the ends of jobs that hold a slot now."""
        return [
            row[0] for row in self._run("SELECT end_us FROM jobs WHERE end_us > ? AND start_us <= ?", now_us, now_us)
        ]

    def move(self, job_id: str, *, start_us: int | None, end_us: int) -> None:
        """Set when a job starts and ends."""
        self._run("UPDATE jobs SET start_us = ?, end_us = ? WHERE job_id = ?", start_us, end_us, job_id)

    def cancel(self, job_id: str, *, start_us: int | None, end_us: int, billed_s: float) -> None:
        """End a job early."""
        self.move(job_id, start_us=start_us, end_us=end_us)
        self._run("UPDATE jobs SET was_cancelled = 1, billed_s = ? WHERE job_id = ?", billed_s, job_id)

    def count_fetch(self, job_id: str) -> int:
        """Note that a result is handed out; return how often it was before."""
        self._run("UPDATE jobs SET fetches = fetches + 1 WHERE job_id = ?", job_id)
        return int(self._run("SELECT fetches FROM jobs WHERE job_id = ?", job_id).fetchone()[0]) - 1

    def _jobs(self, clause: str, *values: Any) -> Iterator[JobRow]:
        for row in self._run(f"SELECT * FROM jobs {clause}", *values):  # noqa: S608 - clauses of this class only
            found = dict(row)
            for name in ("never_ends", "was_cancelled"):
                found[name] = bool(found[name])
            yield JobRow(**found)

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)


def to_us(moment: datetime) -> int:
    """Return whole microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_us(moment_us: int) -> datetime:
    """Return an aware time."""
    return EPOCH + timedelta(microseconds=moment_us)
