"""Jobs that run in this process and survive it. Put their life here; keep what they compute out.

A job is a folder (see `JobFiles`). Its request is on disk before the handle is returned, so that when the executing
process dies, any process that polls the job executes it again; seeds make the result the same.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from hybrid_assets.errors import (
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobHandle, JobReport, JobRequest, JobResult, JobStatus, PubResult
from hybrid_assets.providers._job_files import JobFiles
from hybrid_assets.providers._workers import Workers, interpreter_is_closing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import Pub

_log = logging.getLogger(__name__)

#: Shared by all providers of a process, so that several backends do not multiply threads.
_WORKERS = Workers()


class Machine(Protocol):
    """What executes PUBs."""

    @property
    def document(self) -> TargetDocument:
        """What it can execute, with the calibration that its results are under."""

    def execute(self, pub: Pub) -> PubResult:
        """Return the counts of all rows of a PUB; any error ends the job."""


class LocalJobs:
    """All jobs of one backend."""

    def __init__(self, folder: Path, machine: Callable[[], Machine]) -> None:
        self._folder, self._machine = folder, machine

    def submit(self, request: JobRequest) -> None:
        """Store a request and queue it; one that is known already is not stored again.

        Raises:
            PermanentProviderError: It is empty, or its id is in use for another request.
            TransientProviderError: The disk refused.
        """
        if not request.pubs:
            raise PermanentProviderError(f"Request {request.request_id} holds no PUB; there is nothing to execute.")
        files = self.files(request.request_id)
        try:
            known = files.request_document()
        except ResultIntegrityError:
            known = None  # damaged: stored again below
        if known is not None and _content(known["pubs"]) != _content([_facts(pub) for pub in request.pubs]):
            raise PermanentProviderError(f"Request id {request.request_id} is in use for a request of other PUBs.")
        try:
            if known is None:
                files.write_request(request, datetime.now(UTC))
            self._start(files)
        except OSError as exc:
            raise TransientProviderError(f"The request could not be stored: {exc}.") from exc

    def is_known(self, request_id: str, *, since: datetime | None = None) -> bool:
        """Tell whether a request of this id was submitted (at or after a time)."""
        try:
            document = self.files(request_id).request_document()
        except ResultIntegrityError:
            return False  # as if it had never arrived: submitting it again stores it anew
        return document is not None and (since is None or datetime.fromisoformat(document["submitted_at"]) >= since)

    def poll(self, request_id: str) -> JobReport:
        """Return where a job is; one that nobody executes is started.

        Raises:
            PermanentProviderError: It is not known.
        """
        files = self.files(request_id)
        if report := files.report():
            return report
        try:
            document = files.request_document()
            if document is None:
                raise PermanentProviderError(f"There is no job {request_id}.")
            self._start(files)
        except ResultIntegrityError as exc:
            return JobReport(status=JobStatus.FAILED, error_code=type(exc).__name__, message=str(exc))
        return files.report() or _report(
            JobStatus.RUNNING if files.is_started else JobStatus.QUEUED, document["submitted_at"]
        )

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return the verified result of a job.

        Raises:
            PermanentProviderError: It is not known.
            TransientProviderError: It has not ended.
            JobFailedError: It failed.
            JobCancelledError: It was cancelled.
            ResultIntegrityError: Its result is damaged.
        """
        report = self.poll(handle.request_id)
        if report.status is JobStatus.FAILED:
            raise JobFailedError(f"Job {handle.request_id} failed: {report.message}")
        if report.status is JobStatus.CANCELLED:
            raise JobCancelledError(f"Job {handle.request_id} was cancelled.")
        if report.status is not JobStatus.SUCCEEDED:
            raise TransientProviderError(f"Job {handle.request_id} is {report.status}; its result is not there yet.")
        return self.files(handle.request_id).read_result(handle)

    def cancel(self, request_id: str) -> JobReport:
        """Cancel a job: at once when nobody has it, else before its next PUB.

        Raises:
            PermanentProviderError: It is not known.
        """
        files = self.files(request_id)
        if report := files.report():
            return report
        if not self.is_known(request_id):
            raise PermanentProviderError(f"There is no job {request_id}.")
        files.mark_cancelled()
        if (lock := files.lock()) is not None:
            if files.report() is None:
                self._execution(files, lock).end()
            else:
                os.close(lock)
        return self.poll(request_id)

    def files(self, request_id: str) -> JobFiles:
        """Return the files of a job.

        Raises:
            PermanentProviderError: The id cannot be the name of a folder.
        """
        if not request_id or request_id.startswith(".") or "/" in request_id or "\0" in request_id:
            raise PermanentProviderError(f"{request_id!r} is not a request id; ids are letters, digits, - and _.")
        return JobFiles(self._folder / request_id)

    def _start(self, files: JobFiles) -> None:
        """Queue a job unless it has ended or someone has it."""
        if (lock := files.lock()) is None:
            return
        if files.report() is not None:
            os.close(lock)
            return
        self._execution(files, lock).start()

    def _execution(self, files: JobFiles, lock: int) -> _Execution:
        try:
            document, request = files.request_document(), files.read_request()
        except ResultIntegrityError:
            os.close(lock)
            raise
        submitted_at = document["submitted_at"] if document else ""
        return _Execution(files=files, request=request, submitted_at=submitted_at, machine=self._machine, lock=lock)


@dataclass(slots=True, kw_only=True, eq=False)
class _Execution:
    """One job on its way through the workers, a task for each PUB."""

    files: JobFiles
    request: JobRequest
    submitted_at: str
    machine: Callable[[], Machine]
    lock: int
    results: dict[int, PubResult] = field(default_factory=dict)
    failure: Exception | None = None
    was_interrupted: bool = False
    _left: int = 0
    _started_at: datetime | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self._left = len(self.request.pubs)
        for index in range(self._left):
            _WORKERS.add(partial(self._run, index))

    def _run(self, index: int) -> None:
        try:
            self._begin()
            if self.failure is None and not self.files.is_cancelled:
                self.results[index] = self.machine().execute(self.request.pubs[index])
        except Exception as exc:  # noqa: BLE001 - the door of this provider: whatever fails must end the job
            # While the interpreter closes, Aer refuses work: no failure of the job, another process will do it.
            self.was_interrupted = self.was_interrupted or interpreter_is_closing()
            self.failure = exc
        with self._guard:
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            self.end()

    def _begin(self) -> None:
        with self._guard:
            if self._started_at is None:
                self._started_at = datetime.now(UTC)
                self.files.mark_started()

    def end(self) -> None:
        try:
            if not self.was_interrupted:
                self._write_outcome()
        except OSError:
            _log.exception(
                "Job %s: its outcome could not be stored; the next poll tries again.", self.request.request_id
            )
        finally:
            os.close(self.lock)

    def _write_outcome(self) -> None:
        report = partial(_report, submitted_at=self.submitted_at, started_at=self._started_at)
        if self.failure is not None:
            name = type(self.failure).__name__
            self.files.write_outcome(report(JobStatus.FAILED, error_code=name, message=f"{name}: {self.failure}"))
        elif len(self.results) < len(self.request.pubs):
            self.files.write_outcome(report(JobStatus.CANCELLED))
        else:
            self.files.write_outcome(
                report(JobStatus.SUCCEEDED),
                calibration_id=self.machine().document.calibration_id,
                pubs=[self.results[i] for i in range(len(self.request.pubs))],
            )


def _report(status: JobStatus, submitted_at: str, **facts: Any) -> JobReport:
    if status.is_final:
        facts["finished_at"] = datetime.now(UTC)
    return JobReport(status=status, submitted_at=datetime.fromisoformat(submitted_at), **facts)


def _facts(pub: Any) -> dict[str, Any]:
    return {"kernel_id": pub.kernel_id, "shots": pub.shots, "seed": pub.seed}


def _content(pubs: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return [(facts["kernel_id"], facts["shots"], facts["seed"]) for facts in pubs]
