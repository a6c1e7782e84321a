"""What every classification baseline reports: the clock, the accuracy of each fold, the record.

Put what all of them must do alike here; keep classifiers in the baselines.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import LabeledData
from hybrid_assets.model.results import BaselineResult, Role
from hybrid_assets.scoring.kernel_tuning import INNER_FOLDS, TuningGrid, accuracy, predict, tune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hybrid_assets.model.problem import Fold, ProblemInstance
    from hybrid_assets.protocols import BaselineSolver

SCIKIT_LEARN = f"scikit-learn {version('scikit-learn')}"
#: For the version of a tuned kernel machine: scikit-learn learns, numpy projects.
LIBRARIES = f"{SCIKIT_LEARN}, numpy {version('numpy')}, inner {INNER_FOLDS}-fold"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldTask:
    """One fold as a baseline sees it."""

    data: LabeledData
    fold: Fold
    #: The settings every method may try, from the instance.
    grid: TuningGrid
    #: Class number of each training row.
    train_labels: np.ndarray
    #: False when this fold's share of the time is used up; tuning then ends with the best so far.
    go_on: Callable[[], bool]


def solve_folds(
    solver: BaselineSolver,
    instance: ProblemInstance,
    learn: Callable[[FoldTask], tuple[np.ndarray, Mapping[str, Any]]],
    *,
    seed: int,
    limit_s: float,
    role: Role = Role.CLASSICAL,
) -> BaselineResult:
    """Learn and test every fold and make the record.

    Args:
        solver: Whose result it is.
        instance: Labeled data with its folds.
        learn: Returns the predicted class numbers of a fold's test rows and JSON facts (the chosen setting). It may
            look at features of test rows to predict them, at nothing else of them.
        seed: For the record.
        limit_s: Wall seconds, shared equally by the folds; only tuning is cut short.
        role: What the method is in a comparison.

    Raises:
        ConfigurationError: The instance is no labeled data.
    """
    data = instance.problem
    if not isinstance(data, LabeledData):
        raise ConfigurationError(f"{solver.name} cannot solve {instance.name!r}; ask `supports` first.")
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    grid = TuningGrid.from_facts(instance.facts)
    values: list[float] = []
    chosen: list[dict[str, Any]] = []
    for number, fold in enumerate(data.folds, start=1):
        until_s = wall_s + limit_s * number / len(data.folds)
        predicted, facts = learn(
            FoldTask(
                data=data,
                fold=fold,
                grid=grid,
                train_labels=data.labels[list(fold.train)],
                go_on=lambda until_s=until_s: time.perf_counter() < until_s,  # type: ignore[misc]
            )
        )
        values.append(accuracy(predicted, data.labels[list(fold.test)]))
        chosen.append(dict(facts))
    return BaselineResult(
        baseline=solver.name,
        version=solver.version,
        value=float(np.mean(values)),
        bound=None,
        proved=False,
        wall_s=time.perf_counter() - wall_s,
        cpu_s=time.process_time() - cpu_s,
        seed=seed,
        role=role,
        fold_values=tuple(values),
        facts={"folds": chosen},
    )


def learn_kernel(
    task: FoldTask,
    kernels: Iterable[tuple[np.ndarray, np.ndarray]],
    costs: Sequence[float],
) -> tuple[np.ndarray, int, dict[str, Any]]:
    """Tune a support vector machine over kernels and penalties, then predict the test rows with the best.

    Args:
        task: The fold.
        kernels: (train against train, test against train) of each candidate, the preferred one first.
        costs: Penalties C, the preferred one first.

    Returns:
        Predicted class numbers, the position of the chosen kernel, and facts of the tuning.
    """
    candidates = list(kernels)
    best = tune([train for train, _ in candidates], task.train_labels, costs, go_on=task.go_on)
    train, test = candidates[best.candidate]
    predicted = predict(train, test, task.train_labels, cost=best.cost)
    facts = {"cost": best.cost, "inner_accuracy": best.inner_accuracy, "num_tried": best.num_tried}
    return predicted, best.candidate, facts
