"""IBM's quantum computers through the genuine qiskit-ibm-runtime client.

    backends:
      torino:
        provider: ibm
        device: ibm_torino
        instance: crn:v1:bluemix:public:quantum-computing:us-east:a/...::
        price_per_s: 1.60

The API key is read from the environment variable `token_env` names. Options are in `_ibm_options`. A request is one job
of the Sampler, one PUB a kernel with all its rows as an array, tagged with the request's id; a job takes one number of
shots. Every call ends within `deadline_s`, whatever the service does, and raises our errors only, none of them with a
secret, a vendor's exception or a frame that holds one.

A submission is sent once. Whatever leaves a doubt about it is `SubmissionUnknownError`; `find` then tells, once
`listing_lag_s` has passed since it may have left. A result is refused unless it is the one that was asked for, see
`_ibm_results`; what no client can see is a well-formed result of wrong counts under the right names. Counts are marked
`ExecutionKind.QPU`: what answers at `url` is taken at its word.

Put the protocol's methods here; their parts are in `_ibm_*`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits import payload
from hybrid_assets.errors import (
    CompilationError,
    CredentialsError,
    HybridAssetsError,
    PermanentProviderError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    JobHandle,
    JobLimits,
    JobResult,
    JobStatus,
    ProviderDescription,
)
from hybrid_assets.providers import _error_table, _ibm_checks, _ibm_jobs, _ibm_reports
from hybrid_assets.providers._emulator_fate import check_limits, executions
from hybrid_assets.providers._emulator_machine import circuit_duration_s
from hybrid_assets.providers._emulator_queue import billed_s
from hybrid_assets.providers._ibm_batch import SharedBatch
from hybrid_assets.providers._ibm_options import IbmOptions
from hybrid_assets.providers._ibm_requests import SentRequests
from hybrid_assets.providers._ibm_results import read_result
from hybrid_assets.providers._ibm_service import IbmService
from hybrid_assets.providers._ibm_target import LastTarget
from hybrid_assets.providers._parsed import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.diagnosis import ErrorCode, Finding
    from hybrid_assets.model.jobs import JobReport, JobRequest, Pub

__all__ = ["IbmOptions", "IbmProvider"]

NAME = "ibm"
PACKAGE = "qiskit-ibm-runtime"
#: Raise it when the same request is executed differently.
SCHEME = 1
#: Estimate of a job's seconds: `OVERHEAD_S` + rows x shots x (`REP_DELAY_S` + duration of the circuit), rounded up to
#: `BILL_STEP_S`. The delay is what IBM's devices take unless they are told otherwise.
OVERHEAD_S, REP_DELAY_S, BILL_STEP_S = 2.0, 250e-6, 1.0
#: The documentation allows 10 million executions a job, an older page 5 million; a tenth less than that.
MAX_EXECUTIONS = 4_500_000
#: Compressed circuits and values; base64 makes 40 MB of it, and IBM's documentation allows 50.
MAX_PAYLOAD_BYTES = 30_000_000
#: Configurations of IBM's devices name these; the service does not enforce them any more.
MAX_PUBS, MAX_SHOTS = 300, 100_000
#: How often a queued job's possible reason, the plan's limit, is looked at.
HELD_EVERY_S = 60.0
HELD = "The instance has reached its usage limit; the job is held until the plan has time again."


class IbmProvider:
    """One backend at IBM."""

    def __init__(self, backend: str, options: IbmOptions, state: Path) -> None:
        self._backend, self._options = backend, options
        self._service = IbmService(options)
        self._sent = SentRequests(state / "requests")
        scope = f"{options.device} {options.instance} {options.url or ''}"
        self._batch = SharedBatch(state / "batch", scope=scope)
        self._last = LastTarget(state / "target.json")
        self._held_at_s, self._is_held = -HELD_EVERY_S, False

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> IbmProvider:
        """Make the provider of a backend; the token is not needed yet.

        Raises:
            ConfigurationError: An option is unknown or wrong.
        """
        return cls(backend, IbmOptions.parse(options, backend), state)

    @classmethod
    def error_table(cls) -> Sequence[ErrorCode]:
        """Return what each of IBM's error codes leads to."""
        return _error_table.error_table()

    def describe(self) -> ProviderDescription:
        """Say who this is; needs neither credentials nor the network.

        A POST leaves up to ``leave_s`` after `submit` was called, the service may take ``post_timeout_s`` to act on it,
        and lists the job ``listing_lag_s`` later.
        """
        return ProviderDescription(
            provider=NAME,
            version=version(PACKAGE),
            backend=self._backend,
            identity=f"IBM {self._options.device}, scheme {SCHEME}: {self._options.execution}",
            is_metered=True,
            is_simulator=False,
            supports_find=True,
            supports_cancel=True,
            listing_lag_s=self._options.deadline_s + self._options.listing_lag_s,
            job_overhead_s=OVERHEAD_S,
            bill_step_s=BILL_STEP_S,
        )

    def target(self, at: datetime | None = None) -> TargetDocument:
        """Return what the device executes and the calibration in force at a time, by default now, or a minute ago.

        Raises:
            ConfigurationError: The device has no fractional gates, or is described in an unknown way.
            TransientProviderError: The service cannot be asked, or has no calibration of that time.
        """
        if at is None and (fresh := self._last.fresh) is not None:
            return fresh
        document = self._service.ask(
            "Reading the target",
            lambda client: _ibm_jobs.read_target(client, at, options=self._options, backend=self._backend),
        )
        if at is None:
            self._last.put(document)
        return document

    def status(self) -> BackendStatus:
        """Say whether the device processes jobs; one in maintenance only queues them."""
        found = self._service.ask("Reading the status", lambda client: client.status())
        message = str(found["status_msg"] or "no status")
        return BackendStatus(
            operational=bool(found["operational"]) and message == "active",
            message=message,
            pending_jobs=int(found["pending_jobs"]),
            observed_at=datetime.now(UTC),
        )

    def limits(self) -> JobLimits:
        """Return what one job may hold."""
        return JobLimits(
            max_pubs=MAX_PUBS,
            max_executions=MAX_EXECUTIONS,
            max_payload_bytes=MAX_PAYLOAD_BYTES,
            max_shots=MAX_SHOTS,
            max_run_s=self._options.max_run_s,
            posts_per_minute=self._options.posts_per_minute,
        )

    def estimate(self, request: JobRequest) -> CostEstimate:
        """Return the seconds a request will be billed, see `OVERHEAD_S`; a guess, the bill decides.

        Without a target, so before the first look at the device, circuits count as if they took no time.
        """
        target = self._last.known
        if target is None:
            with suppress(TransientProviderError, CredentialsError):
                target = self.target()
        pubs_s = tuple(executions(pub) * (REP_DELAY_S + _duration_s(pub, target)) for pub in request.pubs)
        run_s = min(OVERHEAD_S + sum(pubs_s), self._options.max_run_s)
        return CostEstimate(qpu_s=billed_s(run_s, BILL_STEP_S), money=0.0, pubs_s=pubs_s)

    def submit(self, request: JobRequest) -> JobHandle:
        """Submit a request as one job; submitted again, its id is a second, paid job: look for the first with `find`.

        Raises:
            PermanentProviderError: It is empty, for another backend, beyond a limit, altered, or mixes shot counts.
            SubmissionUnknownError: It left, and may have been accepted.
            HybridAssetsError: It was refused, or did not leave; the class says what may help.
        """
        if request.backend != self._backend:
            raise PermanentProviderError(f"A request for {request.backend!r} was submitted to {self._backend!r}.")
        if not request.pubs:
            raise PermanentProviderError(f"Request {request.request_id} holds no PUB; there is nothing to execute.")
        check_limits(request, self.limits())
        job_id = self._service.post(
            "The submission",
            lambda client: _ibm_jobs.send(client, request, options=self._options, known=self._sent, batch=self._batch),
        )
        return self._handle(request.request_id, job_id)

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:
        """Return the jobs of this id, oldest first; a young one may not be listed yet."""
        found = self._service.ask("Looking for jobs", lambda client: client.jobs(request_id, since=since))
        jobs = [
            (_ibm_reports.moment(job.get("created")) or datetime.min.replace(tzinfo=UTC), str(job["id"]))
            for job in found
            if request_id in (job.get("tags") or ()) and job.get("backend") == self._options.device
        ]
        return tuple(
            self._handle(request_id, job_id) for created, job_id in sorted(jobs) if since is None or created >= since
        )

    def poll(self, handle: JobHandle) -> JobReport:
        """Return where a job is.

        Raises:
            PermanentProviderError: The service does not know it.
            TransientProviderError: The service cannot be asked.
        """
        report = self._service.ask("Polling", lambda client: _ibm_jobs.look_at(client, handle.provider_job_id))
        if report.status is JobStatus.QUEUED and report.message is None and self._holds_jobs():
            return replace(report, message=HELD)
        return report

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return a job's result, verified against the request as it was sent.

        Raises:
            PermanentProviderError: The service does not know the job, or this state folder not its request.
            TransientProviderError: It has not ended, or its result or bill is not there yet.
            JobFailedError: It failed; fact ``code``.
            JobCancelledError: It was cancelled.
            ResultIntegrityError: The result is not the one that was asked for.
        """
        home = self._service.ask("Fetching", lambda client: _ibm_jobs.take_home(client, handle, options=self._options))
        sent = self._sent.get(handle.request_id)
        from hybrid_assets.providers import _ibm_sampler  # noqa: PLC0415 - imports the client

        return JobResult(
            handle=handle,
            pubs=read_result(home.text, sent, decode=_ibm_sampler.decode),
            calibration_id=home.calibration_id,
            started_at=home.started_at,
            finished_at=home.finished_at,
            billed_s=home.billed_s,
        )

    def cancel(self, handle: JobHandle) -> JobReport:
        """Cancel a job; one that is already final is left as it is.

        Raises:
            PermanentProviderError: The service does not know it.
            TransientProviderError: The service cannot be asked; cancelling again is safe.
        """
        self._service.ask("Cancelling", lambda client: client.cancel(handle.provider_job_id))
        return self.poll(handle)

    def check(self) -> Sequence[Finding]:
        """Look at credentials, reachability, clocks, the plan's limits and the device; raises nothing of ours."""
        return tuple(_ibm_checks.findings(self._service, self._options))

    def _holds_jobs(self) -> bool:
        """Whether the plan's limit keeps jobs in the queue, as far as that can be told."""
        if monotonic() - self._held_at_s >= HELD_EVERY_S:
            self._held_at_s = monotonic()
            with suppress(HybridAssetsError):  # a hint for people; the job's status is known without it
                usage = self._service.ask("Reading the usage", lambda client: client.usage())
                self._is_held = bool(usage.get("usage_limit_reached"))
        return self._is_held

    def _handle(self, request_id: str, job_id: str) -> JobHandle:
        return JobHandle(provider=NAME, backend=self._backend, request_id=request_id, provider_job_id=job_id)


def _duration_s(pub: Pub, target: TargetDocument | None) -> float:
    """Return the seconds of one execution; 0 without a target, and for a circuit that the device will refuse."""
    if target is None:
        return 0.0
    try:
        circuit = payload.load(pub.payload, pub.payload_sha)
        parsed = parse(circuit, num_slots=int(pub.values.shape[1]), measured_qubits=pub.measured_qubits)
        return circuit_duration_s(parsed, target)
    except (CompilationError, PermanentProviderError):
        return 0.0
