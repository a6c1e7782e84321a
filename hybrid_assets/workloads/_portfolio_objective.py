"""From prices to the objective, and from the objective to its penalized QUBO.

Put the finance and the penalty here; keep files (`_portfolio_prices`) and circuits (`portfolio`) out.
"""

from __future__ import annotations

import itertools
import math
import operator
from typing import TYPE_CHECKING

import dimod

from hybrid_assets.model.problem import BinaryQuadratic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.workloads._portfolio_prices import Prices

DAYS_PER_YEAR = 365.25
#: The bound on the penalty holds with "greater than": this much above it is far more than rounding takes away.
PENALTY_MARGIN = 1.01


def observed_periods_per_year(prices: Prices) -> float:
    """Return how many rows a year holds, from the first and the last date."""
    return (len(prices.dates) - 1) * DAYS_PER_YEAR / (prices.dates[-1] - prices.dates[0]).days


def moments(prices: Prices, *, periods_per_year: float) -> tuple[list[float], list[list[float]]]:
    """Return the annualized mean vector and covariance matrix of simple returns.

    A simple return is ``price[t] / price[t - 1] - 1``: unlike log returns they add up over the assets of a portfolio.
    Means and sample covariances (divisor: returns - 1) are multiplied by ``periods_per_year``. Sums are exact
    (`math.fsum`), so that every machine gets the same bits and with them the same fingerprint.

    Returns:
        Mean of each asset in 1/year, shape (assets,), and covariances in 1/year, shape (assets, assets).
    """
    returns = [[after / before - 1 for before, after in itertools.pairwise(p)] for p in prices.columns]
    count = len(returns[0])
    means = [math.fsum(r) / count for r in returns]
    centered = [[value - mean for value in r] for r, mean in zip(returns, means, strict=True)]
    scale = periods_per_year / (count - 1)
    covariance = [[0.0] * len(centered) for _ in centered]
    for i, one in enumerate(centered):
        for j, other in enumerate(centered[: i + 1]):
            covariance[i][j] = covariance[j][i] = scale * math.fsum(map(operator.mul, one, other))
    return [periods_per_year * mean for mean in means], covariance


def mean_variance(
    mean: Sequence[float], covariance: Sequence[Sequence[float]], *, budget: int, risk_aversion: float
) -> BinaryQuadratic:
    """Return ``maximize mean.x - risk_aversion x^T covariance x`` over choices x of exactly ``budget`` assets.

    As x_i^2 = x_i, asset i has the linear coefficient ``mean_i - risk_aversion covariance_ii`` and a pair has
    ``-2 risk_aversion covariance_ij``. The value is the annual return of holding one unit of each chosen asset, less
    its risk, in 1/year; for equal parts of one unit divide the return by the budget and the risk by its square.
    """
    count = len(mean)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    return BinaryQuadratic(
        num_variables=count,
        linear=tuple(mean[i] - risk_aversion * covariance[i][i] for i in range(count)),
        pairs=tuple(pairs),
        weights=tuple(-2 * risk_aversion * covariance[i][j] for i, j in pairs),
        cardinality=budget,
    )


def auto_penalty(problem: BinaryQuadratic) -> float:
    """Return a penalty P with which no infeasible point is as good as the best feasible one.

    Adding variable i to any point changes the objective by at least ``lower_i = linear_i + sum_j min(0, w_ij)`` and at
    most ``upper_i = linear_i + sum_j max(0, w_ij)``. With ``D = max_i max(upper_i, -lower_i)`` a point that misses the
    cardinality by d is within d D of a feasible one, so its penalized value is at most ``best + d D - P d^2``, which is
    below ``best`` for every d >= 1 once P > D. It follows as well that a one-flip descent on the penalized objective
    always ends on a feasible point, and that a feasible point is never left by one flip. Here P = 1.01 D, or 1 where
    the objective is constant. Nothing about the optimum is used.
    """
    lower, upper = list(problem.linear), list(problem.linear)
    for (i, j), weight in zip(problem.pairs, problem.weights, strict=True):
        for k in (i, j):
            lower[k] += min(0.0, weight)
            upper[k] += max(0.0, weight)
    largest = max(*upper, *(-value for value in lower))
    return PENALTY_MARGIN * largest if largest > 0 else 1.0


def penalized_qubo(problem: BinaryQuadratic, penalty: float) -> BinaryQuadratic:
    """Return ``objective - penalty (sum_i x_i - cardinality)^2`` without a cardinality, built by dimod.

    dimod minimizes, so the objective enters with the opposite sign and comes back with it.
    """
    variables = range(problem.num_variables)
    model = dimod.BinaryQuadraticModel(
        {i: -c for i, c in enumerate(problem.linear)},
        {pair: -w for pair, w in zip(problem.pairs, problem.weights, strict=True)},
        -problem.offset,
        dimod.BINARY,
    )
    if problem.cardinality is not None:
        model.add_linear_equality_constraint([(i, 1.0) for i in variables], penalty, -float(problem.cardinality))
    quadratic = {(min(i, j), max(i, j)): -float(bias) for (i, j), bias in model.quadratic.items()}
    pairs = tuple(sorted(quadratic))
    return BinaryQuadratic(
        num_variables=problem.num_variables,
        linear=tuple(-float(model.get_linear(i)) for i in variables),
        pairs=pairs,
        weights=tuple(quadratic[pair] for pair in pairs),
        offset=-float(model.offset),
    )
