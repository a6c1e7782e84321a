"""Search for the maximum of a function that can only be sampled: a batch of points a round, each with shot noise.

The surrogate is a Gaussian process: it takes every measured point with its own standard error, smooths over neighbors
and says how sure it is. Put the statistics of training here; what a point means belongs in `circuits.angles`, which
points are measured in `_maxcut_training`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

#: Radius of the first round, in the unit of the points, and its factor from round to round.
FIRST_RADIUS, SHRINK = 1.0, 0.7
#: Points drawn around the incumbent, of which a round takes the most promising ones. All numbers that a choice cannot
#: change: the last bits of linear algebra differ between machines, and other angles would be other kernels.
NUM_CANDIDATES = 256
#: Shares of a round's radius at which they are drawn, in turn: near the top only near points can be better.
NEARNESS = (1.0, 0.5, 0.25)
#: Length scales that are tried, separately for the first and the second half of the coordinates.
LENGTHS = (1.0, 1.6, 2.5, 4.0)
#: Amplitudes that are tried, in units of the spread of the measured means.
AMPLITUDES = (1.0, 2.0, 4.0)
#: Least standard error, as a share of that spread: keeps matrices invertible where there is hardly any shot noise.
MIN_ERROR = 1e-4
#: A spread below this share of the means is rounding: nothing depends on the points.
RELATIVE_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured so far."""

    #: Shape (points, dimensions), dimensions even.
    points: np.ndarray
    #: Mean objective of each point's samples (larger is better), shape (points,).
    means: np.ndarray
    #: Standard errors of the means, shape (points,).
    errors: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What a round's results say about the next round."""

    #: The measured point that is best once noise is smoothed away.
    incumbent: int
    #: Greatest expected improvement on the incumbent that a point nearby promises, in the unit of the objective.
    predicted_gain: float
    #: Points to measure next, shape (size, dimensions), the most promising one first.
    points: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surrogate:
    """A Gaussian process with a squared-exponential kernel, given what was measured."""

    measured: Measured
    #: Length scale of each coordinate, shape (dimensions,).
    lengths: np.ndarray
    variance: float
    offset: float
    #: Cholesky factor of the covariance of the measured means.
    factor: np.ndarray

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (expected objective, its covariance) at points: shapes (points,) and (points, points)."""
        across = self.variance * _likeness(self.measured.points / self.lengths, points / self.lengths)
        whitened = np.linalg.solve(self.factor, np.column_stack([self.measured.means - self.offset, across]))
        known, seen = whitened[:, 0], whitened[:, 1:]
        prior = self.variance * _likeness(points / self.lengths, points / self.lengths)
        return self.offset + seen.T @ known, prior - seen.T @ seen


def first_points(size: int, dims: int, *, seed: int) -> np.ndarray:
    """Return the origin and a spread around it, shape (size, dims).

    Orthogonal directions and their opposites at the first radius, then others at half of it, and so on in turn.
    """
    rng = np.random.default_rng(seed)
    points, radius = np.zeros((1, dims)), FIRST_RADIUS
    while len(points) < size:
        directions = np.linalg.qr(rng.normal(size=(dims, dims)))[0]
        points = np.concatenate([points, radius * directions, -radius * directions])
        radius = 1.5 * FIRST_RADIUS - radius
    return points[:size]


def next_step(measured: Measured, *, round_index: int, size: int, seed: int) -> Step:
    """Return the incumbent, what another round promises and its points.

    Candidates are normal around the incumbent, with a radius that shrinks by `SHRINK` from round to round. The first
    one taken is where the surrogate is largest; the others are where it is largest with one standard deviation added,
    taking into account those already taken (GP-BUCB: Desautels et al., JMLR 15 (2014) 3873). The gain is the greatest
    expected improvement E[max(0, f(x) - f(incumbent))] (Jones et al., J. Global Optim. 13 (1998) 455), from the joint
    distribution of both: the incumbent's own value is not known either.

    Args:
        measured: Everything measured so far, at least one point.
        round_index: Number of the round to come, from 1.
        size: Points of it, less than `NUM_CANDIDATES`.
        seed: Seed of the candidates.
    """
    surrogate = fit(measured)
    incumbent = best_point(measured, surrogate)
    center = measured.points[incumbent]
    radii = FIRST_RADIUS * SHRINK**round_index * np.resize(NEARNESS, (NUM_CANDIDATES, 1))
    draws = radii * np.random.default_rng(seed).normal(size=(NUM_CANDIDATES, center.size))
    candidates = np.vstack([center, center + draws])
    mean, covariance = surrogate.predict(candidates)
    return Step(
        incumbent=incumbent,
        predicted_gain=float(_expected_improvement(mean, covariance)[1:].max()),
        points=candidates[_batch(mean, covariance, noise=float(np.median(measured.errors)), size=size)],
    )


def best_point(measured: Measured, surrogate: Surrogate | None = None) -> int:
    """Return the measured point with the largest smoothed mean: a lucky one among poor neighbors is not taken."""
    mean, _ = (surrogate or fit(measured)).predict(measured.points)
    return int(mean.argmax())


def fit(measured: Measured) -> Surrogate:
    """Return the surrogate whose length scales and amplitude make the measured means most likely."""
    offset = float(measured.means.mean())
    rounding = RELATIVE_ROUNDING * max(1.0, abs(offset))
    spread = max(float(measured.means.std()), float(measured.errors.max()), rounding)
    noise = np.diag(np.maximum(measured.errors, MIN_ERROR * spread) ** 2)
    half = measured.points.shape[1] // 2
    evidence, surrogates = [], []
    for first, second, amplitude in itertools.product(LENGTHS, LENGTHS, AMPLITUDES):
        lengths = np.repeat([first, second], half)
        variance = (amplitude * spread) ** 2
        scaled = measured.points / lengths
        factor = np.linalg.cholesky(variance * _likeness(scaled, scaled) + noise)
        whitened = np.linalg.solve(factor, measured.means - offset)
        evidence.append(-0.5 * float(whitened @ whitened) - float(np.log(np.diag(factor)).sum()))
        surrogates.append(
            Surrogate(measured=measured, lengths=lengths, variance=variance, offset=offset, factor=factor)
        )
    return surrogates[int(np.argmax(evidence))]


def _likeness(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((left[:, None] - right[None]) ** 2).sum(axis=2)))


def _expected_improvement(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the expected improvement of each point on point 0."""
    from scipy.special import ndtr  # noqa: PLC0415 - a fifth of a second that only training needs

    gain = mean - mean[0]
    variance = np.diag(covariance) + covariance[0, 0] - 2 * covariance[0]
    deviation = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    z = gain / deviation
    return np.asarray(gain * ndtr(z) + deviation * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))


def _batch(mean: np.ndarray, covariance: np.ndarray, *, noise: float, size: int) -> list[int]:
    """Choose points other than 0, which is measured already."""
    left, covariance = mean.copy(), covariance.copy()
    left[0] = -np.inf
    chosen: list[int] = []
    while len(chosen) < size:
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0)) if chosen else 0.0
        k = int((left + deviation).argmax())
        chosen.append(k)
        left[k] = -np.inf
        column = covariance[:, k]
        if (total := covariance[k, k] + noise**2) > 0:
            covariance = covariance - np.outer(column, column) / total
    return chosen
