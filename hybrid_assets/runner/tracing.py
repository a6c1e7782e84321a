"""Everything that is known of one thing: a night, a kernel, a batch or QPU job, a logical request.

Put what follows a thread from the Dagster run to the provider's job and back here, as plain data; drawing it is the
command's. Nothing is asked of a provider, nothing is changed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import BudgetExceededError, ResultError, UsageError
from hybrid_assets.model.queue import BreakerState, KernelState, Remedy
from hybrid_assets.model.text import nearest
from hybrid_assets.runner.orders import orders_of
from hybrid_assets.runner.queueing import unfinished
from hybrid_assets.runner.spending import cost_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hybrid_assets.model.queue import BatchRecord, QueuedKernel
    from hybrid_assets.runner.project import Project

#: Shorter beginnings of an id may be another's by chance.
LEAST_ID = 8
#: More things of one beginning are not listed.
MOST_FOUND = 10
_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}")
_TABLES = ("compiled_circuits", "quantum_results", "comparisons")

#: What `trace` returns: ``kind`` (``night``, ``kernel``, ``batch``), ``id``, facts by name, lists of records, ``next``.
Trace = dict[str, Any]


def trace(project: Project, name: str) -> Trace:
    """Return what is known of a night, a kernel, a batch, a QPU job or a logical request.

    Args:
        project: The project.
        name: ``2026-11-20``; the id of a kernel, batch, request or provider job, or at least `LEAST_ID` characters of
            it; or a correlation id ``night/workload/backend/instance/label``.

    Raises:
        UsageError: Nothing, or more than one thing, is called that.
    """
    if _NIGHT.fullmatch(name):
        return _night(project, name)
    if "/" in name:
        return _kernel(project, _of_request(project, name))
    if len(name) < LEAST_ID:
        raise UsageError(f"{name!r} is too short for an id: give at least {LEAST_ID} characters, or a night.")
    found = project.ledger.matching(name, limit=MOST_FOUND)
    if len(found.kernel_ids) + len(found.batch_ids) != 1:
        raise UsageError(_not_one(name, found.kernel_ids, found.batch_ids))
    if found.batch_ids:
        (batch,) = project.ledger.batches(batch_ids=found.batch_ids)
        return _batch(project, batch)
    (kernel,) = project.ledger.kernels(kernel_ids=found.kernel_ids)
    return _kernel(project, kernel)


def _not_one(name: str, kernel_ids: Sequence[str], batch_ids: Sequence[str]) -> str:
    if not kernel_ids and not batch_ids:
        return (
            f"No kernel, batch or job begins with {name!r}. `hybrid-assets show NIGHT` lists a night's jobs, "
            '`hybrid-assets sql "from quantum_results"` its kernels.'
        )
    listed = [f"kernel {one[:16]}" for one in kernel_ids] + [f"batch {one[:16]}" for one in batch_ids]
    return f"{name!r} is the beginning of several: {', '.join(listed)}. Give more of it."


def _of_request(project: Project, name: str) -> QueuedKernel:
    """Return the kernel of a correlation id: another night may have asked for it first."""
    parts = name.split("/", 4)
    if len(parts) != 5:
        raise UsageError(f"{name!r} is no correlation id: those are night/workload/backend/instance/label.")
    night, workload, backend = parts[:3]
    kernels = project.ledger.kernels(night=night, workload=workload, backend=backend)
    ids = {kernel.correlation_id: kernel.kernel_id for kernel in kernels}
    if workload in project.settings.workloads and backend in project.settings.backends and _NIGHT.fullmatch(night):
        partition = {"night": night, "workload": workload, "backend": backend}
        columns = ["correlation_id", "kernel_id"]
        rows = project.warehouse.read_rows("quantum_results", columns=columns, **partition)
        ids |= {row["correlation_id"]: row["kernel_id"] for row in rows}
    if name not in ids:
        known = f"{len(ids)} requests of {night}/{workload}/{backend} are known." if ids else ""
        raise UsageError(f"No request {name!r} was ever made. {nearest(name, ids)}{known}".rstrip())
    found = project.ledger.kernels(kernel_ids=[ids[name]])
    if not found:
        raise UsageError(f"{name} is published, but the ledger does not know its kernel {ids[name]}.")
    return found[0]


# --- a kernel


def _kernel(project: Project, kernel: QueuedKernel) -> Trace:
    batches = project.ledger.batches_of(kernel.kernel_id)
    return {
        "kind": "kernel",
        "id": kernel.kernel_id,
        "state": kernel.state.value,
        "correlation_id": kernel.correlation_id,
        "backend": kernel.backend,
        "team": kernel.team,
        "class": kernel.work_class.value,
        "rows": kernel.rows,
        "shots": kernel.shots,
        "expected_s": kernel.expected_s,
        "failed_attempts": kernel.failed_attempts,
        "num_batches": kernel.num_batches,
        "enqueued_at": kernel.enqueued_at,
        "inputs_at": kernel.inputs_at,
        "not_before": kernel.not_before,
        **_error(kernel),
        "remedy": kernel.remedy and kernel.remedy.value,
        "result": _result(project, kernel.kernel_id),
        "published": list(_published(project, kernel)),
        "jobs": [_job(project, batch) for batch in batches],
        **_history(project, kernel.backend, {batch.batch_id for batch in batches}),
        "next": _help_for(project, kernel),
    }


def _result(project: Project, kernel_id: str) -> dict[str, Any] | None:
    """Return the facts of a stored result, not its counts."""
    try:
        result = project.results.get(kernel_id)
    except ResultError:
        return None
    if result is None:
        return None
    return {
        "execution": result.execution.value,
        "executed_at": result.executed_at,
        "compiled_calibration_id": result.compiled_calibration_id,
        "executed_calibration_id": result.executed_calibration_id,
        "provider_job_id": result.provider_job_id,
        "request_id": result.request_id,
        "shots": result.shots,
        "rows": result.counts.num_rows,
        "billed_s": result.billed_s,
        "cost": cost_of(project, result),
    }


def _published(project: Project, kernel: QueuedKernel) -> Iterator[dict[str, Any]]:
    """Yield what the night that asked first has published of a kernel."""
    if kernel.workload not in project.settings.workloads or kernel.backend not in project.settings.backends:
        return
    partition = {"night": kernel.night, "workload": kernel.workload, "backend": kernel.backend}
    columns = ["kernel_id", "row", "source", "source_reason", "expected_value", "best_value"]
    for row in project.warehouse.read_rows("quantum_results", columns=columns, **partition):
        if row.pop("kernel_id") == kernel.kernel_id:
            yield row


def _help_for(project: Project, kernel: QueuedKernel) -> str:
    cell = f"--night {kernel.night} --workload {kernel.workload} --backend {kernel.backend}"
    match kernel.state:
        case KernelState.DONE:
            return f"hybrid-assets sql \"from quantum_results where kernel_id = '{kernel.kernel_id}'\""
        case KernelState.FAILED if kernel.remedy is Remedy.RECOMPILE:
            return f"hybrid-assets run {cell}"
        case KernelState.FAILED | KernelState.CANCELLED:
            return f"hybrid-assets resume {cell}"
        case KernelState.READY if kernel.error_class == BudgetExceededError.__name__:
            return f"hybrid-assets budget set {kernel.team} LIMIT --per night --night {kernel.night}"
        case KernelState.READY if _is_paused(project, kernel.backend):
            return f"hybrid-assets resume {kernel.backend}"
        case _:
            return f"hybrid-assets collect --night {kernel.night} --backend {kernel.backend}"


def _is_paused(project: Project, backend: str) -> bool:
    breaker = project.ledger.breaker(backend)
    return breaker.state is BreakerState.OPEN and breaker.retry_at is None


# --- a batch


def _batch(project: Project, batch: BatchRecord) -> Trace:
    kernels = {kernel.kernel_id: kernel for kernel in project.ledger.kernels(kernel_ids=batch.kernel_ids)}
    in_order = [kernels[name] for name in batch.kernel_ids]
    duplicates = [d for d in project.ledger.duplicates(backend=batch.backend) if d.batch_id == batch.batch_id]
    failed = next((k for k in in_order if k.state in {KernelState.FAILED, KernelState.CANCELLED}), None)
    return {
        "kind": "batch",
        "id": batch.batch_id,
        **_job(project, batch),
        "lease_owner": batch.lease_owner,
        "lease_until": batch.lease_until,
        "fence": batch.fence,
        "next_at": batch.next_at,
        "audited_at": batch.audited_at,
        "reservations": {part.budget_id: part.amount for part in batch.reservations},
        "kernels": [
            {
                "kernel_id": kernel.kernel_id,
                "state": kernel.state.value,
                "request": kernel.correlation_id,
                "is_here": kernel.batch_id == batch.batch_id,
                **_error(kernel),
            }
            for kernel in in_order
        ],
        "duplicates": [
            {
                "provider_job_id": found.provider_job_id,
                "status": found.status.value,
                "billed_s": found.billed_s,
                "cost": cost_of(project, found, planned_price_per_s=batch.price_per_s),
            }
            for found in duplicates
        ],
        **_history(project, batch.backend, {batch.batch_id}),
        "next": (
            f"hybrid-assets collect --backend {batch.backend}"
            if not batch.status.is_final
            else _help_for(project, failed or in_order[0])
        ),
    }


def _job(project: Project, batch: BatchRecord) -> dict[str, Any]:
    return {
        "batch_id": batch.batch_id,
        "backend": batch.backend,
        "status": batch.status.value,
        "attempt": batch.attempt,
        "request_id": batch.request_id,
        "provider_job_id": batch.provider_job_id,
        "num_kernels": len(batch.kernel_ids),
        "num_sends": batch.num_sends,
        "planned_at": batch.planned_at,
        "sent_at": batch.sent_at,
        "submitted_at": batch.submitted_at,
        "started_at": batch.started_at,
        "finished_at": batch.finished_at,
        "reserved_s": batch.reserved_s,
        "billed_s": batch.billed_s,
        "cost": cost_of(project, batch, planned_price_per_s=batch.price_per_s),
        **_error(batch),
    }


# --- a night


def _night(project: Project, night: str) -> Trace:
    batches = project.ledger.batches(night=night)
    kernels = project.ledger.kernels(night=night)
    orders = orders_of(project, night)
    open_cells = {str(order.cell): len(unfinished(project, order.kernel_ids)) for order in orders}
    cells = []
    for workload in project.settings.workloads:
        for backend in project.settings.backends_of(workload):
            partition = {"night": night, "workload": workload, "backend": backend}
            states = project.ledger.count_kernels(**partition)
            versions = {table: project.warehouse.data_version(table, **partition) for table in _TABLES}
            cells.append(
                {
                    "workload": workload,
                    "backend": backend,
                    "kernels": {state.value: number for state, number in states.items()},
                    "waiting": open_cells.get(f"{workload}/{backend}", 0),
                    "published": {table: version for table, version in versions.items() if version},
                }
            )
    if not kernels and not orders and not any(cell["published"] for cell in cells):
        raise UsageError(f"Nothing is known of {night}. `hybrid-assets run --night {night}` runs it.")
    names = {batch.batch_id for batch in batches}
    duplicates = [found for found in project.ledger.duplicates() if found.batch_id in names]
    return {
        "kind": "night",
        "id": night,
        "kernels_by_state": dict(sorted(Counter(kernel.state.value for kernel in kernels).items())),
        "billed_s": sum(batch.billed_s for batch in batches) + sum(found.billed_s for found in duplicates),
        "num_duplicates": len(duplicates),
        "cells": cells,
        "errors": _errors(kernels),
        "approvals": [
            {"workload": one.workload, "decision": one.decision.value, "signer": one.signer, "reason": one.reason}
            for one in project.ledger.approvals(night=night)
        ],
        "jobs": [_job(project, batch) for batch in batches],
        "next": _help_for_night(night, kernels, is_waiting=any(open_cells.values())),
    }


def _errors(kernels: Iterable[QueuedKernel]) -> list[dict[str, Any]]:
    found = Counter((k.state.value, k.error_class, k.error_message) for k in kernels if k.error_message)
    return [
        {"kernels": number, "state": state, "error_class": name, "error_message": message}
        for (state, name, message), number in found.most_common()
    ]


def _help_for_night(night: str, kernels: Sequence[QueuedKernel], *, is_waiting: bool) -> str:
    if is_waiting:
        return f"hybrid-assets collect --night {night}"
    if any(kernel.state in {KernelState.FAILED, KernelState.CANCELLED} for kernel in kernels):
        return f"hybrid-assets resume --night {night}"
    return f"hybrid-assets status --night {night}"


# --- parts of all


def _error(record: QueuedKernel | BatchRecord) -> dict[str, str | None]:
    return {
        "error_class": record.error_class,
        "error_code": record.error_code,
        "error_message": record.error_message,
    }


def _history(project: Project, backend: str, batch_ids: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Return why batches were made as they were, and what happened to them."""
    return {
        "decisions": [
            {"decided_at": made.decided_at, "size": made.size, "limit": made.limit, "reason": made.reason}
            for made in project.ledger.decisions(backend=backend)
            if made.batch_id in batch_ids
        ],
        "events": [
            {"at": event.at, "kind": event.kind, "text": event.text}
            for event in project.ledger.events(backend=backend)
            if event.batch_id in batch_ids
        ],
    }
