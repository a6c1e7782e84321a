"""Distributions -> counts: seeded sampling and small operations on distributions. Numpy only; keep simulators out.

A distribution is a row of a float64 array of shape (rows, 2**n); its index is the outcome, bit i of it classical bit i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.jobs import RawCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: How far a distribution may be from sum 1 before it is refused rather than normalized.
SUM_TOLERANCE = 1e-6


def sample(chunks: Iterable[np.ndarray], *, num_bits: int, shots: int, seed: int) -> RawCounts:
    """Draw ``shots`` outcomes from every row.

    Args:
        chunks: Distributions of consecutive rows, each of shape (rows of the chunk, 2**num_bits). How rows are chunked
            does not change the result.
        num_bits: n.
        shots: Shots a row.
        seed: Seeds one generator that all rows share in order.

    Raises:
        ResultIntegrityError: A row is not a distribution.
    """
    generator = np.random.default_rng(seed)
    outcomes, counts, sizes = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], [0]
    for chunk in chunks:
        for row in chunk:
            seen, times = _sample_row(row, shots, generator)
            outcomes.append(seen)
            counts.append(times)
            sizes.append(seen.size)
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.concatenate(outcomes).astype(np.uint64, copy=False),
        counts=np.concatenate(counts).astype(np.int64, copy=False),
        offsets=np.cumsum(sizes, dtype=np.int64),
    )


def _sample_row(row: np.ndarray, shots: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    total = float(row.sum())
    if not abs(total - 1.0) <= SUM_TOLERANCE:  # also refuses NaN
        raise ResultIntegrityError(f"A distribution sums to {total!r} instead of 1.")
    if row.size <= shots:  # beyond, looking up every shot is faster than one draw over all outcomes (measured)
        times = generator.multinomial(shots, row / total)
        seen = np.flatnonzero(times)
        return seen.astype(np.uint64), times[seen]
    cumulative = np.cumsum(row)
    drawn = np.searchsorted(cumulative, np.sort(generator.random(shots)) * cumulative[-1], side="right")
    drawn = np.minimum(drawn, row.size - 1)  # a product may be rounded up to the total itself
    first = np.flatnonzero(np.diff(drawn, prepend=-1))  # where each distinct outcome begins, as drawn is sorted
    return drawn[first].astype(np.uint64), np.diff(first, append=shots)


def with_readout_error(rows: np.ndarray, errors: Sequence[tuple[float, float]]) -> np.ndarray:
    """Apply independent readout errors to distributions.

    Args:
        rows: Distributions, shape (rows, 2**n).
        errors: (P(1|0), P(0|1)) of the qubit behind each bit, bit 0 first.

    Returns:
        The distributions of what is read, same shape; each bit costs one pass.
    """
    for bit, (up, down) in enumerate(errors):
        parts = rows.reshape(rows.shape[0], -1, 2, 1 << bit)
        zero, one = parts[:, :, 0], parts[:, :, 1]
        rows = np.stack([(1 - up) * zero + down * one, up * zero + (1 - down) * one], axis=2).reshape(rows.shape)
    return rows


def mixed_with_uniform(rows: np.ndarray, p_success: float) -> np.ndarray:
    """Return ``p_success * rows + (1 - p_success) * uniform``: global depolarizing noise; shape (rows, 2**n)."""
    return np.asarray(p_success * rows + (1.0 - p_success) / rows.shape[1])
