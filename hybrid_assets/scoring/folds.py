"""Rows, folds and projections of labeled data. Put what every classifier must share here, so that all see the same.

Nothing here uses a random generator: order comes from hashes of the rows, so no library release can move a fold.
Everything that is fitted is fitted on the training rows of its fold alone.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.model.problem import Fold, LabeledData

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Digits kept of a projection, so that the last bits of a linear algebra library do not reach kernel fingerprints.
PROJECTION_DECIMALS = 10


def canonical_order(features: np.ndarray, classes: Sequence[str], *, seed: int) -> np.ndarray:
    """Return an order of the rows that depends on their content and the seed only, not on their order in a file.

    Args:
        features: Shape (rows, columns), columns in canonical order.
        classes: Class name of each row.
        seed: Another seed gives another, equally arbitrary order.

    Returns:
        Row numbers, shape (rows,); equal rows keep their order, which nothing can see.
    """
    exact = np.ascontiguousarray(np.asarray(features, dtype="<f8") + 0.0)
    keys = [
        hashlib.sha256(f"{seed}\x1f{name}\x1f".encode() + row.tobytes()).digest()
        for name, row in zip(classes, exact, strict=True)
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=int)


def stratified_subset(labels: np.ndarray, samples: int, *, at_least: int) -> np.ndarray:
    """Choose the first rows of each class, in proportion to the classes.

    Args:
        labels: Class number of each row, rows in canonical order.
        samples: Rows to choose; all when there are not more.
        at_least: Rows of each class to choose even where its share is smaller.

    Returns:
        Chosen row numbers in increasing order; a few more than ``samples`` only where ``at_least`` asks for it.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if samples >= labels.size:
        return np.arange(labels.size)
    exact = samples * sizes / labels.size
    quota = np.floor(exact).astype(int)
    largest_first = np.argsort(quota - exact, kind="stable")
    quota[largest_first[: samples - int(quota.sum())]] += 1
    quota = np.minimum(np.maximum(quota, at_least), sizes)
    chosen = [np.flatnonzero(labels == c)[:k] for c, k in zip(classes, quota, strict=True)]
    return np.sort(np.concatenate(chosen))


def stratified_folds(labels: np.ndarray, count: int) -> tuple[Fold, ...]:
    """Deal the rows of each class to the folds in turn.

    Args:
        labels: Class number of each row, rows in canonical order.
        count: Number of folds.

    Returns:
        Folds whose test rows cover every row once. Their sizes differ by at most one, overall and in each class.
    """
    dealt = np.empty(labels.size, dtype=int)
    dealt[np.argsort(labels, kind="stable")] = np.arange(labels.size) % count
    rows = np.arange(labels.size)
    return tuple(
        Fold(train=tuple(rows[dealt != k].tolist()), test=tuple(rows[dealt == k].tolist())) for k in range(count)
    )


def scaled(data: LabeledData, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    """Return all features of a fold with zero mean and unit variance on its training rows.

    Returns:
        (train, test), shapes (len(fold.train), columns) and (len(fold.test), columns). A column that is constant on
        the training rows is only centered.
    """
    train, test = data.features[list(fold.train)], data.features[list(fold.test)]
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread[(np.ptp(train, axis=0) == 0) | (spread == 0)] = 1.0
    return (train - mean) / spread, (test - mean) / spread


def project(data: LabeledData, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    """Return the first ``data.num_components`` principal components of a fold's scaled features.

    Scaling and components are fitted on the training rows. The sign of a component is fixed by making its largest
    loading positive.

    Returns:
        (train, test), shapes (len(fold.train), num_components) and (len(fold.test), num_components), rounded to
        `PROJECTION_DECIMALS`.
    """
    train, test = scaled(data, fold)
    axes = np.linalg.svd(train, full_matrices=False)[2][: data.num_components]
    largest = axes[np.arange(axes.shape[0]), np.argmax(np.abs(axes), axis=1)]
    axes = axes * np.sign(largest)[:, None]
    return (
        np.round(train @ axes.T, PROJECTION_DECIMALS) + 0.0,
        np.round(test @ axes.T, PROJECTION_DECIMALS) + 0.0,
    )
