"""Kernel matrices from sampled entries: their layout, diagnostics and repair. Keep circuits and tuning out.

The rows of a fold's kernel are its training pairs (upper triangle, row by row, no diagonal) and then every test row
against every training row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hybrid_assets.model.problem import Fold

#: What is done about negative eigenvalues, for the record.
REPAIR = "clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDiagnostics:
    """What a training kernel matrix looks like before any repair."""

    #: exp of the entropy of the normalized non-negative eigenvalues, 1 .. rows (Roy and Vetterli 2007).
    effective_rank: float
    #: Mean of the entries off the diagonal; near 0: every row is alike only to itself, near 1: all rows are alike.
    offdiag_mean: float
    #: Their variance (population); near 0: the kernel has concentrated.
    offdiag_var: float
    #: Cosine between the kernel and the ideal one (1 in a class, -1 / (classes - 1) between classes), -1 .. 1.
    kernel_target_alignment: float
    #: Below 0: shot noise or a device broke positivity.
    min_eigenvalue: float


def num_pairs(fold: Fold) -> int:
    """Return how many kernel entries a fold needs."""
    n = len(fold.train)
    return n * (n - 1) // 2 + len(fold.test) * n


def pair_rows(fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of the data (i, j) of each kernel entry of a fold, shape (num_pairs,) each."""
    train, test = np.array(fold.train), np.array(fold.test)
    first, second = np.triu_indices(train.size, k=1)
    return (
        np.concatenate([train[first], np.repeat(test, train.size)]),
        np.concatenate([train[second], np.tile(train, test.size)]),
    )


def assemble(entries: np.ndarray, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    """Put the entries of a fold into its two matrices; the diagonal is 1 by definition and never sampled.

    Args:
        entries: One number a pair, in the order of `pair_rows`.
        fold: The fold.

    Returns:
        (train against train, test against train), shapes (n, n) and (m, n).
    """
    n, m = len(fold.train), len(fold.test)
    upper = np.triu_indices(n, k=1)
    train = np.eye(n)
    train[upper] = entries[: upper[0].size]
    train.T[upper] = entries[: upper[0].size]
    return train, np.asarray(entries[upper[0].size :], dtype=float).reshape(m, n)


def diagnose(kernel: np.ndarray, labels: np.ndarray) -> KernelDiagnostics:
    """Describe a training kernel matrix as it was measured.

    Args:
        kernel: Symmetric, shape (n, n), n at least 2.
        labels: Class number of each row, shape (n,).
    """
    values = np.linalg.eigvalsh(kernel)
    share = values[values > 0] / values[values > 0].sum()
    off = kernel[~np.eye(labels.size, dtype=bool)]
    num_classes = np.unique(labels).size
    ideal = np.where(labels[:, None] == labels[None, :], 1.0, -1.0 / max(num_classes - 1, 1))
    return KernelDiagnostics(
        effective_rank=float(np.exp(-(share * np.log(share)).sum())),
        offdiag_mean=float(off.mean()),
        offdiag_var=float(off.var()),
        kernel_target_alignment=float((kernel * ideal).sum() / np.linalg.norm(kernel) / np.linalg.norm(ideal)),
        min_eigenvalue=float(values[0]),
    )


def clip_negative(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Make a training kernel positive semidefinite by dropping its negative eigenvalues.

    The projector on the eigenvectors that are kept is a linear map ``P`` with ``P K`` = the clipped kernel; it is
    applied to the test rows too, so that both stay inner products in one space (Chen et al., JMLR 10:747, 2009).

    Args:
        train: Symmetric, shape (n, n).
        test: Test against training rows, shape (m, n).

    Returns:
        (train, test, number of eigenvalues clipped); both unchanged when none was negative.
    """
    values, vectors = np.linalg.eigh(train)
    # Rounding alone puts eigenvalues of an exact kernel at about -1e-16 n.
    kept = values > -1e-12 * train.shape[0]
    if kept.all():
        return train, test, 0
    basis = vectors[:, kept]
    clipped = (basis * np.maximum(values[kept], 0.0)) @ basis.T
    return (clipped + clipped.T) / 2, test @ basis @ basis.T, int((~kept).sum())
