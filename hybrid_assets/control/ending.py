"""How a batch ends, as one value for the ledger. Put the step from a decision to the kernels' outcomes here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.control.bisect import halves
from hybrid_assets.control.retry import Failure, RetryDecision, RetryKind, decide_retry, signal_of
from hybrid_assets.errors import JobCancelledError, SubmissionUnknownError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, BreakerSignal, KernelOutcome
from hybrid_assets.model.queue import KernelState, Remedy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.control.failure import BatchFailure
    from hybrid_assets.control.policy import DispatchPolicy
    from hybrid_assets.model.jobs import JobResult
    from hybrid_assets.model.queue import BatchRecord, QueuedKernel

_REMEDIES = {RetryKind.RECOMPILE: Remedy.RECOMPILE, RetryKind.OTHER_BACKEND: Remedy.OTHER_BACKEND}


def success(batch: BatchRecord, result: JobResult, *, policy: DispatchPolicy) -> BatchEnding:
    """Return the ending of a batch whose results are stored."""
    return BatchEnding(
        status=JobStatus.SUCCEEDED,
        outcomes=tuple(KernelOutcome(kernel_id=name, state=KernelState.DONE) for name in batch.kernel_ids),
        billed_s=result.billed_s,
        billed_money=result.billed_money,
        started_at=result.started_at,
        signal=BreakerSignal.SUCCEEDED,
        audit_at=audit_at(batch, policy),
    )


def given_back(batch: BatchRecord, *, retry_at: datetime | None, reason: str, policy: DispatchPolicy) -> BatchEnding:
    """Return the ending of a batch that may not be sent now: its kernels wait in the queue, not in a slot."""
    outcomes = tuple(
        KernelOutcome(kernel_id=name, state=KernelState.READY, not_before=retry_at, error_message=reason)
        for name in batch.kernel_ids
    )
    return BatchEnding(
        status=JobStatus.CANCELLED, outcomes=outcomes, error_message=reason, audit_at=audit_at(batch, policy)
    )


def left_to_a_person(batch: BatchRecord) -> BatchEnding:
    """Return the ending of a batch of which nobody can tell whether it was taken: sent again, it might be paid twice.

    Nothing is charged for it: what it cost, if anything, is not known here.
    """
    sent = "" if batch.sent_at is None else f" at {batch.sent_at.isoformat()}"
    most = f"{batch.reserved_s:g} s" + (f", {batch.reserved_money:g} of money," if batch.reserved_money else "")
    message = (
        f"Sent to {batch.backend}{sent} under the tag {batch.request_id}, the answer was lost, and this provider "
        f"cannot list its jobs: it may have been taken, and billed up to {most} that are not in the "
        "ledger. Nothing is sent again by itself. Look for that job at the provider: cancel it if it still waits, note "
        "its bill if it ran; then send the kernels back to the queue."
    )
    error_class = SubmissionUnknownError.__name__
    return BatchEnding(
        status=JobStatus.FAILED,
        outcomes=tuple(
            KernelOutcome(
                kernel_id=name, state=KernelState.FAILED, counts=True, error_class=error_class, error_message=message
            )
            for name in batch.kernel_ids
        ),
        error_class=error_class,
        error_message=message,
        signal=signal_of(error_class),
    )


def failure(
    batch: BatchRecord, kernels: Sequence[QueuedKernel], what: BatchFailure, *, policy: DispatchPolicy, now: datetime
) -> BatchEnding:
    """Return the ending of a failed batch: every kernel retried, split off, or given up by name.

    Args:
        batch: The batch.
        kernels: Its kernels as the ledger has them, in any order.
        what: What happened.
        policy: Numbers of attempts and waits.
        now: When.
    """
    by_id = {kernel.kernel_id: kernel for kernel in kernels}
    members = [by_id[name] for name in batch.kernel_ids]
    blamed = [k for k in members if k.kernel_id in what.blamed_kernel_ids]
    outcomes: list[KernelOutcome] = []
    if blamed:
        # Each blamed one answers for itself; the others go on at once, and together as before.
        outcomes += [KernelOutcome(kernel_id=k.kernel_id, state=KernelState.READY) for k in members if k not in blamed]
        for kernel in blamed:
            outcomes += _outcomes(batch, [kernel], what, policy=policy, now=now)
    else:
        outcomes += _outcomes(batch, members, what, policy=policy, now=now)
    waits = [o.not_before for o in outcomes if o.not_before]
    return BatchEnding(
        status=what.status,
        outcomes=tuple(outcomes),
        billed_s=what.billed_s,
        billed_money=what.billed_money,
        started_at=what.started_at,
        error_class=what.error_class,
        error_code=what.error_code,
        error_message=what.message,
        signal=BreakerSignal.NEUTRAL if blamed else signal_of(what.error_class),
        retry_at=max(waits) if waits else None,
        audit_at=audit_at(batch, policy),
    )


def audit_at(batch: BatchRecord, policy: DispatchPolicy) -> datetime | None:
    """Return when duplicates can be searched for; None: nothing was sent, it was done, or nobody can."""
    if batch.sent_at is None or batch.audited_at is not None or not policy.supports_find:
        return None
    return batch.sent_at + timedelta(seconds=policy.settle_s)


def jitter_of(batch_id: str) -> float:
    """Return a number from [0, 1) that is the same for the same batch (its id is a hex digest)."""
    return int(batch_id[:8], 16) / 16**8


def _outcomes(
    batch: BatchRecord, kernels: Sequence[QueuedKernel], what: BatchFailure, *, policy: DispatchPolicy, now: datetime
) -> list[KernelOutcome]:
    decision = decide_retry(
        Failure(
            error_class=what.error_class,
            num_kernels=len(kernels),
            failed_attempts=max(k.failed_attempts for k in kernels),
            accepted=what.accepted,
            retry_after_s=what.retry_after_s,
        ),
        rule=policy.retry,
        now=now,
        jitter=jitter_of(batch.batch_id),
    )
    names = [k.kernel_id for k in kernels]
    groups = halves(names, batch_id=batch.batch_id) if decision.kind is RetryKind.SPLIT else {}
    return [_outcome(name, decision, what, split_group=groups.get(name)) for name in names]


def _outcome(kernel_id: str, decision: RetryDecision, what: BatchFailure, *, split_group: str | None) -> KernelOutcome:
    is_over = decision.kind in {RetryKind.NEVER, *_REMEDIES}
    state = KernelState.FAILED if is_over else KernelState.READY
    if is_over and what.error_class == JobCancelledError.__name__:
        state = KernelState.CANCELLED
    return KernelOutcome(
        kernel_id=kernel_id,
        state=state,
        counts=decision.counts,
        not_before=decision.retry_at,
        split_group=split_group,
        error_class=what.error_class or "JobFailedError",
        error_code=what.error_code,
        error_message=what.message,
        remedy=_REMEDIES.get(decision.kind),
    )
