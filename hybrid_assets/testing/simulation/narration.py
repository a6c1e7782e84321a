"""How a trace shows effects and answers: what differs, not what is always there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.effects import Cancel, Fetch, Find, Poll, StoreResult, Submit, Transaction
from hybrid_assets.model.jobs import JobHandle, JobReport, JobResult
from hybrid_assets.model.ledger import BatchEnding, BatchProposal, KernelOutcome, Lease, Refusal
from hybrid_assets.model.queue import BatchRecord, Budget, QueuedKernel
from hybrid_assets.testing.simulation.scenario import START

if TYPE_CHECKING:
    from collections.abc import Callable

#: Arguments that are the same in every line.
_QUIET = {"rule", "rate", "now", "slots", "lease_s", "kernels", "backend", "limit"}


def short(value: Any) -> str:
    """Return a value in few words."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(short(item) for item in value)}]"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}({value})"
    return _FORMATS.get(type(value), str)(value)


def _transaction(effect: Transaction) -> str:
    shown = ", ".join(f"{key}={short(value)}" for key, value in effect.arguments.items() if key not in _QUIET)
    return f"{effect.op}({shown})"


def _batch(batch: BatchRecord) -> str:
    kernels = ",".join(batch.kernel_ids)
    return f"<{batch.batch_id[:6]} {batch.status} fence={batch.fence} job={batch.provider_job_id} {kernels}>"


def _ending(ending: BatchEnding) -> str:
    return f"{ending.status} {ending.signal} {_bill(ending)} {short(ending.outcomes)}"


def _bill(job: BatchEnding | JobResult) -> str:
    return f"{job.billed_s:g} s" if job.billed_money is None else f"{job.billed_money:g} of money"


def _about_job(effect: Poll | Fetch | Cancel) -> str:
    return f"{type(effect).__name__}({effect.batch.batch_id[:6]} {effect.provider_job_id})"


_FORMATS: dict[type, Callable[[Any], str]] = {
    Transaction: _transaction,
    Submit: lambda effect: f"Submit({effect.batch.batch_id[:6]} not after {short(effect.not_after)})",
    Find: lambda effect: f"Find({effect.batch.batch_id[:6]})",
    Poll: _about_job,
    Fetch: _about_job,
    Cancel: _about_job,
    StoreResult: lambda effect: f"StoreResult({effect.batch.batch_id[:6]} {short(effect.result)})",
    datetime: lambda moment: f"{(moment - START).total_seconds():.2f}",
    BatchRecord: _batch,
    Lease: lambda lease: f"{lease.batch_id[:6]}/{lease.fence}",
    JobHandle: lambda handle: handle.provider_job_id,
    JobReport: lambda report: f"{report.status} {report.error_class or ''} {report.error_code or ''}".strip(),
    JobResult: lambda result: f"result of {result.handle.provider_job_id}, {_bill(result)}",
    Refusal: lambda refusal: f"refused {refusal.kind}: {refusal.detail}",
    BatchProposal: lambda proposal: f"{','.join(proposal.kernel_ids)} {proposal.reserved_s:g} s",
    BatchEnding: _ending,
    KernelOutcome: lambda o: f"{o.kernel_id}:{o.state}" + (f":{o.error_class}" if o.error_class else ""),
    QueuedKernel: lambda kernel: kernel.kernel_id,
    Budget: lambda budget: f"{budget.spent:g}+{budget.reserved:g} of {budget.limit:g} {budget.unit}",
}
