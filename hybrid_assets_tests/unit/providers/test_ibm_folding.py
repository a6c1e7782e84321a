"""Folding of rzz angles: every angle in [0, pi/2], the same state up to a phase, and no gate that is not needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Statevector

from hybrid_assets.providers._ibm_folding import fold

SLOTS = [Parameter("s00000"), Parameter("s00001")]
QUARTER = math.pi / 2
BORDERS = [k * QUARTER + off for k in range(-5, 6) for off in (-1e-12, 0.0, 1e-12)]


def circuit_of(*angles) -> QuantumCircuit:
    """Return a state that tells ZZ rotations apart, one rzz each, and a mixer."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.4, 0)
    circuit.ry(1.1, 1)
    circuit.rx(0.7, 2)
    for number, angle in enumerate(angles):
        circuit.rzz(angle, number % 3, (number + 1) % 3)
        circuit.rx(0.3 + number, number % 3)
    return circuit


def rows_of(circuit, values, rows):
    """Return each row's circuit with its numbers bound."""
    return [circuit.assign_parameters({p: float(v[row]) for p, v in values.items()}) for row in range(rows)]


def folded(circuit, values, rows):
    """Return the rows of the folded circuit, after looking at every angle of theirs."""
    after = circuit.copy()
    bound = rows_of(after, fold(after, values, rows=rows), rows)
    angles = [float(step.params[0]) for row in bound for step in row.data if step.name == "rzz"]
    assert all(0 <= angle <= QUARTER for angle in angles)
    return after, bound


@given(st.lists(st.tuples(*[st.floats(-20, 20)] * 2), min_size=1, max_size=6))
@example([(angle, -angle) for angle in BORDERS])
def test_each_row_gives_the_same_state_with_angles_that_the_device_takes(sweep):
    """Plain, scaled and summed slots and a constant; rows fall into different quadrants."""
    values = dict(zip(SLOTS, np.array(sweep).T, strict=True))
    circuit = circuit_of(SLOTS[0], 2 * SLOTS[1], SLOTS[0] - SLOTS[1], -2.5)
    _, bound = folded(circuit, values, len(sweep))
    for before, after in zip(rows_of(circuit, values, len(sweep)), bound, strict=True):
        assert Statevector(after).equiv(Statevector(before), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("angle", "more"), [(0.0, 0), (QUARTER, 0), (2.0, 4), (-2.0, 2), (-1.0, 2), (7.0, 0)])
def test_a_gate_gets_only_the_rotations_its_quadrant_needs(angle, more):
    """-1 is 2.14 - pi: ZZ for the turn and ZZ for being beyond pi/2 cancel, X before and after stay."""
    circuit = circuit_of(angle)
    after, _ = folded(circuit, {}, 1)
    assert len(after.data) - len(circuit.data) == more


def test_rows_that_fit_are_left_as_they_are():
    circuit = circuit_of(SLOTS[0])
    values = {SLOTS[0]: np.array([0.0, 0.3, QUARTER])}
    after, _ = folded(circuit, values, 3)
    assert after == circuit


def test_gates_with_equal_columns_share_parameters():
    """A hundred edges with one weight need one angle and one pattern of flips, not a hundred."""
    circuit = circuit_of(*[SLOTS[0]] * 3)
    after, _ = folded(circuit, {SLOTS[0]: np.array([-1.0, 0.5, 2.0])}, 3)
    assert len(after.parameters) == 3  # the angle, X, Z
