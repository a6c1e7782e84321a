"""Support vector machines with a linear and a Gaussian (RBF) kernel, on the kernel's own features and on all.

The strongest fair rivals of a quantum kernel: the same machine, the same folds, the same number of settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.baselines._folds import LIBRARIES, FoldTask, learn_kernel, solve_folds
from hybrid_assets.model.problem import LabeledData
from hybrid_assets.scoring.folds import project, scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hybrid_assets.model.problem import Fold, ProblemInstance
    from hybrid_assets.model.results import BaselineResult

    Features = Callable[[LabeledData, Fold], tuple[np.ndarray, np.ndarray]]

#: The linear kernel has no bandwidth; it gets as many values of C as others have settings, over this range.
LINEAR_COSTS = (1e-3, 1e3)
#: Range of gamma of the Gaussian kernel, in units of 1 / (features x their variance), scikit-learn's "scale".
RBF_GAMMAS = (1e-2, 1e1)


class LinearSvm:
    """Linear kernel on the principal components the quantum kernel sees."""

    name = "svm_linear"
    version = f"1 ({LIBRARIES}, C {LINEAR_COSTS})"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Tune C inside the training rows of each fold.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, lambda task: _linear(task, project), seed=seed, limit_s=limit_s)


class LinearSvmAllFeatures:
    """Linear kernel on all features, scaled."""

    name = "svm_linear_all"
    version = f"1 ({LIBRARIES}, C {LINEAR_COSTS}, all features)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Tune C inside the training rows of each fold.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, lambda task: _linear(task, scaled), seed=seed, limit_s=limit_s)


class RbfSvm:
    """Gaussian kernel on the principal components the quantum kernel sees."""

    name = "svm_rbf"
    version = f"1 ({LIBRARIES}, gamma {RBF_GAMMAS})"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Tune gamma and C inside the training rows of each fold.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, lambda task: _rbf(task, project), seed=seed, limit_s=limit_s)


class RbfSvmAllFeatures:
    """Gaussian kernel on all features, scaled."""

    name = "svm_rbf_all"
    version = f"1 ({LIBRARIES}, gamma {RBF_GAMMAS}, all features)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Tune gamma and C inside the training rows of each fold.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, lambda task: _rbf(task, scaled), seed=seed, limit_s=limit_s)


def _linear(task: FoldTask, features: Features) -> tuple[np.ndarray, Mapping[str, Any]]:
    train, test = features(task.data, task.fold)
    costs = np.geomspace(*LINEAR_COSTS, num=task.grid.num_settings).tolist()
    predicted, _, facts = learn_kernel(task, [(train @ train.T, test @ train.T)], costs)
    return predicted, facts


def _rbf(task: FoldTask, features: Features) -> tuple[np.ndarray, Mapping[str, Any]]:
    train, test = features(task.data, task.fold)
    unit = 1.0 / (train.shape[1] * max(float(train.var()), np.finfo(float).tiny))
    gammas = (unit * np.geomspace(*RBF_GAMMAS, num=len(task.grid.bandwidths))).tolist()
    to_train, to_test = _squared_distances(train, train), _squared_distances(test, train)
    kernels = [(np.exp(-gamma * to_train), np.exp(-gamma * to_test)) for gamma in gammas]
    predicted, chosen, facts = learn_kernel(task, kernels, task.grid.costs)
    return predicted, {"gamma": gammas[chosen], **facts}


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None, :] - 2 * x @ y.T
    return np.asarray(np.maximum(squares, 0.0))
