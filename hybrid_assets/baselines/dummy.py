"""The most frequent class of the training rows: the accuracy that needs no features at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.baselines._folds import FoldTask, solve_folds
from hybrid_assets.model.problem import LabeledData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult


class Dummy:
    """Predicts one class; what does not beat it has learned nothing."""

    name = "dummy"
    version = "1 (most frequent class of the training rows)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Count classes; there is nothing to tune.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, _learn, seed=seed, limit_s=limit_s)


def _learn(task: FoldTask) -> tuple[np.ndarray, Mapping[str, Any]]:
    most_frequent = int(np.argmax(np.bincount(task.train_labels)))
    return np.full(len(task.fold.test), most_frequent), {"class": task.data.class_names[most_frequent]}
