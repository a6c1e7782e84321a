"""Intervals, tests and corrections that every published number goes through.

Put distribution-free or textbook statistics here, each with its source; keep what they mean for a claim in `verdict`.
Where data cannot give an interval (fewer than two values) the ends are None: unknown is not infinite, and not zero.
Only `scipy.special` is used, and loaded when it is: it takes a tenth of the time of `scipy.stats`, yet 0.2 s.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybrid_assets.errors import ConfigurationError, ResultIntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Up to here the signed-rank null distribution is counted exactly; above, it is normal to four digits.
MAX_EXACT_PAIRS = 200
#: Successes, or failures, up to which Wilson's interval is modified.
_RARE = 2


class MedianInterval(NamedTuple):
    """Ends of an interval of a median, and the most that each of them risks."""

    low: float
    high: float
    #: Chance that the median is below ``low``, at most; above what was asked for where the values are too few.
    low_risk: float
    #: Chance that the median is above ``high``, at most.
    high_risk: float


def wilson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a success probability, modified near 0 and 1.

    Source: E. B. Wilson, JASA 22 (1927) 209. Of rare successes it covers 84 % where 95 % are wanted: for one or two of
    them the lower end is the p that gives as many with chance 1 - ``confidence``, and for one or two failures the upper
    end likewise (L. D. Brown, T. T. Cai, A. DasGupta, Statist. Sci. 16 (2001) 101, section 4.1, here by the binomial
    law). No successes give a lower end of exactly 0 and an upper end below 1; no trials say nothing: (0, 1).

    Raises:
        ResultIntegrityError: The counts are negative or there are more successes than trials.
    """
    from scipy.special import ndtri  # noqa: PLC0415 - see above

    tail = _upper_tail(confidence)
    if not 0 <= successes <= trials:
        raise ResultIntegrityError(
            f"{successes} successes in {trials} trials is impossible; check what was counted as a trial."
        )
    if trials == 0:
        return 0.0, 1.0
    z2 = float(ndtri(tail)) ** 2
    share = successes / trials
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    low = _least_share(successes, trials, center - half, confidence)
    return low, 1.0 - _least_share(trials - successes, trials, 1.0 - (center + half), confidence)


def _least_share(seen: int, trials: int, low: float, confidence: float) -> float:
    """Return the lower end of the share of what was seen so often, given Wilson's."""
    from scipy.special import betaincinv  # noqa: PLC0415 - see above

    if seen == 0:
        return 0.0
    if seen <= _RARE:
        low = min(low, float(betaincinv(seen, trials - seen + 1, 1 - confidence)))
    return max(0.0, low)


def weighted_mean_interval(
    values: Sequence[float] | np.ndarray,
    counts: Sequence[int] | np.ndarray,
    *,
    confidence: float = 0.95,
    chosen_from: int = 1,
) -> tuple[float | None, float | None, float | None]:
    """Return (mean, low, high) of a sample given as distinct values and how often each was seen.

    Student's interval for ``sum(counts)`` independent draws. All None without a draw; no interval from a single one.
    Where fewer than about 20 draws differ from the most frequent value it is too short, and of width 0 where none does:
    what was not seen is not in it.

    Args:
        values: Value of each distinct outcome, shape (outcomes,).
        counts: How often each was seen, shape (outcomes,).
        confidence: Coverage wanted, in (0, 1).
        chosen_from: Number of samples this one has the largest mean of, see `median_interval`.

    Raises:
        ResultIntegrityError: Shapes differ, a count is negative or a value that was seen is not finite.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - see above

    tail = _upper_tail(confidence)
    value, count = np.asarray(values, dtype=float), np.asarray(counts, dtype=float)
    if value.shape != count.shape or value.ndim != 1:
        raise ResultIntegrityError(f"{value.shape} values do not match {count.shape} counts.")
    if np.any(count < 0):
        raise ResultIntegrityError("A count is negative.")
    value, count = _finite(value[count > 0]), count[count > 0]
    size = float(count.sum())
    if size == 0:
        return None, None, None
    mean = float(np.clip(count @ value / size, value.min(), value.max()))
    if size < 2:
        return mean, None, None
    variance = float(count @ (value - mean) ** 2) / (size - 1)
    below, above = (float(stdtrit(size - 1, 1 - (1 - tail) / n)) for n in (chosen_from, 1))
    error = math.sqrt(variance / size)
    return mean, mean - below * error, mean + above * error


def t_interval(
    values: Sequence[float] | np.ndarray, *, confidence: float = 0.95
) -> tuple[float, float] | tuple[None, None]:
    """Return Student's interval of the mean of independent values; (None, None) for fewer than two.

    Raises:
        ResultIntegrityError: A value is not finite.
    """
    return _mean_interval(values, lambda size: 1 / size, confidence)


def corrected_resampled_interval(
    fold_values: Sequence[float] | np.ndarray, *, test_share: float, confidence: float = 0.95
) -> tuple[float, float] | tuple[None, None]:
    """Return an interval of the mean over cross-validation folds, whose training sets overlap.

    Source: Nadeau and Bengio, Machine Learning 52 (2003) 239: the variance of the mean is s^2 (1/k + test/train) for k
    folds in all, repetitions included. Not clipped to the range of an accuracy; (None, None) for fewer than two folds.

    Args:
        fold_values: One value a fold, shape (k,).
        test_share: Share of the rows in a test fold, for example 0.2 with five folds.
        confidence: Coverage wanted, in (0, 1).

    Raises:
        ConfigurationError: ``test_share`` is not in (0, 1).
        ResultIntegrityError: A value is not finite.
    """
    if not 0 < test_share < 1:
        raise ConfigurationError(f"test_share must lie between 0 and 1, got {test_share}.")
    return _mean_interval(fold_values, lambda folds: 1 / folds + test_share / (1 - test_share), confidence)


def median_interval(
    values: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
    chosen_from: int = 1,
    possible_range: tuple[float, float] = (-math.inf, math.inf),
) -> MedianInterval:
    """Return the interval of a median that inverts the sign test, from one order statistic to another.

    Source: W. R. Thompson, Ann. Math. Statist. 7 (1936) 122. Of n values the k-th least is above the median with chance
    P(B < k) at most, B binomial (n, 1/2): for every distribution, with ties too. The k taken is the largest whose risk
    is at most (1 - ``confidence``)/2, so that the coverage is never below ``confidence`` and seldom equal to it.

    Fewer than six values cannot reach 95 %: the ends are then the least and the largest, and the risks say what they
    are worth. A single value (or none) shows nothing of the spread: the answer is ``possible_range``.

    Args:
        values: One value an instance, shape (instances,), in any order.
        confidence: Coverage wanted, in (0, 1).
        chosen_from: Number of samples this one is the best of, which flatters it. The risk of the lower end is divided
            by it (Bonferroni); the upper end is not moved: being best only raises it.
        possible_range: Smallest and largest value the median could have.

    Raises:
        ResultIntegrityError: A value is not finite.
    """
    from scipy.special import bdtr  # noqa: PLC0415 - see above

    tail = 1 - _upper_tail(confidence)
    sample = np.sort(_finite(np.asarray(values, dtype=float)))
    if sample.size < 2:
        return MedianInterval(*possible_range, 0.0, 0.0)
    risks = bdtr(np.arange(sample.size // 2, dtype=float), sample.size, 0.5)
    low, high = (max(int(np.sum(risks <= most)), 1) - 1 for most in (tail / chosen_from, tail))
    return MedianInterval(float(sample[low]), float(sample[-1 - high]), float(risks[low]), float(risks[high]))


def paired_test(differences: Sequence[float] | np.ndarray) -> float:
    """Return the one-sided p-value of "the paired differences are positive".

    Wilcoxon's signed-rank test, conditional on the observed ranks. Zeros (ties of the pair) are ranked and then dropped
    (Pratt, JASA 54 (1959) 655), so that many ties weaken the evidence; equal magnitudes share their mean rank. Up to
    `MAX_EXACT_PAIRS` non-zero differences all sign flips are counted, ties included; above, a normal approximation with
    continuity correction is used. Nothing but zeros, or nothing at all, gives 1.

    Args:
        differences: One difference an instance, positive where the claim holds, shape (instances,).

    Raises:
        ResultIntegrityError: A difference is not finite.
    """
    from scipy.special import ndtr  # noqa: PLC0415 - see above

    sample = _finite(np.asarray(differences, dtype=float))
    doubled_ranks = _doubled_mean_ranks(np.abs(sample))[sample != 0]
    if doubled_ranks.size == 0:
        return 1.0
    observed = int(doubled_ranks[sample[sample != 0] > 0].sum())
    if doubled_ranks.size > MAX_EXACT_PAIRS:
        spread = math.sqrt(float(np.sum(doubled_ranks.astype(float) ** 2)) / 4)
        return float(ndtr(-(observed - 1 - float(doubled_ranks.sum()) / 2) / spread))
    share = np.zeros(int(doubled_ranks.sum()) + 1)
    share[0] = 1.0
    for rank in doubled_ranks:
        share[rank:] += share[:-rank].copy()
        share /= 2
    return min(1.0, float(share[observed:].sum()))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for their number, in the order given.

    Source: S. Holm, Scand. J. Statist. 6 (1979) 65; valid under any dependence between the tests.

    Raises:
        ResultIntegrityError: A p-value is not in [0, 1].
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ResultIntegrityError(f"A p-value is not between 0 and 1: {list(p_values)}.")
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = running
    return tuple(adjusted)


def time_to_solution(
    p_low: float, p_high: float, seconds_per_sample: float, confidence: float = 0.99
) -> tuple[float, float | None]:
    """Return (low, high) seconds until one sample is a solution with the given confidence.

    ``seconds * ln(1 - confidence) / ln(1 - p)``, at least one sample, at both ends of an interval of p (monotone). When
    p may be 0 only the lower end is known and the upper one is None, never an infinity that would enter an average.

    Args:
        p_low: Lower end of the success probability of one sample.
        p_high: Upper end, above 0 for any number of trials (`wilson_interval`).
        seconds_per_sample: End-to-end seconds of one sample.
        confidence: Wanted chance of at least one success, in (0, 1).

    Raises:
        ResultIntegrityError: The ends are no interval of a probability, the upper one is 0, or the time is negative.
    """
    _upper_tail(confidence)
    if not (0 <= p_low <= p_high <= 1 and p_high > 0):
        raise ResultIntegrityError(f"({p_low}, {p_high}) is no interval of a success probability; use wilson_interval.")
    if not (seconds_per_sample >= 0 and math.isfinite(seconds_per_sample)):
        raise ResultIntegrityError(f"A sample cannot take {seconds_per_sample} s.")

    def seconds(p: float) -> float:
        samples = 1.0 if p >= confidence else math.log1p(-confidence) / math.log1p(-p)
        return seconds_per_sample * samples

    high = seconds(p_low) if p_low > 0 else math.inf
    return seconds(p_high), high if math.isfinite(high) else None


def _upper_tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ConfigurationError(f"A confidence lies between 0 and 1, for example 0.95; got {confidence}.")
    return (1 + confidence) / 2


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.all(np.isfinite(values)):
        raise ResultIntegrityError("A value is not finite; decide what a missing value counts before the statistics.")
    return values


def _mean_interval(
    values: Sequence[float] | np.ndarray, variance_factor: Callable[[int], float], confidence: float
) -> tuple[float, float] | tuple[None, None]:
    from scipy.special import stdtrit  # noqa: PLC0415 - see above

    tail = _upper_tail(confidence)
    sample = _finite(np.asarray(values, dtype=float))
    if sample.size < 2:
        return None, None
    mean = float(np.clip(sample.mean(), sample.min(), sample.max()))
    half = float(stdtrit(sample.size - 1, tail)) * math.sqrt(
        float(np.sum((sample - mean) ** 2)) / (sample.size - 1) * variance_factor(sample.size)
    )
    return mean - half, mean + half


def _doubled_mean_ranks(magnitudes: np.ndarray) -> np.ndarray:
    """Return twice the mean rank of each magnitude, an integer even where ranks are shared."""
    _, group, size = np.unique(magnitudes, return_inverse=True, return_counts=True)
    last = np.cumsum(size)
    return np.asarray((2 * last - size + 1)[group])
