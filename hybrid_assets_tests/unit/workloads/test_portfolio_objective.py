"""From prices to coefficients, and from coefficients to a QUBO whose penalty keeps infeasible points out."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.scoring.samples import descend, outcome_bits, penalized
from hybrid_assets.workloads._portfolio_objective import (
    auto_penalty,
    mean_variance,
    moments,
    observed_periods_per_year,
    penalized_qubo,
)
from hybrid_assets.workloads._portfolio_prices import Prices

# Three assets, three dates: two simple returns each.
#   A: 100, 110, 132 -> .10, .20    mean .15, centered -.05 +.05
#   B: 100, 100, 80  -> .00, -.20   mean -.10, centered +.10 -.10
#   C: 50, 60, 60    -> .20, .00    mean .10, centered +.10 -.10
PRICES = Prices(
    assets=("A", "B", "C"),
    dates=(date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 15)),
    columns=((100.0, 110.0, 132.0), (100.0, 100.0, 80.0), (50.0, 60.0, 60.0)),
)


def test_moments_agree_with_hand_computed_returns():
    mean, covariance = moments(PRICES, periods_per_year=10)
    assert mean == pytest.approx([1.5, -1.0, 1.0])  # 10 x (.15, -.10, .10)
    # 10 x sum of products / (2 - 1): AA 2 x .0025, BB and CC and BC 2 x .01, AB and AC 2 x (-.005)
    expected = [[0.05, -0.1, -0.1], [-0.1, 0.2, 0.2], [-0.1, 0.2, 0.2]]
    assert np.array(covariance) == pytest.approx(np.array(expected))


def test_moments_agree_with_numpy_on_a_random_table():
    rng = np.random.default_rng(5)
    table = 50 * np.exp(np.cumsum(rng.normal(0, 0.03, (4, 60)), axis=1))
    days = tuple(date.fromordinal(738_000 + 7 * k) for k in range(60))
    prices = Prices(assets=("A", "B", "C", "D"), dates=days, columns=tuple(map(tuple, table.tolist())))
    mean, covariance = moments(prices, periods_per_year=52)
    returns = table[:, 1:] / table[:, :-1] - 1
    assert np.allclose(mean, 52 * returns.mean(axis=1), rtol=1e-12, atol=1e-14)
    assert np.allclose(covariance, 52 * np.cov(returns), rtol=1e-12, atol=1e-14)


def test_observed_periods_per_year_follows_the_dates():
    assert observed_periods_per_year(PRICES) == pytest.approx(365.25 / 7)


def test_objective_agrees_with_hand_computed_portfolios():
    mean, covariance = moments(PRICES, periods_per_year=10)
    problem = mean_variance(mean, covariance, budget=2, risk_aversion=0.5)
    # mean.x - .5 x^T S x:  AB .5 - .5 (.05 + .2 - .2) = .475;  AC 2.5 - .5 (.05 + .2 - .2) = 2.475;
    # BC 0 - .5 (.2 + .2 + .4) = -.4;  none 0;  all 1.5 - .5 (.45 - .4 + .4) = 1.275
    points = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 1]])
    assert problem.values(points) == pytest.approx([0.475, 2.475, -0.4, 0.0, 1.275])
    assert problem.feasible(points).tolist() == [True, True, True, False, False]


def test_value_table_agrees_with_brute_force_on_the_formula():
    rng = np.random.default_rng(11)
    factor = rng.normal(size=(6, 6))
    mean, covariance = rng.normal(size=6), factor @ factor.T
    problem = mean_variance(mean.tolist(), covariance.tolist(), budget=3, risk_aversion=0.7)
    table, feasible = problem.value_table(), problem.feasible_table()
    for outcome in range(64):
        x = np.array([(outcome >> i) & 1 for i in range(6)])
        assert table[outcome] == pytest.approx(mean @ x - 0.7 * x @ covariance @ x)
        assert feasible[outcome] == (x.sum() == 3)


def test_optimum_does_not_depend_on_periods_per_year():
    """Mean and covariance both scale with it, so it sets the unit and chooses nothing."""
    tables = [
        mean_variance(*moments(PRICES, periods_per_year=k), budget=2, risk_aversion=0.5).value_table()
        for k in (1.0, 52.0)
    ]
    assert tables[1] == pytest.approx(52 * tables[0])


coefficient = st.floats(-3, 3).map(lambda value: round(value, 6))


@st.composite
def problems(draw):
    n = draw(st.integers(2, 6))
    pairs = [pair for pair in itertools.combinations(range(n), 2) if draw(st.booleans())]
    return BinaryQuadratic(
        num_variables=n,
        linear=tuple(draw(st.lists(coefficient, min_size=n, max_size=n))),
        pairs=tuple(pairs),
        weights=tuple(draw(st.lists(coefficient, min_size=len(pairs), max_size=len(pairs)))),
        offset=draw(coefficient),
        cardinality=draw(st.integers(1, n - 1)),
    )


@given(problem=problems(), penalty=st.floats(0.01, 50))
@settings(max_examples=60, deadline=None)
def test_penalized_qubo_of_dimod_equals_the_formula_on_every_outcome(problem, penalty):
    """The same function as `penalized`, which is written out by hand."""
    built = penalized_qubo(problem, penalty)
    assert built.cardinality is None
    assert np.allclose(built.value_table(), penalized(problem, penalty).value_table(), rtol=1e-12, atol=1e-9)


@given(problem=problems())
@settings(max_examples=100, deadline=None)
def test_auto_penalty_puts_every_infeasible_outcome_below_the_best_feasible_one(problem):
    feasible = problem.feasible_table()
    table = penalized_qubo(problem, auto_penalty(problem)).value_table()
    assert table[~feasible].max() < table[feasible].max()


@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_descent_with_auto_penalty_ends_feasible_and_keeps_feasible_points(problem):
    points = outcome_bits(np.arange(1 << problem.num_variables), problem.num_variables)
    reached = descend(penalized(problem, auto_penalty(problem)), points)
    assert problem.feasible(reached).all()
    feasible = problem.feasible(points)
    assert np.array_equal(reached[feasible], points[feasible])


def test_auto_penalty_below_its_bound_would_not_do():
    """One asset that pays 1 alone, budget of one of two: D = 1, and with P < 1 taking both beats taking one."""
    problem = BinaryQuadratic(num_variables=2, linear=(1.0, 1.0), pairs=(), weights=(), cardinality=1)
    assert auto_penalty(problem) == pytest.approx(1.01)
    best, both = penalized_qubo(problem, 0.99).value_table()[[1, 3]]
    assert both > best
    best, both = penalized_qubo(problem, auto_penalty(problem)).value_table()[[1, 3]]
    assert both < best


def test_auto_penalty_of_a_constant_objective_is_one():
    assert auto_penalty(BinaryQuadratic(num_variables=3, linear=(0.0,) * 3, pairs=(), weights=(), cardinality=1)) == 1.0
