"""A job as the service shows it -> our report. Pure; put the meaning of statuses, reasons and metrics here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import TransientProviderError
from hybrid_assets.model.jobs import JobReport, JobStatus
from hybrid_assets.providers._error_codes import TOO_LONG, error_class
from hybrid_assets.providers._ibm_errors import code_in

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUSES = {
    "INITIALIZING": JobStatus.QUEUED,
    "QUEUED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "COMPLETED": JobStatus.SUCCEEDED,
    "DONE": JobStatus.SUCCEEDED,
    "FAILED": JobStatus.FAILED,
    "ERROR": JobStatus.FAILED,
    "CANCELLED": JobStatus.CANCELLED,
}
#: Longest reason that is kept; tracebacks end with what matters.
MAX_REASON = 1000


def status_of(job: Mapping[str, Any]) -> JobStatus:
    """Return a job's status; one that was cancelled for running too long has failed.

    Raises:
        TransientProviderError: The service says something that is not known, so that nothing can be concluded.
    """
    try:
        word = str(job["state"]["status"]).upper()
        status = _STATUSES[word.partition(" ")[0]]
    except (KeyError, TypeError) as exc:
        raise TransientProviderError(f"The service shows a job without a status that is known: {exc}.") from exc
    if status is JobStatus.CANCELLED and (error_code(job) == TOO_LONG or "TOO LONG" in word):
        return JobStatus.FAILED
    return status


def error_code(job: Mapping[str, Any], text: str = "") -> str | None:
    """Return the code a job failed with: the service's own field, else what its reason or another text quotes."""
    state = job.get("state") or {}
    code = state.get("reason_code") or state.get("reasonCode")
    return str(code) if code else code_in(str(state.get("reason") or "")) or code_in(text)


def report_of(job: Mapping[str, Any], metrics: Mapping[str, Any], *, text: str = "", hint: str = "") -> JobReport:
    """Return the report of a job.

    Args:
        job: As ``GET /jobs/{id}`` gives it.
        metrics: As ``GET /jobs/{id}/metrics`` gives them; empty while it is queued.
        text: What stands in the place of a failed job's result, or nothing.
        hint: Why it may be waiting, or nothing.

    Raises:
        TransientProviderError: Its status is not known.
    """
    status, times = status_of(job), metrics.get("timestamps") or {}
    has_failed = status is JobStatus.FAILED
    code = error_code(job, text) if has_failed else None
    if has_failed and code is None and "TOO LONG" in str(job["state"]["status"]).upper():
        code = TOO_LONG
    reason = str((job.get("state") or {}).get("reason") or text or hint).strip()
    return JobReport(
        status=status,
        error_code=code,
        error_class=error_class(code) if has_failed else None,
        message=reason[-MAX_REASON:] or None,
        billed_s=billed_s(metrics),
        submitted_at=moment(times.get("created") or job.get("created")),
        started_at=moment(times.get("running")),
        finished_at=moment(times.get("finished")) if status.is_final else None,
    )


def billed_s(metrics: Mapping[str, Any], *, partial: bool = True) -> float | None:
    """Return the seconds of the bill; None where it is not known, or, unless ``partial``, not final."""
    usage = metrics.get("usage") or {}
    if not partial and usage.get("status", "pending") == "pending":
        return None
    value = usage.get("qpu_charge_time_seconds", usage.get("seconds"))
    return max(float(value), 0.0) if isinstance(value, int | float) else None


def moment(text: object) -> datetime | None:
    """Return a time as the service writes it; one without an offset is UTC."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
