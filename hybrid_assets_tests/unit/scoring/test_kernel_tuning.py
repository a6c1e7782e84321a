"""Tuning inside training rows: the best wins, ties go to the preferred, time limits are recorded."""

from __future__ import annotations

import numpy as np

from hybrid_assets.scoring.kernel_tuning import TuningGrid, accuracy, predict, tune, usable_inner_folds

LABELS = np.array([0, 1] * 6)
#: Two classes that do not overlap.
GOOD = (LABELS[:, None] == LABELS[None, :]).astype(float) + np.eye(12)
#: Knows nothing of a row but itself, so every test row looks the same.
BLIND = np.eye(12)


def test_tune_chooses_the_kernel_that_separates():
    best = tune([BLIND, GOOD], LABELS, [0.1, 1.0])
    assert (best.candidate, best.inner_accuracy, best.num_tried) == (1, 1.0, 4)


def test_tune_gives_ties_to_the_first():
    best = tune([GOOD, GOOD], LABELS, [10.0, 1.0])
    assert (best.candidate, best.cost) == (0, 10.0)


def test_tune_stops_when_told_but_tries_one_setting():
    best = tune([BLIND, GOOD], LABELS, [1.0, 2.0], go_on=lambda: False)
    assert (best.candidate, best.cost, best.num_tried) == (0, 1.0, 1)


def test_tune_without_usable_folds_takes_the_first_setting():
    """One row a class: no inner training set has two classes."""
    assert usable_inner_folds(np.array([0, 1])) == ()
    best = tune([np.eye(2)], np.array([0, 1]), [3.0, 5.0])
    assert (best.candidate, best.cost, best.inner_accuracy) == (0, 3.0, 0.0)


def test_predict_equals_scikit_learns_own_linear_kernel():
    from sklearn.svm import SVC

    rng = np.random.default_rng(4)
    train, test = rng.normal(size=(20, 3)), rng.normal(size=(9, 3))
    labels = (train[:, 0] > 0).astype(int)
    expected = SVC(kernel="linear", C=2.0).fit(train, labels).predict(test)
    assert np.array_equal(predict(train @ train.T, test @ train.T, labels, cost=2.0), expected)


def test_accuracy_is_the_share_of_right_predictions():
    assert accuracy(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])) == 0.75


def test_grid_survives_the_facts_of_an_instance():
    grid = TuningGrid(bandwidths=(0.2, 2.0), costs=(1.0,), repetitions=3)
    assert TuningGrid.from_facts({"tuning": grid.to_document()}) == grid
    assert grid.num_settings == 2


def test_grid_of_facts_without_tuning_is_the_default():
    assert TuningGrid.from_facts({}) == TuningGrid()
    assert TuningGrid().num_settings == 20
