"""The arithmetic of a benchmark: parts of a bill, what batching saved, tails of latencies.

Put pure functions here; which jobs and kernels go into them is `benchmarking_rows`'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from hybrid_assets.control import objectives

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A bill that is a whole number of steps but for the last digits of a float is not rounded up to one more.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One QPU job's bill, in seconds or in money."""

    amount: float
    #: Whether its results are those that count: a failed job or a duplicate gave none.
    gave_results: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """Bills of some jobs, in the unit of the bills; the parts add up to the whole."""

    #: Of the circuits, in jobs that gave results.
    qpu: float
    #: Of those jobs themselves, whatever is in them.
    overhead: float
    #: Of failed jobs and duplicates, all of it.
    retry: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.qpu + self.overhead + self.retry


def cost_parts(bills: Sequence[Bill], *, job_overhead: float) -> CostParts:
    """Return what bills were for.

    Args:
        bills: Of all jobs, failed ones and duplicates too; all in seconds, or all in money.
        job_overhead: What a job is billed whatever is in it, in the same unit, as the provider states it; a job that
            was billed less had less of it.
    """
    good = [bill.amount for bill in bills if bill.gave_results]
    overhead = math.fsum(min(job_overhead, amount) for amount in good)
    return CostParts(
        qpu=math.fsum(good) - overhead,
        overhead=overhead,
        retry=math.fsum(bill.amount for bill in bills if not bill.gave_results),
    )


def alone(*, billed: float, share: float, job_overhead: float, bill_step: float) -> float:
    """Return what a kernel would have been billed in a job of its own.

    The overhead, its share of what the job was billed besides, rounded up to a step as every bill is. The job's own
    bill was rounded up too, so that this is at most one step a job too high; for a kernel that was alone it is the
    bill.

    Args:
        billed: Of the job that it was in, in seconds or in money, as the others.
        share: Its part of the job's executions, 0 to 1.
        job_overhead: See `cost_parts`.
        bill_step: Bills are multiples of it; 0: they are not rounded.
    """
    if billed <= 0:
        return 0.0
    overhead = min(job_overhead, billed)
    wanted = overhead + share * (billed - overhead)
    if bill_step <= 0:
        return wanted
    return math.ceil(wanted / bill_step - _TOLERANCE) * bill_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails:
    """How some latencies are spread; None: too few for it to be told."""

    n: int
    mean_s: float | None
    std_s: float | None
    median_s: float | None
    p95_s: float | None
    p99_s: float | None
    max_s: float | None


def tails(latencies_s: Sequence[float]) -> Tails:
    """Return mean, spread and nearest-rank quantiles.

    A quantile has no number where it would be the largest value by count alone: the 95th percentile takes 20 values,
    the 99th 100. The view ``benchmark_summary`` has the same rule in SQL.
    """
    ordered = sorted(latencies_s)
    return Tails(
        n=len(ordered),
        mean_s=fmean(ordered) if ordered else None,
        std_s=stdev(ordered) if len(ordered) > 1 else None,
        median_s=percentile(ordered, 50),
        p95_s=percentile(ordered, 95),
        p99_s=percentile(ordered, 99),
        max_s=ordered[-1] if ordered else None,
    )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the least of some increasing values that at least so many percent do not exceed; None: too few values."""
    if percent > 50 and len(ordered) * (100 - percent) < 100:
        return None
    return objectives.percentile(ordered, share=percent / 100)
