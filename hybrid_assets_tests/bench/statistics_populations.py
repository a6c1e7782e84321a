"""Populations that intervals are tried on: few instances, bounded ratios, ties, failures, folds, nights with memory.

Put what is drawn, and its true mean and median, here; intervals are in `statistics_coverage`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

#: Distance of the two classes, in standard deviations.
_APART = 1.5
#: Median of a beta (2, 8) law, the root of its distribution function.
_MEDIAN_BETA = 0.1796196


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Effects an instance may have."""

    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    mean: float
    median: float


def _ties(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.where(rng.uniform(size=shape) < 0.6, 0.0, rng.normal(size=shape))


def _failures(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.where(rng.uniform(size=shape) < 0.5, 0.0, -1.0)


EFFECTS = {
    "normal": Population(draw=lambda rng, shape: rng.normal(size=shape), mean=0.0, median=0.0),
    "exponential": Population(draw=lambda rng, shape: rng.exponential(size=shape), mean=1.0, median=math.log(2)),
    "heavy tails (t with 1.5 degrees)": Population(
        draw=lambda rng, shape: rng.standard_t(1.5, size=shape), mean=0.0, median=0.0
    ),
    "ratios (1 - beta), bounded": Population(
        draw=lambda rng, shape: 1 - rng.beta(2, 8, size=shape), mean=0.8, median=1 - _MEDIAN_BETA
    ),
    "6 in 10 are ties, else normal": Population(draw=_ties, mean=0.0, median=0.0),
    # every number from -1 to 0 is a median of it; an interval has to hold one, and holds all if both are seen
    "ties, or a loss of 1 (failed), half each": Population(draw=_failures, mean=-0.5, median=-0.5),
}


def _shallow() -> tuple[np.ndarray, np.ndarray]:
    """Cuts of 30 edges, each cut with .7, in pairs that are cut or not together: wider than independent edges."""
    cut = np.arange(16)
    chances = np.array([math.comb(15, int(k)) * 0.7**k * 0.3 ** (15 - k) for k in cut])
    return 2.0 * cut, chances / chances.sum()


#: Values of one sample and their chances.
SAMPLED = {
    "cuts of a shallow circuit": _shallow(),
    "optimum .7, next .3": (np.array([24.0, 22.0]), np.array([0.7, 0.3])),
    "optimum .99, next .01": (np.array([24.0, 22.0]), np.array([0.99, 0.01])),
    "optimum .999, next .001": (np.array([24.0, 22.0]), np.array([0.999, 0.001])),
    "optimum always": (np.array([24.0, 22.0]), np.array([1.0, 0.0])),
}


def cross_validated(rng: np.random.Generator, draws: int, *, rows: int, folds: int) -> tuple[np.ndarray, float]:
    """Return the accuracies of the folds, shape (draws, folds), and what is estimated.

    The classifier parts two normal classes at the middle of their training means. What is estimated is its mean
    accuracy over training sets of the size that a fold leaves.
    """
    labels = np.arange(rows) // folds % 2  # both classes alike in every fold
    fold = np.arange(rows) % folds
    x = rng.normal(size=(draws, rows)) + _APART * labels
    accuracies, expected = np.empty((draws, folds)), np.empty((draws, folds))
    for k in range(folds):
        train, test = fold != k, fold == k
        cut = (x[:, train & (labels == 0)].mean(axis=1) + x[:, train & (labels == 1)].mean(axis=1)) / 2
        accuracies[:, k] = ((x[:, test] > cut[:, None]) == labels[test]).mean(axis=1)
        expected[:, k] = [(_normal(c) + _normal(_APART - c)) / 2 for c in cut]
    return accuracies, float(expected.mean())


def _normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def rank_correlations(
    rng: np.random.Generator, draws: int, *, nights: int, correlation: float, memory: float
) -> np.ndarray:
    """Return Spearman's correlation of so many nights, shape (draws,).

    Args:
        rng: Generator.
        draws: How many.
        nights: Nights each is made of.
        correlation: Pearson's correlation of the two normal variables on a night.
        memory: Correlation of each of them with its own value of the night before.
    """
    z = rng.normal(size=(2, draws, nights))
    for night in range(1, nights):
        z[:, :, night] = memory * z[:, :, night - 1] + math.sqrt(1 - memory**2) * z[:, :, night]
    other = correlation * z[0] + math.sqrt(1 - correlation**2) * z[1]
    ranks = [values.argsort(axis=1).argsort(axis=1) - (nights - 1) / 2 for values in (z[0], other)]
    return np.asarray((ranks[0] * ranks[1]).sum(axis=1) / (ranks[0] ** 2).sum(axis=1))
