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
    """One QPU job's bill."""

    billed_s: float
    #: Whether its results are those that count: a failed job or a duplicate gave none.
    gave_results: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """Billed seconds of some jobs; the parts add up to the whole."""

    #: Of the circuits, in jobs that gave results.
    qpu_s: float
    #: Of those jobs themselves, whatever is in them.
    overhead_s: float
    #: Of failed jobs and duplicates, all of it.
    retry_s: float

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.qpu_s + self.overhead_s + self.retry_s


def cost_parts(bills: Sequence[Bill], *, job_overhead_s: float) -> CostParts:
    """Return what bills were for.

    Args:
        bills: Of all jobs, failed ones and duplicates too.
        job_overhead_s: Billed seconds of a job whatever is in it, as the provider states them; a job that was billed
            less had less of it.
    """
    good = [bill.billed_s for bill in bills if bill.gave_results]
    overhead_s = math.fsum(min(job_overhead_s, billed_s) for billed_s in good)
    return CostParts(
        qpu_s=math.fsum(good) - overhead_s,
        overhead_s=overhead_s,
        retry_s=math.fsum(bill.billed_s for bill in bills if not bill.gave_results),
    )


def alone_s(*, billed_s: float, share: float, job_overhead_s: float, bill_step_s: float) -> float:
    """Return what a kernel would have been billed in a job of its own.

    The overhead, its share of what the job was billed besides, rounded up to a step as every bill is. The job's own
    bill was rounded up too, so that this is at most one step a job too high; for a kernel that was alone it is the
    bill.

    Args:
        billed_s: Of the job that it was in.
        share: Its part of the job's executions, 0 to 1.
        job_overhead_s: See `cost_parts`.
        bill_step_s: Bills are multiples of it; 0: they are not rounded.
    """
    if billed_s <= 0:
        return 0.0
    overhead_s = min(job_overhead_s, billed_s)
    wanted_s = overhead_s + share * (billed_s - overhead_s)
    if bill_step_s <= 0:
        return wanted_s
    return math.ceil(wanted_s / bill_step_s - _TOLERANCE) * bill_step_s


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
