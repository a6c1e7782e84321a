"""Multistart tabu search of dwave-samplers (MST2, Palubeckis 2004), bounded by work rather than by time.

Left alone the sampler uses the whole of its timeout, so that the value would depend on the machine. Here the number of
restarts and of evaluated moves bounds it, and the timeout is only the limit of the call.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from dwave.samplers import TabuSampler

from hybrid_assets.baselines._bqm import feasible_points, minimization_model
from hybrid_assets.baselines._measurement import SEED_RANGE, Measurement, best_point, supported_problem
from hybrid_assets.model.problem import BinaryQuadratic

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult

#: Independent searches from random starts: restarts come back to the best point of their own search, so that a single
#: one can miss the optimum of even six variables.
NUM_READS = 5
#: Restarts after the first search of each read. All moves together take two to three times the CPU time of the
#: simulated annealing baseline, and found the optimum of a 3-regular graph of 200 nodes from each of six seeds.
NUM_RESTARTS = 50
#: Evaluated moves a variable, in the first search and in each restart.
FIRST_MOVES, RESTART_MOVES = 5_000, 1_250
#: The sampler keeps a dense matrix as nested lists; at this size it is some 100 MB.
MAX_VARIABLES = 1_000


class Tabu:
    """Reads with a fixed number of restarts; the best point of all."""

    name = "tabu"
    version = (
        f"1 (dwave-samplers {version('dwave-samplers')}, {NUM_READS} reads x {NUM_RESTARTS} restarts, "
        f"{FIRST_MOVES}+{RESTART_MOVES} moves a variable)"
    )

    def supports(self, instance: ProblemInstance) -> bool:
        """Binary quadratic problems of up to `MAX_VARIABLES` variables; a cardinality is penalized, then repaired."""
        return isinstance(instance.problem, BinaryQuadratic) and 1 <= instance.num_variables <= MAX_VARIABLES

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Search the fixed budget, stopping earlier only when the limit has passed.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        problem = supported_problem(self, instance)
        clock = Measurement()
        sampleset = TabuSampler().sample(
            minimization_model(problem),
            num_reads=NUM_READS,
            seed=seed % SEED_RANGE,
            timeout=max(1, round(limit_s * 1_000 / NUM_READS)),
            num_restarts=NUM_RESTARTS,
            coefficient_z_first=FIRST_MOVES,
            coefficient_z_restart=RESTART_MOVES,
            lower_bound_z=0,
        )
        point, p_best = best_point(problem, feasible_points(problem, sampleset))
        restarts = [int(count) for count in sampleset.record.num_restarts]
        return clock.result(
            self,
            problem,
            seed=seed,
            point=point,
            facts={
                "status": "finished" if min(restarts) == NUM_RESTARTS else "time_limit",
                "reads": NUM_READS,
                "restarts": sum(restarts),
                "p_best": p_best,
            },
        )
