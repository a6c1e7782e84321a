"""A QPU behind Amazon Braket as a provider. Put the protocol's methods here; their parts are in `_braket_*`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import (
    ConfigurationError,
    CredentialsError,
    PermanentProviderError,
    ProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.model.diagnosis import Finding, FindingState
from hybrid_assets.model.fingerprint import array_fingerprint
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    JobHandle,
    JobLimits,
    JobResult,
    ProviderDescription,
)
from hybrid_assets.providers import _braket_results, _braket_tasks
from hybrid_assets.providers._braket_device import read_device, read_status
from hybrid_assets.providers._braket_history import DeviceHistory
from hybrid_assets.providers._braket_options import parse_device
from hybrid_assets.providers._braket_service import BraketService, connect
from hybrid_assets.providers._job_files import JobFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import JobReport, JobRequest
    from hybrid_assets.providers._braket_device import Device
    from hybrid_assets.providers._braket_options import AwsOptions
    from hybrid_assets.providers._braket_service import Clients

NAME = "braket"
#: Raise it when the same circuit and values are sent as other programs.
SCHEME = 1
#: AWS does not say how long a new task may be missing from a search; a guess on the safe side.
LISTING_LAG_S = 60.0
#: A device is described anew when the last description is older.
REFRESH = timedelta(minutes=5)
#: Longest ``clientToken``.
MAX_TOKEN = 64


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AwsBraket:
    """One device of the service."""

    def __init__(
        self,
        backend: str,
        options: AwsOptions,
        state: Path,
        *,
        connect: Callable[[AwsOptions], Clients] = connect,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Make the provider; nothing is asked of AWS before it must be.

        Args:
            backend: Name in the settings.
            options: Its options.
            state: Folder of this backend alone: requests, and the device as it was seen.
            connect: Returns the clients.
            clock: Returns the time, aware.
        """
        self._backend, self._options, self._state, self._clock = backend, options, state, clock
        self._service, self._history = BraketService(options, connect), DeviceHistory(state / "devices")
        self._known: tuple[datetime, Device] | None = None

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> AwsBraket:
        """Make the provider of a backend.

        Raises:
            ConfigurationError: An option is unknown, missing or wrong.
        """
        return cls(backend, parse_device(options, backend), state)

    def describe(self) -> ProviderDescription:
        """Say who this is; a job is a task, and billed in money."""
        return ProviderDescription(
            provider=NAME,
            version=version("qiskit-braket-provider"),
            backend=self._backend,
            identity=f"{NAME} scheme {SCHEME}: {self._options.device_arn}",
            is_metered=True,
            is_simulator=False,
            supports_find=True,
            supports_cancel=True,
            listing_lag_s=LISTING_LAG_S,
            job_overhead_money=self._options.price_per_task,
        )

    def target(self, at: datetime | None = None) -> TargetDocument:
        """Return the device's calibration now, or the one in force at a time as far as it was seen by us.

        Raises:
            ProviderError: The service does not answer, or describes no gate-based device.
            CredentialsError: They were refused.
        """
        now_known = self._device()
        past = None if at is None else self._history.at(at)
        return (past or now_known).target

    def status(self) -> BackendStatus:
        """Ask whether the device is online and how many tasks wait for it.

        Raises:
            CredentialsError: They were refused.
            PermanentProviderError: There is no such device.
        """
        now = self._clock()
        try:
            answer = self._service.device()
        except TransientProviderError as exc:
            return BackendStatus(operational=False, message=str(exc), pending_jobs=None, observed_at=now)
        return read_status(answer, observed_at=now)

    def check(self) -> Sequence[Finding]:
        """Ask for the device and for one page of tasks: credentials, permissions and reachability in one go."""
        found = []
        for name, ask in (("device", self.status), ("tasks", lambda: self.find("none", since=self._clock()))):
            try:
                told = ask()
            except (ProviderError, ConfigurationError) as exc:
                found.append(Finding(name=name, state=FindingState.WRONG, detail=str(exc)))
                continue
            is_down = isinstance(told, BackendStatus) and not told.operational
            detail = told.message if isinstance(told, BackendStatus) else "tasks can be searched"
            found.append(Finding(name=name, state=FindingState.WARNING if is_down else FindingState.OK, detail=detail))
        return found

    def limits(self) -> JobLimits:
        """Return what one task may hold; no limit is known while the device cannot be asked.

        Rows are limited as well; a request with too many is refused unsent.
        """
        try:
            return self._device().limits
        except (CredentialsError, TransientProviderError):
            return JobLimits()

    def estimate(self, request: JobRequest) -> CostEstimate:
        """Return the price of one task with all shots; it is billed no seconds."""
        each = [int(pub.values.shape[0]) * pub.shots for pub in request.pubs]
        return CostEstimate(
            qpu_s=0.0,
            money=self._options.price(tasks=1, shots=sum(each)),
            pubs_s=(0.0,) * len(each),
            pubs_money=tuple(self._options.price(tasks=0, shots=shots) for shots in each),
        )

    def submit(self, request: JobRequest) -> JobHandle:
        """Create one task; its token and tag are the request id.

        Raises:
            CapacityError: It does not fit into a task.
            CredentialsError: They were refused.
            PermanentProviderError: It is empty, for another backend, altered, or refused.
            SubmissionUnknownError: The answer was lost.
            TransientProviderError: Nothing was accepted.
        """
        if request.backend != self._backend:
            raise PermanentProviderError(f"A request for {request.backend!r} was submitted to {self._backend!r}.")
        if len(request.request_id) > MAX_TOKEN:
            raise PermanentProviderError(f"Request ids are at most {MAX_TOKEN} characters: {request.request_id!r}.")
        action = _braket_tasks.action(request, self._device())
        self._keep(request)
        arn = self._service.create(action, shots=_braket_tasks.total_shots(request), request_id=request.request_id)
        return self._handle(request.request_id, arn)

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:
        """Return the tasks tagged with this id, oldest first.

        Raises:
            TransientProviderError: The service does not answer.
            CredentialsError: They were refused.
        """
        return tuple(self._handle(request_id, arn) for arn in self._service.tagged(request_id, since=since))

    def poll(self, handle: JobHandle) -> JobReport:
        """Return where a task is.

        Raises:
            PermanentProviderError: It is not known.
            TransientProviderError: The service does not answer.
            CredentialsError: They were refused.
        """
        task = self._service.task(handle.provider_job_id)
        files = self._files(handle.request_id)
        if task["status"] == "RUNNING" and not files.is_started and files.folder.exists():
            files.mark_started()
        return _braket_tasks.report(task, self._options, started_at=files.started_at)

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return a completed task's result, read from S3 and checked against the request.

        Raises:
            PermanentProviderError: It is not known, or its request is not on this machine.
            TransientProviderError: It has not ended, or its result is not there yet.
            JobFailedError: It failed, as a whole or some executables of it.
            JobCancelledError: It was cancelled.
            ResultIntegrityError: The result is not what was asked for.
        """
        arn = handle.provider_job_id
        task = self._service.task(arn)
        files = self._files(handle.request_id)
        told = _braket_tasks.report(task, self._options, started_at=files.started_at)
        _braket_tasks.require_success(told, arn)
        bucket, folder = task["outputS3Bucket"], task["outputS3Directory"]
        request = self._request(files, handle)
        text = self._service.text(bucket, f"{folder}/results.json")
        pubs = _braket_results.pub_results(text, request.pubs, self._service.text)
        finished_at = told.finished_at or self._clock()
        started_at = min(told.started_at or finished_at, finished_at)
        return JobResult(
            handle=handle,
            pubs=pubs,
            calibration_id=self.target(started_at).calibration_id,
            started_at=started_at,
            finished_at=finished_at,
            billed_s=told.billed_s or 0.0,
            billed_money=told.billed_money,
        )

    def cancel(self, handle: JobHandle) -> JobReport:
        """Ask for a cancellation; a task that has ended is left as it is. One being cancelled counts as running.

        Raises:
            PermanentProviderError: It is not known.
            TransientProviderError: The service does not answer.
            CredentialsError: They were refused.
        """
        told = self.poll(handle)
        if told.status.is_final:
            return told
        try:
            self._service.cancel(handle.provider_job_id)
        except PermanentProviderError as exc:
            if exc.facts.get("code") != "ConflictException":  # it ended, or was cancelled, meanwhile
                raise
        return self.poll(handle)

    def _device(self) -> Device:
        """Return the device; while the service does not answer, as it was seen last."""
        now = self._clock()
        if self._known is not None and now - self._known[0] < REFRESH:
            return self._known[1]
        try:
            device = read_device(self._service.device()["deviceCapabilities"], backend=self._backend)
        except TransientProviderError:
            seen = self._history.newest()
            if seen is None:
                raise
            return replace(seen, target=replace(seen.target, backend=self._backend))
        self._history.keep(device, observed_at=now)
        self._known = (now, device)
        return device

    def _keep(self, request: JobRequest) -> None:
        """Store a request before anything is bought: without it its result cannot be read."""
        files = self._files(request.request_id)
        try:
            known = files.read_request()
        except (FileNotFoundError, ResultIntegrityError):
            known = None
        if known is not None and _content(known) != _content(request):
            raise PermanentProviderError(f"Request id {request.request_id} is in use for a request of other PUBs.")
        try:
            if known is None:
                files.write_request(request, self._clock())
        except OSError as exc:
            raise TransientProviderError(f"The request could not be stored: {exc}.") from exc

    def _request(self, files: JobFiles, handle: JobHandle) -> JobRequest:
        try:
            return files.read_request()
        except (FileNotFoundError, ResultIntegrityError) as exc:
            raise PermanentProviderError(
                f"The result of task {handle.provider_job_id} is in S3, but the request {handle.request_id} that says "
                f"how to read it is not in {files.folder.name} any more, or damaged: {exc}"
            ) from exc

    def _files(self, request_id: str) -> JobFiles:
        if not request_id or request_id.startswith(".") or "/" in request_id or "\0" in request_id:
            raise PermanentProviderError(f"{request_id!r} is not a request id; ids are letters, digits, - and _.")
        return JobFiles(self._state / "jobs" / self._backend / request_id)

    def _handle(self, request_id: str, arn: str) -> JobHandle:
        return JobHandle(provider=NAME, backend=self._backend, request_id=request_id, provider_job_id=arn)


def _content(request: JobRequest) -> list[tuple[str, str, str, int]]:
    return [(pub.kernel_id, pub.payload_sha, array_fingerprint(pub.values), pub.shots) for pub in request.pubs]
