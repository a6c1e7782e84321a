"""How many kernels the next jobs of a backend should hold, learned from its last jobs.

Put what turns observations of finished jobs into a size here; which kernels fill a job is `planning`'s.

A job of n kernels waits, is set up and runs: C + t n seconds, and all of it is lost with probability 1 - exp(-h n) when
each kernel may bring the job down at rate h. A finished kernel so costs f(n) = (C + t n) / (n exp(-h n)) seconds of a
slot, which is least where h t n^2 + h C n - C = 0. C, t and h are estimated; the size follows at once where that means
fewer kernels and by doubling where it means more. That size drains a long queue fastest. While the free slots can take
all that waits anyway, the smallest size is used that is not much slower: its kernels come back earlier. Additive
increase with multiplicative decrease knows neither C nor h and lost to the best fixed size on such traces.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.queue import BatchDecision

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

#: How much of the past one more job leaves: the last two or three jobs, and the last ten. The larger of the two failure
#: rates counts, so that a bad turn is seen at once and forgotten slowly.
_FAST_MEMORY, _SLOW_MEMORY = 0.6, 0.9
#: What is believed before the first job: one failure in 500 kernels, held as weakly as ten kernels weigh.
_PRIOR_FAILURES, _PRIOR_KERNELS = 0.02, 10.0
#: Weight of the newest job in the present latency, in the usual one, and in the seconds of a kernel.
_LATENCY_NOW, _LATENCY_USUAL, _KERNEL_S = 0.5, 0.2, 0.2
#: Least latency that is told apart, in seconds.
_LEAST_S = 1e-3
#: How much slower than the fastest drain a job may be while nothing has to be drained.
_EASY_FACTOR = 2.0
#: Halvings of an interval of sizes: 2^30 is more than any size.
_HALVINGS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRules:
    """Bounds of an adaptive size, in kernels, and how fast it may move."""

    start: int = 16
    smallest: int = 1
    largest: int = 1024
    #: Factor by which one job may let the size grow; 1: the size never grows.
    growth: float = 2.0
    #: Present over usual latency from which it is called a spike.
    spike: float = 3.0
    #: What the greatest spike leaves of the size while it lasts.
    spike_floor: float = 0.5
    #: Seconds a job costs on the QPU before its first kernel.
    job_overhead_s: float = 2.0
    #: Overhead over the time of the kernels that smaller jobs, made because nothing presses, may cost.
    overhead_share: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.start <= self.largest:
            raise ConfigurationError(
                f"Sizes must satisfy 1 <= smallest <= start <= largest, not {self.smallest}, {self.start}, "
                f"{self.largest}. Correct them in sweep.yaml."
            )
        if self.growth < 1 or self.spike <= 1 or not 0 < self.spike_floor <= 1:
            raise ConfigurationError(
                f"growth ({self.growth}) must be at least 1, spike ({self.spike}) above 1 and spike_floor "
                f"({self.spike_floor}) in (0, 1]. Correct them in sweep.yaml."
            )
        if self.job_overhead_s < 0 or self.overhead_share <= 0:
            raise ConfigurationError(
                f"job_overhead_s ({self.job_overhead_s}) must not be negative and overhead_share "
                f"({self.overhead_share}) must be positive. Correct them in sweep.yaml."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobObservation:
    """What a finished job tells about its backend; leave out jobs that one known kernel spoiled."""

    #: Kernels it held.
    size: int
    #: Seconds from its submission to its end.
    turnaround_s: float
    #: Seconds of it on the QPU.
    run_s: float
    is_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeState:
    """What is remembered of one backend's jobs: plain numbers, to be stored, or made again by `replay`."""

    rules: SizeRules = field(default_factory=SizeRules)
    #: Kernels that drain the queue fastest and that suffice while nothing presses, before rounding down; None: the
    #: start of the rules.
    exact_size: float | None = None
    exact_easy_size: float | None = None
    #: What a latency spike leaves of them for now.
    spike_factor: float = 1.0
    #: Failures and kernels at stake, each decayed fast and slowly.
    failures: tuple[float, float] = (0.0, 0.0)
    kernels: tuple[float, float] = (0.0, 0.0)
    #: Geometric means of the seconds a job spends off its kernels (waiting, set-up): now and usually; None: not seen.
    latency_now_s: float | None = None
    latency_usual_s: float | None = None
    #: Seconds a kernel runs.
    kernel_s: float = 1.0
    num_jobs: int = 0
    reason: str = "no job seen yet: the start of the rules"

    @property
    def size(self) -> int:
        """Kernels of the next job at most."""
        return self._rounded(self.exact_size)

    @property
    def easy_size(self) -> int:
        """Kernels of the next job while the free slots can take all that waits."""
        return self._rounded(self.exact_easy_size)

    @property
    def turnaround_s(self) -> float:
        """Expected seconds of a job of this size from submission to end; 0.0 before the first one."""
        return 0.0 if self.latency_usual_s is None else self.latency_usual_s + self.size * self.kernel_s

    def _rounded(self, exact: float | None) -> int:
        return max(self.rules.smallest, int((self.rules.start if exact is None else exact) * self.spike_factor))


def observe(state: SizeState, observation: JobObservation) -> SizeState:
    """Learn from one finished job: fewer kernels after failures or a latency spike, more when both have passed.

    Args:
        state: What was known before.
        observation: The job, in order of the jobs' ends.

    Returns:
        The new state; its ``reason`` says with figures why the size is what it is. The same arguments give the same.
    """
    seen = _remember(state, observation)
    failure_rate = _failure_rate(seen)
    latency_s = seen.latency_usual_s or _LEAST_S
    best = _best_size(failure_rate, latency_s=latency_s, kernel_s=seen.kernel_s)
    reason = f"{failure_rate:.2g} failures a kernel, {latency_s:.0f} s latency, {seen.kernel_s:.2g} s a kernel"
    ratio = (seen.latency_now_s or _LEAST_S) / latency_s
    is_spike = ratio > state.rules.spike
    if is_spike:
        reason += f", latency spike of {ratio:.1f} times the usual"
    size = _bounded(best, state, observation, may_grow=not (is_spike or observation.is_failed))
    easy = _easy_size(failure_rate, latency_s=latency_s, kernel_s=seen.kernel_s, rules=state.rules)
    decided = replace(
        seen,
        exact_size=size,
        exact_easy_size=max(float(state.rules.smallest), min(easy, size)),
        spike_factor=max(state.rules.spike_floor, state.rules.spike / ratio) if is_spike else 1.0,
    )
    word = "grow" if decided.size > state.size else "shrink" if decided.size < state.size else "keep"
    return replace(decided, reason=f"{word}: {reason}: best {best:.0f}")


def size_for(state: SizeState, *, waiting: int, free_slots: int) -> int:
    """Return how many kernels a job may hold when ``waiting`` of them could share ``free_slots`` jobs (at least 1)."""
    return max(state.easy_size, min(state.size, -(-waiting // free_slots)))


def replay(rules: SizeRules, observations: Iterable[JobObservation]) -> SizeState:
    """Return the state after these jobs, from the first on: what `observe` once decided, decided again."""
    return functools.reduce(observe, observations, SizeState(rules=rules))


def size_decision(state: SizeState, *, backend: str, decided_at: datetime) -> BatchDecision:
    """Return the row that says why the size is what it is."""
    return BatchDecision(
        decided_at=decided_at,
        backend=backend,
        batch_id=None,
        size=state.size,
        limit=state.rules.largest,
        reason=state.reason,
    )


def _remember(state: SizeState, observation: JobObservation) -> SizeState:
    # A failed job went down somewhere on its way: on average half of its kernels were at stake.
    at_stake = observation.size * (0.5 if observation.is_failed else 1.0)
    latency_s = max(observation.turnaround_s - observation.run_s, 0.0) + state.rules.job_overhead_s
    kernel_s = state.kernel_s
    if not observation.is_failed:
        newest_s = max(observation.run_s - state.rules.job_overhead_s, 0.0) / observation.size
        kernel_s += _KERNEL_S * (newest_s - kernel_s)
    return replace(
        state,
        failures=_decay(state.failures, float(observation.is_failed)),
        kernels=_decay(state.kernels, at_stake),
        latency_now_s=_blend(state.latency_now_s, latency_s, weight=_LATENCY_NOW),
        latency_usual_s=_blend(state.latency_usual_s, latency_s, weight=_LATENCY_USUAL),
        kernel_s=kernel_s,
        num_jobs=state.num_jobs + 1,
    )


def _decay(past: tuple[float, float], newest: float) -> tuple[float, float]:
    return _FAST_MEMORY * past[0] + newest, _SLOW_MEMORY * past[1] + newest


def _blend(past_s: float | None, newest_s: float, *, weight: float) -> float:
    """Move a geometric mean towards the newest value: waits are spread like a log-normal."""
    newest_s = max(newest_s, _LEAST_S)
    return newest_s if past_s is None else math.exp((1 - weight) * math.log(past_s) + weight * math.log(newest_s))


def _failure_rate(state: SizeState) -> float:
    return max(
        (failures + _PRIOR_FAILURES) / (kernels + _PRIOR_KERNELS)
        for failures, kernels in zip(state.failures, state.kernels, strict=True)
    )


def _best_size(failure_rate: float, *, latency_s: float, kernel_s: float) -> float:
    """Return the positive root of h t n^2 + h C n - C = 0, in the form that stays exact where t is 0."""
    lost = failure_rate * latency_s
    return 2 * latency_s / (lost + math.sqrt(lost * lost + 4 * failure_rate * kernel_s * latency_s))


def _easy_size(failure_rate: float, *, latency_s: float, kernel_s: float, rules: SizeRules) -> float:
    """Return the smallest size that drains at most `_EASY_FACTOR` slower than the best and keeps the overhead small."""

    def slot_s(size: float) -> float:
        return (latency_s / size + kernel_s) * math.exp(failure_rate * size)

    high = _best_size(failure_rate, latency_s=latency_s, kernel_s=kernel_s)
    low, enough_s = 0.0, _EASY_FACTOR * slot_s(high)
    for _ in range(_HALVINGS):  # slot_s falls from 0 to the best size
        middle = (low + high) / 2
        low, high = (middle, high) if slot_s(middle) > enough_s else (low, middle)
    return max(high, rules.job_overhead_s / (rules.overhead_share * max(kernel_s, _LEAST_S)))


def _bounded(best: float, state: SizeState, observation: JobObservation, *, may_grow: bool) -> float:
    """Let the size grow only as far as jobs of nearly that size were seen: small ones say little about large ones."""
    rules = state.rules
    now = float(rules.start) if state.exact_size is None else state.exact_size
    ceiling = min(now * rules.growth, max(now, observation.size * rules.growth)) if may_grow else now
    return max(float(rules.smallest), min(best, ceiling, float(rules.largest)))
