"""The conformance test of classical baselines. Put what every baseline must keep here; keep solver details out."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.model.problem import BinaryQuadratic, LabeledData, problem_to_document
from hybrid_assets.model.results import BaselineResult, Role
from hybrid_assets.protocols import BaselineSolver

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance

#: Problems up to this size are enumerated here, to check bounds and proofs against the truth.
MAX_CHECKED_VARIABLES = 14
#: Two sums of the same terms in different order agree to this share of the sum of their sizes.
SUM_TOLERANCE = 1e-9
#: A proof is a proof up to this share of the coefficients: solvers work in floating point and round bounds outward.
PROOF_TOLERANCE = 1e-6


def assert_baseline_api(solver: BaselineSolver, instance: ProblemInstance, *, limit_s: float = 60.0) -> None:
    """Check that a baseline keeps the protocol's promises on one instance.

    Where the baseline does not support the instance, only the answer of ``supports`` is checked. Choose an instance
    that it solves within ``limit_s``, else the same seed need not give the same value.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    assert isinstance(solver, BaselineSolver), f"{type(solver).__name__} lacks a member of the BaselineSolver protocol"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", solver.name), f"name {solver.name!r} is not lower snake case"
    assert solver.version.strip(), f"{solver.name}: version is empty, so a change would solve nothing again"
    supported = solver.supports(instance)
    assert isinstance(supported, bool), f"{solver.name}: supports() returned {supported!r}, not a bool"
    if not supported:
        return
    before = canonical_json(problem_to_document(instance.problem))
    first = solver.solve(instance, seed=7, limit_s=limit_s)
    second = type(solver)().solve(instance, seed=7, limit_s=limit_s)
    after = canonical_json(problem_to_document(instance.problem))
    assert after == before, f"{solver.name}: solve() changed its instance"
    _assert_record(solver, first)
    for column in ("value", "bound", "proved", "solution", "fold_values"):
        one, other = getattr(first, column), getattr(second, column)
        assert one == other, f"{solver.name}: the same seed gave {column} {one!r} and then {other!r}"
    if isinstance(instance.problem, BinaryQuadratic):
        _assert_optimization(instance.problem, first)
    elif isinstance(instance.problem, LabeledData):
        _assert_classification(instance.problem, first)


def _assert_record(solver: BaselineSolver, result: BaselineResult) -> None:
    name = solver.name
    assert isinstance(result, BaselineResult), f"{name}: solve() returned {type(result).__name__}"
    assert (result.baseline, result.version) == (name, solver.version), f"{name}: the result names another baseline"
    assert result.seed == 7, f"{name}: the result records seed {result.seed}, it was given 7"
    assert result.wall_s >= 0, f"{name}: wall_s is {result.wall_s}"
    assert result.cpu_s >= 0, f"{name}: cpu_s is {result.cpu_s}"
    assert result.wall_s + result.cpu_s > 0, f"{name}: nothing was measured"
    assert result.role in {Role.CLASSICAL, Role.CONTROL}, f"{name}: a baseline cannot have role {result.role!r}"
    for column in ("value", "bound"):
        number = getattr(result, column)
        assert number is None or math.isfinite(number), f"{name}: {column} is {number}; say None where there is none"
    canonical_json(dict(result.facts))


def _assert_optimization(problem: BinaryQuadratic, result: BaselineResult) -> None:
    name, size = result.baseline, _coefficient_sum(problem)
    if result.value is None:
        assert not result.solution, f"{name}: a solution without a value"
        assert not result.proved, f"{name}: proved, but nothing was found"
    else:
        assert len(result.solution) == problem.num_variables, f"{name}: the solution has {len(result.solution)} bits"
        assert set(result.solution) <= {0, 1}, f"{name}: the solution is not 0/1"
        point = np.array([result.solution])
        assert problem.feasible(point)[0], f"{name}: the solution is infeasible"
        exact = float(problem.values(point)[0])
        assert result.value == exact, f"{name}: value {result.value!r}, but its solution is worth {exact!r}"
        if result.proved:
            assert result.bound is not None, f"{name}: proved without a bound"
            gap = result.bound - exact
            assert gap <= PROOF_TOLERANCE * size, f"{name}: proved {exact}, but its bound is {result.bound}"
        if result.bound is not None:
            below = exact - result.bound
            assert below <= SUM_TOLERANCE * size, f"{name}: bound {result.bound} is below its own value {exact}"
    if problem.num_variables <= MAX_CHECKED_VARIABLES:
        _assert_against_enumeration(problem, result)


def _assert_against_enumeration(problem: BinaryQuadratic, result: BaselineResult) -> None:
    name, size = result.baseline, _coefficient_sum(problem)
    values = problem.value_table()[problem.feasible_table()]
    if not values.size:
        assert result.value is None, f"{name}: a value where no point is feasible"
        return
    optimum = float(values.max())
    if result.bound is not None:
        below = optimum - result.bound
        assert below <= SUM_TOLERANCE * size, f"{name}: bound {result.bound} is below the optimum {optimum}"
    if result.proved and result.value is not None:
        missed = optimum - result.value
        assert missed <= PROOF_TOLERANCE * size, f"{name}: proved {result.value}, the optimum is {optimum}"


def _assert_classification(data: LabeledData, result: BaselineResult) -> None:
    name = result.baseline
    assert result.value is not None, f"{name}: no accuracy"
    assert len(result.fold_values) == len(data.folds), (
        f"{name}: {len(result.fold_values)} values, {len(data.folds)} folds"
    )
    assert all(0 <= value <= 1 for value in result.fold_values), f"{name}: an accuracy outside 0 .. 1"
    mean = float(np.mean(result.fold_values))
    assert abs(result.value - mean) <= SUM_TOLERANCE, f"{name}: value {result.value} is not the folds' mean {mean}"
    assert not result.proved, f"{name}: an accuracy cannot be proved"
    assert result.bound is None, f"{name}: an accuracy has no bound"
    assert not result.solution, f"{name}: a classifier has no solution point"


def _coefficient_sum(problem: BinaryQuadratic) -> float:
    return float(abs(problem.offset) + np.abs(problem.linear).sum() + np.abs(problem.weights).sum())
