"""What holds for every optimization baseline: the truth by enumeration, bounds, named graphs, seeds."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import LabeledData, OpaqueProblem
from hybrid_assets.model.results import Role
from hybrid_assets_tests.unit.baselines.quadratics import (
    SOLVERS,
    gaussian_maxcut,
    instance,
    maxcut,
    optimum,
    portfolio,
    problems,
    quadratic,
)

TOLERANCE = 1e-9


def solved(problem, *, seed=3, limit_s=20.0):
    asked = instance(problem)
    return [solver.solve(asked, seed=seed, limit_s=limit_s) for solver in SOLVERS if solver.supports(asked)]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(problem=problems())
def test_panel_finds_the_optimum_of_small_problems(problem):
    """Seven variables hold no trap for independent starts; hyperplanes all start from one relaxation, and may miss."""
    best = optimum(problem)
    for result in solved(problem):
        assert result.value <= best + TOLERANCE, result.baseline
        assert result.value >= best - TOLERANCE or result.baseline == "sdp_rounding", result.baseline
        assert result.bound is None or result.bound >= best - TOLERANCE, result.baseline


@pytest.mark.parametrize(
    ("graph", "best", "edges"),
    [
        pytest.param(nx.petersen_graph(), 12, 15, id="petersen"),
        pytest.param(nx.frucht_graph(), 15, 18, id="frucht"),
        pytest.param(nx.dodecahedral_graph(), 24, 30, id="dodecahedral"),
    ],
)
def test_panel_reaches_the_known_cut_of_named_graphs(graph, best, edges):
    """Optima by enumeration. Dodecahedron: each of 12 pentagons loses an edge that two of them share, 30 - 12/2."""
    assert graph.number_of_edges() == edges
    results = solved(maxcut(graph))
    assert {result.baseline: result.value for result in results} == {solver.name: best for solver in SOLVERS}
    assert {result.baseline for result in results if result.proved} >= {"exact_enumeration", "highs"}


def test_panel_reaches_the_proved_optimum_of_the_karate_club():
    """34 nodes are beyond enumeration: HiGHS proves 61 of 78 edges, everyone reaches it, the SDP bounds it."""
    results = {result.baseline: result for result in solved(maxcut(nx.karate_club_graph()))}
    assert results["highs"].proved
    assert {result.value for result in results.values()} == {61.0}
    assert results["sdp_rounding"].bound == 63.0  # the relaxation gives 63.49, and a cut is an integer
    assert "exact_enumeration" not in results


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(gaussian_maxcut(12, seed=1), id="dense"),
        pytest.param(maxcut(nx.random_regular_graph(3, 40, seed=2)), id="cubic40"),
        pytest.param(portfolio(12, 5), id="portfolio"),
    ],
)
def test_nobody_exceeds_the_proved_optimum_or_a_bound(problem):
    results = solved(problem)
    proved = next(result.value for result in results if result.proved)
    for result in results:
        assert result.value <= proved + TOLERANCE, result.baseline
        assert result.bound is None or result.bound >= proved - TOLERANCE, result.baseline


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_same_seed_gives_the_same_result(solver):
    asked = instance(gaussian_maxcut(16, seed=4))
    first, second = (solver.solve(asked, seed=2**40 + 5, limit_s=20) for _ in range(2))
    assert (first.value, first.solution, first.bound) == (second.value, second.solution, second.bound)
    assert first.seed == 2**40 + 5


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_baseline_says_none_where_nothing_is_feasible(solver):
    asked = instance(quadratic(3, {(0, 1): 1.0}, cardinality=4))
    if not solver.supports(asked):
        assert solver.name == "sdp_rounding"
        return
    result = solver.solve(asked, seed=1, limit_s=5)
    assert (result.value, result.solution, result.proved, result.bound) == (None, (), False, None)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_baseline_solves_a_problem_without_any_coefficient(solver):
    result = solver.solve(instance(quadratic(3, {}, offset=2.5)), seed=1, limit_s=5)
    assert result.value == 2.5
    assert len(result.solution) == 3


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_baseline_refuses_other_kinds_of_problem(solver):
    asked = instance(OpaqueProblem(document={}))
    assert not solver.supports(asked)
    with pytest.raises(ConfigurationError, match=f"{solver.name} cannot solve 'example'; ask its `supports` first"):
        solver.solve(asked, seed=1, limit_s=1)
    assert not isinstance(asked.problem, LabeledData)


@pytest.mark.parametrize(
    ("name", "largest"),
    [("exact_enumeration", 20), ("highs", 500), ("random_greedy", 1000), ("sdp_rounding", 500), ("tabu", 1000)],
)
def test_baseline_stops_at_its_size(name, largest):
    solver = next(solver for solver in SOLVERS if solver.name == name)
    assert solver.supports(instance(quadratic(largest, {})))
    assert not solver.supports(instance(quadratic(largest + 1, {})))


def test_only_random_greedy_is_a_control():
    roles = {result.baseline: result.role for result in solved(maxcut(nx.petersen_graph()))}
    assert {name for name, role in roles.items() if role is Role.CONTROL} == {"random_greedy"}


def test_versions_carry_package_and_settings():
    """A changed budget or package must solve everything again."""
    versions = {solver.name: solver.version for solver in SOLVERS}
    assert "highspy 1." in versions["highs"]
    assert "dwave-samplers 1." in versions["tabu"]
    assert "100 reads x 1000 sweeps" in versions["simulated_annealing"]
    assert "1000 starts" in versions["random_greedy"]
    assert "1000 hyperplanes" in versions["sdp_rounding"]
