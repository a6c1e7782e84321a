"""What is known of a batch that ended without results. Put translations of errors and reports here; no decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.model.jobs import JobStatus

if TYPE_CHECKING:
    from datetime import datetime

    from hybrid_assets.errors import HybridAssetsError
    from hybrid_assets.model.jobs import JobReport, JobResult


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFailure:
    """What is known of a batch that ended without results."""

    error_class: str | None
    message: str
    error_code: str | None = None
    #: FAILED, or CANCELLED where the job was.
    status: JobStatus = JobStatus.FAILED
    #: Whether the backend had taken the job.
    accepted: bool = True
    billed_s: float = 0.0
    billed_money: float | None = None
    blamed_kernel_ids: tuple[str, ...] = ()
    retry_after_s: float | None = None
    started_at: datetime | None = None


def refused(
    exc: HybridAssetsError, *, accepted: bool = False, bill: JobReport | JobResult | None = None
) -> BatchFailure:
    """Return the failure of a batch that an error ended; its job may have been billed all the same."""
    return BatchFailure(
        error_class=type(exc).__name__,
        message=str(exc),
        error_code=_text(exc.facts.get("code")),
        accepted=accepted,
        billed_s=(bill.billed_s if bill else None) or 0.0,
        billed_money=bill.billed_money if bill else None,
        retry_after_s=_seconds(exc.facts.get("retry_after_s")),
    )


def ended_badly(report: JobReport, *, is_overdue: bool) -> BatchFailure:
    """Return the failure of a batch whose job is final without a result."""
    is_cancelled = report.status is JobStatus.CANCELLED
    if is_cancelled and is_overdue:
        error_class, message = "TransientProviderError", "Cancelled because it was not over within job_wait_s."
    else:
        error_class = report.error_class or ("JobCancelledError" if is_cancelled else "JobFailedError")
        message = report.message or report.error_code or f"The provider says {report.status} and no reason."
    return BatchFailure(
        error_class=error_class,
        error_code=report.error_code,
        message=message,
        status=report.status,
        billed_s=report.billed_s or 0.0,
        billed_money=report.billed_money,
        blamed_kernel_ids=report.blamed_kernel_ids,
        started_at=report.started_at,
    )


def _text(fact: object) -> str | None:
    return None if fact is None else str(fact)


def _seconds(fact: object) -> float | None:
    return float(fact) if isinstance(fact, int | float) else None
