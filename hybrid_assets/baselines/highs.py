"""HiGHS: a mixed-integer program that proves the optimum of sparse problems, and a bound where it runs out of time.

Each product x_i x_j becomes a continuous variable y between its McCormick bounds. Of these only the ones that the
objective pushes against are needed: y <= x_i and y <= x_j where the coefficient is positive, y >= x_i + x_j - 1 where
it is negative. For MaxCut that is one row an edge, the projection of the usual cut formulation with two rows.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from hybrid_assets.baselines._bound import safe_bound
from hybrid_assets.baselines._measurement import SEED_RANGE, Measurement, exact_value, magnitude, supported_problem
from hybrid_assets.baselines._spin import spin_form
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import BinaryQuadratic

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult

#: A 3-regular graph of 200 nodes takes seconds, one of 500 gives no more than a bound.
MAX_VARIABLES = 500
#: Beyond this many products the first linear program alone outlasts a minute, and its bound is weaker than the SDP's.
MAX_PRODUCTS = 5_000
#: HiGHS's tolerance of feasibility and integrality, the tightest at which nothing measured became slower.
TOLERANCE = 1e-9
#: How far HiGHS's bound may lie below a true one, as a share of all coefficients: ten tolerances.
BOUND_MARGIN = 10 * TOLERANCE


class _SilentHighs(highspy.Highs):  # type: ignore[misc]  # highspy is not analyzed
    """HiGHS without its banner, which the constructor prints when it enables the callbacks."""

    def enableCallbacks(self) -> None:  # noqa: N802 - highspy's name
        self.silent()
        super().enableCallbacks()


class Highs:
    """Branch and cut on the linearized problem, one thread."""

    name = "highs"
    version = f"1 (highspy {version('highspy')}, McCormick, tolerance {TOLERANCE:g}, 1 thread)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Binary quadratic problems of up to `MAX_VARIABLES` variables and `MAX_PRODUCTS` pairs."""
        problem = instance.problem
        return (
            isinstance(problem, BinaryQuadratic)
            and 1 <= problem.num_variables <= MAX_VARIABLES
            and len(problem.pairs) <= MAX_PRODUCTS
        )

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Solve to proof or to the limit.

        The same seed gives the same value when the proof succeeds; a value at ``time_limit`` depends on the machine.

        Raises:
            ConfigurationError: The instance is not supported, or HiGHS refuses the model.
        """
        problem = supported_problem(self, instance)
        clock = Measurement()
        scale = float(np.abs((*problem.linear, *problem.weights)).max()) or 1.0
        solver = _solver(seed=seed, limit_s=limit_s)
        program, num_rows = _linearized(problem, scale=scale)
        if highspy.HighsStatus.kError in (solver.passModel(program), solver.run()):
            raise ConfigurationError(f"HiGHS refuses the model of {instance.name!r}: {solver.getModelStatus().name}.")
        info, status = solver.getInfo(), solver.getModelStatus()
        point = _point(problem, solver)
        bound: float | None = None
        gap: float | None = None
        if status != highspy.HighsModelStatus.kInfeasible:
            margin = BOUND_MARGIN * magnitude(problem)
            bound = safe_bound(problem, problem.offset + scale * info.mip_dual_bound, margin=margin)
        if point is not None and bound is not None:
            bound = max(bound, value := exact_value(problem, point))
            gap = bound - value
        return clock.result(
            self,
            problem,
            seed=seed,
            point=point,
            bound=bound,
            proved=status == highspy.HighsModelStatus.kOptimal,
            facts={
                "status": _STATUS.get(status, status.name),
                "gap": gap,
                "nodes": int(info.mip_node_count),
                "rows": num_rows,
                "products": len(problem.pairs),
            },
        )


_STATUS = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kTimeLimit: "time_limit",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
}


def _solver(*, seed: int, limit_s: float) -> Any:
    solver = _SilentHighs()
    options = {
        "threads": 1,
        "random_seed": seed % SEED_RANGE,
        "time_limit": float(limit_s),
        "mip_rel_gap": 0.0,
        "mip_abs_gap": TOLERANCE,
        "mip_feasibility_tolerance": TOLERANCE,
        "primal_feasibility_tolerance": TOLERANCE,
        "dual_feasibility_tolerance": TOLERANCE,
    }
    for option, value in options.items():
        solver.setOptionValue(option, value)
    return solver


def _linearized(problem: BinaryQuadratic, *, scale: float) -> tuple[Any, int]:
    """Return the program over (x_1 .. x_n, y_1 .. y_products), objective over ``scale``, and its number of rows."""
    n, weights = problem.num_variables, np.asarray(problem.weights, dtype=float)
    size = n + weights.size
    rows, upper = _product_rows(problem)
    lower = np.full(upper.size, -np.inf)
    if problem.cardinality is not None:
        equalities, right = _cardinality_rows(problem, problem.cardinality)
        rows += equalities
        lower, upper = np.append(lower, right), np.append(upper, right)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = size, len(rows)
    program.sense_ = highspy.ObjSense.kMaximize
    program.col_cost_ = np.concatenate([problem.linear, weights]) / scale
    program.col_lower_, program.col_upper_ = np.zeros(size), np.ones(size)
    if problem.cardinality is None and spin_form(problem).is_symmetric:
        # Each point and its complement are equally good, so one variable may be fixed: the one with most pairs.
        degree = np.bincount(np.asarray(problem.pairs, dtype=int).ravel(), minlength=n)
        program.col_upper_ = np.where(np.arange(size) == degree.argmax(), 0.0, 1.0)
    program.integrality_ = [highspy.HighsVarType.kInteger] * n + [highspy.HighsVarType.kContinuous] * weights.size
    program.row_lower_, program.row_upper_ = lower, upper
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.cumsum([0, *(len(row) for row in rows)])
    program.a_matrix_.index_ = np.array([column for row in rows for column in row], dtype=np.int32)
    program.a_matrix_.value_ = np.array([value for row in rows for value in row.values()], dtype=float)
    return program, len(rows)


def _product_rows(problem: BinaryQuadratic) -> tuple[list[dict[int, float]], np.ndarray]:
    """Return the McCormick rows ``row . (x, y) <= upper`` that the objective pushes against."""
    rows: list[dict[int, float]] = []
    upper: list[float] = []
    for y, ((i, j), weight) in enumerate(zip(problem.pairs, problem.weights, strict=True), problem.num_variables):
        if weight > 0:
            rows += [{i: -1.0, y: 1.0}, {j: -1.0, y: 1.0}]
            upper += [0.0, 0.0]
        elif weight < 0:
            rows.append({i: 1.0, j: 1.0, y: -1.0})
            upper.append(1.0)
    return rows, np.array(upper)


def _cardinality_rows(problem: BinaryQuadratic, ones: int) -> tuple[list[dict[int, float]], list[float]]:
    """Return the rows ``row . (x, y) = right`` of a cardinality.

    Where every pair has a product, ``sum_j x_i x_j = (ones - 1) x_i`` is added for each i (Adams and Sherali 1986): it
    changes no integer point, and halves the time to proof of a dense portfolio.
    """
    n = problem.num_variables
    rows, right = [dict.fromkeys(range(n), 1.0)], [float(ones)]
    if len(problem.pairs) == n * (n - 1) // 2:
        products = [{i: 1.0 - ones} for i in range(n)]
        for y, (i, j) in enumerate(problem.pairs, n):
            products[i][y] = products[j][y] = 1.0
        rows += products
        right += [0.0] * n
    return rows, right


def _point(problem: BinaryQuadratic, solver: Any) -> np.ndarray | None:
    """Return the incumbent rounded to 0/1, or None where there is none or rounding made it infeasible."""
    if not solver.getSolution().value_valid:
        return None
    point = np.rint(np.asarray(solver.getSolution().col_value)[: problem.num_variables]).astype(np.uint8)
    return point if problem.feasible(point[None, :])[0] else None
