"""Problems as dimod models for the samplers of dwave-samplers. Put conversions to and from dimod here; no solving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dimod
import numpy as np

from hybrid_assets.baselines._spin import spin_form
from hybrid_assets.scoring.local_search import descend_by_swaps, restore_cardinality
from hybrid_assets.scoring.samples import penalized

if TYPE_CHECKING:
    from hybrid_assets.model.problem import BinaryQuadratic


def flip_bound(problem: BinaryQuadratic) -> float:
    """Return the most that flipping one variable can change the objective.

    As a penalty weight it is enough: a point d ones away from its cardinality pays d**2 weights, and d flips, which
    lose at most d weights, make it feasible.
    """
    total = np.abs(np.asarray(problem.linear, dtype=float))
    for (i, j), weight in zip(problem.pairs, problem.weights, strict=True):
        total[i] += abs(weight)
        total[j] += abs(weight)
    return float(total.max(initial=0.0))


def minimization_model(problem: BinaryQuadratic) -> Any:
    """Return a ``dimod.BinaryQuadraticModel`` in spins whose energy is the negated objective.

    A cardinality becomes a penalty.
    """
    form = spin_form(problem if problem.cardinality is None else penalized(problem, flip_bound(problem)))
    i, j = np.nonzero(np.triu(form.couplings))
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        -form.fields, (i, j, -form.couplings[i, j]), -form.offset, dimod.SPIN
    )


def feasible_points(problem: BinaryQuadratic, sampleset: Any) -> np.ndarray:
    """Return the samples in the order of the variables, shape (reads, n), repaired where a cardinality asks for it."""
    columns = [sampleset.variables.index(i) for i in range(problem.num_variables)]
    points = (np.asarray(sampleset.record.sample)[:, columns] > 0).astype(np.uint8)
    if problem.cardinality is None:
        return points
    return descend_by_swaps(problem, restore_cardinality(problem, points))
