"""Braket's local simulators as a provider. Put the protocol's methods here; execution is `_braket_machine`'s."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import CapacityError, PermanentProviderError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    ExecutionKind,
    JobHandle,
    JobLimits,
    ProviderDescription,
)
from hybrid_assets.providers._braket_circuits import GATES
from hybrid_assets.providers._braket_machine import BraketMachine
from hybrid_assets.providers._braket_options import parse_local
from hybrid_assets.providers._local_jobs import LocalJobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import JobReport, JobRequest, JobResult
    from hybrid_assets.providers._braket_options import LocalOptions

NAME = "braket"
#: Raise it when the same circuit and values give other distributions.
SCHEME = 1
#: Simulator -> how its numbers come about, and the widest circuit it takes (its own ``qubitCount``).
SIMULATED = {"braket_sv": (ExecutionKind.STATEVECTOR, 26), "braket_dm": (ExecutionKind.DENSITY_MATRIX, 13)}
#: PUBs of one job: small jobs, so that one is simulated while another is stored.
MAX_PUBS = 12


class LocalBraket:
    """One local simulator."""

    def __init__(self, backend: str, options: LocalOptions, state: Path) -> None:
        self._backend, self._simulator = backend, options.simulator
        self._jobs = LocalJobs(state / "jobs" / backend, lambda: self._machine)

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> LocalBraket:
        """Make the provider of a backend.

        Raises:
            ConfigurationError: An option is unknown, missing or wrong.
        """
        return cls(backend, parse_local(options, backend), state)

    def describe(self) -> ProviderDescription:
        """Say who this is."""
        return self._description

    def target(self, at: datetime | None = None) -> TargetDocument:  # noqa: ARG002 - an ideal simulator never changes
        """Return what can be executed, without errors."""
        return self._document

    def status(self) -> BackendStatus:
        """Say that jobs are taken; this process is the backend."""
        return BackendStatus(operational=True, message="local simulator", pending_jobs=0, observed_at=datetime.now(UTC))

    def limits(self) -> JobLimits:
        """Return limits that keep a job's files and memory small; Braket's simulator keeps every shot in memory."""
        return JobLimits(max_pubs=MAX_PUBS, max_payload_bytes=64 << 20, max_shots=1_000_000)

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
        _, widest = SIMULATED[self._simulator]
        for pub in request.pubs:
            if (width := len(pub.measured_qubits)) > widest:
                raise CapacityError(f"Kernel {pub.kernel_id} has {width} qubits; {self._simulator} takes {widest}.")
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
        """Return the verified result of a job; it is stored, so that it is the same every time.

        Raises:
            PermanentProviderError: It is not known.
            TransientProviderError: It has not ended.
            JobFailedError: It failed; the message says why.
            JobCancelledError: It was cancelled.
            ResultIntegrityError: Its file is damaged; the next poll computes it again, as another sample.
        """
        return self._jobs.fetch(handle)

    def cancel(self, handle: JobHandle) -> JobReport:
        """Cancel a job: at once while nobody executes it, else before its next PUB.

        Raises:
            PermanentProviderError: It is not known.
        """
        return self._jobs.cancel(handle.request_id)

    @cached_property
    def _document(self) -> TargetDocument:
        return build_target_document(
            backend=self._backend,
            num_qubits=None,
            operations=[TargetOperation(name=name, qubits=None) for name in (*GATES, "measure")],
        )

    @cached_property
    def _description(self) -> ProviderDescription:
        simulator = version("amazon-braket-default-simulator")
        return ProviderDescription(
            provider=NAME,
            version=simulator,
            backend=self._backend,
            identity=f"{NAME} {simulator} scheme {SCHEME}: {self._simulator}, ideal, samples not seeded",
            is_metered=False,
            is_simulator=True,
            supports_find=True,
            supports_cancel=True,
            listing_lag_s=0.0,
        )

    @cached_property
    def _machine(self) -> BraketMachine:
        kind, _ = SIMULATED[self._simulator]
        return BraketMachine(document=self._document, simulator=self._simulator, kind=kind)

    def _handle(self, request_id: str) -> JobHandle:
        return JobHandle(provider=NAME, backend=self._backend, request_id=request_id, provider_job_id=request_id)
