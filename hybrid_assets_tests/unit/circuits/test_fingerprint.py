"""Circuits are the same to compile exactly when their fingerprints are equal."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate, PermutationGate, UnitaryGate, XGate
from qiskit.quantum_info import SparsePauliOp

from hybrid_assets.circuits.fingerprint import artefact_fingerprint, structure_fingerprint
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.errors import CompilationError
from hybrid_assets_tests.unit.circuits.samples import qaoa

SQUARE = ((0, 1), (1, 2), (2, 3), (0, 3))


def _structure(circuit):
    return structure_fingerprint(slot_template(circuit, [p.name for p in circuit.parameters]).circuit)


def test_structure_ignores_names_phase_and_metadata():
    """Parameter names and UUIDs, the circuit's name, register names of qubits, phase and metadata change nothing."""
    other = qaoa(4, SQUARE, prefix="other_")
    other.name, other.metadata, other.global_phase = "renamed", {"night": 1}, 0.4
    assert _structure(other) == _structure(qaoa(4, SQUARE))


def test_structure_ignores_weights_but_not_their_pattern():
    """One compile serves all weights, as long as the same edges share one."""

    def weighted(weights):
        gamma, circuit = Parameter("gamma"), QuantumCircuit(4)
        for (u, v), w in zip(SQUARE, weights, strict=True):
            circuit.rzz(w * gamma, u, v)
        return _structure(circuit)

    assert weighted([1.0, 2.0, 1.0, 3.0]) == weighted([0.5, 0.25, 0.5, 0.7])
    assert weighted([1.0, 2.0, 1.0, 3.0]) != weighted([1.0, 2.0, 2.0, 3.0])


@pytest.mark.filterwarnings("ignore:The hashes produced for graphs:UserWarning")  # networkx tells of its own history
def test_structure_tells_graphs_apart_that_weisfeiler_lehman_confuses():
    """The prism and K(3,3) are both cubic on six nodes: one hash to Weisfeiler-Lehman, two circuits to us."""
    prism, bipartite = nx.circular_ladder_graph(3), nx.complete_bipartite_graph(3, 3)
    assert nx.weisfeiler_lehman_graph_hash(prism) == nx.weisfeiler_lehman_graph_hash(bipartite)
    assert _structure(qaoa(6, sorted(prism.edges))) != _structure(qaoa(6, sorted(bipartite.edges)))


def _variants():
    def with_gate(add):
        circuit = QuantumCircuit(3, 3)
        add(circuit)
        return circuit

    block = QuantumCircuit(2, name="block")
    block.cz(0, 1)
    twin = QuantumCircuit(2, name="block")
    twin.cx(0, 1)
    labelled = XGate(label="noisy")
    return {
        "x": with_gate(lambda c: c.x(0)),
        "x on another qubit": with_gate(lambda c: c.x(1)),
        "x with a label": with_gate(lambda c: c.append(labelled, [0])),
        "rx": with_gate(lambda c: c.rx(0.1, 0)),
        "rx by one unit in the last place more": with_gate(lambda c: c.rx(math.nextafter(0.1, 1), 0)),
        "cx": with_gate(lambda c: c.cx(0, 1)),
        "cx turned": with_gate(lambda c: c.cx(1, 0)),
        "open cx": with_gate(lambda c: c.cx(0, 1, ctrl_state=0)),
        "three controls": with_gate(lambda c: c.append(XGate().control(2, ctrl_state=1, annotated=False), [0, 1, 2])),
        "three other controls": with_gate(
            lambda c: c.append(XGate().control(2, ctrl_state=2, annotated=False), [0, 1, 2])
        ),
        "block": with_gate(lambda c: c.append(block.to_gate(), [0, 1])),
        "block of the same name": with_gate(lambda c: c.append(twin.to_gate(), [0, 1])),
        "controlled block": with_gate(lambda c: c.append(block.to_gate().control(1, annotated=False), [0, 1, 2])),
        "controlled twin": with_gate(lambda c: c.append(twin.to_gate().control(1, annotated=False), [0, 1, 2])),
        "measure": with_gate(lambda c: c.measure(0, 0)),
        "measure into another bit": with_gate(lambda c: c.measure(0, 1)),
        "delay": with_gate(lambda c: c.delay(1, 0, unit="us")),
        "delay in ns": with_gate(lambda c: c.delay(1, 0, unit="ns")),
        "barrier": with_gate(lambda c: c.barrier()),
        "unitary": with_gate(lambda c: c.append(UnitaryGate(np.eye(2)), [0])),
        "other unitary": with_gate(lambda c: c.append(UnitaryGate(np.diag([1, -1])), [0])),
        "permutation": with_gate(lambda c: c.append(PermutationGate([1, 0, 2]), [0, 1, 2])),
        "other permutation": with_gate(lambda c: c.append(PermutationGate([2, 0, 1]), [0, 1, 2])),
        "evolution": with_gate(lambda c: c.append(PauliEvolutionGate(SparsePauliOp("ZZ"), 0.5), [0, 1])),
        "other evolution": with_gate(lambda c: c.append(PauliEvolutionGate(SparsePauliOp("XX"), 0.5), [0, 1])),
        "wider": QuantumCircuit(4, 3),
        "more bits": QuantumCircuit(3, 4),
    }


def test_structure_tells_every_difference_apart():
    prints = {name: structure_fingerprint(circuit) for name, circuit in _variants().items()}
    assert len(set(prints.values())) == len(prints)
    assert prints == {name: structure_fingerprint(circuit) for name, circuit in _variants().items()}


def test_structure_counts_minus_zero_as_zero():
    first, second = QuantumCircuit(1), QuantumCircuit(1)
    first.rx(0.0, 0)
    second.rx(-0.0, 0)
    assert structure_fingerprint(first) == structure_fingerprint(second)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda e: e[0] != e[1]), min_size=1, max_size=8))
def test_structure_of_edge_lists_is_equal_only_for_equal_lists(edges):
    """Gates keep their order and direction: any change of the list is another circuit."""
    changed = [*edges[:-1], edges[-1][::-1]]
    assert _structure(qaoa(4, edges)) == _structure(qaoa(4, list(edges)))
    assert _structure(qaoa(4, edges)) != _structure(qaoa(4, changed))


def test_structure_numbers_slots_by_first_appearance():
    """Not by name: two templates whose slots stand at the same places are one structure."""
    first, second, third = QuantumCircuit(2), QuantumCircuit(2), QuantumCircuit(2)
    a, b = ParameterVector("p", 2)
    for circuit, angles in ((first, (a, b, a)), (second, (b, a, b)), (third, (a, b, b))):
        for angle in angles:
            circuit.rx(angle, 0)
    assert structure_fingerprint(first) == structure_fingerprint(second) != structure_fingerprint(third)


def test_artefact_keeps_slot_names_and_takes_expressions():
    """In an ISA circuit the name of a slot says which value goes there, and the transpiler adds slots up."""

    def artefact(angle):
        circuit = QuantumCircuit(1)
        circuit.rz(angle, 0)
        return artefact_fingerprint(circuit)

    first, second = Parameter("s00000"), Parameter("s00001")
    assert len({artefact(first), artefact(second), artefact(first + second), artefact(first + 0.5)}) == 4
    assert artefact(Parameter("s00000")) == artefact(first)


def test_structure_refuses_expressions():
    circuit = QuantumCircuit(1)
    circuit.rx(2 * Parameter("x"), 0)
    with pytest.raises(CompilationError, match="slot template"):
        structure_fingerprint(circuit)


def test_structure_refuses_control_flow():
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    with pytest.raises(CompilationError, match="Control flow"):
        structure_fingerprint(circuit)


def test_structure_refuses_a_gate_without_definition():
    circuit = QuantumCircuit(1)
    circuit.append(Gate("oracle", 1, []), [0])
    with pytest.raises(CompilationError, match=r"'oracle'.*no definition"):
        structure_fingerprint(circuit)
