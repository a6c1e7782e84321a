"""Kernel matrices: layout of entries, diagnostics, repair."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_assets.model.problem import Fold
from hybrid_assets.scoring.kernel_matrix import assemble, clip_negative, diagnose, num_pairs, pair_rows

FOLD = Fold(train=(0, 2, 4), test=(1, 3))


def test_pair_rows_are_training_pairs_then_test_rows():
    first, second = pair_rows(FOLD)
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    assert pairs == [(0, 2), (0, 4), (2, 4), (1, 0), (1, 2), (1, 4), (3, 0), (3, 2), (3, 4)]
    # 3 x 2 / 2 training pairs and 2 x 3 test pairs.
    assert num_pairs(FOLD) == len(pairs) == 3 + 6


def test_assemble_puts_every_entry_where_pair_rows_says():
    full = np.random.default_rng(0).random((5, 5))
    full = (full + full.T) / 2
    np.fill_diagonal(full, 1)
    train, test = assemble(full[pair_rows(FOLD)], FOLD)
    assert np.array_equal(train, full[np.ix_(FOLD.train, FOLD.train)])
    assert np.array_equal(test, full[np.ix_(FOLD.test, FOLD.train)])


def test_diagnose_identity():
    """The identity has n equal eigenvalues: effective rank n; it tells no row from another: variance 0."""
    found = diagnose(np.eye(4), np.array([0, 0, 1, 1]))
    assert found.effective_rank == pytest.approx(4)
    assert (found.offdiag_mean, found.offdiag_var, found.min_eigenvalue) == (0, 0, 1)
    # <I, Y> = 4, |I| = sqrt 4, |Y| = sqrt 16.
    assert found.kernel_target_alignment == pytest.approx(4 / (2 * 4))


def test_diagnose_ideal_kernel():
    """Ones inside the classes and zeros between them: rank 2 for two classes of equal size."""
    labels = np.array([0, 0, 1, 1])
    found = diagnose((labels[:, None] == labels[None, :]).astype(float), labels)
    assert found.effective_rank == pytest.approx(2)
    # Of 12 entries off the diagonal 4 are 1: mean 1/3, variance 1/3 - 1/9.
    assert found.offdiag_mean == pytest.approx(1 / 3)
    assert found.offdiag_var == pytest.approx(2 / 9)
    # <K, Y> = 8, |K| = sqrt 8, |Y| = 4.
    assert found.kernel_target_alignment == pytest.approx(8 / (np.sqrt(8) * 4))


def test_diagnose_alignment_of_three_classes_is_one_for_the_target_itself():
    labels = np.array([0, 1, 2])
    target = np.where(np.eye(3) == 1, 1.0, -0.5)
    assert diagnose(target, labels).kernel_target_alignment == pytest.approx(1)


def test_clip_negative_leaves_a_kernel_alone():
    train, test = np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([[0.2, 0.3]])
    clipped_train, clipped_test, number = clip_negative(train, test)
    assert number == 0
    assert clipped_train is train
    assert clipped_test is test


def test_clip_negative_drops_the_negative_part():
    """[[1, 2], [2, 1]] has eigenvalues 3 on (1, 1) and -1 on (1, -1): 3/2 everywhere remains."""
    train, test, number = clip_negative(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert number == 1
    assert train == pytest.approx(np.full((2, 2), 1.5))
    # The test row is projected on (1, 1)/sqrt 2.
    assert test == pytest.approx(np.array([[0.5, 0.5]]))


def test_clip_negative_treats_test_rows_as_training_rows():
    """A test row that equals a training row stays equal to it after the repair."""
    rng = np.random.default_rng(2)
    noisy = rng.normal(size=(8, 8))
    noisy = (noisy + noisy.T) / 2
    train, test, number = clip_negative(noisy, noisy[[3]])
    assert number > 0
    assert test[0] == pytest.approx(train[3], abs=1e-12)
    assert np.linalg.eigvalsh(train)[0] > -1e-12
