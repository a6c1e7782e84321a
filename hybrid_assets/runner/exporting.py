"""Stages `control/*`: the ledger and the records of a night as tables, so that SQL can ask about them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.objectives import stage_outcome
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.spending import cost_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hybrid_assets.model.queue import BatchRecord, QueuedKernel
    from hybrid_assets.runner.project import Project


def export_attempts(project: Project, *, night: str) -> StageOutcome:
    """Publish a night's jobs, duplicates among them, and why each batch was made as it was or had to wait."""
    batches = project.ledger.batches(night=night)
    kernels = {kernel.kernel_id: kernel for kernel in project.ledger.kernels(night=night)}
    _publish(project, night, "batch_decisions", list(_decisions(project, night, batches, kernels)))
    return _publish(project, night, "job_attempts", attempt_rows(project, night, batches, kernels))


def attempt_rows(
    project: Project, night: str, batches: Sequence[BatchRecord], kernels: Mapping[str, QueuedKernel]
) -> list[dict[str, Any]]:
    """Return a row for each batch, its figures those of ``kernels`` alone, and one for each duplicate of its job."""
    rows = [_attempt(project, night, batch, kernels) for batch in batches]
    return [*rows, *_duplicates(project, night, batches)]


def export_timings(project: Project, *, night: str) -> StageOutcome:
    """Publish how long each stage of a night took, beside its budget."""
    rows = []
    for record in project.timings.records(night):
        objectives = project.settings.objectives(record["workload"])
        kept = stage_outcome(objectives, record["stage"], wall_s=record["wall_s"])
        budget_s, within = (None, None) if kept is None else (kept.facts["limit"], kept.passed)
        times = {"finished_at": datetime.fromisoformat(record["finished_at"])}
        rows.append({**record, **times, "budget_s": budget_s, "within_budget": within})
    return _publish(project, night, "stage_timings", rows)


def _publish(project: Project, night: str, table: str, rows: list[dict[str, Any]]) -> StageOutcome:
    outcomes = (checks.schema(project.warehouse, table, rows, {"night": night}),)
    checks.require(outcomes, what=f"control/{table} of {night}")
    published = project.warehouse.publish(table, rows, partition={"night": night})
    numbers: dict[str, float] = {"rows": len(rows)}
    for column in ("billed_s", "cost", "wall_s"):
        if rows and column in rows[0]:
            numbers[column] = sum(row.get(column) or 0.0 for row in rows)
    return StageOutcome(rows=len(rows), data_version=published.data_version, numbers=numbers, checks=outcomes)


def _attempt(project: Project, night: str, batch: BatchRecord, kernels: Mapping[str, QueuedKernel]) -> dict[str, Any]:
    ours = [kernels[name] for name in batch.kernel_ids if name in kernels]
    submitted, started, finished = batch.submitted_at, batch.started_at, batch.finished_at
    return {
        "night": night,
        "workload": ",".join(sorted({kernel.workload for kernel in ours})),
        "backend": batch.backend,
        "job_id": batch.request_id,
        "attempt": batch.attempt,
        "batch_id": batch.batch_id,
        "provider_job_id": batch.provider_job_id,
        "status": batch.status.value,
        "error_class": batch.error_class,
        "error_code": batch.error_code,
        "error_message": batch.error_message,
        "num_pubs": len(batch.kernel_ids),
        "num_rows": sum(kernel.rows for kernel in ours),
        "shots": sum(kernel.executions for kernel in ours),
        "night_share": len(ours) / len(batch.kernel_ids),
        "is_duplicate": False,
        "submitted_at": submitted,
        "started_at": started,
        "finished_at": finished,
        # A provider's clock may be a little behind ours.
        "queue_s": max((started - submitted).total_seconds(), 0.0) if submitted and started else None,
        "run_s": (finished - started).total_seconds() if started and finished else None,
        "billed_s": batch.billed_s,
        "cost": cost_of(project, batch, planned_price_per_s=batch.price_per_s),
    }


def _duplicates(project: Project, night: str, batches: Sequence[BatchRecord]) -> Iterator[dict[str, Any]]:
    """Yield a row for every job that network or provider made twice: what it cost is part of the night's bill."""
    by_id = {batch.batch_id: batch for batch in batches}
    for duplicate in project.ledger.duplicates():
        batch = by_id.get(duplicate.batch_id)
        if batch is not None:
            yield {
                "night": night,
                "backend": duplicate.backend,
                "job_id": batch.request_id,
                "attempt": batch.attempt,
                "batch_id": batch.batch_id,
                "provider_job_id": duplicate.provider_job_id,
                "status": duplicate.status.value,
                "is_duplicate": True,
                "billed_s": duplicate.billed_s,
                "cost": cost_of(project, duplicate, planned_price_per_s=batch.price_per_s),
            }


def _decisions(
    project: Project, night: str, batches: Sequence[BatchRecord], kernels: Mapping[str, QueuedKernel]
) -> Iterator[dict[str, Any]]:
    """Yield the decisions about a night's batches, and those to wait while its kernels were in the queue."""
    ids = {batch.batch_id for batch in batches}
    began: dict[str, datetime] = {}
    for kernel in kernels.values():
        began[kernel.backend] = min(kernel.enqueued_at, began.get(kernel.backend, kernel.enqueued_at))
    ended = {batch.backend: batch.finished_at for batch in batches if batch.finished_at}
    for batch in batches:
        if batch.finished_at:
            ended[batch.backend] = max(ended[batch.backend], batch.finished_at)
    for made in project.ledger.decisions():
        is_ours = made.batch_id in ids
        if made.batch_id is None and made.backend in began:
            is_ours = began[made.backend] <= made.decided_at <= ended.get(made.backend, made.decided_at)
        if is_ours:
            yield {
                "night": night,
                "decided_at": made.decided_at,
                "backend": made.backend,
                "batch_id": made.batch_id,
                "size": made.size,
                "limit": made.limit,
                "reason": made.reason,
            }
