"""What every backend that executes in this process does alike: its jobs are `LocalJobs`, and nothing costs anything.

Put the protocol's methods here that do not depend on the simulator; what it is and computes is its own provider's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hybrid_assets.errors import PermanentProviderError
from hybrid_assets.model.jobs import BackendStatus, CostEstimate, JobHandle
from hybrid_assets.providers._local_jobs import LocalJobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import JobReport, JobRequest, JobResult, ProviderDescription
    from hybrid_assets.providers._local_jobs import Machine


class LocalProvider(ABC):
    """One local backend; the parts that are made at their first use are its subclass's."""

    def __init__(self, backend: str, state: Path) -> None:
        self._backend = backend
        self._jobs = LocalJobs(state / "jobs" / backend, lambda: self._machine)

    @property
    @abstractmethod
    def _document(self) -> TargetDocument:
        """What can be executed."""

    @property
    @abstractmethod
    def _description(self) -> ProviderDescription:
        """Who this is."""

    @property
    @abstractmethod
    def _machine(self) -> Machine:
        """What executes PUBs."""

    def describe(self) -> ProviderDescription:
        """Say who this is; nothing slow but the first reading of a device."""
        return self._description

    def target(self, at: datetime | None = None) -> TargetDocument:  # noqa: ARG002 - there is one calibration
        """Return what can be executed; the calibration is the same at all times."""
        return self._document

    def status(self) -> BackendStatus:
        """Say that jobs are taken; this process is the backend."""
        return BackendStatus(operational=True, message="local simulator", pending_jobs=0, observed_at=datetime.now(UTC))

    def estimate(self, request: JobRequest) -> CostEstimate:  # noqa: ARG002 - nothing here costs anything
        """Return zero: no QPU is used."""
        return CostEstimate(qpu_s=0.0, money=0.0)

    def submit(self, request: JobRequest) -> JobHandle:
        """Store a request and queue it; the same id again is the same job.

        Raises:
            CapacityError: A circuit is wider than the simulator.
            PermanentProviderError: It is empty, for another backend, or its id is in use for other PUBs.
            TransientProviderError: The disk refused.
        """
        if request.backend != self._backend:
            raise PermanentProviderError(f"A request for {request.backend!r} was submitted to {self._backend!r}.")
        self._require_room(request)
        self._jobs.submit(request)
        return self._handle(request.request_id)

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:
        """Return the job of this id, if it was submitted (at or after a time)."""
        return (self._handle(request_id),) if self._jobs.is_known(request_id, since=since) else ()

    def poll(self, handle: JobHandle) -> JobReport:
        """Return where a job is; if the process that executed it died, its execution starts again here.

        Raises:
            PermanentProviderError: It is not known.
        """
        return self._jobs.poll(handle.request_id)

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return the verified result of a job.

        Raises:
            PermanentProviderError: It is not known.
            TransientProviderError: It has not ended.
            JobFailedError: It failed; the message says why.
            JobCancelledError: It was cancelled.
            ResultIntegrityError: Its file is damaged; the next poll computes it again.
        """
        return self._jobs.fetch(handle)

    def cancel(self, handle: JobHandle) -> JobReport:
        """Cancel a job: at once while nobody executes it, else before its next PUB.

        Raises:
            PermanentProviderError: It is not known.
        """
        return self._jobs.cancel(handle.request_id)

    def _require_room(self, request: JobRequest) -> None:  # noqa: B027 - most simulators have nothing to refuse
        """Refuse what the simulator is known not to take, before it is stored; by default nothing."""

    def _handle(self, request_id: str) -> JobHandle:
        provider = self._description.provider
        return JobHandle(provider=provider, backend=self._backend, request_id=request_id, provider_job_id=request_id)
