"""Random points and greedy descent: the mandatory control of every method that post-processes its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.baselines._measurement import Measurement, best_point, supported_problem
from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.local_search import descend_by_swaps, random_points
from hybrid_assets.scoring.samples import descend

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult

#: Starts: the share that reaches the best is known to 1.6 percentage points (one standard error).
NUM_STARTS = 1_000
#: One-flip descent of all starts holds a few (starts, n) arrays and takes about n steps.
MAX_VARIABLES = 1_000
#: Swap descent looks at n**2 exchanges of every start in every step; at this size it takes some ten seconds.
MAX_CONSTRAINED_VARIABLES = 100


class RandomGreedy:
    """Uniform feasible starts, each walked to a local optimum: by flips, or by swaps where a cardinality must hold."""

    name = "random_greedy"
    version = f"1 ({NUM_STARTS} starts, steepest descent)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Binary quadratic problems of up to `MAX_VARIABLES` variables, fewer with a cardinality."""
        problem = instance.problem
        if not isinstance(problem, BinaryQuadratic):
            return False
        limit = MAX_VARIABLES if problem.cardinality is None else MAX_CONSTRAINED_VARIABLES
        return 1 <= problem.num_variables <= limit

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Descend from all starts; the limit is not needed at the sizes supported.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        del limit_s
        problem = supported_problem(self, instance)
        clock = Measurement()
        starts = random_points(problem, num_points=NUM_STARTS, rng=np.random.default_rng(seed))
        move = descend if problem.cardinality is None else descend_by_swaps
        points = move(problem, starts)
        point, p_best = best_point(problem, points)
        return clock.result(
            self,
            problem,
            seed=seed,
            point=point,
            role=Role.CONTROL,
            facts={
                "status": "finished",
                "starts": NUM_STARTS,
                "p_best": p_best,
                "mean_value": float(problem.values(points).mean()) if point is not None else None,
            },
        )
