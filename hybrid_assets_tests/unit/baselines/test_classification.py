"""Classification baselines: equal effort, blindness to test rows, values against scikit-learn's own pipelines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybrid_assets.baselines.dummy import Dummy
from hybrid_assets.baselines.random_forest import RandomForest
from hybrid_assets.baselines.svm import LinearSvm, LinearSvmAllFeatures, RbfSvm, RbfSvmAllFeatures
from hybrid_assets.baselines.unentangled_kernel import UnentangledKernel
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import LabeledData, OpaqueProblem, ProblemInstance
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.folds import project, scaled, stratified_folds

KERNEL_MACHINES = [LinearSvm, LinearSvmAllFeatures, RbfSvm, RbfSvmAllFeatures, UnentangledKernel]


def make(features, labels, *, num_components=2, folds=3, facts=None):
    classes = int(labels.max()) + 1
    data = LabeledData(
        features=features,
        labels=labels,
        feature_names=tuple(f"f{k}" for k in range(features.shape[1])),
        class_names=tuple("abc"[:classes]),
        folds=stratified_folds(labels, folds),
        num_components=num_components,
    )
    return ProblemInstance(
        workload="test",
        name="test",
        fingerprint="0" * 64,
        num_variables=num_components,
        source="test",
        problem=data,
        facts=facts or {},
    )


def blobs(*, rows=30, columns=3, distance=4.0, seed=0):
    """Two classes around points that far apart in every column."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    return make(rng.normal(size=(rows, columns)) + distance * labels[:, None], labels)


@pytest.mark.parametrize("baseline", [*KERNEL_MACHINES, RandomForest])
def test_baseline_learns_what_is_easy(baseline):
    """27 of 30 right at least; guessing gives 15."""
    result = baseline().solve(blobs(), seed=1, limit_s=60)
    assert result.value >= 0.9
    assert result.value == pytest.approx(np.mean(result.fold_values))


@pytest.mark.parametrize("baseline", [RbfSvm, RandomForest])
def test_baseline_learns_what_no_line_separates(baseline):
    """Four clusters of an exclusive or: a line gets three of four right at best."""
    rng = np.random.default_rng(1)
    corner = np.arange(60) % 4
    features = np.column_stack([corner // 2, corner % 2]) * 6 + rng.normal(size=(60, 2))
    instance = make(features, (corner // 2) ^ (corner % 2))
    assert LinearSvm().solve(instance, seed=1, limit_s=60).value <= 0.75
    assert baseline().solve(instance, seed=1, limit_s=60).value > 0.8


def test_dummy_predicts_the_most_frequent_class():
    """24 of 36 rows are class b; each fold tests 12 rows, 8 of them b."""
    labels = (np.arange(36) % 3 > 0).astype(int)
    result = Dummy().solve(make(np.arange(72.0).reshape(36, 2), labels), seed=1, limit_s=1)
    assert result.fold_values == pytest.approx((8 / 12,) * 3)
    assert result.facts["folds"] == [{"class": "b"}] * 3


@pytest.mark.parametrize("baseline", KERNEL_MACHINES)
def test_baseline_gets_as_many_settings_as_the_quantum_kernel(baseline):
    """The grid of the instance counts: 2 bandwidths x 3 penalties make 6 settings for everybody."""
    tuning = {"bandwidths": [0.1, 0.5], "costs": [1.0, 5.0, 10.0], "repetitions": 2}
    instance = replace(blobs(), facts={"tuning": tuning})
    result = baseline().solve(instance, seed=1, limit_s=60)
    assert [fold["num_tried"] for fold in result.facts["folds"]] == [6, 6, 6]


def test_unentangled_kernel_is_a_control():
    assert UnentangledKernel().solve(blobs(), seed=1, limit_s=60).role is Role.CONTROL
    assert RbfSvm().solve(blobs(), seed=1, limit_s=60).role is Role.CLASSICAL


@pytest.mark.parametrize(
    ("baseline", "kernel", "features"),
    [
        pytest.param(LinearSvm, "linear", project, id="linear, same features"),
        pytest.param(LinearSvmAllFeatures, "linear", scaled, id="linear, all"),
        pytest.param(RbfSvm, "rbf", project, id="rbf, same features"),
        pytest.param(RbfSvmAllFeatures, "rbf", scaled, id="rbf, all"),
    ],
)
def test_svm_agrees_with_scikit_learns_kernels(baseline, kernel, features):
    """The chosen setting in scikit-learn's SVC on the same features gives the same accuracies."""
    from sklearn.svm import SVC

    instance = blobs(distance=0.8, columns=5)
    data = instance.problem
    result = baseline().solve(instance, seed=1, limit_s=60)
    for fold, value, chosen in zip(data.folds, result.fold_values, result.facts["folds"], strict=True):
        train, test = features(data, fold)
        machine = SVC(kernel=kernel, C=chosen["cost"], gamma=chosen.get("gamma", "scale"))
        machine.fit(train, data.labels[list(fold.train)])
        assert machine.score(test, data.labels[list(fold.test)]) == pytest.approx(value)


@pytest.mark.parametrize("baseline", [RbfSvm, UnentangledKernel, RandomForest])
def test_test_rows_never_reach_the_chosen_setting(baseline):
    instance = blobs(distance=0.8)
    fold = instance.problem.folds[0]
    data = replace(instance.problem, folds=(fold,))
    features, labels = data.features.copy(), data.labels.copy()
    features[list(fold.test)] *= -1e3
    labels[list(fold.test)] = 1 - labels[list(fold.test)]
    poisoned = replace(data, features=features, labels=labels)
    before, after = (
        baseline().solve(replace(instance, problem=problem), seed=1, limit_s=60) for problem in (data, poisoned)
    )
    assert before.facts == after.facts
    assert before.fold_values != after.fold_values


@pytest.mark.parametrize("baseline", [RbfSvm, LinearSvm, UnentangledKernel, RandomForest])
def test_baseline_out_of_time_answers_with_one_setting(baseline):
    result = baseline().solve(blobs(), seed=1, limit_s=0.0)
    assert [fold["num_tried"] for fold in result.facts["folds"]] == [1, 1, 1]
    assert 0 <= result.value <= 1


def test_forest_follows_its_seed():
    """On pure noise two seeds grow different forests, one seed always the same."""
    rng = np.random.default_rng(2)
    instance = make(rng.normal(size=(30, 4)), np.arange(30) % 2, folds=2)
    one, again, other = (RandomForest().solve(instance, seed=seed, limit_s=0.0).fold_values for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize("baseline", [Dummy, RandomForest, *KERNEL_MACHINES])
def test_baseline_refuses_another_kind_of_problem(baseline):
    other = replace(blobs(), problem=OpaqueProblem(document={}))
    assert not baseline().supports(other)
    with pytest.raises(ConfigurationError, match="ask `supports` first"):
        baseline().solve(other, seed=1, limit_s=1)


def test_versions_name_library_and_settings():
    """A change of library or grid is another version, so everything is solved again."""
    assert "scikit-learn" in RbfSvm.version
    assert "inner 3-fold" in UnentangledKernel.version
    assert "100 trees" in RandomForest.version
    assert len({baseline.version for baseline in (LinearSvm, LinearSvmAllFeatures, RbfSvm, RbfSvmAllFeatures)}) == 4
