"""What is said to the service about one job: sending it, looking at it, taking it home. Put these conversations here.

Each function gets an `_ibm_client.IbmClient` and runs inside one bounded call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import (
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.providers import _ibm_reports
from hybrid_assets.providers._ibm_calls import server_now
from hybrid_assets.providers._ibm_requests import describe
from hybrid_assets.providers._ibm_target import target_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import JobHandle, JobReport, JobRequest
    from hybrid_assets.providers._ibm_batch import SharedBatch
    from hybrid_assets.providers._ibm_options import IbmOptions
    from hybrid_assets.providers._ibm_requests import SentRequests

#: A bill that is not final is waited for so long after the job's end; then the larger of what it says and the run time.
BILL_WAIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A finished job as it was taken home, its result not read yet."""

    text: str
    calibration_id: str
    started_at: datetime
    finished_at: datetime
    billed_s: float


def send(client: Any, request: JobRequest, *, options: IbmOptions, known: SentRequests, batch: SharedBatch) -> None:
    """Submit a request, remembered before it leaves; its id is left in the call.

    Raises:
        PermanentProviderError: It was altered, is none that the service executes, or its id was used for another.
    """
    from hybrid_assets.providers import _ibm_client, _ibm_sampler  # noqa: PLC0415 - imports the client

    try:
        circuits = _ibm_sampler.load_circuits(request)
    except ResultIntegrityError as exc:
        raise PermanentProviderError(f"Request {request.request_id} was altered on its way: {exc}") from exc
    bare = {place for place, circuit in enumerate(circuits) if not circuit.parameters}
    sent = describe(request, bare=bare, is_twirled=options.is_twirled)
    pubs = _ibm_sampler.pubs_of(request, circuits, sent)
    known.put(sent)
    most_s = options.max_run_s if request.max_qpu_s is None else min(options.max_run_s, request.max_qpu_s)
    run = partial(client.run, pubs, sent, max_run_s=max(int(most_s), 1))
    if options.mode == "job":
        run(batch_id=None)
        return
    batch_id = batch.usable(datetime.now(UTC)) or _new_batch(client, batch)
    try:
        run(batch_id=batch_id)
    except _ibm_client.ClosedBatchError:
        batch_id = _new_batch(client, batch)
        try:
            run(batch_id=batch_id)
        except _ibm_client.ClosedBatchError as exc:
            raise TransientProviderError(f"{exc} It was made a moment ago; try again later, or set mode: job.") from exc


def _new_batch(client: Any, batch: SharedBatch) -> str:
    batch_id: str = client.open_batch()
    batch.keep(batch_id, datetime.now(UTC))
    return batch_id


def look_at(client: Any, job_id: str) -> JobReport:
    """Return where a job is.

    Raises:
        TransientProviderError: The service shows a status that is not known.
    """
    job = client.job(job_id)
    status = _ibm_reports.status_of(job)
    metrics = {} if status is JobStatus.QUEUED else client.metrics(job_id)
    is_unexplained = status is JobStatus.FAILED and not (job.get("state") or {}).get("reason")
    text = client.result_text(job_id) if is_unexplained else ""
    return _ibm_reports.report_of(job, metrics, text=text)


def take_home(client: Any, handle: JobHandle, *, options: IbmOptions) -> Home:
    """Return a finished job's result and what is known of its making.

    Raises:
        TransientProviderError: It has not ended, or its bill is not final yet.
        JobFailedError: It failed; fact ``code``.
        JobCancelledError: It was cancelled.
        ResultIntegrityError: It is not the job that the handle names.
    """
    job_id = handle.provider_job_id
    job = client.job(job_id)
    _require_success(job, handle)
    _require_same(job, handle, device=options.device)
    metrics = client.metrics(job_id)
    times = metrics.get("timestamps") or {}
    started_at = _ibm_reports.moment(times.get("running") or times.get("created") or job.get("created"))
    finished_at = _ibm_reports.moment(times.get("finished") or job.get("ended"))
    if started_at is None or finished_at is None:
        raise TransientProviderError(f"The times of job {job_id} are not there yet. Fetch it later.")
    billed_s = _bill(metrics, run_s=(finished_at - started_at).total_seconds(), finished_at=finished_at, job_id=job_id)
    return Home(
        text=client.result_text(job_id),
        calibration_id=read_target(client, started_at, options=options, backend=handle.backend).calibration_id,
        started_at=started_at,
        finished_at=finished_at,
        billed_s=billed_s,
    )


def read_target(client: Any, at: datetime | None, *, options: IbmOptions, backend: str) -> TargetDocument:
    """Return the target with the calibration in force at a time, by default now."""
    return target_document(
        client.configuration(), client.properties(at), backend=backend, fractional_gates=options.fractional_gates
    )


def _require_success(job: Mapping[str, Any], handle: JobHandle) -> None:
    status, job_id = _ibm_reports.status_of(job), handle.provider_job_id
    if status is JobStatus.FAILED:
        code, reason = _ibm_reports.error_code(job), (job.get("state") or {}).get("reason")
        raise JobFailedError(f"Job {job_id} failed ({code}): {reason}", code=code)
    if status is JobStatus.CANCELLED:
        raise JobCancelledError(f"Job {job_id} was cancelled.")
    if status is not JobStatus.SUCCEEDED:
        raise TransientProviderError(f"Job {job_id} is {status}; its result is not there yet.")


def _require_same(job: Mapping[str, Any], handle: JobHandle, *, device: str) -> None:
    found = job.get("id"), job.get("backend"), handle.request_id in (job.get("tags") or ())
    if found != (handle.provider_job_id, device, True):
        raise ResultIntegrityError(
            f"The service shows job {job.get('id')} on {job.get('backend')} with the tags {job.get('tags')}, where job "
            f"{handle.provider_job_id} of request {handle.request_id} was asked for."
        )


def _bill(metrics: Mapping[str, Any], *, run_s: float, finished_at: datetime, job_id: str) -> float:
    final_s = _ibm_reports.billed_s(metrics, partial=False)
    if final_s is not None:
        return final_s
    if (server_now() - finished_at).total_seconds() < BILL_WAIT_S:  # by the service's clock, both
        raise TransientProviderError(f"The bill of job {job_id} is not final yet. Fetch it later.")
    return max(_ibm_reports.billed_s(metrics) or 0.0, run_s)
