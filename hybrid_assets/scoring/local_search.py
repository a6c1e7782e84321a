"""Local search among points with a fixed number of ones: repair and swap descent.

Put moves here that keep or restore a cardinality, for workloads and baselines alike; the one-flip descent of problems
without a cardinality is `hybrid_assets.scoring.samples.descend`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hybrid_assets.model.problem import BinaryQuadratic

#: Gains below this share of the largest coefficient are rounding, not progress; without it two points of equal value
#: could be swapped for ever.
GAIN_TOLERANCE = 1e-12
#: Entries of the largest gain array of one block (32 MiB of float64).
BLOCK_ENTRIES = 4_000_000


def coupling_matrix(problem: BinaryQuadratic) -> np.ndarray:
    """Return the pair coefficients as a symmetric (n, n) float64 matrix with a zero diagonal."""
    matrix = np.zeros((problem.num_variables, problem.num_variables))
    if problem.pairs:
        i, j = np.asarray(problem.pairs).T
        matrix[i, j] = matrix[j, i] = problem.weights
    return matrix


def random_points(problem: BinaryQuadratic, *, num_points: int, rng: np.random.Generator) -> np.ndarray:
    """Draw feasible points uniformly; 0/1 uint8 array of shape (num_points, n)."""
    shape = (num_points, problem.num_variables)
    if problem.cardinality is None:
        return rng.integers(0, 2, size=shape, dtype=np.uint8)
    rank = rng.random(shape).argsort(axis=1).argsort(axis=1)
    return (rank < problem.cardinality).astype(np.uint8)


def restore_cardinality(problem: BinaryQuadratic, bits: np.ndarray) -> np.ndarray:
    """Make every point feasible by single flips, each time the one that costs least.

    Args:
        problem: Objective to maximize; without a cardinality the points come back unchanged.
        bits: 0/1 array of shape (points, n).

    Returns:
        A new 0/1 uint8 array of the same shape, every row with exactly ``problem.cardinality`` ones
        (all or none where the cardinality is out of range).
    """
    x = np.array(bits, dtype=np.uint8)
    if problem.cardinality is None:
        return x
    couplings = coupling_matrix(problem)
    slopes = np.asarray(problem.linear) + x @ couplings
    # A cardinality that no point can have leaves the nearest points there are.
    ones = min(max(problem.cardinality, 0), problem.num_variables)
    surplus = x.sum(axis=1, dtype=np.int64) - ones
    while (rows := np.flatnonzero(surplus)).size:
        step = -np.sign(surplus[rows])
        gain = np.where(x[rows] == (step < 0)[:, None], step[:, None] * slopes[rows], -np.inf)
        chosen = gain.argmax(axis=1)
        x[rows, chosen] ^= 1
        slopes[rows] += step[:, None] * couplings[chosen]
        surplus[rows] += step
    return x


def descend_by_swaps(problem: BinaryQuadratic, bits: np.ndarray) -> np.ndarray:
    """Improve every point by the best exchange of a one and a zero until no exchange helps.

    The counterpart of the one-flip descent for a problem with a cardinality: it maximizes, and ones stay as many.

    Args:
        problem: Objective to maximize.
        bits: 0/1 array of shape (points, n).

    Returns:
        A new 0/1 uint8 array of the same shape.
    """
    x = np.array(bits, dtype=np.uint8)
    couplings = coupling_matrix(problem)
    linear = np.asarray(problem.linear, dtype=float)
    block = max(1, BLOCK_ENTRIES // max(1, problem.num_variables**2))
    for start in range(0, x.shape[0], block):
        _swap_block(x[start : start + block], linear, couplings)
    return x


def _swap_block(x: np.ndarray, linear: np.ndarray, couplings: np.ndarray) -> None:
    """Descend all rows of ``x`` in place."""
    n = x.shape[1]
    threshold = GAIN_TOLERANCE * max(np.abs(linear).max(initial=0.0), np.abs(couplings).max(initial=0.0))
    slopes = linear + x @ couplings
    rows = np.arange(x.shape[0])
    while rows.size:
        leave = np.where(x[rows] == 1, -slopes[rows], -np.inf)
        enter = np.where(x[rows] == 0, slopes[rows], -np.inf)
        # The slope of the entering variable still counts its coupling to the leaving one.
        gain = (leave[:, :, None] + enter[:, None, :] - couplings).reshape(rows.size, n * n)
        best = gain.argmax(axis=1)
        helps = gain[np.arange(rows.size), best] > threshold
        rows, best = rows[helps], best[helps]
        out, into = best // n, best % n
        x[rows, out], x[rows, into] = 0, 1
        slopes[rows] += couplings[into] - couplings[out]
