"""Rows, folds and projections: deterministic, stratified, and blind to test rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.model.problem import Fold, LabeledData
from hybrid_assets.scoring.folds import canonical_order, project, scaled, stratified_folds, stratified_subset

CLASS_SIZES = st.lists(st.integers(2, 15), min_size=2, max_size=4)


def labels_of(sizes):
    return np.random.default_rng(sum(sizes)).permutation(np.repeat(np.arange(len(sizes)), sizes))


def labeled(*, rows=30, columns=5, num_components=2, folds=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    return LabeledData(
        features=rng.normal(size=(rows, columns)) * [1, 10, 100, 1, 1][:columns] + labels[:, None],
        labels=labels,
        feature_names=tuple(f"f{k}" for k in range(columns)),
        class_names=("a", "b"),
        folds=stratified_folds(labels, folds),
        num_components=num_components,
    )


@given(CLASS_SIZES, st.integers(2, 5))
def test_folds_cover_every_row_once(sizes, count):
    labels = labels_of(sizes)
    folds = stratified_folds(labels, count)
    assert sorted(row for fold in folds for row in fold.test) == list(range(labels.size))
    assert all(sorted(fold.train + fold.test) == list(range(labels.size)) for fold in folds)


@given(CLASS_SIZES, st.integers(2, 5))
def test_folds_are_balanced_overall_and_in_each_class(sizes, count):
    labels = labels_of(sizes)
    tests = [list(fold.test) for fold in stratified_folds(labels, count)]
    lengths = [len(test) for test in tests]
    assert max(lengths) - min(lengths) <= 1
    for number in range(len(sizes)):
        members = [int(np.sum(labels[test] == number)) for test in tests]
        assert max(members) - min(members) <= 1


@given(CLASS_SIZES, st.integers(4, 60))
def test_subset_keeps_proportions_within_one_row(sizes, samples):
    labels = labels_of(sizes)
    rows = stratified_subset(labels, samples, at_least=0)
    assert rows.size == min(samples, labels.size)
    assert len(set(rows.tolist())) == rows.size
    for number, size in enumerate(sizes):
        exact = min(samples / labels.size, 1) * size
        assert abs(int(np.sum(labels[rows] == number)) - exact) < 1


def test_subset_takes_at_least_what_folds_need():
    """20 of 100 rows in a class of 2 % would be 0 or 1 row; three folds need 3."""
    labels = np.repeat([0, 1], [98, 4])
    rows = stratified_subset(labels, 20, at_least=3)
    assert int(np.sum(labels[rows] == 1)) == 3


def test_canonical_order_ignores_order_of_rows():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(20, 3))
    classes = ["a", "b"] * 10
    shuffle = rng.permutation(20)
    one = features[canonical_order(features, classes, seed=7)]
    shuffled = features[shuffle]
    other = shuffled[canonical_order(shuffled, [classes[k] for k in shuffle], seed=7)]
    assert np.array_equal(one, other)


def test_canonical_order_depends_on_seed():
    features = np.arange(20.0).reshape(-1, 1)
    orders = {tuple(canonical_order(features, ["a"] * 20, seed=seed)) for seed in range(3)}
    assert len(orders) == 3


def test_canonical_order_does_not_distinguish_negative_zero():
    one = canonical_order(np.array([[0.0], [1.0], [2.0]]), ["a"] * 3, seed=1)
    other = canonical_order(np.array([[-0.0], [1.0], [2.0]]), ["a"] * 3, seed=1)
    assert np.array_equal(one, other)


def test_scaled_training_rows_have_zero_mean_and_unit_variance():
    data = labeled()
    train, test = scaled(data, data.folds[0])
    assert train.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert train.std(axis=0) == pytest.approx(1, abs=1e-12)
    assert test.shape == (10, 5)


def test_scaled_centers_a_column_that_is_constant_in_training():
    features = np.array([[5.0, 0.0], [5.0, 1.0], [5.0, 2.0], [7.0, 3.0]])
    data = LabeledData(
        features=features,
        labels=np.array([0, 1, 0, 1]),
        feature_names=("constant", "other"),
        class_names=("a", "b"),
        folds=(Fold(train=(0, 1, 2), test=(3,)),),
        num_components=1,
    )
    train, test = scaled(data, data.folds[0])
    assert np.array_equal(train[:, 0], [0, 0, 0])
    assert test[0, 0] == 2.0


def test_project_agrees_with_scikit_learn_up_to_sign():
    """Our decomposition is the one of StandardScaler and PCA."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    data = labeled(num_components=3)
    fold = data.folds[1]
    raw_train, raw_test = data.features[list(fold.train)], data.features[list(fold.test)]
    scaler = StandardScaler().fit(raw_train)
    pca = PCA(n_components=3, svd_solver="full").fit(scaler.transform(raw_train))
    train, test = project(data, fold)
    assert np.abs(train) == pytest.approx(np.abs(pca.transform(scaler.transform(raw_train))), abs=1e-9)
    assert np.abs(test) == pytest.approx(np.abs(pca.transform(scaler.transform(raw_test))), abs=1e-9)


def test_project_fixes_signs():
    """The largest loading of each component is positive, whatever sign the decomposition happened to give."""
    data = labeled(columns=3, num_components=2)
    fold = data.folds[0]
    scaled_train, _ = scaled(data, fold)
    train, _ = project(data, fold)
    loadings = np.linalg.lstsq(scaled_train, train, rcond=None)[0].T
    assert all(row[np.argmax(np.abs(row))] > 0 for row in loadings)


def test_test_rows_never_reach_the_training_projection():
    """Leakage: whatever happens to test rows, what is fitted stays as it is, to the last bit."""
    data = labeled()
    fold = data.folds[2]
    poisoned = data.features.copy()
    poisoned[list(fold.test)] = np.random.default_rng(9).normal(size=(len(fold.test), 5)) * 1e6
    other = LabeledData(
        features=poisoned,
        labels=data.labels,
        feature_names=data.feature_names,
        class_names=data.class_names,
        folds=data.folds,
        num_components=data.num_components,
    )
    assert np.array_equal(project(data, fold)[0], project(other, fold)[0])
    assert np.array_equal(scaled(data, fold)[0], scaled(other, fold)[0])
    assert not np.array_equal(project(data, fold)[1], project(other, fold)[1])
