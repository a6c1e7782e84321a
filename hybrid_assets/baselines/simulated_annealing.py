"""Simulated annealing of dwave-samplers: the strongest cheap rival on sparse and dense problems alike."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from dwave.samplers import SimulatedAnnealingSampler

from hybrid_assets.baselines._bqm import feasible_points, minimization_model
from hybrid_assets.baselines._measurement import SEED_RANGE, Measurement, best_point, supported_problem
from hybrid_assets.model.problem import BinaryQuadratic

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult

#: Independent annealing runs: on 3-regular graphs of 64 nodes about one of four reaches the optimum, of 200 nodes one
#: of ten.
NUM_READS = 100
#: Sweeps over all variables in a read.
NUM_SWEEPS = 1_000
#: At this size and full density a read takes about a second; more belongs to a solver that exploits structure.
MAX_VARIABLES = 2_000


class SimulatedAnnealing:
    """Geometric temperature schedule chosen by the sampler from the coefficients; the best of all reads."""

    name = "simulated_annealing"
    version = f"1 (dwave-samplers {version('dwave-samplers')}, {NUM_READS} reads x {NUM_SWEEPS} sweeps)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Binary quadratic problems of up to `MAX_VARIABLES` variables; a cardinality is penalized, then repaired."""
        return isinstance(instance.problem, BinaryQuadratic) and 1 <= instance.num_variables <= MAX_VARIABLES

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Anneal the fixed budget, stopping between reads only when the limit has passed.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        problem = supported_problem(self, instance)
        clock = Measurement()
        model = minimization_model(problem)
        is_flat = not any(model.linear.values()) and not any(model.quadratic.values())
        sampleset = SimulatedAnnealingSampler().sample(
            model,
            num_reads=NUM_READS,
            num_sweeps=NUM_SWEEPS,
            seed=seed % SEED_RANGE,
            # The sampler warns when it finds no coefficient to choose temperatures from; any range will do then.
            beta_range=(0.1, 1.0) if is_flat else None,
            interrupt_function=lambda: clock.elapsed_s > limit_s,
        )
        points = feasible_points(problem, sampleset)
        point, p_best = best_point(problem, points)
        return clock.result(
            self,
            problem,
            seed=seed,
            point=point,
            facts={
                "status": "finished" if len(points) == NUM_READS else "time_limit",
                "reads": len(points),
                "sweeps": NUM_SWEEPS,
                "p_best": p_best,
                "beta_range": [float(beta) for beta in sampleset.info["beta_range"]],
            },
        )
