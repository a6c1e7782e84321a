"""How far a noisy backend's value may be from the known one: an interval that errors and chance explain.

Put the arithmetic of what noise explains here; which circuits have known values is `circuits.reference`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Chance that a row of a sound backend is outside its interval, at most: that of five sigma of a normal law, 5.7e-7.
FALSE_ALARM = math.erfc(5 / math.sqrt(2))
#: An error e of one qubit's gate or readout takes 2 e of a value's distance from the uniform one (4 e / 3 for two
#: qubits), so the square of the expected success is what the calibration itself explains.
SEEN_POWER = 2
#: Half as much again, in the logarithm, for what a product of errors does not see: idling, crosstalk, drift.
UNSEEN = 1.5
#: Rounding of sums of floats; far below any chance.
ROUNDING = 1e-9
#: Strengths of the errors that are looked at, from the strongest to none: between two the bounds hardly move.
_STRENGTHS = 9
#: Halvings that find a bound to the last digit.
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """What is known of the value of one shot, which lies in 0 .. 1, under some distribution; one entry a row."""

    mean: np.ndarray
    #: Mean of the square.
    square: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tolerance:
    """The values that are explained, ends included, one entry a row."""

    low: np.ndarray
    high: np.ndarray
    #: Values under uniformly random bits.
    uniform: np.ndarray

    def holds(self, observed: np.ndarray) -> np.ndarray:
        """Tell which observed values are explained, shape (rows,)."""
        return np.asarray((observed >= self.low - ROUNDING) & (observed <= self.high + ROUNDING))

    @property
    def has_power(self) -> bool:
        """Whether random bits would be noticed, in one row at least; else a pass would say nothing."""
        return not bool(self.holds(self.uniform).all())


def tolerance(ideal: Moments, uniform: Moments, *, success: float, bias: np.ndarray | float, shots: int) -> Tolerance:
    """Return which mean values of a row's shots errors and chance explain.

    With s = ``success``, every error taken as a step towards the uniform distribution::

        mean       m(w) = (1 - w) uniform + w ideal, s**3 <= w <= 1, and the mean square likewise
        explained  [min over w of lower(m(w)) - bias, max over w of upper(m(w)) + bias]

    where ``lower`` and ``upper`` are Hoeffding's bounds, see `chance_bounds`. A backend whose shots are so distributed
    is outside with probability `FALSE_ALARM` a row at most. Without errors (s = 1) only chance is left, and a value
    that is certain must be seen in every shot.

    Args:
        ideal: Of the value without errors.
        uniform: Of the value under uniformly random bits.
        success: Expected success of the circuit, from 0 to 1.
        bias: Most that errors with a direction move a value, see `readout_bias`; shape (rows,) or one for all.
        shots: Shots of each row.
    """
    bounds = []
    for weight in np.linspace(success ** (SEEN_POWER * UNSEEN), 1.0, _STRENGTHS):
        mean = uniform.mean + weight * (ideal.mean - uniform.mean)
        variance = uniform.square + weight * (ideal.square - uniform.square) - mean**2
        bounds.append([chance_bounds(float(m), float(v), shots) for m, v in zip(mean, variance, strict=True)])
    low, high = np.min(bounds, axis=0)[:, 0], np.max(bounds, axis=0)[:, 1]
    return Tolerance(low=np.clip(low - bias, 0.0, 1.0), high=np.clip(high + bias, 0.0, 1.0), uniform=uniform.mean)


def readout_bias(influence: np.ndarray, readout: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return the most that readouts which err more often one way than the other move a value, shape (rows,).

    A readout with a = P(1|0) and b = P(0|1) is one that flips with (a + b)/2, and a shift of P(1) by (a - b)/2 that is
    no step towards the uniform distribution. A shift d of one bit moves the value by |d| times its influence at most.
    Half as much again is added, see `UNSEEN`.

    Args:
        influence: Most that a value changes with one bit, shape (rows, n).
        readout: (P(1|0), P(0|1)) of the qubit behind each bit; empty where nothing is known.
    """
    if not readout:
        return np.zeros(influence.shape[0])
    shift = np.array([abs(p_one_for_zero - p_zero_for_one) / 2 for p_one_for_zero, p_zero_for_one in readout])
    return np.asarray(UNSEEN * influence @ shift)


def chance_bounds(mean: float, variance: float, shots: int, *, probability: float = FALSE_ALARM) -> tuple[float, float]:
    """Return what the average of independent shots with values from 0 to 1 stays between.

    By Hoeffding (doi:10.1080/01621459.1963.10500830, theorem 3), with b = 1 - mean and v = ``variance``, the average
    exceeds the mean by t with probability exp(-shots KL(p + t b/(b^2 + v), p)) at most, where p = v/(b^2 + v) and
    KL(x, p) = x ln(x/p) + (1 - x) ln((1 - x)/(1 - p)); likewise below, with b = mean. For a value that is 0 or 1 this
    is Chernoff's bound. Five normal sigma, of the same probability, are too few where the mean is near 0 or 1.

    Args:
        mean: Of one shot.
        variance: Of one shot.
        shots: How many.
        probability: Of being outside, at most; half of it on each side.
    """
    exponent = math.log(2 / probability) / shots
    return mean - _excess(1.0 - mean, variance, exponent), mean + _excess(mean, variance, exponent)


def _excess(mean: float, variance: float, exponent: float) -> float:
    """Return the most that the average exceeds its mean by."""
    room = 1.0 - mean
    if room <= 0.0 or variance <= 0.0:
        return 0.0
    spread = room**2 + variance
    start = variance / spread
    return (_upper(start, exponent) - start) * spread / room


def _upper(start: float, exponent: float) -> float:
    """Return the largest x from ``start`` to 1 with KL(x, start) <= exponent, for a start inside 0 .. 1."""
    if -math.log(start) <= exponent:
        return 1.0
    inside, outside = start, 1.0
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if _divergence(middle, start) <= exponent:
            inside = middle
        else:
            outside = middle
    return outside


def _divergence(x: float, start: float) -> float:
    rest = (1 - x) * math.log((1 - x) / (1 - start)) if x < 1.0 else 0.0
    return x * math.log(x / start) + rest
