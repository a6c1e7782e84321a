"""Driving jobs to their end: submit, poll, fetch, verify, record. Put the order of effects here; no policy.

A job's record is written before its submission, and its results are stored before its success is recorded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.batching import executions
from hybrid_assets.errors import (
    PermanentProviderError,
    ResultIntegrityError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.jobs import JobHandle, JobReport, JobRequest, JobResult, JobStatus, KernelResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.control.batching import Batch
    from hybrid_assets.protocols import Provider
    from hybrid_assets.runner.project import Project

#: Polling starts fast, for local simulators, and slows down to spare a real provider.
POLL_FIRST_S, POLL_LAST_S, POLL_GROWTH = 0.005, 2.0, 1.5


@dataclass(slots=True, kw_only=True)
class Dispatch:
    """The jobs of one partition on one backend."""

    project: Project
    provider: Provider
    night: str
    workload: str
    backend: str
    #: Kernel id -> calibration its circuit was compiled with.
    compiled_calibration: Mapping[str, str]
    #: Sentences about jobs that failed.
    failures: list[str] = field(default_factory=list)
    _open: dict[str, tuple[JobHandle, JobRequest]] = field(default_factory=dict)
    _records: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._records = {r["job_id"]: r for r in self.project.attempts.records(self.night, self._scope)}

    def run(self, batches: Sequence[Batch], *, slots: int, wait_s: float) -> int:
        """Drive all batches for at most ``wait_s`` seconds.

        Returns:
            How many batches are still unfinished.
        """
        waiting = list(enumerate(batches))
        deadline, pause_s = time.monotonic() + wait_s, POLL_FIRST_S
        while waiting or self._open:
            while waiting and len(self._open) < slots:
                index, batch = waiting.pop(0)
                self._submit(index, batch)
            if self._reap():
                pause_s = POLL_FIRST_S
                continue
            if time.monotonic() >= deadline:
                break
            time.sleep(pause_s)
            pause_s = min(pause_s * POLL_GROWTH, POLL_LAST_S)
        return len(waiting) + len(self._open)

    def _submit(self, index: int, batch: Batch) -> None:
        batch_id = fingerprint([pub.kernel_id for pub in batch.pubs])
        attempt = sum(r["batch_id"] == batch_id and r["status"] in _ENDED_BADLY for r in self._records.values())
        request = JobRequest(
            request_id=fingerprint([batch_id, self.backend, attempt])[:32], backend=self.backend, pubs=batch.pubs
        )
        record = {
            "night": self.night,
            "workload": self.workload,
            "backend": self.backend,
            "job_id": request.request_id,
            "attempt": attempt,
            "batch_id": batch_id,
            "num_pubs": len(batch.pubs),
            "num_rows": sum(int(pub.values.shape[0]) for pub in batch.pubs),
            "shots": sum(map(executions, batch.pubs)),
        }
        decision = {
            **{k: record[k] for k in ("night", "workload", "backend", "batch_id")},
            "decided_at": datetime.now(UTC).isoformat(),
            "size": len(batch.pubs),
            "limit": batch.limit,
            "reason": batch.reason,
        }
        self.project.batches.put(self.night, self._scope, f"{index:05d}.{batch_id[:16]}", decision)
        sent_before = request.request_id in self._records
        self._record(request, {**record, "status": JobStatus.SUBMITTING})
        try:
            handle = (self._found(request.request_id) if sent_before else None) or self.provider.submit(request)
        except SubmissionUnknownError as exc:
            self._record(request, {"status": JobStatus.UNKNOWN, "error_class": type(exc).__name__})
            self.failures.append(f"Job {request.request_id} may have been accepted; the next run looks for it: {exc}")
            return
        except (TransientProviderError, PermanentProviderError) as exc:
            self._record(request, {"status": JobStatus.FAILED, "error_class": type(exc).__name__})
            self.failures.append(f"Job {request.request_id} was not accepted: {exc}")
            return
        self._record(request, {"status": JobStatus.QUEUED, "provider_job_id": handle.provider_job_id})
        self._open[request.request_id] = (handle, request)

    def _found(self, request_id: str) -> JobHandle | None:
        """Return the oldest job that an earlier run submitted under this id, as far as the provider lists it."""
        jobs = self.provider.find(request_id) if self.provider.describe().supports_find else ()
        return next(iter(jobs), None)

    def _reap(self) -> bool:
        """Take home every job that has ended; tell whether there was one."""
        ended = False
        for request_id, (handle, request) in list(self._open.items()):
            report = self.provider.poll(handle)
            if not report.status.is_final:
                continue
            ended = True
            del self._open[request_id]
            if report.status is JobStatus.SUCCEEDED:
                self._store(handle, request, report)
            else:
                self._fail(request, report)
        return ended

    def _store(self, handle: JobHandle, request: JobRequest, report: JobReport) -> None:
        try:
            result = self.provider.fetch(handle)
            verify(request, result)
        except ResultIntegrityError as exc:
            self._fail(request, JobReport(status=JobStatus.FAILED, error_code="integrity", message=str(exc)))
            return
        total = sum(map(executions, request.pubs))
        for pub, done in zip(request.pubs, result.pubs, strict=True):
            self.project.results.put(
                KernelResult(
                    kernel_id=pub.kernel_id,
                    counts=done.counts,
                    shots=pub.shots,
                    execution=done.execution,
                    backend=self.backend,
                    compiled_calibration_id=self.compiled_calibration[pub.kernel_id],
                    executed_calibration_id=result.calibration_id,
                    provider_job_id=handle.provider_job_id,
                    request_id=request.request_id,
                    executed_at=result.finished_at,
                    billed_s=result.billed_s * executions(pub) / total,
                )
            )
        self._finish(request, report, billed_s=result.billed_s)
        self.project.report(
            f"{self.workload}/{self.backend}: job {request.request_id} done, {len(request.pubs)} kernels"
        )

    def _fail(self, request: JobRequest, report: JobReport) -> None:
        self._finish(request, report)
        self.failures.append(
            f"Job {request.request_id} ({len(request.pubs)} kernels) ended as {report.status}: "
            f"{report.message or report.error_code or 'no reason given'}"
        )

    def _finish(self, request: JobRequest, report: JobReport, *, billed_s: float = 0.0) -> None:
        price = self.project.backend(self.backend).price_per_s
        submitted, started, finished = report.submitted_at, report.started_at, report.finished_at
        self._record(
            request,
            {
                "status": report.status,
                "error_class": None if report.status is JobStatus.SUCCEEDED else "JobFailedError",
                "error_code": report.error_code,
                "submitted_at": _text(submitted),
                "started_at": _text(started),
                "finished_at": _text(finished),
                "queue_s": (started - submitted).total_seconds() if submitted and started else None,
                "run_s": (finished - started).total_seconds() if started and finished else None,
                "billed_s": billed_s,
                "cost": billed_s * price,
            },
        )

    @property
    def _scope(self) -> str:
        return f"{self.workload}.{self.backend}"

    def _record(self, request: JobRequest, change: Mapping[str, Any]) -> None:
        record = {**self._records.get(request.request_id, {}), **change}
        self._records[request.request_id] = record
        self.project.attempts.put(self.night, self._scope, request.request_id, record)


_ENDED_BADLY = {JobStatus.FAILED.value, JobStatus.CANCELLED.value}


def verify(request: JobRequest, result: JobResult) -> None:
    """Refuse a result that does not match its request.

    Raises:
        ResultIntegrityError: Another job's, other kernels, or shots, rows or bits are off.
    """
    if result.handle.request_id != request.request_id:
        raise ResultIntegrityError(f"Asked for job {request.request_id}, got {result.handle.request_id}.")
    if [pub.kernel_id for pub in result.pubs] != [pub.kernel_id for pub in request.pubs]:
        raise ResultIntegrityError(f"Job {request.request_id} answered other kernels than were asked for.")
    for pub, done in zip(request.pubs, result.pubs, strict=True):
        done.counts.verify(num_bits=len(pub.measured_qubits), rows=int(pub.values.shape[0]), shots=pub.shots)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
