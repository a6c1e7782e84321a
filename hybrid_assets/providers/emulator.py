"""An emulated QPU: a real device's calibration and noise behind a queue, limits, bills and, when asked, a bad night.

    backends:
      emulator: {provider: emulator, device: fake_torino, slots: 2, wait_s: 30, price_per_s: 1.60}
      rehearsal:
        provider: emulator
        posts_per_minute: 5
        faults: {outages: [{after_s: 60, for_s: 300}], lost_replies: 0.1, kernel_failures: {rate: 0.05}}
        drift: {every_s: 3600, sigma: 0.2}

It is lazy: there is no server and no thread. A job is a row; when it starts, ends and fails is decided when it is
accepted, its status follows from the row and the clock, and it is executed when its result is fetched for the first
time. So it works across processes and under a virtual clock, and it never sleeps.

How to read its results: `PubResult.execution` says how the numbers were computed (density matrix, or the depolarized
mixture), provider and backend say that no QPU was involved, and only `ExecutionKind.QPU` supports a claim about run
time. ``is_simulator`` is False because everything that decides by it must treat this backend as it would a QPU, or a
rehearsal would prove nothing; it is not metered (unless ``metered`` is set), though it bills seconds.

Counts depend on the kernel's own seed and the calibration in force when the job starts, not on the job: a night with
faults gives the same numbers as one without. Put the protocol's methods here; their parts are in `_emulator_*`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import (
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import BackendStatus, CostEstimate, JobHandle, JobResult, JobStatus, ProviderDescription
from hybrid_assets.providers import _devices, _error_codes
from hybrid_assets.providers._emulator_desk import Desk
from hybrid_assets.providers._emulator_device import Device
from hybrid_assets.providers._emulator_fate import check_limits, work
from hybrid_assets.providers._emulator_options import EmulatorOptions
from hybrid_assets.providers._emulator_queue import billed_s
from hybrid_assets.providers._emulator_spoil import WAYS
from hybrid_assets.providers._emulator_store import EmulatorStore, from_us, to_us
from hybrid_assets.providers._job_files import JobFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import JobLimits, JobReport, JobRequest, PubResult
    from hybrid_assets.providers._emulator_machine import Machine
    from hybrid_assets.providers._emulator_store import JobRow

__all__ = ["EmulatorOptions", "EmulatorProvider"]

NAME = "emulator"
#: Raise it when the same job under the same calibration gives other counts.
SCHEME = 1


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EmulatorProvider:
    """One emulated backend; its state folder is the device, shared by all processes that open it."""

    def __init__(
        self,
        backend: str,
        options: EmulatorOptions,
        state: Path,
        *,
        clock: Callable[[], datetime] = _utc_now,
        document: TargetDocument | None = None,
        machine: Callable[[TargetDocument], Machine] | None = None,
    ) -> None:
        """Open the device.

        Args:
            backend: Name in the settings.
            options: Its options.
            state: Folder of this backend alone.
            clock: Returns the time, aware.
            document: Snapshot of the device instead of that of ``options.device``.
            machine: Returns what executes under a calibration; by default the device with its noise.
        """
        self._backend, self._options, self._state, self._clock = backend, options, state, clock
        self._device = Device(backend, options, state / "devices", snapshot=document, make_machine=machine)
        self._desk = Desk(backend=backend, options=options, store=EmulatorStore(state / "emulator.sqlite"))

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> EmulatorProvider:
        """Make the provider of a backend.

        Raises:
            ConfigurationError: An option or the device is unknown or wrong.
        """
        parsed = EmulatorOptions.parse(options, backend)
        _devices.check_device(parsed.device)
        return cls(backend, parsed, state)

    def describe(self) -> ProviderDescription:
        """Say who this is: the device, its snapshot and how it drifts, not its queue or faults."""
        return ProviderDescription(
            provider=NAME,
            version=str(SCHEME),
            backend=self._backend,
            identity=f"emulated QPU, scheme {SCHEME}: {self._device.identity}",
            is_metered=self._options.metered,
            is_simulator=False,
            supports_find=True,
            supports_cancel=True,
            listing_lag_s=self._options.listing_lag_s,
            job_overhead_s=self._options.overhead_s,
            bill_step_s=self._options.bill_step_s,
        )

    def target(self, at: datetime | None = None) -> TargetDocument:
        """Return the calibration in force at a time, by default now; the same time always gives the same one."""
        return self._device.calibration(at or self._clock())

    def status(self) -> BackendStatus:
        """Say whether jobs are taken now and how many of ours are queued or running."""
        now = self._clock()
        is_down = self._desk.outage_end(now) is not None
        with self._desk.store.reading() as rows:
            pending = rows.unfinished(to_us(now))
        message = "emulated outage" if is_down else "emulated QPU"
        return BackendStatus(operational=not is_down, message=message, pending_jobs=pending, observed_at=now)

    def limits(self) -> JobLimits:
        """Return what one job may hold; its run time is limited as well, see ``max_run_s``."""
        return self._options.limits

    def estimate(self, request: JobRequest) -> CostEstimate:
        """Return the seconds a request will be billed; money is the caller's, who knows the price.

        Raises:
            ResultIntegrityError: A payload was altered.
        """
        todo = work(request, self._device.machine(self.target()), self._options)
        run_s = 0.0 if todo.refusal else min(todo.run_s, self._options.max_run_s)
        return CostEstimate(
            qpu_s=billed_s(run_s, self._options.bill_step_s),
            money=0.0,
            pubs_s=todo.pubs_s,
        )

    def submit(self, request: JobRequest) -> JobHandle:
        """Take a request. Without ``dedupe`` a second submission of an id is a second, paid job, as on the real thing.

        Raises:
            BackendUnavailableError: An outage.
            PermanentProviderError: It is empty, for another backend, altered or beyond a limit (fact ``code``).
            RateLimitedError: Too many submissions; fact ``retry_after_s``.
            SubmissionUnknownError: The request or the answer was lost.
            TransientProviderError: The disk refused.
        """
        now = self._clock()
        self._desk.require_open(now, post_of=request.request_id)
        self._check(request)
        try:
            todo = work(request, self._device.machine(self.target(now)), self._options)
        except ResultIntegrityError as exc:
            raise PermanentProviderError(f"Request {request.request_id} was altered on its way: {exc}") from exc
        job = self._desk.admit(
            request, todo, now, keep=lambda job_id: self._files(job_id).write_request(request, submitted_at=now)
        )
        return self._handle(job)

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:
        """Return the jobs of this id, oldest first; those younger than ``listing_lag_s`` are not listed yet.

        Raises:
            BackendUnavailableError: An outage.
        """
        now = self._clock()
        self._desk.require_open(now)
        return tuple(self._handle(job) for job in self._desk.find(request_id, since=since, now=now))

    def poll(self, handle: JobHandle) -> JobReport:
        """Return where a job is now.

        Raises:
            BackendUnavailableError: An outage.
            PermanentProviderError: It is not known.
        """
        now = self._clock()
        self._desk.require_open(now)
        return self._desk.report(handle.provider_job_id, now)[1]

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return a job's result, executing it when nobody has; later calls read it from disk, verified.

        Raises:
            BackendUnavailableError: An outage.
            PermanentProviderError: It is not known.
            TransientProviderError: It has not ended, or its result is late.
            JobFailedError: It failed; facts ``code`` and ``blamed_kernel_ids``.
            JobCancelledError: It was cancelled.
        """
        now = self._clock()
        self._desk.require_open(now)
        job, report = self._desk.report(handle.provider_job_id, now)
        _require_success(job, report, now)
        result = self._result(job, handle, report)
        with self._desk.store.transaction() as rows:
            before = rows.count_fetch(job.job_id)
        is_wrong = job.wrong is not None and before < self._options.faults.wrong_results.times
        return WAYS[job.wrong](result) if is_wrong and job.wrong else result

    def cancel(self, handle: JobHandle) -> JobReport:
        """Cancel a job; a running one is billed for the time it had.

        Raises:
            BackendUnavailableError: An outage.
            PermanentProviderError: It is not known.
        """
        now = self._clock()
        self._desk.require_open(now)
        return self._desk.cancel(handle.provider_job_id, now)

    def classify(self, error_code: str) -> str:
        """Return what a failure with this code lets us do, see `_error_codes.CodeClass`; unknown codes: ``never``."""
        return _error_codes.classify(error_code).value

    def books(self) -> list[dict[str, Any]]:
        """Return what became of every job, oldest first, as the emulator itself knows it: the truth for tests."""
        return self._desk.books(self._clock())

    def posts(self) -> list[dict[str, Any]]:
        """Return every submission that was tried, oldest first, with its ``outcome``, ``request_id``, ``job_id``."""
        with self._desk.store.reading() as rows:
            found = rows.posts()
        return [{**{k: v for k, v in row.items() if k != "at_us"}, "at": from_us(row["at_us"])} for row in found]

    def _check(self, request: JobRequest) -> None:
        if request.backend != self._backend:
            raise PermanentProviderError(f"A request for {request.backend!r} was submitted to {self._backend!r}.")
        if not request.pubs:
            raise PermanentProviderError(f"Request {request.request_id} holds no PUB; there is nothing to execute.")
        check_limits(request, self._options.limits)

    def _result(self, job: JobRow, handle: JobHandle, report: JobReport) -> JobResult:
        files = self._files(job.job_id)
        if files.report() is None:
            self._execute(job, files, report)
        try:
            found = files.read_result(handle)
        except ResultIntegrityError:  # damaged and set aside; the same job gives the same result again
            self._execute(job, files, report)
            found = files.read_result(handle)
        return replace(found, billed_s=job.billed_s)

    def _execute(self, job: JobRow, files: JobFiles, report: JobReport) -> None:
        """Execute under the calibration in force when the job started; two processes at once store the same."""
        document = self.target(report.started_at)
        machine = self._device.machine(document)
        try:
            pubs: list[PubResult] = [machine.execute(pub) for pub in files.read_request().pubs]
        except FileNotFoundError as exc:
            raise PermanentProviderError(f"The files of job {job.job_id} were removed.") from exc
        files.write_outcome(report, calibration_id=document.calibration_id, pubs=pubs)

    def _files(self, job_id: str) -> JobFiles:
        return JobFiles(self._state / "jobs" / self._backend / job_id)

    def _handle(self, job: JobRow) -> JobHandle:
        return JobHandle(provider=NAME, backend=self._backend, request_id=job.request_id, provider_job_id=job.job_id)


def _require_success(job: JobRow, report: JobReport, now: datetime) -> None:
    match report.status:
        case JobStatus.FAILED:
            raise JobFailedError(
                f"Job {job.job_id} failed ({report.error_code}): {report.message}",
                code=report.error_code,
                blamed_kernel_ids=report.blamed_kernel_ids,
            )
        case JobStatus.CANCELLED:
            raise JobCancelledError(f"Job {job.job_id} was cancelled.")
        case JobStatus.SUCCEEDED:
            if now < from_us(job.end_us) + timedelta(microseconds=job.late_us):
                raise TransientProviderError(f"The result of job {job.job_id} is not stored yet. Fetch it later.")
        case _:
            raise TransientProviderError(f"Job {job.job_id} is {report.status}; its result is not there yet.")
