"""What is particular to one optimization baseline."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from hybrid_assets.baselines import tabu
from hybrid_assets.baselines._bound import safe_bound, value_step
from hybrid_assets.baselines._bqm import flip_bound, minimization_model
from hybrid_assets.baselines._spin import spin_form
from hybrid_assets.baselines.exact_enumeration import ExactEnumeration, enumerated_values
from hybrid_assets.baselines.highs import Highs
from hybrid_assets.baselines.random_greedy import RandomGreedy
from hybrid_assets.baselines.sdp_rounding import SdpRounding, certificate, independent_classes, solve_relaxation
from hybrid_assets.baselines.simulated_annealing import SimulatedAnnealing
from hybrid_assets.scoring.samples import outcome_bits
from hybrid_assets_tests.unit.baselines.quadratics import (
    gaussian_maxcut,
    instance,
    maxcut,
    optimum,
    portfolio,
    problems,
    quadratic,
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(problem=problems())
def test_enumeration_agrees_with_the_value_table(problem):
    assert enumerated_values(problem) == pytest.approx(problem.value_table(), abs=1e-12)


def test_enumeration_counts_points_and_optima():
    """A triangle has 2^3 points and 6 maximal cuts; of its 3 points with one 1, all cut two edges."""
    triangle = maxcut(nx.complete_graph(3))
    assert dict(ExactEnumeration().solve(instance(triangle), seed=0, limit_s=1).facts) == {
        "status": "optimal",
        "points": 8,
        "optimal_points": 6,
    }
    one = quadratic(3, dict(zip(triangle.pairs, triangle.weights, strict=True)), linear=triangle.linear, cardinality=1)
    assert ExactEnumeration().solve(instance(one), seed=0, limit_s=1).facts["points"] == 3


def test_enumeration_of_twenty_dense_variables_is_quick():
    """Not a timing test of the machine: a tenth of the second that is promised would do on a slow one."""
    result = ExactEnumeration().solve(instance(gaussian_maxcut(20, seed=0)), seed=0, limit_s=1)
    assert result.proved
    assert result.bound == result.value
    assert result.cpu_s < 1.0


def test_highs_out_of_time_claims_no_proof_and_keeps_its_bound():
    """A dense graph of 40 nodes with normal weights: the linear bound hardly moves in a second."""
    asked = instance(gaussian_maxcut(40, seed=0))
    result = Highs().solve(asked, seed=1, limit_s=1.0)
    best = SimulatedAnnealing().solve(asked, seed=1, limit_s=10).value
    assert result.facts["status"] == "time_limit"
    assert not result.proved
    assert result.value is not None
    assert result.value <= best + 1e-9 <= result.bound
    assert result.facts["gap"] == result.bound - result.value > 0
    assert result.wall_s < 10


def test_highs_without_time_still_gives_a_bound():
    """The sum of the positive coefficients: here 40 nodes x 3 edges x 1, as each linear term is a degree."""
    result = Highs().solve(instance(maxcut(nx.random_regular_graph(3, 40, seed=1))), seed=1, limit_s=0.0)
    assert not result.proved
    assert result.bound <= 120.0


def test_highs_prints_nothing(capfd):
    Highs().solve(instance(maxcut(nx.petersen_graph())), seed=1, limit_s=5)
    assert capfd.readouterr() == ("", "")


def test_highs_fixes_a_node_only_where_complements_are_equal():
    """With a field on every node the complement of the optimum is worse: fixing one would lose it."""
    tilted = quadratic(2, {(0, 1): -2.0}, linear=(1.5, 1.25))
    result = Highs().solve(instance(tilted), seed=1, limit_s=5)
    assert result.solution == (1, 0)
    assert result.value == 1.5


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(portfolio(9, 4), id="all pairs"),
        pytest.param(quadratic(6, {(0, 1): 2.0, (2, 3): -1.0}, linear=range(6), cardinality=2), id="few pairs"),
        pytest.param(portfolio(5, 5), id="all ones"),
        pytest.param(portfolio(5, 0), id="no ones"),
    ],
)
def test_highs_keeps_the_cardinality(problem):
    result = Highs().solve(instance(problem), seed=1, limit_s=10)
    assert sum(result.solution) == problem.cardinality
    assert result.proved
    assert result.value == pytest.approx(optimum(problem), abs=1e-9)


def test_penalty_makes_every_infeasible_point_worse_than_a_feasible_one():
    problem = portfolio(8, 3)
    penalized_values = -minimization_model(problem).energies(
        (2 * outcome_bits(np.arange(256), 8).astype(int) - 1, range(8))
    )
    feasible = problem.feasible_table()
    assert penalized_values[feasible] == pytest.approx(problem.value_table()[feasible], abs=1e-9)
    assert penalized_values[~feasible].max() < penalized_values[feasible].max()


def test_flip_bound_is_the_heaviest_variable():
    """Variable 1: |-2| + |3| + |-4| = 9; variable 2 has 1 + 4, variable 0 has 0 + 3."""
    assert flip_bound(quadratic(3, {(0, 1): 3.0, (1, 2): -4.0}, linear=(0.0, -2.0, 1.0))) == 9.0


def test_annealing_temperatures_ignore_cancellation_errors():
    """Left in, fields of 1e-17 would make the coldest beta 1e16 and freeze most of the schedule."""
    result = SimulatedAnnealing().solve(instance(gaussian_maxcut(20, seed=0)), seed=1, limit_s=10)
    assert result.facts["beta_range"][1] < 1e6


def test_samplers_stop_at_the_limit_and_say_so():
    asked = instance(gaussian_maxcut(60, seed=0))
    annealed = SimulatedAnnealing().solve(asked, seed=1, limit_s=0.0)
    assert annealed.facts["status"] == "time_limit"
    assert annealed.facts["reads"] < 100
    assert annealed.value is not None
    searched = tabu.Tabu().solve(asked, seed=1, limit_s=0.0)
    assert searched.facts["status"] == "time_limit"
    assert searched.facts["restarts"] < tabu.NUM_READS * tabu.NUM_RESTARTS


def test_random_greedy_reports_how_often_it_reaches_its_best():
    """Two nodes and an edge: half of the starts are cut, the others reach a cut by one flip."""
    facts = RandomGreedy().solve(instance(maxcut(nx.complete_graph(2))), seed=1, limit_s=1).facts
    assert (facts["starts"], facts["p_best"], facts["mean_value"]) == (1000, 1.0, 1.0)
    cubic = RandomGreedy().solve(instance(maxcut(nx.random_regular_graph(3, 20, seed=1))), seed=1, limit_s=1).facts
    assert 0.1 < cubic["p_best"] < 0.6


def test_every_local_optimum_of_the_dodecahedron_is_an_optimum():
    """One flip cannot help when uncut edges touch no more than once; then each pentagon has exactly one of them."""
    assert RandomGreedy().solve(instance(maxcut(nx.dodecahedral_graph())), seed=1, limit_s=1).facts["p_best"] == 1.0


@settings(max_examples=50, deadline=None, derandomize=True)
@given(problem=problems())
def test_spin_form_has_the_same_values(problem):
    form = spin_form(problem)
    bits = outcome_bits(np.arange(1 << problem.num_variables), problem.num_variables)
    spins = 2.0 * bits - 1
    values = form.offset + spins @ form.fields + np.einsum("pi,ij,pj->p", spins, form.couplings, spins) / 2
    assert values == pytest.approx(problem.values(bits), abs=1e-9)


def test_relaxation_of_the_pentagon_has_its_known_value():
    """The SDP of the 5-cycle cuts 5 (1 + cos(pi / 5)) / 2 = 4.5225 edges (Goemans and Williamson 1995, section 5)."""
    cycle = maxcut(nx.cycle_graph(5))
    form = spin_form(cycle)
    relaxation = solve_relaxation(form.couplings, rng=np.random.default_rng(0), limit_s=10)
    expected = 5 * (1 + math.cos(math.pi / 5)) / 2
    assert form.offset + relaxation.value == pytest.approx(expected, abs=1e-4)
    assert form.offset + relaxation.bound == pytest.approx(expected, abs=1e-4)
    assert form.offset + relaxation.bound >= expected - 1e-9


def test_certificate_holds_at_any_vectors():
    """Even unconverged vectors must bound the optimum from above, and cannot exceed the bound themselves."""
    problem = gaussian_maxcut(10, seed=2)
    form, rng = spin_form(problem), np.random.default_rng(1)
    best = optimum(problem)
    for _ in range(20):
        vectors = rng.normal(size=(10, 4))
        vectors /= np.linalg.norm(vectors, axis=1)[:, None]
        value, bound = certificate(form.couplings, vectors)
        assert form.offset + bound >= best
        assert bound >= value


def test_relaxation_stops_at_the_limit_with_a_bound():
    form = spin_form(gaussian_maxcut(30, seed=2))
    relaxation = solve_relaxation(form.couplings, rng=np.random.default_rng(0), limit_s=-1.0)
    assert relaxation.bound >= relaxation.value
    assert (relaxation.status, relaxation.sweeps) in {("time_limit", 50), ("finished", 50)}


def test_independent_classes_have_no_couplings_inside():
    couplings = spin_form(maxcut(nx.random_regular_graph(3, 30, seed=1))).couplings
    classes = independent_classes(couplings)
    assert sorted(np.concatenate(classes).tolist()) == list(range(30))
    assert len(classes) <= 4  # greedy coloring needs at most degree + 1
    assert all(not couplings[np.ix_(members, members)].any() for members in classes)


def test_sdp_proves_an_optimum_that_its_integer_bound_meets():
    """Petersen: the relaxation gives 12.5 (15 (1 + 2/3) / 2), so 12 is the most an integer cut can have."""
    result = SdpRounding().solve(instance(maxcut(nx.petersen_graph())), seed=1, limit_s=5)
    assert result.facts["relaxation_bound"] == pytest.approx(12.5, abs=1e-3)
    assert (result.value, result.bound, result.proved) == (12.0, 12.0, True)


def test_sdp_leaves_problems_with_a_cardinality_alone():
    assert not SdpRounding().supports(instance(portfolio(6, 3)))


@pytest.mark.parametrize(
    ("problem", "step"),
    [
        pytest.param(quadratic(3, {(0, 1): -4.0, (1, 2): 6.0}, linear=(2.0, 0.0, 0.0)), 2, id="even"),
        pytest.param(quadratic(2, {(0, 1): 0.5}), 0, id="real"),
        pytest.param(quadratic(2, {}), 0, id="nothing"),
    ],
)
def test_value_step_is_the_common_divisor_of_integers(problem, step):
    assert value_step(problem) == step


def test_safe_bound_rounds_outward_then_down_to_a_possible_value():
    """Values are 0.25 + 2 k, at most 0.25 + 10: 5.9999 + 0.001 allows 4.25, 6.2499 + 0.001 allows 6.25."""
    even = quadratic(2, {(0, 1): 6.0}, linear=(4.0, -2.0), offset=0.25)
    assert safe_bound(even, 5.9999, margin=0.001) == 4.25
    assert safe_bound(even, 6.2499, margin=0.001) == 6.25
    assert safe_bound(even, math.inf, margin=0.001) == 10.25
    real = quadratic(2, {(0, 1): 0.5})
    assert safe_bound(real, 0.25, margin=0.125) == 0.375
