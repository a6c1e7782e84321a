"""Sessions and batches: one resource with a mode. Put their life here; a closed one takes no jobs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets_tests.loopback.clock import write_date
from hybrid_assets_tests.loopback.wire import Refused, Reply, Request, reply_json

if TYPE_CHECKING:
    from datetime import datetime

    from hybrid_assets_tests.loopback.clock import ServerClock
    from hybrid_assets_tests.loopback.desk import Desk

SESSION_TTL_S = 28800


@dataclass(slots=True, kw_only=True)
class SessionRecord:
    """One session or batch."""

    id: str
    mode: str
    backend: str
    max_ttl_s: int
    created_at: datetime
    is_accepting: bool = True
    closed_at: datetime | None = None


class Sessions:
    """All sessions."""

    def __init__(self, *, desk: Desk, clock: ServerClock) -> None:
        self._desk, self._clock = desk, clock
        self.book: list[SessionRecord] = []

    def check(self, session_id: str | None) -> None:
        """Refuse a job for a session that takes none.

        Raises:
            Refused: It is unknown or closed.
        """
        if session_id is not None and not self._find(session_id).is_accepting:
            raise Refused(400, 1217, f"Session {session_id} is closed.")

    def create(self, request: Request) -> Reply:
        """Answer ``POST /sessions``."""
        asked = request.json()
        session = SessionRecord(
            id=secrets.token_hex(12),
            mode=asked.get("mode", "dedicated"),
            backend=asked.get("backend", ""),
            max_ttl_s=asked.get("max_ttl", SESSION_TTL_S),
            created_at=self._clock.now(),
        )
        self._desk.change(lambda: self.book.append(session))
        return reply_json(self._details(session), 201)

    def show(self, request: Request) -> Reply:
        """Answer ``GET /sessions/{id}``."""
        return reply_json(self._details(self._find(request.parts[0])))

    def update(self, request: Request) -> Reply:
        """Answer ``PATCH /sessions/{id}``: take no more jobs."""
        session = self._find(request.parts[0])
        if not request.json().get("accepting_jobs", True):
            self._close(session)
        return Reply(status=204)

    def close(self, request: Request) -> Reply:
        """Answer ``DELETE /sessions/{id}/close``: take no more jobs, cancel those queued."""
        session = self._find(request.parts[0])
        self._close(session)
        with self._desk.changed:
            for job in self._jobs(session):
                if job.status == "Queued":
                    self._desk.cancel(job)
        return Reply(status=204)

    def _close(self, session: SessionRecord) -> None:
        session.is_accepting = False
        session.closed_at = session.closed_at or self._clock.now()

    def _find(self, session_id: str) -> SessionRecord:
        for session in self.book:
            if session.id == session_id:
                return session
        raise Refused(404, 1216, f"Session {session_id} not found.")

    def _jobs(self, session: SessionRecord) -> list[Any]:
        return [job for job in self._desk.book if job.session_id == session.id]

    def _details(self, session: SessionRecord) -> dict[str, Any]:
        jobs = self._jobs(session)
        started = [job.running_at for job in jobs if job.running_at]
        ended = [job.finished_at for job in jobs if job.finished_at]
        is_busy = any(not job.is_final for job in jobs)
        state = "active" if is_busy else "closed" if not session.is_accepting else "inactive" if jobs else "open"
        billed_s = sum(job.billed_s for job in jobs)
        if session.mode != "batch" and started:  # a session is billed by the wall clock, a batch by its jobs
            billed_s = ((session.closed_at or self._clock.now()) - min(started)).total_seconds()
        return {
            "id": session.id,
            "backend_name": session.backend,
            "interactive_ttl": 60,
            "max_ttl": session.max_ttl_s,
            "active_ttl": session.max_ttl_s,
            "state": state,
            "accepting_jobs": session.is_accepting,
            "mode": session.mode,
            "elapsed_time": billed_s,
            "started_at": write_date(min(started, default=None)),
            "closed_at": write_date(session.closed_at),
            "last_job_started": write_date(max(started, default=None)),
            "last_job_completed": write_date(max(ended, default=None)),
            "timestamps": [],
        }
