"""A random forest on all features, tuned by its out-of-bag accuracy.

Forests depend little on their settings (Probst et al., arXiv:1804.03515), and each costs a hundred times what a kernel
machine on these data costs: it gets fewer settings than those, and out-of-bag rows instead of inner folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.baselines._folds import SCIKIT_LEARN, FoldTask, solve_folds
from hybrid_assets.model.problem import LabeledData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult

#: (share of features tried at a split, fewest rows in a leaf), the usual choice first: it wins a tie.
SETTINGS: tuple[tuple[str | float, int], ...] = (("sqrt", 1), ("sqrt", 3), (0.5, 1), (0.5, 3), (1.0, 1), (1.0, 3))
#: Trees while tuning; the chance that a row is in the bag of all of them is 1e-10.
TUNING_TREES = 50
FINAL_TREES = 100


class RandomForest:
    """The rival that needs no scaling, no components and hardly any tuning."""

    name = "random_forest"
    version = f"1 ({SCIKIT_LEARN}, {FINAL_TREES} trees, {len(SETTINGS)} settings out of bag)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Tune on the training rows of each fold, grow the final forest, predict.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, lambda task: _learn(task, seed), seed=seed, limit_s=limit_s)


def _learn(task: FoldTask, seed: int) -> tuple[np.ndarray, Mapping[str, Any]]:
    train, test = task.data.features[list(task.fold.train)], task.data.features[list(task.fold.test)]
    best, best_accuracy, tried = SETTINGS[0], -1.0, 0
    for setting in SETTINGS:
        if tried and not task.go_on():
            break
        forest = _forest(setting, TUNING_TREES, seed, oob_score=True).fit(train, task.train_labels)
        tried += 1
        if forest.oob_score_ > best_accuracy + 1e-12:
            best, best_accuracy = setting, float(forest.oob_score_)
    final = _forest(best, FINAL_TREES, seed, oob_score=False).fit(train, task.train_labels)
    facts = {
        "max_features": best[0],
        "min_samples_leaf": best[1],
        "out_of_bag_accuracy": best_accuracy,
        "num_tried": tried,
    }
    return np.asarray(final.predict(test)), facts


def _forest(setting: tuple[str | float, int], trees: int, seed: int, *, oob_score: bool) -> Any:
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - imports take a second

    max_features, min_samples_leaf = setting
    return RandomForestClassifier(
        n_estimators=trees,
        max_features=max_features,
        min_samples_leaf=min_samples_leaf,
        oob_score=oob_score,
        random_state=seed % 2**32,
        n_jobs=1,
    )
