"""QAOA circuits against closed forms and an independent simulation, for all sign and bit order conventions."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.circuits.angles import fixed_angles
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values, shares_angles, spin_form, unit_scale
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import BinaryQuadratic


def cut_of(graph: nx.Graph) -> BinaryQuadratic:
    """Write out the cut size of an unweighted graph on nodes 0 .. n - 1."""
    edges = sorted((min(e), max(e)) for e in graph.edges)
    return BinaryQuadratic(
        num_variables=len(graph),
        linear=tuple(float(graph.degree[v]) for v in range(len(graph))),
        pairs=tuple(edges),
        weights=(-2.0,) * len(edges),
    )


WITH_FIELDS = BinaryQuadratic(
    num_variables=4,
    linear=(0.3, -1.1, 0.7, 2.0),
    pairs=((0, 1), (0, 3), (1, 2), (2, 3)),
    weights=(0.5, -1.5, 2.5, 0.9),
    offset=-0.4,
)


def probabilities(problem, gammas, betas, *, shared, scale=1.0, values=None) -> np.ndarray:
    """Return the exact distribution of one setting by Qiskit's statevector."""
    from qiskit.quantum_info import Statevector

    circuit, names = qaoa_circuit(problem, len(gammas), shared_angles=shared)
    if values is None:
        gamma, beta = np.array([gammas]), np.array([betas])
        values = qaoa_values(problem, gamma, beta, shared_angles=shared, scale=scale)
    bound = circuit.assign_parameters(dict(zip(names, values[0], strict=True)))
    return Statevector(bound.remove_final_measurements(inplace=False)).probabilities()


def closed_form(graph: nx.Graph, g: float, b: float) -> float:
    """Return <C> at depth 1: sum over edges with d = deg(u) - 1, e = deg(v) - 1, f common neighbors."""
    total = 0.0
    for u, v in graph.edges:
        d, e, f = graph.degree[u] - 1, graph.degree[v] - 1, len(list(nx.common_neighbors(graph, u, v)))
        total += 0.5 + math.sin(4 * b) * math.sin(g) * (math.cos(g) ** d + math.cos(g) ** e) / 4
        total -= math.sin(2 * b) ** 2 * math.cos(g) ** (d + e - 2 * f) * (1 - math.cos(2 * g) ** f) / 4
    return total


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(nx.petersen_graph(), id="petersen"),
        pytest.param(nx.frucht_graph(), id="frucht, triangles"),
        pytest.param(nx.complete_graph(5), id="complete"),
        pytest.param(nx.star_graph(5), id="star"),
        pytest.param(nx.lollipop_graph(4, 3), id="lollipop, triangles"),
        pytest.param(nx.gnp_random_graph(9, 0.5, seed=3), id="random, triangles"),
    ],
)
@pytest.mark.parametrize(("gamma", "beta"), [(0.6155, 0.3927), (0.3, 0.9), (-1.1, 0.2)])
def test_qaoa_depth_1_equals_the_closed_form(graph, gamma, beta):
    problem = cut_of(graph)
    expected = probabilities(problem, [gamma], [beta], shared=True) @ problem.value_table()
    assert expected == pytest.approx(closed_form(graph, gamma, beta), abs=1e-9)


def test_qaoa_depth_1_of_a_triangle_free_cubic_graph_is_the_tree_value():
    """1/2 + 1/(3 sqrt 3) = 0.6924500897298755 at gamma = arctan(1/sqrt 2), beta = pi/8; Petersen has girth 5 >= 4."""
    problem = cut_of(nx.petersen_graph())
    cut = probabilities(problem, [math.atan(1 / math.sqrt(2))], [math.pi / 8], shared=True) @ problem.value_table()
    assert cut / 15 == pytest.approx(0.6924500897298755, abs=1e-9)


def test_qaoa_depth_2_on_girth_6_is_the_tree_value():
    """Heawood's girth is 6 = 2p + 2, so each of its 21 edges has the tree's expectation, 0.7559064584."""
    problem = cut_of(nx.heawood_graph())
    (gamma,), (beta,) = fixed_angles(2, 3)
    cut = probabilities(problem, gamma, beta, shared=True) @ problem.value_table()
    assert cut / 21 == pytest.approx(0.7559064584, abs=1e-6)


def test_qaoa_depth_3_on_girth_8_is_the_tree_value():
    """The ring of 8 nodes has degree 2 and girth 8 = 2p + 2; its tree value is (2p + 1)/(2p + 2) = 7/8.

    The least cubic graph of girth 8 (Tutte-Coxeter) has 30 nodes, beyond a statevector: degree 3 is in test_angles.
    """
    problem = cut_of(nx.cycle_graph(8))
    (gamma,), (beta,) = fixed_angles(3, 2)
    cut = probabilities(problem, gamma, beta, shared=True) @ problem.value_table()
    assert cut / 8 == pytest.approx(7 / 8, abs=1e-6)


def test_qaoa_sign_trap_gives_the_complement():
    """rzz(+gamma) instead of rzz(-gamma) cuts 1 - 0.69245 = 0.3075499103 of the edges."""
    problem = cut_of(nx.petersen_graph())
    gamma = math.atan(1 / math.sqrt(2))
    right = qaoa_values(problem, np.array([[gamma]]), np.array([[math.pi / 8]]), shared_angles=True, scale=1.0)
    assert right.tolist() == [[-gamma, math.pi / 4]]
    wrong = probabilities(problem, [gamma], [math.pi / 8], shared=True, values=right * [-1, 1])
    assert wrong @ problem.value_table() / 15 == pytest.approx(0.3075499103, abs=1e-9)


@pytest.mark.parametrize("scale", [1.0, 0.37])
def test_qaoa_with_fields_equals_an_independent_simulation(scale):
    """exp(-i gamma scale C) on the value table, then exp(-i beta X) on each bit by hand."""
    gammas, betas = [0.4, 0.9], [0.7, 0.2]
    state = np.full(16, 0.25, dtype=complex)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = state * np.exp(-1j * gamma * scale * WITH_FIELDS.value_table())
        for bit in range(4):
            flipped = state[np.arange(16) ^ (1 << bit)]
            state = math.cos(beta) * state - 1j * math.sin(beta) * flipped
    actual = probabilities(WITH_FIELDS, gammas, betas, shared=False, scale=scale)
    np.testing.assert_allclose(actual, np.abs(state) ** 2, atol=1e-12)


def test_qaoa_shared_and_own_angles_are_the_same_state():
    problem = cut_of(nx.petersen_graph())
    shared = probabilities(problem, [0.5, 0.8], [0.4, 0.3], shared=True)
    own = probabilities(problem, [0.5, 0.8], [0.4, 0.3], shared=False)
    np.testing.assert_allclose(shared, own, atol=1e-12)


def test_qaoa_template_depends_on_the_interaction_pattern_only():
    """Other weights and other nonzero fields: the same gates and names, so that one compile serves both."""
    other = BinaryQuadratic(
        num_variables=4, linear=(5.0, 1.0, -2.0, 0.1), pairs=WITH_FIELDS.pairs, weights=(1.0, 0.0, -4.0, 7.5)
    )
    a, b = (qaoa_circuit(problem, 2, shared_angles=False) for problem in (WITH_FIELDS, other))
    assert a[1] == b[1]

    def gates(circuit):
        return [
            (x.operation.name, [circuit.find_bit(q).index for q in x.qubits], str(x.operation.params))
            for x in circuit.data
        ]

    assert gates(a[0]) == gates(b[0])


def test_qaoa_angles_are_single_parameters_and_names_are_in_column_order():
    """Two layers of (4 couplings, 4 fields, 1 mixer)."""
    circuit, names = qaoa_circuit(WITH_FIELDS, 2, shared_angles=False)
    assert len(names) == len(set(names)) == 2 * (4 + 4 + 1)
    assert {p.name for p in circuit.parameters} == set(names)
    assert all(len(angle.parameters) == 1 for step in circuit.data for angle in step.operation.params)


def test_qaoa_measures_qubit_i_into_bit_i():
    circuit, _ = qaoa_circuit(WITH_FIELDS, 1, shared_angles=False)
    measured = [
        (circuit.find_bit(x.qubits[0]).index, circuit.find_bit(x.clbits[0]).index)
        for x in circuit.data
        if x.operation.name == "measure"
    ]
    assert measured == [(i, i) for i in range(4)]
    assert len(circuit.cregs) == 1


def test_qaoa_gates_of_a_cubic_graph_stand_in_few_layers():
    """A greedy edge coloring of degree 3 uses at most 2*3 - 1 = 5 colors; with h, rx and measure: depth <= 8."""
    graph = nx.random_regular_graph(3, 40, seed=5)
    circuit, _ = qaoa_circuit(cut_of(graph), 1, shared_angles=True)
    assert circuit.depth() <= 8


coefficient = st.floats(-5, 5, allow_subnormal=False)


@given(
    st.lists(coefficient, min_size=3, max_size=3),
    st.lists(coefficient, min_size=3, max_size=3),
    coefficient,
)
@settings(derandomize=True, deadline=None, max_examples=50)
def test_spin_form_has_the_same_values(linear, weights, offset):
    pairs = ((0, 1), (0, 2), (1, 2))
    problem = BinaryQuadratic(num_variables=3, linear=tuple(linear), pairs=pairs, weights=tuple(weights), offset=offset)
    constant, fields, couplings = spin_form(problem)
    for bits in itertools.product((0, 1), repeat=3):
        z = 1 - 2 * np.array(bits)
        value = constant + fields @ z + sum(c * z[i] * z[j] for c, (i, j) in zip(couplings, pairs, strict=True))
        assert value == pytest.approx(problem.values(np.array([bits]))[0], abs=1e-9)


def test_spin_form_has_exactly_no_fields_where_they_cancel():
    """0.1 + 0.2 - 0.3 is 5.6e-17 in float64; a field gate for it would make another template."""
    problem = BinaryQuadratic(
        num_variables=3, linear=(0.1 + 0.2, 0.1, 0.2), pairs=((0, 1), (0, 2)), weights=(-0.2, -0.4)
    )
    _, fields, couplings = spin_form(problem)
    assert fields.tolist() == [0.0, 0.0, 0.0]
    assert couplings.tolist() == [-0.05, -0.1]


def test_unit_scale_makes_the_largest_term_one_half():
    """WITH_FIELDS: J = w/4 up to 0.625; h_2 = -0.7/2 - (2.5 + 0.9)/4 = -1.2 is the largest; 0.5/1.2."""
    assert unit_scale(WITH_FIELDS) == pytest.approx(0.5 / 1.2)
    assert unit_scale(cut_of(nx.petersen_graph())) == 1.0


def test_unit_scale_of_a_constant_is_1():
    assert unit_scale(BinaryQuadratic(num_variables=2, linear=(0.0, 0.0), pairs=(), weights=())) == 1.0


def test_shares_angles_needs_equal_couplings_and_no_fields():
    assert shares_angles(cut_of(nx.petersen_graph()))
    assert not shares_angles(WITH_FIELDS)


def test_qaoa_refuses_shared_angles_for_different_terms():
    with pytest.raises(ConfigurationError, match="shared_angles=False"):
        qaoa_circuit(WITH_FIELDS, 1, shared_angles=True)


def test_qaoa_refuses_a_depth_of_0():
    with pytest.raises(ConfigurationError, match="at least one layer"):
        qaoa_circuit(WITH_FIELDS, 0, shared_angles=False)


def test_qaoa_values_refuses_angles_of_different_shapes():
    with pytest.raises(ConfigurationError, match=r"\(rows, depth\)"):
        qaoa_values(WITH_FIELDS, np.zeros((1, 2)), np.zeros((1, 3)), shared_angles=False, scale=1.0)
