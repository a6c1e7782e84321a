"""From a labeled table to the rows, folds and fingerprint that every classifier shares. Keep kernels out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ProblemError
from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint
from hybrid_assets.model.problem import LabeledData
from hybrid_assets.scoring.folds import canonical_order, stratified_folds, stratified_subset
from hybrid_assets.scoring.kernel_matrix import num_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.scoring.kernel_tuning import TuningGrid
    from hybrid_assets.workloads._kernel_options import KernelOptions
    from hybrid_assets.workloads._labeled_csv import LabeledTable

#: Circuits of one instance; more is a setting nobody meant. All 569 rows of breast_cancer in 3 folds need 431,112.
MAX_KERNEL_ROWS = 500_000


def choose_rows_and_folds(table: LabeledTable, options: KernelOptions, *, source: str) -> LabeledData:
    """Put a table into canonical order, choose its subset and fix its folds.

    Neither the order of rows nor that of columns in the file matters. Columns that never vary are dropped.

    Args:
        table: A valid table.
        options: Subset, folds, components and seed.
        source: The file's name in messages.

    Raises:
        ProblemError: There are too few classes, rows or columns for the options, or too many rows.
    """
    class_names = tuple(sorted(set(table.classes)))
    _refuse_few_members(table.classes, class_names, options.folds, source)
    varying = np.ptp(table.features, axis=0) > 0
    order = canonical_order(table.features[:, varying], table.classes, seed=options.seed)
    number = {name: k for k, name in enumerate(class_names)}
    labels = np.array([number[table.classes[row]] for row in order], dtype=int)
    samples = labels.size if options.samples is None else options.samples
    rows = stratified_subset(labels, samples, at_least=options.folds)
    data = LabeledData(
        features=table.features[order[rows]][:, varying],
        labels=labels[rows],
        feature_names=tuple(n for n, kept in zip(table.feature_names, varying, strict=True) if kept),
        class_names=class_names,
        folds=stratified_folds(labels[rows], options.folds),
        num_components=options.num_components,
    )
    _refuse_unfit(data, source)
    return data


def labeled_fingerprint(data: LabeledData, grid: TuningGrid) -> str:
    """Return the fingerprint of chosen rows, folds and tuning grid; names of files do not enter."""
    return fingerprint(
        {
            "kind": "labeled_data/1",
            "features": array_fingerprint(data.features),
            "labels": data.labels.tolist(),
            "feature_names": list(data.feature_names),
            "class_names": list(data.class_names),
            "folds": [{"train": list(fold.train), "test": list(fold.test)} for fold in data.folds],
            "num_components": data.num_components,
            "tuning": grid.to_document(),
        }
    )


def labeled_facts(data: LabeledData, table: LabeledTable, grid: TuningGrid) -> dict[str, Any]:
    """Return what is worth a column or a look, and the tuning grid that baselines read."""
    kept = set(data.feature_names)
    return {
        "rows": int(data.labels.size),
        "rows_in_file": len(table.classes),
        "columns": len(data.feature_names),
        "dropped_columns": [name for name in table.feature_names if name not in kept],
        # A row and its double can be on both sides of a fold, which flatters every method alike.
        "duplicate_rows": int(data.labels.size - np.unique(data.features, axis=0).shape[0]),
        "class_sizes": {name: int(np.sum(data.labels == k)) for k, name in enumerate(data.class_names)},
        "folds": len(data.folds),
        "tuning": grid.to_document(),
    }


def _refuse_few_members(classes: Sequence[str], class_names: Sequence[str], folds: int, source: str) -> None:
    if len(class_names) < 2:
        raise ProblemError(f"has only the class {class_names[0]!r}; at least 2 are needed", file=source, column="label")
    for name, size in sorted(Counter(classes).items()):
        if size < folds:
            raise ProblemError(
                f"class {name!r} has {size} rows, but {folds} folds need at least {folds}; add rows or drop the class",
                file=source,
                column="label",
            )


def _refuse_unfit(data: LabeledData, source: str) -> None:
    wanted, columns = data.num_components, len(data.feature_names)
    if wanted > columns:
        raise ProblemError(
            f"has {columns} feature columns that vary, fewer than num_components ({wanted}); lower num_components",
            file=source,
        )
    smallest = min(len(fold.train) for fold in data.folds)
    if wanted >= smallest:
        raise ProblemError(
            f"a fold has {smallest} training rows, too few for num_components ({wanted}); raise samples or lower "
            "num_components",
            file=source,
        )
    circuits = sum(num_pairs(fold) for fold in data.folds)
    if circuits > MAX_KERNEL_ROWS:
        raise ProblemError(
            f"{data.labels.size} rows need {circuits} circuits, the cap is {MAX_KERNEL_ROWS}; lower samples",
            file=source,
        )
