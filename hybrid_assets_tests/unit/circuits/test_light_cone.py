"""Depth 3 on cubic graphs without a cubic graph: the light cone of one edge, as circuits.

Girth 8 takes 30 nodes, too many for a state vector. But the 16 leaves of the edge's tree act only once, by
rzz(-gamma_1) on their parents before anything else has happened to them; tracing out a leaf leaves a parent's Z with
probability (1 - cos gamma_1) / 2. Two leaves a parent: with probability (1 - cos(gamma_1)**2) / 2. Z after H is X
before it.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits.angles import fixed_angles
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values, unit_scale
from hybrid_assets.model.problem import BinaryQuadratic

#: Expected cut fraction of depth 3 on cubic graphs of girth 8 and more (tree iteration, arXiv:2107.00677).
CUT_FRACTION = 0.7923984287
#: Nodes 0 and 1 are the edge, 2 to 5 their other neighbors, 6 to 13 the neighbors of those.
EDGES = ((0, 1), (0, 2), (0, 3), (1, 4), (1, 5), *((2 + k // 2, 6 + k) for k in range(8)))
TREE = BinaryQuadratic(
    num_variables=14,
    linear=tuple(float(sum(node in edge for edge in EDGES)) for node in range(14)),
    pairs=tuple(sorted(EDGES)),
    weights=(-2.0,) * len(EDGES),
)


def classes(gamma):
    """Return (outer nodes that carry Z, probability), one for each set of patterns that symmetry makes equal."""
    p_z = (1 - math.cos(gamma) ** 2) / 2
    found = {}
    for pattern in itertools.product((0, 1), repeat=8):
        branches = [pattern[0] + pattern[1], pattern[2] + pattern[3], pattern[4] + pattern[5], pattern[6] + pattern[7]]
        key = tuple(sorted((tuple(sorted(branches[:2])), tuple(sorted(branches[2:])))))
        ones = sum(pattern)
        known = found.get(key, ((), 0.0))[1]
        found[key] = ([6 + k for k in range(8) if pattern[k]], known + p_z**ones * (1 - p_z) ** (8 - ones))
    return list(found.values())


def cut_probability(circuit, flipped):
    """Return the probability that nodes 0 and 1 differ."""
    prepared = QuantumCircuit(14)
    if flipped:
        prepared.x(flipped)
    p = Statevector(prepared.compose(circuit)).probabilities([0, 1])
    return p[1] + p[2]


@pytest.fixture(scope="module")
def mixture():
    gammas, betas = fixed_angles(3, 3)
    circuit, names = qaoa_circuit(TREE, 3, shared_angles=True)
    values = qaoa_values(TREE, gammas, betas, shared_angles=True, scale=unit_scale(TREE))[0]
    bound = circuit.remove_final_measurements(inplace=False).assign_parameters(
        {p: values[names.index(p.name)] for p in circuit.parameters}
    )
    return [(probability, cut_probability(bound, flipped)) for flipped, probability in classes(gammas[0][0])]


def test_depth_three_reaches_the_published_cut_fraction(mixture):
    assert len(mixture) == 21
    assert sum(p for p, _ in mixture) == pytest.approx(1, abs=1e-12)
    assert sum(p * cut for p, cut in mixture) == pytest.approx(CUT_FRACTION, abs=1e-6)


def test_depth_three_sampled_is_within_five_sigma(mixture):
    """20,000 samples: sigma = sqrt(.792 * .208 / 20000) = .0029."""
    rng = np.random.default_rng(7)
    drawn = rng.multinomial(20_000, [p for p, _ in mixture])
    cut = sum(rng.binomial(n, min(cut, 1.0)) for n, (_, cut) in zip(drawn, mixture, strict=True)) / 20_000
    assert cut == pytest.approx(CUT_FRACTION, abs=5 * math.sqrt(CUT_FRACTION * (1 - CUT_FRACTION) / 20_000))
