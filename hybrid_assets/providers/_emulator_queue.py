"""When an emulated job starts and ends, and what it is billed: pure arithmetic in whole microseconds.

Put time and money of jobs here; keep storage, faults and circuits out.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Microseconds in a second: times are kept as whole microseconds, which `datetime` holds exactly.
US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job that has not started."""

    job_id: str
    #: When it is through with the queue of other users' jobs, in microseconds since 1970.
    eligible_us: int
    #: How long it will hold its slot.
    run_us: int


def queue_wait_s(chance: float, *, median_s: float, sigma: float) -> float:
    """Return the quantile of a log-normal distribution at ``chance`` in [0, 1)."""
    quantile = min(max(chance, 1e-12), 1 - 1e-12)
    return median_s * math.exp(sigma * NormalDist().inv_cdf(quantile))


def plan_starts(
    waiting: Sequence[Waiting],
    *,
    busy_until_us: Sequence[int],
    slots: int,
    not_before_us: int,
    next_open_us: Callable[[int], int] = lambda moment: moment,
) -> list[int]:
    """Return the start of every waiting job: first in, first out, on ``slots`` parallel run slots.

    Args:
        waiting: Jobs in order of submission.
        busy_until_us: When each job that holds a slot gives it back.
        slots: Run slots of the device.
        not_before_us: No start may be earlier than this.
        next_open_us: Moves a start out of times in which nothing starts.

    Returns:
        Starts in microseconds, never decreasing, so no job overtakes another.
    """
    free = sorted(busy_until_us, reverse=True)[:slots]
    free += [not_before_us] * (slots - len(free))
    heapq.heapify(free)
    starts, previous = [], not_before_us
    for job in waiting:
        start = next_open_us(max(job.eligible_us, free[0], previous))
        heapq.heapreplace(free, start + job.run_us)
        starts.append(start)
        previous = start
    return starts


def billed_s(run_s: float, step_s: float) -> float:
    """Return a run time as it is billed: rounded up to a multiple of ``step_s``, where 0 means as it is.

    A run time that is a multiple up to rounding errors is not charged another step.
    """
    return run_s if step_s == 0 else math.ceil(round(run_s / step_s, 9)) * step_s
