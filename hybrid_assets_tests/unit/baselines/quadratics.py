"""Binary quadratic problems for the tests of the optimization baselines, and all these baselines."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from hybrid_assets.baselines.exact_enumeration import ExactEnumeration
from hybrid_assets.baselines.highs import Highs
from hybrid_assets.baselines.random_greedy import RandomGreedy
from hybrid_assets.baselines.sdp_rounding import SdpRounding
from hybrid_assets.baselines.simulated_annealing import SimulatedAnnealing
from hybrid_assets.baselines.tabu import Tabu
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.problem import BinaryQuadratic, ProblemInstance, problem_to_document

SOLVERS = (ExactEnumeration(), Highs(), RandomGreedy(), SdpRounding(), SimulatedAnnealing(), Tabu())


def instance(problem, name="example"):
    return ProblemInstance(
        workload="maxcut",
        name=name,
        fingerprint=fingerprint(problem_to_document(problem)),
        num_variables=getattr(problem, "num_variables", 0),
        source="example.csv",
        problem=problem,
    )


def quadratic(num_variables, coefficients, *, linear=None, offset=0.0, cardinality=None):
    """Make a problem from ``{(i, j): weight}``."""
    pairs = tuple(sorted(coefficients))
    return BinaryQuadratic(
        num_variables=num_variables,
        linear=tuple(linear) if linear is not None else (0.0,) * num_variables,
        pairs=pairs,
        weights=tuple(coefficients[pair] for pair in pairs),
        offset=offset,
        cardinality=cardinality,
    )


def maxcut(graph, weights=None):
    """Cut of an edge = x_i + x_j - 2 x_i x_j; the weights follow ``graph.edges``, 1 where there are none."""
    graph = nx.convert_node_labels_to_integers(graph)
    linear, coefficients = [0.0] * graph.number_of_nodes(), {}
    for k, (i, j) in enumerate(graph.edges):
        weight = 1.0 if weights is None else float(weights[k])
        linear[i] += weight
        linear[j] += weight
        coefficients[min(i, j), max(i, j)] = -2.0 * weight
    return quadratic(len(linear), coefficients, linear=linear)


def gaussian_maxcut(num_variables, seed):
    """A complete graph with normal weights: dense, and hard for a linearized program."""
    graph = nx.complete_graph(num_variables)
    return maxcut(graph, np.random.default_rng(seed).normal(size=graph.number_of_edges()))


def portfolio(num_variables, cardinality, seed=0):
    """Mean-variance with a factor model, every pair present."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(num_variables, 3))
    risk = 0.1 * factors @ factors.T + np.diag(rng.uniform(0.05, 0.2, num_variables))
    gain = 0.2 * rng.normal(size=num_variables)
    pairs = {(i, j): -float(risk[i, j]) for i in range(num_variables) for j in range(i + 1, num_variables)}
    return quadratic(num_variables, pairs, linear=(gain - np.diag(risk) / 2).tolist(), cardinality=cardinality)


def optimum(problem):
    """Return the best feasible value by looking at all points, or None."""
    values = problem.value_table()[problem.feasible_table()]
    return float(values.max()) if values.size else None


@st.composite
def problems(draw):
    """Problems of 1 to 7 variables: sparse or dense, integer or real, with or without linear terms and cardinality."""
    n = draw(st.integers(1, 7))
    number = st.sampled_from(
        [st.integers(-3, 3).map(float), st.floats(-3, 3, allow_nan=False).map(lambda x: round(x, 3))]
    )
    coefficient = draw(number)
    everything = [(i, j) for i in range(n) for j in range(i + 1, n)]
    chosen = draw(st.lists(st.sampled_from(everything), unique=True)) if everything else []
    linear = draw(st.one_of(st.just([0.0] * n), st.lists(coefficient, min_size=n, max_size=n)))
    return quadratic(
        n,
        {pair: draw(coefficient) for pair in chosen},
        linear=linear,
        offset=draw(coefficient),
        cardinality=draw(st.one_of(st.none(), st.integers(0, n))),
    )
