"""Every registered baseline keeps the protocol's promises on every kind of binary quadratic problem."""

from __future__ import annotations

import networkx as nx
import pytest

from hybrid_assets import registry
from hybrid_assets.testing.baseline import assert_baseline_api
from hybrid_assets_tests.unit.baselines.quadratics import gaussian_maxcut, instance, maxcut, portfolio, quadratic

OPTIMIZERS = ("exact_enumeration", "highs", "random_greedy", "sdp_rounding", "simulated_annealing", "tabu")

INSTANCES = [
    pytest.param(instance(maxcut(nx.petersen_graph())), id="petersen"),
    pytest.param(instance(gaussian_maxcut(10, seed=1)), id="weighted"),
    pytest.param(
        instance(quadratic(4, {(0, 1): 1.5, (1, 3): -2.0}, linear=(0.5, -1.0, 2.0, 0.0), offset=-3.0)), id="fields"
    ),
    pytest.param(instance(portfolio(10, 4)), id="cardinality"),
    pytest.param(instance(quadratic(1, {}, linear=(-1.0,))), id="one variable"),
    pytest.param(instance(quadratic(5, {})), id="flat"),
]


@pytest.mark.parametrize("asked", INSTANCES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimization_baseline_keeps_its_promises(name, asked):
    assert_baseline_api(registry.baseline(name), asked)


def test_optimization_baselines_are_registered_and_support_maxcut():
    asked = instance(maxcut(nx.petersen_graph()))
    assert {name for name in OPTIMIZERS if registry.baseline(name).supports(asked)} == set(OPTIMIZERS)
