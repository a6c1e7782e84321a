"""What must hold in every schedule, by name: promises P1 to P5, at every instant and at the end.

Put invariants here; each raises `ViolationError` with its name and the figures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hybrid_assets.control import budgets
from hybrid_assets.control.effects import Find, Submit, Transaction
from hybrid_assets.errors import BackendUnavailableError, SubmissionUnknownError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BatchRecord, BudgetUnit, KernelState
from hybrid_assets.testing.simulation.scenario import BACKEND, PRICE_PER_S, SHOTS, Nature

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.control.effects import Effect
    from hybrid_assets.model.queue import DuplicateJob, QueuedKernel
    from hybrid_assets.testing.simulation.provider import Job
    from hybrid_assets.testing.simulation.world import World

#: Rounding of sums.
TOLERANCE = 1e-6


class ViolationError(AssertionError):
    """A promise was broken; the first word names it."""


def require(promise: str, holds: bool, figures: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise unless a promise holds."""
    if not holds:
        raise ViolationError(f"{promise}: {figures}")


@dataclass(slots=True)
class Watch:
    """Looks at the world after every effect and remembers what history must satisfy."""

    published: Counter[str] = field(default_factory=Counter)
    #: Batch id -> end of the present lease.
    leases: dict[str, datetime | None] = field(default_factory=dict)
    #: When a submission met an outage.
    refused_s: list[float] = field(default_factory=list)

    def after(self, world: World, effect: Effect, answer: Any) -> None:
        """Check what may have changed by an effect."""
        if isinstance(effect, Submit) and isinstance(answer, BackendUnavailableError):
            self.refused_s.append(world.now_s)
        if isinstance(effect, Find):
            listed = world.scenario.policy.supports_find
            require("P5 only listings that exist are asked for", listed, f"{effect.batch.batch_id[:8]}")
        if not isinstance(effect, Transaction):
            return
        records = [answer] if isinstance(answer, BatchRecord) else answer if effect.op == "claim" else []
        for record in records:
            if effect.op == "claim":
                until = self.leases.get(record.batch_id)
                free = until is None or until <= world.now
                require("P4 a live lease is nobody else's", free, f"{record.batch_id[:8]} claimed before {until}")
            self.leases[record.batch_id] = record.lease_until
        if effect.op == "finish_batch" and answer is not None:
            ending = effect.arguments["ending"]
            self.published.update(o.kernel_id for o in ending.outcomes if o.state is KernelState.DONE)
            twice = [name for name, times in self.published.items() if times > 1]
            require("P3 published at most once", not twice, f"{twice}")
        if effect.op in {"plan_batch", "finish_batch", "record_audit"}:
            _limits_hold(world)


def _limits_hold(world: World) -> None:
    """P4: slots and budgets, at this instant."""
    active = len(world.ledger.batches(backend=BACKEND, active_only=True))
    slots = world.scenario.policy.slots
    require("P4 slots", active <= slots, f"{active} batches active, {slots} slots")
    found = world.ledger.duplicates()
    duplicates = _in_units(world, _booked_s(world, found), sum(_shots(world, d.provider_job_id) for d in found))
    for budget in world.ledger.budgets():
        bound = budget.spent + budget.reserved
        most = budget.limit + duplicates[budget.unit] + TOLERANCE
        require("P4 budget", bound <= most, f"{bound:g} {budget.unit} spent or reserved of {budget.limit:g}")


def _in_units(world: World, worked_s: float, shots: float) -> dict[BudgetUnit, float]:
    """Return what budgets pay for seconds and shots; who bills money bills no seconds."""
    billed_s = 0.0 if world.scenario.bills_money else worked_s
    return {BudgetUnit.QPU_S: billed_s, BudgetUnit.MONEY: worked_s * PRICE_PER_S, BudgetUnit.SHOTS: shots}


def _booked_s(world: World, records: Sequence[BatchRecord | DuplicateJob]) -> float:
    """Return the seconds that the ledger knows to be billed, by their price where the bill is in money."""
    if world.scenario.bills_money:
        return sum((record.billed_money or 0.0) / PRICE_PER_S + record.billed_s for record in records)
    return sum(record.billed_s for record in records)


def _shots(world: World, job_id: str) -> int:
    """Return the shots a job really took: none where it never started, or was turned away unbilled."""
    job = world.provider.jobs[job_id]
    return SHOTS * len(job.kernel_ids) if job.executed_by(world.now_s) and job.worked_s > 0 else 0


def is_over(world: World) -> bool:
    """Tell whether every kernel is in a named state that it does not leave by itself, and no batch needs anybody."""
    kernels = world.ledger.kernels()
    if len(kernels) < len(world.scenario.kernels) or not all(_is_named(world, kernel) for kernel in kernels):
        return False
    return all(b.status.is_final and (b.sent_at is None or b.audited_at) for b in world.ledger.batches())


def _is_named(world: World, kernel: QueuedKernel) -> bool:
    waits_for_money = kernel.state is KernelState.READY and kernel.error_class == "BudgetExceededError"
    return kernel.state.is_final or (waits_for_money and not _can_be_paid(world, kernel))


def _can_be_paid(world: World, kernel: QueuedKernel) -> bool:
    """Tell whether every budget has room for a batch of this kernel alone."""
    found, policy = world.ledger.budgets(), world.scenario.policy
    parts = budgets.reservations(
        [kernel],
        found,
        overhead_s=policy.overhead_s,
        overhead_money=policy.overhead_money,
        price_per_s=policy.price_per_s,
        now=world.now,
    )
    return budgets.lack(parts, {budget.budget_id: budget for budget in found}) is None


def check_end(world: World) -> None:
    """Check everything that must hold when all is over."""
    kernels = {kernel.kernel_id: kernel for kernel in world.ledger.kernels()}
    batches = world.ledger.batches()
    _nothing_is_lost(world, kernels)
    _nothing_is_paid_twice(world, batches)
    _books_agree(world, batches)
    _ends_are_fair(world, kernels)
    _rates_hold(world)


def _nothing_is_lost(world: World, kernels: dict[str, QueuedKernel]) -> None:
    wanted = {kernel.kernel_id for kernel in world.scenario.kernels}
    require("P1 kernels conserved", set(kernels) == wanted, f"{sorted(set(kernels) ^ wanted)}")
    for name, kernel in kernels.items():
        if kernel.state is KernelState.DONE:
            job = world.provider.jobs.get(world.stored.get(name, ""))
            require("P1 result stored", job is not None, f"{name} is DONE, its result is not there")
            if job is not None:
                require("P3 right key", name in job.kernel_ids, f"{name} holds the result of {job.job_id}")


def _nothing_is_paid_twice(world: World, batches: Sequence[BatchRecord]) -> None:
    reported = {found.provider_job_id: found for found in world.ledger.duplicates()}
    followed = {batch.provider_job_id for batch in batches}
    unknown = {job.job_id for job in _left_to_a_person(world, batches)}
    ours: defaultdict[str, list[Job]] = defaultdict(list)
    useful: Counter[str] = Counter()
    for job in world.provider.jobs.values():
        if not job.by_network:
            ours[job.request_id].append(job)
        if job.executed_by(world.now_s):
            known = job.job_id in {*followed, *reported, *unknown}
            require("P2 every paid job is known", known, f"{job.job_id} ran, the ledger does not know it")
            is_usable = world.spoiled[job.job_id] <= world.scenario.policy.max_refetches
            # Which of two deliveries is followed is chance; the other is a reported duplicate, whatever came of it.
            if job.end.status is JobStatus.SUCCEEDED and is_usable and job.job_id in {*followed, *unknown}:
                useful.update(job.kernel_ids)
    for request_id, jobs in ours.items():
        require("P2 submitted once", len(jobs) == 1, f"{[j.job_id for j in jobs]} all carry {request_id[:8]}")
    twice = [name for name, times in useful.items() if times > 1]
    require("P2 executed once", not twice, f"{twice} ran with success more than once, for no fault of the network")
    deliveries = Counter(job.request_id for job in world.provider.jobs.values())
    for job_id in reported:
        times = deliveries[world.provider.jobs[job_id].request_id]
        require("P2 only duplicates are reported", times > 1, f"{job_id} is the only job of its request")


def _left_to_a_person(world: World, batches: Sequence[BatchRecord]) -> list[Job]:
    """Return the jobs that may not be known: where they cannot be listed, and a batch ended saying so."""
    if world.scenario.policy.supports_find:
        return []
    tags = {b.request_id for b in batches if b.error_class == SubmissionUnknownError.__name__}
    return [job for job in world.provider.jobs.values() if job.request_id in tags]


def _books_agree(world: World, batches: Sequence[BatchRecord]) -> None:
    ledger_s = _booked_s(world, [*batches, *world.ledger.duplicates()])
    unknown = {job.job_id: job for job in _left_to_a_person(world, batches) if job.executed_by(world.now_s)}
    books_s = world.provider.books_s(world.now_s) - sum(job.worked_s for job in unknown.values())
    require("P2 books agree", abs(ledger_s - books_s) < TOLERANCE, f"ledger {ledger_s:g} s, provider {books_s:g} s")
    used = _in_units(
        world, books_s, sum(_shots(world, job_id) for job_id in world.provider.jobs if job_id not in unknown)
    )
    for budget in world.ledger.budgets():
        require("P4 nothing stays reserved", abs(budget.reserved) < TOLERANCE, f"{budget}")
        is_right = abs(budget.spent - used[budget.unit]) < TOLERANCE
        require("P4 spent is used", is_right, f"{budget.spent:g} {budget.unit} spent, {used[budget.unit]:g} used")


def _ends_are_fair(world: World, kernels: dict[str, QueuedKernel]) -> None:
    """P5: each ends by name, and for what it is: the good ones are kept, nobody is given up for another's fault."""
    for name, kernel in kernels.items():
        nature = world.scenario.natures[name]
        if kernel.state is KernelState.DONE:
            require("P5 ends fairly", nature in {Nature.HEALTHY, Nature.SENSITIVE}, f"{name} is {nature} and DONE")
        elif kernel.state is KernelState.READY:
            require("P5 ends fairly", not _can_be_paid(world, kernel), f"{name} waits, though there is money")
        else:
            named = kernel.error_class is not None and kernel.error_message is not None
            require("P5 ends by name", named, f"{name} is {kernel.state} without a reason")
            require("P5 ends fairly", kernel.error_class in _MAY_END[nature], f"{name} is {nature}: {kernel}")


_BY_BAD_LUCK = {"TransientProviderError", "SubmissionUnknownError", "ResultIntegrityError"}
_MAY_END = {
    Nature.HEALTHY: _BY_BAD_LUCK,
    Nature.POISON: {*_BY_BAD_LUCK, "JobFailedError"},
    Nature.REFUSED: {*_BY_BAD_LUCK, "PermanentProviderError"},
    Nature.SENSITIVE: {*_BY_BAD_LUCK, "TargetMismatchError"},
}


def _rates_hold(world: World) -> None:
    policy = world.scenario.policy
    if policy.rate is not None:
        most = _most_in_window(world.posts_s, policy.rate.window_s)
        require("P4 rate", most <= policy.rate.limit, f"{most} submissions in {policy.rate.window_s:g} s")
    # Closed, each of its failures in a row meets the outage; those on their way then, one a worker, do too. A result
    # that was fetched before the outage may come in between and make it count anew.
    most = _most_in_window(world.watch.refused_s, policy.breaker.pause_s)
    bound = 2 * policy.breaker.threshold + world.scenario.num_workers
    require("P4 probes are few", most <= bound, f"{most} submissions met an outage in {policy.breaker.pause_s:g} s")


def _most_in_window(moments_s: Sequence[float], window_s: float) -> int:
    """Return the most moments in any half-open window."""
    first = most = 0
    for index, moment in enumerate(moments_s):
        while moments_s[first] <= moment - window_s:
            first += 1
        most = max(most, index - first + 1)
    return most
