"""Backends whose SDK cannot be installed beside ours: a worker in an environment of its own does the talking.

    backends:
      iqm: {provider: isolated, python: .venvs/iqm/bin/python, adapter: iqm_fake, options: {device: apollo}}

Options: `python` (the other environment's interpreter), `adapter` (one that ships, the path of a Python file, or a
module installed there), `options` (the adapter's own), `environment` (names of the variables the worker gets, its
secrets), `call_timeout_s`, `start_timeout_s`, `memory_limit_bytes`. Relative paths are relative to the settings file.
docs/howto/isolated_providers.md has the protocol.

Put the protocol's methods here; their parts are in `_isolated_*`, the worker's side in `outside`.
"""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from hybrid_assets.errors import PermanentProviderError, SubmissionUnknownError
from hybrid_assets.model.jobs import JobHandle
from hybrid_assets.providers import _isolated_answers as answers
from hybrid_assets.providers._isolated_files import Exchange
from hybrid_assets.providers._isolated_link import Link
from hybrid_assets.providers._isolated_options import IsolatedOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import (
        BackendStatus,
        CostEstimate,
        JobLimits,
        JobReport,
        JobRequest,
        JobResult,
        ProviderDescription,
    )


#: A submission that cannot leave in this time is not made: reconciliation rests on the settings' ``send_s``, 5 s by
#: default, and the start of a worker may take longer.
LEAVE_LIMIT_S = 2.0


class IsolatedProvider:
    """One backend behind a worker, which starts at the first call and ends with this object."""

    #: Options that hold a path: a relative one (with a slash) is made absolute from the folder of the settings.
    path_options: ClassVar[tuple[str, ...]] = ("python", "adapter")

    def __init__(self, backend: str, options: IsolatedOptions, state: Path) -> None:
        self._backend, self._options, self._state = backend, options, state.absolute()
        self._exchange = Exchange(self._state)
        self._exchange.tidy()
        self._link = Link(backend, options, self._state)

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> IsolatedProvider:
        """Make the provider of a backend; starts nothing.

        Raises:
            ConfigurationError: An option is unknown or wrong, or the environment does not exist.
        """
        return cls(backend, IsolatedOptions.parse(options, backend), state)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, while there is one; it leads a process group of this id."""
        return self._link.worker_pid

    def describe(self) -> ProviderDescription:
        """Say who this is, as the adapter said when its first worker started.

        Raises:
            ConfigurationError: The environment or the adapter cannot be used.
            TransientProviderError: The worker was lost.
        """
        return self._description

    def target(self, at: datetime | None = None) -> TargetDocument:
        """Return what the backend can execute and its calibration."""
        answer = self._link.call("target", at=_text(at))
        return answers.target(answer, backend=self._backend)

    def status(self) -> BackendStatus:
        """Tell whether the backend takes jobs now."""
        return answers.status(self._link.call("status"))

    def limits(self) -> JobLimits:
        """Return what one job may hold."""
        return answers.limits(self._link.call("limits"))

    def estimate(self, request: JobRequest) -> CostEstimate:
        """Estimate a request's use of the QPU."""
        return answers.estimate(self._call_with(request, "estimate"))

    def submit(self, request: JobRequest) -> JobHandle:
        """Hand a request over.

        Raises:
            TransientProviderError: Nothing was accepted; or the worker had to be started first, which took too long for
                the request to leave after it; or it was lost before the request had left.
            SubmissionUnknownError: The worker was lost after that, or the adapter failed on the way.
            PermanentProviderError: It is for another backend, or was refused for good.
        """
        if request.backend != self._backend:
            raise PermanentProviderError(f"A request for {request.backend!r} was submitted to {self._backend!r}.")
        answer = self._call_with(request, "submit", leave_by_s=time.monotonic() + LEAVE_LIMIT_S)
        job_id = answer.get("job_id") if isinstance(answer, dict) else None
        if not isinstance(job_id, str) or not job_id:
            raise SubmissionUnknownError(f"Request {request.request_id}: the adapter answered without a job's id.")
        return self._handle(request.request_id, job_id)

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:
        """Return the jobs that carry this id, oldest first."""
        answer = self._link.call("find", request_id=request_id, since=_text(since))
        job_ids = answer.get("job_ids") if isinstance(answer, dict) else None
        if not isinstance(job_ids, list) or not all(isinstance(job_id, str) for job_id in job_ids):
            raise PermanentProviderError(f"The adapter's answer to 'find' is not understood: {answer!r}.")
        return tuple(self._handle(request_id, job_id) for job_id in job_ids)

    def poll(self, handle: JobHandle) -> JobReport:
        """Return where a job is."""
        return answers.report(self._link.call("poll", job_id=handle.provider_job_id))

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return a succeeded job's result; the calibration is the target's at the time it started.

        Raises:
            TransientProviderError: It is not there yet, or the worker was lost.
            JobFailedError: The job ended without one.
            JobCancelledError: It was cancelled.
            ResultIntegrityError: It did not arrive whole or is malformed.
        """
        found = self._exchange.collected(self._link.call("fetch", job_id=handle.provider_job_id))
        return answers.result(found, handle=handle, calibration_id=lambda at: self.target(at).calibration_id)

    def cancel(self, handle: JobHandle) -> JobReport:
        """Cancel a job; one that is already final is left as it is."""
        return answers.report(self._link.call("cancel", job_id=handle.provider_job_id))

    def _call_with(self, request: JobRequest, method: str, *, leave_by_s: float = math.inf) -> Any:
        with self._exchange.posted(request, qpy_version=self._link.greeting().qpy_version) as parcel:
            return self._link.call(method, leave_by_s=leave_by_s, parcel=parcel)

    def _handle(self, request_id: str, job_id: str) -> JobHandle:
        return JobHandle(provider=answers.NAME, backend=self._backend, request_id=request_id, provider_job_id=job_id)

    @cached_property
    def _description(self) -> ProviderDescription:
        greeting = self._link.greeting()
        return answers.description(
            greeting.description, backend=self._backend, adapter=self._options.adapter, qiskit=greeting.qiskit
        )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
