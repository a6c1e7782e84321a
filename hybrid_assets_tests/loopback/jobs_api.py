"""The routes of jobs. Put what is asked about jobs over HTTP here; their life is in `desk`."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from hybrid_assets_tests.loopback.book import JobRecord
from hybrid_assets_tests.loopback.clock import read_date, write_date
from hybrid_assets_tests.loopback.faults import SPECIAL
from hybrid_assets_tests.loopback.programs import decode, encode
from hybrid_assets_tests.loopback.spoil import spoiled
from hybrid_assets_tests.loopback.wire import Refused, Reply, Request, reply_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets_tests.loopback.clock import ServerClock
    from hybrid_assets_tests.loopback.desk import Desk
    from hybrid_assets_tests.loopback.device import Device
    from hybrid_assets_tests.loopback.options import LoopbackOptions
    from hybrid_assets_tests.loopback.programs import Work
    from hybrid_assets_tests.loopback.sessions import Sessions

#: Jobs a listing shows when no limit is asked for, as the API's documentation says, and at most.
DEFAULT_LIMIT = 200
POSTS_WINDOW_S = 60.0


class JobsApi:
    """Creates, lists, shows, cancels, tags and deletes jobs."""

    def __init__(
        self, *, options: LoopbackOptions, clock: ServerClock, device: Device, desk: Desk, sessions: Sessions
    ) -> None:
        self._options, self._clock, self._device, self._desk, self._sessions = options, clock, device, desk, sessions
        self._posts: list[float] = []
        self._lock = threading.Lock()

    def create(self, request: Request) -> Reply:
        """Answer ``POST /jobs``."""
        self._pace()
        asked = request.json()
        backend, tags = asked.get("backend"), tuple(asked.get("tags", ()))
        if backend not in {self._device.name, mock_name(self._device.name)}:
            raise Refused(404, 1007, f"Backend {backend!r} not found.")
        self._check_tags(tags)
        self._sessions.check(asked.get("session_id"))
        work = decode(asked.get("program_id", ""), asked.get("params", {}))
        job = self._record(asked, work, tags)
        if request.fault and request.fault.what in SPECIAL["post_job"]:
            job.fate = (request.fault,)
        self._desk.add(job)
        reply = reply_json({"id": job.id, "backend": backend})
        reply.job_id = job.id
        return reply

    def list(self, request: Request) -> Reply:
        """Answer ``GET /jobs``; a job shows only after the listing lag."""
        limit, offset = min(DEFAULT_LIMIT, int(request.one("limit") or DEFAULT_LIMIT)), int(request.one("offset") or 0)
        now_s = time.monotonic()
        with self._desk.changed:
            found = [
                job
                for job in self._desk.book
                if not job.is_deleted
                and now_s - job.created_s >= self._options.listing_lag_s
                and _matches(job, request)
            ]
            if request.one("sort") != "ASC":
                found.reverse()
            shown = [self._details(job) for job in found[offset : offset + limit]]
        return reply_json({"jobs": shown, "count": len(found), "limit": limit, "offset": offset})

    def show(self, request: Request) -> Reply:
        """Answer ``GET /jobs/{id}``."""
        job = self._desk.find(request.parts[0])
        details = self._details(job)
        if request.has("stale"):
            details |= {"status": "Queued", "state": {"status": "Queued"}}
        if request.one("exclude_params") != "true":
            details["params"] = job.body["params"]
        return reply_json(details)

    def delete(self, request: Request) -> Reply:
        """Answer ``DELETE /jobs/{id}``; the book keeps it."""
        job = self._desk.find(request.parts[0])
        self._desk.change(lambda: setattr(job, "is_deleted", True))
        return Reply(status=204)

    def cancel(self, request: Request) -> Reply:
        """Answer ``POST /jobs/{id}/cancel``."""
        self._desk.cancel(self._desk.find(request.parts[0]))
        return Reply(status=204)

    def tag(self, request: Request) -> Reply:
        """Answer ``PUT /jobs/{id}/tags``."""
        job, tags = self._desk.find(request.parts[0]), tuple(request.json().get("tags", ()))
        self._check_tags(tags)
        self._desk.change(lambda: setattr(job, "tags", tags))
        return Reply(status=204)

    def results(self, request: Request) -> Reply:
        """Answer ``GET /jobs/{id}/results``: 204 while there is nothing."""
        job = self._desk.find(request.parts[0])
        if job.status == "Failed":
            return Reply(body=job.reason.encode(), content_type="text/plain")
        if job.status != "Completed":
            return Reply(status=204)
        if request.has("another_job"):
            job = next((j for j in self._desk.book if j.outcomes and j.id != job.id), job)
        outcomes, extras = job.outcomes, [task.extras for task in job.work.tasks]
        if request.fault and request.fault.what in SPECIAL["results"] - {"another_job"}:
            outcomes = spoiled(request.fault.what, outcomes)
        return Reply(body=encode(job.work, outcomes, extras).encode())

    def logs(self, request: Request) -> Reply:
        """Answer ``GET /jobs/{id}/logs``."""
        job = self._desk.find(request.parts[0])
        return Reply(body=f"{job.status} {job.reason}\n".encode(), content_type="text/plain")

    def metrics(self, request: Request) -> Reply:
        """Answer ``GET /jobs/{id}/metrics``; usage is pending until the job is final."""
        job = self._desk.find(request.parts[0])
        usage = {
            "quantum_seconds": job.billed_s,
            "seconds": job.billed_s,
            "qpu_charge_time_seconds": job.billed_s,
            "status": "final" if job.is_final else "pending",
        }
        ahead = [other for other in self._desk.book if not other.is_final]
        position = 1 + ahead.index(job) if job.status == "Queued" else None
        times = {"created": job.created_at, "running": job.running_at, "finished": job.finished_at}
        return reply_json({
            "timestamps": {name: write_date(date) for name, date in times.items()},
            "usage": usage,
            "bss": {"seconds": job.billed_s},
            "executions": job.executions,
            "num_circuits": job.num_pubs,
            "position_in_queue": position,
        })  # fmt: skip

    def _pace(self) -> None:
        limit, now_s = self._options.posts_per_minute, time.monotonic()
        with self._lock:
            self._posts = [at_s for at_s in self._posts if now_s - at_s < POSTS_WINDOW_S]
            if limit is not None and len(self._posts) >= limit:
                raise Refused(429, 1202, f"More than {limit} jobs in a minute.")
            self._posts.append(now_s)

    def _check_tags(self, tags: tuple[str, ...]) -> None:
        if len(tags) > self._options.max_tags:
            raise Refused(400, 1204, f"{len(tags)} tags; at most {self._options.max_tags} are allowed.")
        if too_long := [tag for tag in tags if len(tag) > self._options.max_tag_characters]:
            raise Refused(400, 1205, f"A tag of {len(too_long[0])} characters is too long.")

    def _record(self, asked: Mapping[str, Any], work: Work, tags: tuple[str, ...]) -> JobRecord:
        executions = sum(task.executions for task in work.tasks)
        content = json.dumps([asked["program_id"], asked["params"]], sort_keys=True).encode()
        return JobRecord(
            id=secrets.token_hex(10),
            program=work.program,
            backend=asked["backend"],
            tags=tags,
            session_id=asked.get("session_id"),
            body_digest=hashlib.sha256(content).hexdigest(),
            body=dict(asked),
            num_pubs=len(work.tasks),
            executions=executions,
            estimated_s=self._options.seconds_per_job + executions * self._options.seconds_per_execution,
            max_execution_s=asked.get("cost"),
            created_at=self._clock.now(),
            created_s=time.monotonic(),
            calibration_at_submit=self._device.current.id,
            work=work,
        )

    def _details(self, job: JobRecord) -> dict[str, Any]:
        state: dict[str, Any] = {"status": job.status}
        if job.reason:
            state |= {"reason": job.reason, "reason_code": job.reason_code}
        details = {
            "id": job.id,
            "backend": job.backend,
            "state": state,
            "status": job.status,
            "program": {"id": job.program},
            "created": write_date(job.created_at),
            "ended": write_date(job.finished_at),
            "runtime": "loopback:latest",
            "cost": job.max_execution_s or 10800,
            "tags": list(job.tags),
            "session_id": job.session_id,
            "usage": {"seconds": job.billed_s},
            "estimated_running_time_seconds": job.estimated_s,
        }
        return {name: value for name, value in details.items() if value is not None}


def mock_name(name: str) -> str:
    """Return the name of the mock backend that dry runs use, as the client makes it."""
    return "mock_" + name.partition("_")[2]


def _matches(job: JobRecord, request: Request) -> bool:
    wanted = {"backend": job.backend, "program": job.program, "session_id": job.session_id}
    if any(request.one(name) not in {None, value} for name, value in wanted.items()):
        return False
    pending, after, before = (request.one(name) for name in ("pending", "created_after", "created_before"))
    return (
        set(request.all("tags")) <= set(job.tags)
        and (pending is None or (pending == "true") != job.is_final)
        and (after is None or job.created_at >= read_date(after))
        and (before is None or job.created_at <= read_date(before))
    )
