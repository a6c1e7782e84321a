"""The files of one local job: its request, its outcome, its lock. Put what is stored here; keep execution out.

The outcome, written once and whole, is the only thing that ends a job. The lock is held by the process that executes
(or has queued) the job, and the kernel releases it when that process dies.
"""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.jobs import (
    ExecutionKind,
    JobHandle,
    JobReport,
    JobRequest,
    JobResult,
    JobStatus,
    Pub,
    PubResult,
    RawCounts,
)
from hybrid_assets.providers import _archive
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MOMENTS = ("submitted_at", "started_at", "finished_at")
_PUB_FACTS = ("kernel_id", "payload_sha", "artefact_fingerprint", "expected_success", "shots", "seed")


class JobFiles:
    """The folder of one job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._request, self._outcome = folder / "request", folder / "outcome"
        self._lock, self._cancel, self._started = folder / "lock", folder / "cancel", folder / "started"

    def write_request(self, request: JobRequest, submitted_at: datetime) -> None:
        """Store a request durably."""
        document = {
            "request_id": request.request_id,
            "backend": request.backend,
            "options": dict(request.options),
            "submitted_at": submitted_at.isoformat(),
            "pubs": [
                {**{name: getattr(pub, name) for name in _PUB_FACTS}, "measured_qubits": list(pub.measured_qubits)}
                for pub in request.pubs
            ],
        }
        arrays = {f"payload_{i}": np.frombuffer(pub.payload, dtype=np.uint8) for i, pub in enumerate(request.pubs)}
        arrays |= {f"values_{i}": pub.values for i, pub in enumerate(request.pubs)}
        write_atomically(self._request, _archive.pack(document, arrays))

    def request_document(self) -> dict[str, Any] | None:
        """Return what a request says, without its arrays; None where there is none.

        Raises:
            ResultIntegrityError: It is damaged.
        """
        try:
            return _archive.read_document(self._request)
        except FileNotFoundError:
            return None

    def read_request(self) -> JobRequest:
        """Return the request.

        Raises:
            ResultIntegrityError: It is damaged.
        """
        document, arrays = _archive.read(self._request)
        pubs = tuple(
            Pub(
                **{name: facts[name] for name in _PUB_FACTS},
                measured_qubits=tuple(facts["measured_qubits"]),
                payload=arrays[f"payload_{i}"].tobytes(),
                values=arrays[f"values_{i}"],
            )
            for i, facts in enumerate(document["pubs"])
        )
        return JobRequest(
            request_id=document["request_id"], backend=document["backend"], options=document["options"], pubs=pubs
        )

    def write_outcome(self, report: JobReport, *, calibration_id: str = "", pubs: Sequence[PubResult] = ()) -> None:
        """End the job, durably."""
        document: dict[str, Any] = {
            "status": report.status.value,
            "error_code": report.error_code,
            "message": report.message,
            **{name: value.isoformat() if (value := getattr(report, name)) else None for name in _MOMENTS},
            "calibration_id": calibration_id,
            "pubs": [
                {"kernel_id": pub.kernel_id, "execution": pub.execution.value, "num_bits": pub.counts.num_bits}
                for pub in pubs
            ],
        }
        arrays: dict[str, np.ndarray] = {}
        for i, pub in enumerate(pubs):
            arrays[f"outcomes_{i}"] = _narrowed(pub.counts.outcomes)
            arrays[f"counts_{i}"] = _narrowed(pub.counts.counts)
            arrays[f"offsets_{i}"] = pub.counts.offsets
        write_atomically(self._outcome, _archive.pack(document, arrays))

    def report(self) -> JobReport | None:
        """Return how the job ended; None while it has not. A damaged outcome is set aside and counts as none."""
        try:
            return _report(_archive.read_document(self._outcome))
        except FileNotFoundError:
            return None
        except ResultIntegrityError:
            self._set_aside()
            return None

    def read_result(self, handle: JobHandle) -> JobResult:
        """Return the result of a job that succeeded.

        Raises:
            ResultIntegrityError: It is damaged; it was set aside, so that the next poll computes it again.
        """
        try:
            document, arrays = _archive.read(self._outcome)
        except ResultIntegrityError as exc:
            self._set_aside()
            raise ResultIntegrityError(f"{exc} It was set aside; the next poll computes it again.") from exc
        pubs = tuple(_pub_result(i, facts, arrays) for i, facts in enumerate(document["pubs"]))
        report = _report(document)
        assert report.started_at is not None
        assert report.finished_at is not None
        return JobResult(
            handle=handle,
            pubs=pubs,
            calibration_id=document["calibration_id"],
            started_at=report.started_at,
            finished_at=report.finished_at,
            billed_s=0.0,
        )

    def lock(self) -> int | None:
        """Take the job's lock; return its file descriptor (close it to release), or None when someone has it."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def mark_started(self) -> None:
        """Tell other processes that the execution has begun."""
        self._started.touch()

    def mark_cancelled(self) -> None:
        """Ask whoever executes the job to stop."""
        self._cancel.touch()

    @property
    def is_started(self) -> bool:
        """Whether an execution has begun, be it one that died."""
        return self._started.exists()

    @property
    def started_at(self) -> datetime | None:
        """When someone first told that the execution had begun; None: nobody has."""
        return datetime.fromtimestamp(self._started.stat().st_mtime, UTC) if self._started.exists() else None

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked to stop."""
        return self._cancel.exists()

    @property
    def ended_at_s(self) -> float | None:
        """When the outcome was written, in seconds since the epoch; None where there is none."""
        return self._outcome.stat().st_mtime if self._outcome.exists() else None

    def _set_aside(self) -> None:
        self._outcome.replace(self._outcome.with_suffix(".damaged"))


def _narrowed(values: np.ndarray) -> np.ndarray:
    """Return non-negative integers in four bytes where they fit, which halves a result's size."""
    return values.astype(np.uint32) if not values.size or int(values.max()) < 1 << 32 else values


def _pub_result(index: int, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> PubResult:
    counts = RawCounts(
        num_bits=facts["num_bits"],
        outcomes=arrays[f"outcomes_{index}"].astype(np.uint64),
        counts=arrays[f"counts_{index}"].astype(np.int64),
        offsets=arrays[f"offsets_{index}"],
    )
    return PubResult(kernel_id=facts["kernel_id"], counts=counts, execution=ExecutionKind(facts["execution"]))


def _report(document: dict[str, Any]) -> JobReport:
    moments: dict[str, Any] = {
        name: datetime.fromisoformat(document[name]) if document[name] else None for name in _MOMENTS
    }
    return JobReport(
        status=JobStatus(document["status"]),
        error_code=document["error_code"],
        message=document["message"],
        **moments,
    )
