"""Exact enumeration: the value of every point, so that the optimum is known beyond doubt. Small problems only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.baselines._measurement import Measurement, exact_value, supported_problem
from hybrid_assets.model.problem import MAX_TABLE_VARIABLES, BinaryQuadratic
from hybrid_assets.scoring.local_search import coupling_matrix
from hybrid_assets.scoring.samples import reaches

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult


def enumerated_values(problem: BinaryQuadratic) -> np.ndarray:
    """Return the objective of every outcome 0 .. 2**n - 1, shape (2**n,), in O(2**n) steps however dense the problem.

    The table doubles with each variable: setting bit k adds its linear coefficient and its couplings to lower bits,
    and that sum is a table that doubles in the same way.
    """
    values = np.full(1, problem.offset, dtype=float)
    couplings = coupling_matrix(problem)
    for k, linear in enumerate(problem.linear):
        gain = np.full(1, linear, dtype=float)
        for weight in couplings[k, :k]:
            gain = np.concatenate([gain, gain + weight])
        values = np.concatenate([values, values + gain])
    return values


class ExactEnumeration:
    """Looks at every point. Its value is the optimum and its own bound."""

    name = "exact_enumeration"
    version = "1 (all 2^n points)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Binary quadratic problems of up to `MAX_TABLE_VARIABLES` variables, the largest table that is ever built."""
        return isinstance(instance.problem, BinaryQuadratic) and 1 <= instance.num_variables <= MAX_TABLE_VARIABLES

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Enumerate; neither the seed nor the limit matters (2**20 points take a tenth of a second).

        Raises:
            ConfigurationError: The instance is not supported.
        """
        del limit_s
        problem = supported_problem(self, instance)
        clock = Measurement()
        values = enumerated_values(problem)
        if problem.cardinality is not None:
            values[~problem.feasible_table()] = -np.inf
        best = int(values.argmax())
        found = bool(np.isfinite(values[best]))
        point = (best >> np.arange(problem.num_variables)) & 1 if found else None
        return clock.result(
            self,
            problem,
            seed=seed,
            point=point,
            bound=None if point is None else exact_value(problem, point),
            proved=found,
            facts={
                "status": "optimal" if found else "infeasible",
                "points": int(np.isfinite(values).sum()),
                "optimal_points": int(reaches(values, values[best]).sum()) if found else 0,
            },
        )
