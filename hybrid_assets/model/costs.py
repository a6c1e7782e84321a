"""What work costs: the money of a bill; before it is done, ranges, and how they follow from expected seconds.

Put estimates, and whatever multiplies seconds by their price, here; what a plan says is `plans`', what may be spent is
`control.budgets`' and `control.gates`'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid_assets.errors import HybridAssetsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hybrid_assets.model.jobs import JobLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An amount that is not known exactly.

    Raises:
        HybridAssetsError: Not ``0 <= low <= likely <= high < infinity``.
    """

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.likely <= self.high < math.inf:
            raise HybridAssetsError(
                f"A range needs 0 <= low <= likely <= high < infinity, not {self.low}, {self.likely}, {self.high}. "
                "This is a bug in what computed it."
            )

    def times(self, factor: float) -> Range:
        """Return the amount in another unit, for example seconds times the price of one."""
        return Range(low=self.low * factor, likely=self.likely * factor, high=self.high * factor)

    def __add__(self, other: Range) -> Range:
        return Range(low=self.low + other.low, likely=self.likely + other.likely, high=self.high + other.high)


NOTHING = Range(low=0.0, likely=0.0, high=0.0)


def total(amounts: Iterable[Range | None]) -> Range | None:
    """Return the sum; None when one amount is not known."""
    added = NOTHING
    for amount in amounts:
        if amount is None:
            return None
        added += amount
    return added


def cost_range(
    expected_s: Sequence[float],
    *,
    overhead_s: float,
    limits: JobLimits,
    batch_size: int,
    retry_share: float = 0.05,
    max_attempts: int = 3,
    bill_step_s: float = 0.0,
) -> Range | None:
    """Return the billed seconds of n kernels, from the fewest jobs to one job a kernel and attempt.

    With e = ``expected_s``, o = ``overhead_s``, E = sum of e, m = ``limits.max_pubs``, r = ``limits.max_run_s`` and
    s = ``bill_step_s``::

        jobs_low = max(ceil(n / m), ceil(E / (r - o))), between 1 and n; a limit that is not known is left out
        low      = jobs_low x o + E
        likely   = (jobs x (o + s / 2) + E) x (1 + retry_share), jobs = max(jobs_low, ceil(n / batch_size))
        high     = max_attempts x sum over kernels of (o + e, rounded up to whole s); likely is never above it

    ``high`` leaves out what only a failing provider bills: jobs that fail as a whole and are split until the poison
    kernel is found, and duplicates nobody asked for. The budget bounds those.

    Args:
        expected_s: Seconds of each new kernel, the job's overhead apart.
        overhead_s: Billed seconds of a job apart from its kernels.
        limits: Limits of one job.
        batch_size: Kernels of the next job as `control.sizing` has it now.
        retry_share: Part of the work that is expected to be executed again.
        max_attempts: Attempts after which a kernel is given up.
        bill_step_s: The bill of a job is rounded up to whole steps; 0: it is not.

    Returns:
        The range, zero without any kernel; None when a figure is not a finite number of at least 0.
    """
    if not expected_s:
        return NOTHING
    figures = (*expected_s, overhead_s, retry_share, bill_step_s)
    if not all(math.isfinite(figure) and figure >= 0 for figure in figures):
        return None
    count, own_s = len(expected_s), math.fsum(expected_s)
    jobs_low = _fewest_jobs(count, own_s, overhead_s=overhead_s, limits=limits)
    jobs = max(jobs_low, math.ceil(count / max(batch_size, 1)))
    attempts = max(max_attempts, 1)
    low = jobs_low * overhead_s + own_s
    likely = (jobs * (overhead_s + bill_step_s / 2) + own_s) * (1 + retry_share)
    high = attempts * math.fsum(_rounded_up(overhead_s + each_s, bill_step_s) for each_s in expected_s)
    # Sums in another order differ in their last digits; half a step and the share are guesses: their order is a rule.
    high = max(high, low)
    return Range(low=low, likely=min(max(likely, low), high), high=high)


def money_of(seconds: float, money: float | None, *, price_per_s: float) -> float:
    """Return what a bill comes to in money: as the provider says, or where it bills seconds, those times their price.

    Args:
        seconds: Billed, or expected to be.
        money: The same bill as the provider makes it in money; None: it bills seconds.
        price_per_s: What a second costs; 0 where nothing is paid.
    """
    return seconds * price_per_s if money is None else money


def money_range(
    qpu_s: Range | None,
    expected_money: Sequence[float],
    *,
    overhead_money: float | None,
    limits: JobLimits,
    batch_size: int,
    max_attempts: int,
    price_per_s: float,
) -> Range | None:
    """Return the money of n kernels: `cost_range` of their prices, or of billed seconds those times what one costs.

    Args:
        qpu_s: Their seconds, as `cost_range` has them.
        expected_money: Price of each new kernel, the job's own apart, where the provider bills money.
        overhead_money: Price of a job apart from its kernels; None: the provider bills seconds.
        limits: Limits of one job. How many seconds it may take says nothing about prices and is left out.
        batch_size: See `cost_range`, as ``max_attempts``.
        max_attempts: Attempts after which a kernel is given up.
        price_per_s: What a second costs.
    """
    if overhead_money is None:
        return None if qpu_s is None else qpu_s.times(price_per_s)
    return cost_range(
        expected_money,
        overhead_s=overhead_money,
        limits=replace(limits, max_run_s=None),
        batch_size=batch_size,
        max_attempts=max_attempts,
    )


def _fewest_jobs(count: int, own_s: float, *, overhead_s: float, limits: JobLimits) -> int:
    by_pubs = math.ceil(count / limits.max_pubs) if limits.max_pubs else 1
    room_s = math.inf if limits.max_run_s is None else limits.max_run_s - overhead_s
    by_time = math.ceil(min(own_s / room_s, count)) if room_s > 0 else count
    return min(max(by_pubs, by_time, 1), count)


def _rounded_up(seconds: float, step_s: float) -> float:
    return math.ceil(seconds / step_s) * step_s if step_s > 0 else seconds
