"""What was spent, and budgets set by hand.

Put the arithmetic of money in `control.budgets` and `model.costs`; the settings' own limits are `queueing`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.errors import BudgetExceededError
from hybrid_assets.model.costs import money_of
from hybrid_assets.model.queue import BudgetUnit, KernelState
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.queueing import budget_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.queue import BatchRecord, Budget, DuplicateJob
    from hybrid_assets.runner.project import Project


def cost_of(
    project: Project, bill: BatchRecord | DuplicateJob | KernelResult, *, planned_price_per_s: float = 0.0
) -> float:
    """Return what was billed, in money. A local simulation, and what no longer stands in the settings, costs nothing.

    Args:
        project: The project.
        bill: A job's, a duplicate's, or a kernel's part of one.
        planned_price_per_s: What a second cost when the job was planned; 0: not known, then it is the settings' price.
    """
    known = project.settings.backends.get(bill.backend)
    price_per_s = planned_price_per_s or (known.price_per_s if known else 0.0)
    return money_of(bill.billed_s, bill.billed_money, price_per_s=price_per_s)


def set_limit(project: Project, *, team: str, window: str, unit: BudgetUnit, limit: float) -> tuple[Budget, int]:
    """Set one budget's limit by hand; it stays until the settings name another one.

    Kernels of the team that waited for money are looked at again at once.

    Args:
        project: The project.
        team: Whose.
        window: A night (``2026-11-20``) or a month (``2026-11``).
        unit: What it is counted in.
        limit: In that unit; below what is spent already it lets nothing more through.

    Returns:
        The budget, and how many kernels no longer wait for it.
    """
    name = budget_id(team, window, unit)
    budget = project.ledger.set_budget(name, team=team, window=window, limit=limit, unit=unit)
    return budget, len(_wake(project, budget))


def _wake(project: Project, budget: Budget) -> Sequence[str]:
    """Let kernels that wait for money be planned again now; where there is still too little, they are held again."""
    waiting = [
        kernel.kernel_id
        for kernel in project.ledger.kernels(states=(KernelState.READY,))
        if kernel.team == budget.team and kernel.error_class == BudgetExceededError.__name__
    ]
    return project.ledger.hold(
        waiting,
        not_before=utc_now(),
        error_class=BudgetExceededError.__name__,
        error_message=f"Waits to be planned again: {budget.budget_id} is {budget.limit:g} now.",
    )
