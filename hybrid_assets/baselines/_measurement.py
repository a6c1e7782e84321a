"""What every optimization baseline reports: the clock, the exact value of its point, the record.

Put what all of them must do alike here; keep algorithms in the baselines.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.model.results import BaselineResult, Role
from hybrid_assets.scoring.samples import reaches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.protocols import BaselineSolver

#: The samplers take seeds below 2**31.
SEED_RANGE = 2**31


def supported_problem(solver: BaselineSolver, instance: ProblemInstance) -> BinaryQuadratic:
    """Return the problem of an instance that a baseline supports.

    Raises:
        ConfigurationError: It does not.
    """
    problem = instance.problem
    if not isinstance(problem, BinaryQuadratic) or not solver.supports(instance):
        raise ConfigurationError(f"{solver.name} cannot solve {instance.name!r}; ask its `supports` first.")
    return problem


def exact_value(problem: BinaryQuadratic, point: np.ndarray) -> float:
    """Return the objective of one point of shape (n,), computed alone so that its last bit depends on nothing else."""
    return float(problem.values(np.asarray(point)[None, :])[0])


def best_point(problem: BinaryQuadratic, points: np.ndarray) -> tuple[np.ndarray | None, float]:
    """Choose the best feasible point.

    Args:
        problem: Objective to maximize.
        points: 0/1 array of shape (points, n).

    Returns:
        The first best point of shape (n,), or None when none is feasible, and the share of all points that are as good
        up to rounding.
    """
    feasible = problem.feasible(points)
    if not feasible.any():
        return None, 0.0
    values = np.where(feasible, problem.values(points), -np.inf)
    best = int(values.argmax())
    return points[best], float(np.mean(reaches(values, values[best])))


def magnitude(problem: BinaryQuadratic) -> float:
    """Return the sum of all absolute coefficients: no value is larger, and rounding errors are proportional to it."""
    return float(abs(problem.offset) + np.abs(problem.linear).sum() + np.abs(problem.weights).sum())


def coefficient_bound(problem: BinaryQuadratic) -> float:
    """Return the sum of all positive coefficients and the offset, an upper bound of every problem."""
    return float(problem.offset + np.maximum(problem.linear, 0).sum() + np.maximum(problem.weights, 0).sum())


class Measurement:
    """The clock of one solve, started when it is made.

    CPU time is the whole process's, so two solves that overlap in one process are charged to each other.
    """

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the start."""
        return time.perf_counter() - self._wall_s

    def result(  # noqa: PLR0913 - each is a column of the record, all but the first two by name
        self,
        solver: BaselineSolver,
        problem: BinaryQuadratic,
        *,
        seed: int,
        point: np.ndarray | None,
        facts: Mapping[str, Any],
        bound: float | None = None,
        proved: bool = False,
        role: Role = Role.CLASSICAL,
    ) -> BaselineResult:
        """Stop the clock and make the record; the value is recomputed from ``point``, never a solver's own number."""
        value = None if point is None else exact_value(problem, point)
        return BaselineResult(
            baseline=solver.name,
            version=solver.version,
            value=value,
            bound=bound,
            proved=proved and value is not None,
            wall_s=self.elapsed_s,
            cpu_s=time.process_time() - self._cpu_s,
            seed=seed,
            role=role,
            solution=() if point is None else tuple(int(bit) for bit in point),
            facts=facts,
        )
