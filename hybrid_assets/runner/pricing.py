"""What kernels may cost a night, from the jobs they may become. The arithmetic of the ranges is `model.costs`'.

Put sums over kernels here; what one of them costs is asked in `queueing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.control.plans import PlanRules
from hybrid_assets.control.sizing import SizeState, size_for
from hybrid_assets.model.costs import NOTHING, Range, cost_range, money_of, money_range
from hybrid_assets.protocols import IterativeWorkload
from hybrid_assets.runner.backends import MEMORY, class_sizes, dispatch_policy, size_rules
from hybrid_assets.runner.driver import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.control.policy import DispatchPolicy
    from hybrid_assets.runner.orders import Cell
    from hybrid_assets.runner.project import Project
    from hybrid_assets.runner.queueing import KernelCost


def night_cost(project: Project, cell: Cell, costs: Sequence[KernelCost]) -> tuple[Range | None, Range | None]:
    """Return the seconds and the money that kernels may be billed, with the rounds that may follow."""
    if not costs:
        return NOTHING, NOTHING
    expected_s, policy = [cost.expected_s for cost in costs], dispatch_policy(project, cell.backend)
    limits, size = project.provider(cell.backend).limits(), next_size(project, cell.backend, expected_s)
    qpu_s = cost_range(
        expected_s,
        overhead_s=policy.overhead_s,
        limits=limits,
        batch_size=size,
        max_attempts=policy.retry.max_attempts,
        bill_step_s=policy.bill_step_s,
    )
    money = money_range(
        qpu_s,
        [cost.expected_money for cost in costs if cost.expected_money is not None],
        overhead_money=policy.overhead_money,
        limits=limits,
        batch_size=size,
        max_attempts=policy.retry.max_attempts,
        price_per_s=policy.price_per_s,
    )
    return _all_rounds(project, cell, qpu_s), _all_rounds(project, cell, money)


def most_of(policy: DispatchPolicy, cost: KernelCost) -> tuple[float, float]:
    """Return the most seconds and money that a kernel may be billed, all attempts, each in a job of its own."""
    seconds, attempts = policy.reserved_overhead_s + cost.expected_s, policy.retry.max_attempts
    money = None if policy.overhead_money is None else policy.overhead_money + (cost.expected_money or 0.0)
    return attempts * seconds, attempts * money_of(seconds, money, price_per_s=policy.price_per_s)


def _all_rounds(project: Project, cell: Cell, first: Range | None) -> Range | None:
    plugin, options, _ = project.workload(cell.workload)
    if first is None or not isinstance(plugin, IterativeWorkload):
        return first
    rounds = plugin.max_rounds(options)
    return Range(low=first.low, likely=first.likely * (1 + rounds) / 2, high=first.high * rounds)


def next_size(project: Project, backend: str, expected_s: Sequence[float]) -> int:
    """Return how many of some kernels, by their expected seconds, the backend's next job would hold at most."""
    policy, rules, plans = dispatch_policy(project, backend), size_rules(project, backend), PlanRules()
    recent = project.ledger.finished(backend, since=utc_now() - MEMORY)
    learned = class_sizes(rules, recent, classify=plans.time_class, reserved_overhead_s=policy.reserved_overhead_s)
    sizes = learned.get(plans.time_class(max(expected_s)), SizeState(rules=rules))
    return size_for(sizes, waiting=len(expected_s), free_slots=policy.slots)
