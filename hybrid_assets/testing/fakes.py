"""Fakes for tests of code that uses providers: no SDK, no disk, no time. Put scripted behavior here, no policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import JobFailedError, PermanentProviderError, SubmissionUnknownError
from hybrid_assets.model.circuits import TargetDocument
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    ExecutionKind,
    JobHandle,
    JobLimits,
    JobReport,
    JobRequest,
    JobResult,
    JobStatus,
    ProviderDescription,
    PubResult,
    RawCounts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: Any moment will do, as long as it is always the same.
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def all_zero_counts(rows: int, num_bits: int, shots: int) -> RawCounts:
    """Return counts in which every shot of every row gave outcome 0."""
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.zeros(rows, dtype=np.uint64),
        counts=np.full(rows, shots, dtype=np.int64),
        offsets=np.arange(rows + 1, dtype=np.int64),
    )


@dataclass(slots=True, kw_only=True)
class FakeProvider:
    """A provider in memory whose jobs end as its script says.

    ``script`` maps the number of a submission (0 first) to what becomes of it: ``"refuse"``, ``"lose"`` (accepted, but
    the answer is lost), ``"fail"``, ``"never"`` (stays queued) or a function that spoils the result. Submissions it
    does not name succeed with all-zero counts.
    """

    backend: str = "fake"
    script: Mapping[int, str | Callable[[JobResult], JobResult]] = field(default_factory=dict)
    job_limits: JobLimits = field(default_factory=JobLimits)
    is_metered: bool = False
    billed_s: float = 0.0
    #: A job's bill where it is in money; None: it is in seconds.
    billed_money: float | None = None
    #: Requests in order of submission, refused ones too.
    submitted: list[JobRequest] = field(default_factory=list)
    _jobs: dict[str, tuple[int, JobRequest]] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> FakeProvider:  # noqa: ARG003
        """Make a provider that always succeeds."""
        return cls(backend=backend)

    def describe(self) -> ProviderDescription:
        """Say that this is a fake."""
        return ProviderDescription(
            provider="fake",
            version="1",
            backend=self.backend,
            identity="fake/1",
            is_metered=self.is_metered,
            is_simulator=True,
            supports_find=True,
            supports_cancel=False,
            listing_lag_s=0.0,
            job_overhead_money=self.billed_money,
        )

    def target(self, at: datetime | None = None) -> TargetDocument:  # noqa: ARG002 - the protocol's signature
        """Return a target without operations: circuits are never looked at."""
        return TargetDocument(
            backend=self.backend,
            num_qubits=None,
            operations=(),
            dt_s=None,
            readout=(),
            t1_t2_s=(),
            faulty_qubits=(),
            calibrated_at=None,
            structure_sha=fingerprint("fake"),
            calibration_id=fingerprint("no errors"),
        )

    def status(self) -> BackendStatus:
        """Take jobs."""
        return BackendStatus(operational=True, message="fake", pending_jobs=0, observed_at=EPOCH)

    def limits(self) -> JobLimits:
        """Return ``job_limits``."""
        return self.job_limits

    def estimate(self, request: JobRequest) -> CostEstimate:  # noqa: ARG002 - the protocol's signature
        """Return ``billed_s`` and ``billed_money``."""
        return CostEstimate(qpu_s=self.billed_s, money=self.billed_money or 0.0)

    def submit(self, request: JobRequest) -> JobHandle:
        """Take a request, or refuse it where the script says so."""
        number = len(self.submitted)
        self.submitted.append(request)
        if self.script.get(number) == "refuse":
            raise PermanentProviderError("refused by script")
        known = self._jobs.setdefault(request.request_id, (number, request))
        if self.script.get(number) == "lose":
            raise SubmissionUnknownError("lost by script")
        return JobHandle(
            provider="fake", backend=self.backend, request_id=request.request_id, provider_job_id=f"job-{known[0]}"
        )

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:  # noqa: ARG002
        """Return the job of a request id."""
        if request_id not in self._jobs:
            return ()
        number, request = self._jobs[request_id]
        return (
            JobHandle(
                provider="fake", backend=self.backend, request_id=request.request_id, provider_job_id=f"job-{number}"
            ),
        )

    def poll(self, handle: JobHandle) -> JobReport:
        """Return the scripted end."""
        end = self.script.get(self._jobs[handle.request_id][0])
        if end == "never":
            return JobReport(status=JobStatus.QUEUED, submitted_at=EPOCH)
        status = JobStatus.FAILED if end == "fail" else JobStatus.SUCCEEDED
        code = "scripted" if end == "fail" else None
        return JobReport(
            status=status,
            error_code=code,
            billed_money=self.billed_money,
            submitted_at=EPOCH,
            started_at=EPOCH,
            finished_at=EPOCH,
        )

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return all-zero counts, spoiled where the script says so."""
        number, request = self._jobs[handle.request_id]
        end = self.script.get(number)
        if end == "fail":
            raise JobFailedError("failed by script")
        pubs = tuple(
            PubResult(
                kernel_id=pub.kernel_id,
                counts=all_zero_counts(pub.values.shape[0], len(pub.measured_qubits), pub.shots),
                execution=ExecutionKind.STATEVECTOR,
            )
            for pub in request.pubs
        )
        result = JobResult(
            handle=handle,
            pubs=pubs,
            calibration_id=self.target().calibration_id,
            started_at=EPOCH,
            finished_at=EPOCH,
            billed_s=self.billed_s,
            billed_money=self.billed_money,
        )
        return end(result) if callable(end) else result

    def cancel(self, handle: JobHandle) -> JobReport:
        """Leave the job as it is."""
        return self.poll(handle)
