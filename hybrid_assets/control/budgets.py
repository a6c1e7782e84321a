"""Budgets in billed seconds: which a batch concerns, what it sets aside, what is charged in the end.

Put the arithmetic here; the ledger applies it inside its transactions.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hybrid_assets.model.queue import Reservation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.queue import Budget, QueuedKernel

#: Sums of float64 seconds differ in their last digits; a budget must not refuse its own exact limit.
TOLERANCE_S = 1e-9


def reservations(
    kernels: Sequence[QueuedKernel], budgets: Iterable[Budget], *, overhead_s: float, now: datetime
) -> tuple[Reservation, ...]:
    """Return what each budget sets aside for a batch: its team's kernels and their part of the job's overhead.

    Args:
        kernels: The batch.
        budgets: All budgets; one concerns a kernel if it is its team's and its window is the kernel's night or the
            present month (UTC).
        overhead_s: Billed seconds of a job apart from its kernels, shared by kernel.
        now: Time of the submission.
    """
    month = f"{now:%Y-%m}"
    cost_s: defaultdict[str, float] = defaultdict(float)
    for kernel in kernels:
        for budget in budgets:
            if budget.team == kernel.team and budget.window in {kernel.night, month}:
                cost_s[budget.budget_id] += kernel.expected_s + overhead_s / len(kernels)
    return tuple(Reservation(budget_id=name, reserved_s=cost_s[name]) for name in sorted(cost_s))


def room_s(budget: Budget) -> float:
    """Return the seconds neither spent nor set aside."""
    return budget.limit_s - budget.spent_s - budget.reserved_s


def has_room(budget: Budget, wanted_s: float) -> bool:
    """Tell whether so much may be set aside."""
    return wanted_s <= room_s(budget) + TOLERANCE_S


def charges(reservations: Iterable[Reservation], *, reserved_s: float, billed_s: float) -> Mapping[str, float]:
    """Return what each budget pays of a bill: in proportion to its part of the whole reservation.

    A bill without any reservation (a job expected to be free) is charged in full to each budget concerned.
    """
    return {
        part.budget_id: billed_s * (part.reserved_s / reserved_s if reserved_s > 0 else 1.0) for part in reservations
    }
