"""Jobs of a simulator that runs inside the worker, kept on disk. Put their life here; keep what they compute out.

A job (see `JobFiles`) outlives its worker: whoever polls it next goes on with the PUBs that are missing. With seeds the
result is the same as if nothing had happened.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import deque
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import AdapterError
from .job_files import JobFiles
from .records import Pub, PubCounts, Report, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


class LocalJobs:
    """All jobs of one backend; a job's id is its request's.

    Args:
        folder: Where they are kept.
        execute: Returns the counts of a PUB; runs in a thread of its own, one PUB at a time. What it raises fails the
            job; an `AdapterError` also says what that lets the parent do.
    """

    def __init__(self, folder: Path, execute: Callable[[Pub], PubCounts]) -> None:
        self._folder, self._execute = folder, execute
        self._waiting: deque[tuple[JobFiles, int]] = deque()
        self._guard, self._is_working = threading.Lock(), False

    def submit(self, request: Request) -> str:
        """Store a request and queue it; the same one again is the same job.

        Raises:
            AdapterError: It is empty, its id cannot be used or is in use for other PUBs, or the disk refused.
        """
        if not request.pubs:
            raise AdapterError("permanent", f"Request {request.request_id} holds no PUB; there is nothing to execute.")
        job = self._job(request.request_id)
        document, arrays = request.to_parcel()
        try:
            if not job.store(document, arrays) and not job.is_for(request):
                raise AdapterError("permanent", f"Request id {request.request_id} is in use for other PUBs.")
            self._start(job)
        except OSError as exc:
            raise AdapterError("transient", f"The request could not be stored: {exc}.") from exc
        return request.request_id

    def find(self, request_id: str, since: datetime | None) -> list[str]:
        """Return the job of this id, if it was submitted (at or after a time)."""
        job = self._job(request_id)
        if not job.is_known:
            return []
        return [request_id] if since is None or datetime.fromisoformat(job.submitted_at) >= since else []

    def poll(self, job_id: str) -> Report:
        """Return where a job is; one that nobody executes is queued.

        Raises:
            AdapterError: It is not known.
        """
        job = self._known(job_id)
        if report := job.report():
            return report
        self._start(job)
        started_at = job.started_at()
        return job.report() or Report(
            status="RUNNING" if started_at else "QUEUED", submitted_at=job.submitted_at, started_at=started_at
        )

    def fetch(self, job_id: str) -> Result:
        """Return the verified result of a job.

        Raises:
            AdapterError: It is not known, has not ended, failed, was cancelled, or its result is damaged (then the next
                poll computes it again).
        """
        report = self.poll(job_id)
        if report.status == "FAILED":
            raise AdapterError("job_failed", f"Job {job_id} failed: {report.message}")
        if report.status == "CANCELLED":
            raise AdapterError("job_cancelled", f"Job {job_id} was cancelled.")
        if report.status != "SUCCEEDED":
            raise AdapterError("transient", f"Job {job_id} is {report.status}; its result is not there yet.")
        return self._known(job_id).result(report)

    def cancel(self, job_id: str) -> Report:
        """Cancel a job: at once while nobody executes it, else before its next PUB; an ended one stays as it is.

        Raises:
            AdapterError: It is not known.
        """
        job = self._known(job_id)
        if report := job.report():
            return report
        job.mark_cancelled()
        if (lock := job.lock()) is not None:
            with _released(lock):
                if job.report() is None:
                    job.end("CANCELLED")
        return job.report() or self.poll(job_id)

    def _job(self, job_id: str) -> JobFiles:
        if not _ID.fullmatch(job_id):
            raise AdapterError("permanent", f"{job_id!r} is no request id; ids are letters, digits, '.', '-' and '_'.")
        return JobFiles(self._folder / job_id)

    def _known(self, job_id: str) -> JobFiles:
        job = self._job(job_id)
        if not job.is_known:
            raise AdapterError("permanent", f"There is no job {job_id}.")
        return job

    def _start(self, job: JobFiles) -> None:
        """Queue a job unless it has ended or someone has it."""
        if (lock := job.lock()) is None:
            return
        if job.report() is not None:
            os.close(lock)
            return
        with self._guard:
            self._waiting.append((job, lock))
            if self._is_working:
                return
            self._is_working = True
        # A daemon: the worker ends without waiting for it, and what is left is done by whoever polls the job next.
        threading.Thread(target=self._work, name="local-jobs", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._is_working = False
                    return
                job, lock = self._waiting.popleft()
            with _released(lock):
                self._carry_out(job)

    def _carry_out(self, job: JobFiles) -> None:
        try:
            status, num_pubs, facts = self._outcome(job)
            job.end(status, num_pubs=num_pubs, **facts)
        except OSError as exc:  # the disk refused: the job has not ended, the next poll tries again
            print(f"Job {job.name}: its files could not be written: {exc}.", file=sys.stderr)  # noqa: T201 - the log here

    def _outcome(self, job: JobFiles) -> tuple[str, int, dict[str, Any]]:
        """Execute what is missing of a job; return its status, the number of its PUBs and how it failed."""
        try:
            job.mark_started()
            request = job.request()
            for index, pub in enumerate(request.pubs):
                if job.is_cancelled:
                    return "CANCELLED", 0, {}
                if not job.has_counts(index):
                    job.keep_counts(index, self._execute(pub))
        except OSError:
            raise
        except AdapterError as exc:
            return "FAILED", 0, {"error_code": exc.kind, "message": str(exc), "error_kind": exc.kind}
        except Exception as exc:  # noqa: BLE001 - the door of this store: whatever fails must end the job
            name = type(exc).__name__
            return "FAILED", 0, {"error_code": name, "message": f"{name}: {exc}"}
        return "SUCCEEDED", len(request.pubs), {}


@contextmanager
def _released(lock: int) -> Iterator[None]:
    """Let go of a lock at the end."""
    try:
        yield
    finally:
        os.close(lock)
