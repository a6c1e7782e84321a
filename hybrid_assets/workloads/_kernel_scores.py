"""From kernel entries of the folds to the scores of a kernel method. Keep circuits and tuning out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.results import Score
from hybrid_assets.scoring.kernel_matrix import REPAIR, assemble, clip_negative, diagnose
from hybrid_assets.scoring.kernel_tuning import accuracy, predict
from hybrid_assets.scoring.statistics import corrected_resampled_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.problem import Fold, LabeledData
    from hybrid_assets.model.results import Role

_AVERAGED = ("effective_rank", "offdiag_mean", "offdiag_var", "kernel_target_alignment")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldPlan:
    """What tuning chose for a fold."""

    #: Multiplier of the projected data.
    bandwidth: float
    #: Penalty C of the support vector machine.
    cost: float
    #: Mean accuracy over the inner folds, on the exactly simulated kernel.
    inner_accuracy: float
    #: Settings tried in tuning.
    num_tried: int


def fold_record(data: LabeledData, fold: Fold, entries: np.ndarray, plan: FoldPlan) -> dict[str, Any]:
    """Learn and test one fold from its kernel entries.

    Args:
        data: The data.
        fold: The fold.
        entries: Kernel entries in the order of `scoring.kernel_matrix.pair_rows`.
        plan: What tuning chose.

    Returns:
        JSON: the test accuracy, the plan, the diagnostics before repair and how many eigenvalues were clipped.
    """
    train_labels, test_labels = data.labels[list(fold.train)], data.labels[list(fold.test)]
    train, test = assemble(entries, fold)
    diagnostics = diagnose(train, train_labels)
    train, test, clipped = clip_negative(train, test)
    return {
        "accuracy": accuracy(predict(train, test, train_labels, cost=plan.cost), test_labels),
        **asdict(plan),
        **asdict(diagnostics),
        "clipped_eigenvalues": clipped,
    }


def kernel_score(
    data: LabeledData,
    records: Sequence[dict[str, Any]],
    *,
    method: str,
    role: Role,
    shots: int = 0,
    kernel_ids: tuple[str, ...] = (),
) -> Score:
    """Return the score of a kernel method from its folds' records.

    The value is the mean test accuracy, its interval the corrected resampled one, clipped to 0 .. 1. There is neither
    while a fold is missing: a mean over fewer folds is another quantity.
    """
    values = tuple(float(record["accuracy"]) for record in records)
    value = low = high = None
    if len(records) == len(data.folds):
        value = float(np.mean(values))
        # Every row is tested once, so a test fold holds 1 / folds of the rows on average.
        ends = corrected_resampled_interval(values, test_share=1 / len(data.folds))
        low, high = (None if end is None else float(np.clip(end, 0.0, 1.0)) for end in ends)
    return Score(
        method=method,
        role=role,
        value=value,
        value_low=low,
        value_high=high,
        best_value=value,
        shots=shots,
        kernel_ids=kernel_ids,
        fold_values=values,
        facts={**_summary(records), "missing_folds": len(data.folds) - len(records), "folds": list(records)},
    )


def _summary(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not records:
        return {}
    return {
        **{name: float(np.mean([record[name] for record in records])) for name in _AVERAGED},
        "min_eigenvalue": float(min(record["min_eigenvalue"] for record in records)),
        "negative_eigenvalues": REPAIR,
        "clipped_eigenvalues": sum(record["clipped_eigenvalues"] for record in records),
    }
