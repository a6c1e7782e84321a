"""One backend driven by one worker: take over what nobody holds, plan what is ready, drive all of it side by side.

Put the interleaving of batches here; the life of one batch is `control.machine`'s, the choice of kernels a planner's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.control import breaker as breakers
from hybrid_assets.control import budgets as money
from hybrid_assets.control.effects import NOW, Effect, Sleep, Transaction
from hybrid_assets.control.machine import drive_batch
from hybrid_assets.control.plans import Plan, PlannedBatch, TooLarge, WaitReason
from hybrid_assets.errors import BudgetExceededError, HybridAssetsError
from hybrid_assets.model.ledger import BatchProposal, Refusal, RefusalKind
from hybrid_assets.model.queue import BatchRecord, Budget, KernelState, QueuedKernel, Remedy

if TYPE_CHECKING:
    from hybrid_assets.control.policy import DispatchPolicy
    from hybrid_assets.model.queue import Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a planner looks at."""

    now: datetime
    #: READY and due, in the ledger's order, at most ``policy.plan_limit``.
    ready: Sequence[QueuedKernel]
    #: Batches on their way and their kernels.
    active: Sequence[BatchRecord]
    batched: Sequence[QueuedKernel]
    budgets: Sequence[Budget]


#: Chooses batches, most urgent first; see `planning.plan`.
Planner = Callable[[Situation], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundSummary:
    """What one round did."""

    planned: int
    #: Drives that ended: finished, released until later, or taken over.
    ended: int


@dataclass(slots=True)
class _Running:
    steps: Generator[Effect, Any, None]
    wake_at: datetime
    is_started: bool = False


@dataclass(slots=True, kw_only=True)
class _Round:
    backend: str
    policy: DispatchPolicy
    planner: Planner
    owner: str
    until: datetime | None
    running: dict[str, _Running] = field(default_factory=dict)
    planned: int = 0
    ended: int = 0


def dispatch_round(
    backend: str, *, policy: DispatchPolicy, planner: Planner, owner: str, until: datetime | None = None
) -> Generator[Effect, Any, RoundSummary]:
    """Drive a backend until nothing is left to do now, or until the given time.

    Args:
        backend: Whose kernels and batches.
        policy: The backend's numbers.
        planner: Chooses batches among the ready kernels.
        owner: Name of this worker, unique among all that run.
        until: When to stop; what is unfinished then is released for the next round. None: no such limit.

    Returns:
        What was done. Kernels may still wait (back-off, breaker, budget, slots) and batches be out: ask again later.
    """
    this = _Round(backend=backend, policy=policy, planner=planner, owner=owner, until=until)
    look_at: datetime | None = None
    while True:
        now = yield NOW
        if look_at is None or now >= look_at:
            if until is None or now < until:
                for batch in (yield Transaction("claim", _claim(this, now))):
                    _take(this, batch, now)
                yield from _plan(this, now)
            look_at = now + timedelta(seconds=policy.plan_every_s)
        ended = this.ended
        for batch_id, drive in sorted(this.running.items(), key=_by_wake):
            if drive.wake_at <= now:
                yield from _advance(this, batch_id, drive)
        if this.ended > ended:
            look_at = None
            continue
        if not this.running:
            return RoundSummary(planned=this.planned, ended=this.ended)
        wake_at = min(look_at, *(drive.wake_at for drive in this.running.values()))
        now = yield NOW
        yield Sleep(max((wake_at - now).total_seconds(), 0.0))


def _claim(this: _Round, now: datetime) -> dict[str, Any]:
    # Twice the slots: every active batch and as many audits.
    return {
        "backend": this.backend,
        "owner": this.owner,
        "now": now,
        "lease_s": this.policy.lease_s,
        "limit": 2 * this.policy.slots,
    }


def _take(this: _Round, batch: BatchRecord, now: datetime) -> None:
    """Begin to drive a batch; a drive of ours that has lost it meanwhile could write nothing any more."""
    steps = drive_batch(batch, policy=this.policy, until=this.until)
    this.running[batch.batch_id] = _Running(steps=steps, wake_at=now)


def _by_wake(item: tuple[str, _Running]) -> tuple[datetime, str]:
    return item[1].wake_at, item[0]


def _advance(this: _Round, batch_id: str, drive: _Running) -> Generator[Effect, Any, None]:
    """Run one batch's steps up to its next sleep, or to its end."""
    steps = drive.steps
    try:
        effect = steps.send((yield NOW)) if drive.is_started else next(steps)
        drive.is_started = True
        while not isinstance(effect, Sleep):
            try:
                answer = yield effect
            except HybridAssetsError as exc:
                effect = steps.throw(exc)
            else:
                effect = steps.send(answer)
    except StopIteration:
        del this.running[batch_id]
        this.ended += 1
        return
    drive.wake_at = (yield NOW) + timedelta(seconds=effect.seconds)


# --- planning


def _plan(this: _Round, now: datetime) -> Generator[Effect, Any, None]:
    """Plan batches until slots, breaker or kernels run out; cheap questions first, for the queue may be long."""
    backend, policy = this.backend, this.policy
    breaker = yield Transaction("breaker", {"backend": backend})
    if breakers.admit(breaker, "", rule=policy.breaker, now=now) is None:
        return
    active = yield Transaction("batches", {"backend": backend, "active_only": True})
    if len(active) >= policy.slots:
        return
    ready = yield Transaction("ready", {"backend": backend, "now": now, "limit": policy.plan_limit})
    if not ready:
        return
    batched = yield Transaction("kernels", {"backend": backend, "states": (KernelState.BATCHED,)})
    budgets = yield Transaction("budgets")
    plan = this.planner(Situation(now=now, ready=ready, active=active, batched=batched, budgets=budgets))
    for waiting in plan.waiting:
        if waiting.reason is WaitReason.BUDGET:
            yield from _hold(this, waiting.kernel_ids, f"Not planned: {waiting.reason}.", now)
    if plan.waiting:
        yield Transaction("record_waits", {"decisions": tuple(plan.wait_decisions())})
    for refused in plan.too_large:
        yield Transaction("refuse_kernels", _refusal(refused, now))
    kernels = {kernel.kernel_id: kernel for kernel in ready}
    for planned in plan.batches:
        members = [kernels[name] for name in planned.kernel_ids]
        refusal = yield from _plan_one(this, members, planned, ready=ready, budgets=budgets)
        if refusal is not None and refusal.kind in {RefusalKind.NO_SLOT, RefusalKind.BREAKER_OPEN}:
            return


def _refusal(refused: TooLarge, now: datetime) -> dict[str, Any]:
    error = refused.error
    return {
        "kernel_ids": (refused.kernel_id,),
        "error_class": type(error).__name__,
        "error_message": str(error),
        "remedy": Remedy.OTHER_BACKEND,
        "now": now,
    }


def _plan_one(
    this: _Round,
    kernels: Sequence[QueuedKernel],
    planned: PlannedBatch,
    *,
    ready: Sequence[QueuedKernel],
    budgets: Sequence[Budget],
) -> Generator[Effect, Any, Refusal | None]:
    """Plan a batch, a smaller one where no budget has room for all of it, or none."""
    members, reason = kernels, planned.reason
    while True:
        now = yield NOW
        proposal = _propose(this, members, budgets=budgets, now=now, reason=reason, limit=planned.limit)
        terms = {"slots": this.policy.slots, "rule": this.policy.breaker, "lease_s": this.policy.lease_s}
        answer = yield Transaction("plan_batch", {"proposal": proposal, "owner": this.owner, "now": now, **terms})
        if not isinstance(answer, Refusal):
            this.planned += 1
            _take(this, answer, now)
            return None
        if answer.kind is not RefusalKind.OVER_BUDGET:
            return answer
        if len(members) == 1:
            budgets = yield Transaction("budgets")
            broke = [k.kernel_id for k in ready if not _has_money(this, k, budgets, now)]
            yield from _hold(this, [members[0].kernel_id, *broke], answer.detail, now)
            return answer
        members, reason = members[: len(members) // 2], f"{planned.reason}; halved: {answer.detail}"


def _propose(
    this: _Round,
    members: Sequence[QueuedKernel],
    *,
    budgets: Sequence[Budget],
    now: datetime,
    reason: str,
    limit: int | None,
) -> BatchProposal:
    policy = this.policy
    return BatchProposal(
        backend=this.backend,
        kernel_ids=tuple(k.kernel_id for k in members),
        reserved_s=sum(k.expected_s for k in members) + policy.reserved_overhead_s,
        reservations=_reservations(this, members, budgets, now),
        price_per_s=policy.price_per_s,
        reserved_money=money.expected_money(
            members,
            overhead_s=policy.reserved_overhead_s,
            overhead_money=policy.overhead_money,
            price_per_s=policy.price_per_s,
        ),
        reason=reason,
        limit=limit,
    )


def _has_money(this: _Round, kernel: QueuedKernel, budgets: Sequence[Budget], now: datetime) -> bool:
    """Tell whether a batch of this kernel alone could be paid."""
    return money.lack(_reservations(this, [kernel], budgets, now), {b.budget_id: b for b in budgets}) is None


def _reservations(
    this: _Round, kernels: Sequence[QueuedKernel], budgets: Sequence[Budget], now: datetime
) -> tuple[Reservation, ...]:
    policy = this.policy
    return money.reservations(
        kernels,
        budgets,
        overhead_s=policy.reserved_overhead_s,
        overhead_money=policy.overhead_money,
        price_per_s=policy.price_per_s,
        now=now,
    )


def _hold(this: _Round, kernel_ids: Sequence[str], message: str, now: datetime) -> Generator[Effect, Any, None]:
    """Let kernels wait for money, by name: a bill may be lower than its reservation, or a person raise the limit."""
    yield Transaction(
        "hold",
        {
            "kernel_ids": tuple(dict.fromkeys(kernel_ids)),
            "not_before": now + timedelta(seconds=this.policy.budget_wait_s),
            "error_class": BudgetExceededError.__name__,
            "error_message": message,
        },
    )
