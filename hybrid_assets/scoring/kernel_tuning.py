"""Tuning of kernel machines inside training rows, the same for quantum kernels and their classical rivals.

Every method gets as many settings as the grid has (`TuningGrid.num_settings`), the same inner folds and the same rule
for ties, so that none wins by effort. Put how settings are chosen here; keep which kernels exist with their owners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.scoring.folds import stratified_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hybrid_assets.model.problem import Fold

#: Folds of the cross-validation inside the training rows.
INNER_FOLDS = 3
#: Multipliers of the projected data; the best one is often at the lower edge of narrower grids.
DEFAULT_BANDWIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
#: Penalties C of the support vector machine.
DEFAULT_COSTS = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningGrid:
    """The settings a method may try. It is part of an instance: another grid is another comparison."""

    #: Increasing.
    bandwidths: tuple[float, ...] = DEFAULT_BANDWIDTHS
    #: Increasing.
    costs: tuple[float, ...] = DEFAULT_COSTS
    #: Layers of the feature map, of the entangled kernel and of its control.
    repetitions: int = 2

    @property
    def num_settings(self) -> int:
        """How many settings each method may try."""
        return len(self.bandwidths) * len(self.costs)

    def to_document(self) -> dict[str, Any]:
        """Return the grid as JSON."""
        return {"bandwidths": list(self.bandwidths), "costs": list(self.costs), "repetitions": self.repetitions}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> TuningGrid:
        """Read the grid from the facts of an instance (key ``tuning``); the default grid where there is none."""
        document = facts.get("tuning")
        if document is None:
            return cls()
        return cls(
            bandwidths=tuple(document["bandwidths"]),
            costs=tuple(document["costs"]),
            repetitions=document["repetitions"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedSetting:
    """The chosen setting."""

    #: Position of the chosen kernel among the candidates.
    candidate: int
    cost: float
    #: Mean accuracy over the inner folds.
    inner_accuracy: float
    #: Settings tried; fewer than the grid has when the time was up.
    num_tried: int


def tune(
    kernels: Iterable[np.ndarray],
    labels: np.ndarray,
    costs: Sequence[float],
    *,
    go_on: Callable[[], bool] = lambda: True,
) -> TunedSetting:
    """Choose the kernel and the cost with the best accuracy in cross-validation on the training rows.

    Args:
        kernels: Training kernels to choose from, each (n, n), the preferred one first: it wins a tie.
        labels: Class number of each training row, shape (n,).
        costs: Penalties C, the preferred one first.
        go_on: Asked before each setting but the first; False ends the search with the best so far.

    Returns:
        The best setting; the first one where no inner fold could be used.
    """
    folds = usable_inner_folds(labels)
    best, tried = TunedSetting(candidate=0, cost=costs[0], inner_accuracy=-1.0, num_tried=0), 0
    for (candidate, kernel), cost in product(enumerate(kernels), costs):
        if tried and not go_on():
            break
        tried += 1
        accuracy_found = _inner_accuracy(kernel, labels, folds, cost)
        # Means of the same shares can differ in their last bit; that is a tie.
        if accuracy_found > best.inner_accuracy + 1e-12:
            best = TunedSetting(candidate=candidate, cost=cost, inner_accuracy=accuracy_found, num_tried=0)
    return replace(best, num_tried=tried)


def usable_inner_folds(labels: np.ndarray) -> tuple[Fold, ...]:
    """Return the inner folds of training rows that have something to test and two classes to learn."""
    return tuple(
        fold
        for fold in stratified_folds(labels, INNER_FOLDS)
        if fold.test and np.unique(labels[list(fold.train)]).size > 1
    )


def predict(train: np.ndarray, test: np.ndarray, labels: np.ndarray, *, cost: float) -> np.ndarray:
    """Return the class numbers a support vector machine predicts.

    Args:
        train: Training kernel, shape (n, n).
        test: Test against training rows, shape (m, n).
        labels: Class number of each training row, shape (n,), at least two different.
        cost: Penalty C.

    Returns:
        Class numbers, shape (m,).
    """
    from sklearn import config_context  # noqa: PLC0415 - imports take a second
    from sklearn.svm import SVC  # noqa: PLC0415 - as above

    # A night fits thousands of tiny machines; checking the arguments takes longer than fitting.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        return np.asarray(SVC(kernel="precomputed", C=cost).fit(train, labels).predict(test))


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of right predictions."""
    return float(np.mean(predicted == labels))


def _inner_accuracy(kernel: np.ndarray, labels: np.ndarray, folds: Sequence[Fold], cost: float) -> float:
    scores = []
    for fold in folds:
        train, test = np.array(fold.train), np.array(fold.test)
        predicted = predict(kernel[np.ix_(train, train)], kernel[np.ix_(test, train)], labels[train], cost=cost)
        scores.append(accuracy(predicted, labels[test]))
    return float(np.mean(scores)) if scores else 0.0
