"""Budgets in seconds, shots and money: which a batch concerns, what it sets aside, what is charged in the end.

Put the arithmetic here; the ledger applies it inside its transactions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.costs import money_of
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BudgetUnit, Reservation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.ledger import BatchEnding
    from hybrid_assets.model.queue import BatchRecord, Budget, DuplicateJob, QueuedKernel

    #: What says how a job ended and what it was billed.
    Ended = BatchEnding | BatchRecord | DuplicateJob

#: Sums of floats differ in their last digits; a budget must not refuse its own exact limit. A part of the limit,
#: or of one unit where the limit is smaller.
TOLERANCE = 1e-9

_NAMES = {BudgetUnit.QPU_S: "s", BudgetUnit.SHOTS: "shots", BudgetUnit.MONEY: "of money"}


def reservations(
    kernels: Sequence[QueuedKernel],
    budgets: Collection[Budget],
    *,
    overhead_s: float,
    overhead_money: float | None = None,
    price_per_s: float = 0.0,
    now: datetime,
) -> tuple[Reservation, ...]:
    """Return what each budget sets aside for a batch: its team's kernels and their part of the job's overhead.

    Args:
        kernels: The batch.
        budgets: All budgets; one concerns a kernel if it is its team's and its window is the kernel's night or the
            present month (UTC). A budget in money concerns only what is paid for.
        overhead_s: Billed seconds of a job apart from its kernels, shared by kernel.
        overhead_money: The same in money, where the provider bills money; None: it bills seconds.
        price_per_s: What a billed second costs on this backend; 0 where nothing is paid, or the bill is in money.
        now: Time of the submission.
    """
    month, size = f"{now:%Y-%m}", len(kernels)
    amounts: defaultdict[str, float] = defaultdict(float)
    is_paid = price_per_s > 0 or overhead_money is not None
    concerned = [budget for budget in budgets if is_paid or budget.unit is not BudgetUnit.MONEY]
    units = {budget.budget_id: budget.unit for budget in concerned}
    part = None if overhead_money is None else overhead_money / size
    for kernel in kernels:
        money = expected_money([kernel], overhead_s=overhead_s / size, overhead_money=part, price_per_s=price_per_s)
        cost = {
            BudgetUnit.QPU_S: kernel.expected_s + overhead_s / size,
            BudgetUnit.MONEY: money,
            BudgetUnit.SHOTS: float(kernel.executions),
        }
        for budget in concerned:
            if budget.team == kernel.team and budget.window in {kernel.night, month}:
                amounts[budget.budget_id] += cost[budget.unit]
    return tuple(Reservation(budget_id=name, amount=amounts[name], unit=units[name]) for name in sorted(amounts))


def expected_money(
    kernels: Sequence[QueuedKernel], *, overhead_s: float, overhead_money: float | None, price_per_s: float
) -> float:
    """Return what a job of some kernels is expected to cost in money; the arguments are those of `reservations`."""
    # A kernel queued before prices were kept has none: its seconds were units of money then, which is its share.
    money = None if overhead_money is None else overhead_money + sum(kernel.share for kernel in kernels)
    return money_of(overhead_s + sum(kernel.expected_s for kernel in kernels), money, price_per_s=price_per_s)


def room(budget: Budget) -> float:
    """Return what is neither spent nor set aside, in the budget's unit."""
    return budget.limit - budget.spent - budget.reserved


def has_room(budget: Budget, wanted: float) -> bool:
    """Tell whether so much of the budget's unit may be set aside."""
    return wanted <= room(budget) + TOLERANCE * max(budget.limit, 1.0)


def known_budget(known: Budget | None, new: Budget) -> Budget:
    """Return a budget as it is after being set: what is reserved and spent stays.

    Raises:
        ConfigurationError: It is known with another unit.
    """
    if known is None:
        return new
    if known.unit is not new.unit:
        raise ConfigurationError(
            f"Budget {known.budget_id} is kept in {known.unit}, not in {new.unit}, and what is booked in it cannot be "
            "converted. Give the new budget another id."
        )
    return replace(new, reserved=known.reserved, spent=known.spent)


def lack(reservations: Iterable[Reservation], budgets: Mapping[str, Budget]) -> str | None:
    """Return why the first budget that has no room refuses, naming it; None where all have room.

    Args:
        reservations: What is wanted.
        budgets: By id; one that is not there, or is kept in another unit, refuses.
    """
    for part in reservations:
        wanted = f"{part.amount:g} {_NAMES[part.unit]} wanted of {part.budget_id}"
        budget = budgets.get(part.budget_id)
        if budget is None:
            return f"{wanted}, no such budget."
        if budget.unit is not part.unit:
            return f"{wanted}, it is kept in {budget.unit}."
        if not has_room(budget, part.amount):
            return f"{wanted}, {room(budget):g} {_NAMES[part.unit]} left."
    return None


def allowance_s(batch: BatchRecord, budgets: Mapping[str, Budget]) -> float | None:
    """Return how many seconds a job may be billed before the first budget breaks; None where no budget counts them.

    What a budget has set aside for the batch and what it has left over may be used up. A job pays from each budget in
    proportion to what that set aside (`charges`), so a budget with a part p of the reservation allows 1 / p as much.
    Estimates are guesses and a job may hang: who bills by time is told this limit with the job. Of jobs sent at the
    same time each may use what is left over. A bill that is made in money does not grow with time.

    Args:
        batch: The batch, with what it set aside.
        budgets: By id, as they are now.
    """
    units = {BudgetUnit.QPU_S, BudgetUnit.MONEY} if batch.price_per_s > 0 else {BudgetUnit.QPU_S}
    allowed = [
        (part.amount + max(room(budgets[part.budget_id]), 0.0)) * batch.reserved_s / part.amount
        for part in batch.reservations
        if part.unit in units and part.amount > 0 and part.budget_id in budgets
    ]
    return min(allowed, default=None)


def charges(batch: BatchRecord, job: Ended) -> Mapping[str, float]:
    """Return what each budget pays for a job of a batch, in its own unit.

    Seconds and money follow the bill, in proportion to the budget's part of the whole reservation; a bill without any
    reservation (a job expected to be free) is charged in full to each budget concerned. Shots are charged as they were
    set aside when the job was executed, else not at all.

    Args:
        batch: The batch, with what it set aside.
        job: How its job, or a duplicate of that, ended and what it was billed.
    """
    return {part.budget_id: _charge(batch, part, job) for part in batch.reservations}


def was_executed(job: Ended) -> bool:
    """Tell whether a job took the backend's time: it succeeded, or anything was billed for it."""
    return job.status is JobStatus.SUCCEEDED or job.billed_s > 0 or (job.billed_money or 0.0) > 0


def _charge(batch: BatchRecord, part: Reservation, job: Ended) -> float:
    if part.unit is BudgetUnit.SHOTS:
        return part.amount if was_executed(job) else 0.0
    bill, reserved = job.billed_s, batch.reserved_s
    if part.unit is BudgetUnit.MONEY:
        bill = money_of(job.billed_s, job.billed_money, price_per_s=batch.price_per_s)
        reserved = batch.reserved_money
    return bill * (part.amount / reserved) if reserved > 0 else bill
