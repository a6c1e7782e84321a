"""Slot templates compute what the original circuit would."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import CU1Gate, CU3Gate, PauliEvolutionGate, U1Gate, U2Gate, U3Gate
from qiskit.quantum_info import Operator, SparsePauliOp

from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.errors import CompilationError
from hybrid_assets_tests.unit.circuits.samples import qaoa, zz_feature_map

X, Y, Z = (Parameter(name) for name in "xyz")
NAMES = ("x", "y", "z")
ANGLES = st.floats(-10, 10, allow_nan=False)


def _expressions():
    """Expressions of x, y and z, polynomial or not, that are defined everywhere in the range of ANGLES."""
    leaves = st.sampled_from([X, Y, Z]) | st.floats(-3, 3, allow_nan=False)
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(inner, inner).map(lambda t: t[0] + t[1])
            | st.tuples(inner, inner).map(lambda t: t[0] - t[1])
            | st.tuples(inner, inner).map(lambda t: t[0] * t[1])
            | inner.map(lambda e: e.sin() if hasattr(e, "sin") else math.sin(e))
            | inner.map(abs)
        ),
        max_leaves=5,
    ).filter(lambda e: hasattr(e, "parameters") and bool(e.parameters))


@pytest.mark.parametrize(
    ("expression", "angle"),
    [
        pytest.param(abs((Y - X) * (Y - X)), 25.0, id="Qiskit's second derivative of it never returns"),
        pytest.param(abs(X + 5), 2.0, id="a line near zero that bends at -5"),
        pytest.param(1 / (X + 2), -0.2, id="a pole"),
        pytest.param(2 * (math.pi - X) * (math.pi - Y), 2 * (math.pi + 7) * (math.pi + 2), id="feature map"),
    ],
)
def test_slot_values_of_expressions_that_are_easy_to_get_wrong(expression, angle):
    """At x = -7, y = -2."""
    circuit = QuantumCircuit(1)
    circuit.rx(expression, 0)
    assert slot_template(circuit, NAMES).slot_values(np.array([[-7.0, -2.0, 0.0]])) == pytest.approx(angle, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(expressions=st.lists(_expressions(), min_size=1, max_size=3), row=st.tuples(ANGLES, ANGLES, ANGLES))
def test_slot_values_equal_the_bound_expressions(expressions, row):
    """Whatever the expression, its slot holds what binding the parameters gives."""
    circuit = QuantumCircuit(1)
    for expression in expressions:
        circuit.rx(expression, 0)
    template = slot_template(circuit, NAMES)
    values = template.slot_values(np.array([row, row]))
    bound = circuit.assign_parameters({p: row[NAMES.index(p.name)] for p in circuit.parameters})
    slotted = template.circuit.assign_parameters(list(values[0]))
    expected = [float(inst.params[0]) for inst in bound.data]
    assert [float(inst.params[0]) for inst in slotted.data] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.array_equal(values[0], values[1])


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda c: c.p(X * Y, 0), id="p"),
        pytest.param(lambda c: c.cp(X, 0, 1), id="cp"),
        pytest.param(lambda c: c.cp(X, 1, 0, ctrl_state=0), id="open cp"),
        pytest.param(lambda c: c.mcp(X, [0, 1], 2), id="mcp"),
        pytest.param(lambda c: c.u(X, Y, Z, 0), id="u"),
        pytest.param(lambda c: c.u(0.3, Y, -0.2, 0), id="u in part"),
        pytest.param(lambda c: c.cu(X, Y, Z, 0.4, 2, 0), id="cu"),
        pytest.param(lambda c: c.append(CU3Gate(X, Y, Z), [0, 2]), id="cu3"),
        pytest.param(lambda c: c.append(CU1Gate(X), [0, 2]), id="cu1"),
        pytest.param(lambda c: c.append(U1Gate(X), [1]), id="u1"),
        pytest.param(lambda c: c.append(U2Gate(X, Y), [1]), id="u2"),
        pytest.param(lambda c: c.append(U3Gate(X, Y, Z), [1]), id="u3"),
        pytest.param(lambda c: c.crx(X.sin(), 0, 1), id="crx"),
        pytest.param(lambda c: c.append(_block(), [2, 0]), id="custom gate"),
        pytest.param(lambda c: c.append(_block().control(1, annotated=False), [1, 2, 0]), id="controlled custom gate"),
        pytest.param(lambda c: c.append(PauliEvolutionGate(SparsePauliOp(["ZZ", "ZI"]), X), [0, 1]), id="evolution"),
    ],
)
def test_template_preserves_the_unitary_up_to_phase(build):
    """Rewritten gates between random ones do the same as the originals, apart from a global phase."""
    circuit = QuantumCircuit(3, global_phase=X)
    circuit.ry(0.4, 0)
    circuit.rx(Y, 1)
    circuit.cx(0, 2)
    build(circuit)
    circuit.cx(2, 1)
    template = slot_template(circuit, NAMES)
    row = {"x": 0.81, "y": -1.37, "z": 2.05}
    values = template.slot_values(np.array([list(row.values())]))
    expected = Operator(
        circuit.assign_parameters({p: row[p.name] for p in circuit.parameters}).decompose("PauliEvolution")
    )
    assert Operator(template.circuit.assign_parameters(list(values[0]))).equiv(expected)
    assert not {"p", "cp", "u", "u1", "u2", "u3", "cu", "cu1", "cu3"} & {
        inst.name for inst in template.circuit.data if inst.is_parameterized()
    }


def test_template_has_one_slot_for_each_distinct_angle():
    """QAOA on a square: one gamma and one beta a layer, whatever the number of edges."""
    template = slot_template(
        qaoa(4, [(0, 1), (1, 2), (2, 3), (0, 3)], depth=3),
        [f"{kind}{k}" for kind in ("gamma", "beta") for k in range(3)],
    )
    assert [p.name for p in template.circuit.parameters] == [f"s{k:05d}" for k in range(6)]
    # Slots by first appearance: -gamma0, 2 beta0, -gamma1, 2 beta1 ...; columns gamma0 .. gamma2, beta0 .. beta2.
    values = template.slot_values(np.array([[1.0, 2.0, 3.0, 0.1, 0.2, 0.3]]))
    assert values.tolist() == [[-1.0, 0.2, -2.0, 0.4, -3.0, 0.6]]


def test_slots_keep_angles_apart_that_differ_in_the_last_digit():
    """Equality of Qiskit's expressions forgives 1e-15; slots must not."""
    circuit = QuantumCircuit(1)
    circuit.rx(0.1 * X, 0)
    circuit.rx((0.1 + 1e-15) * X, 0)
    circuit.rx(0.1 * X, 0)
    template = slot_template(circuit, ["x"])
    assert template.slot_values(np.array([[1.0]])).tolist() == [[0.1, 0.1 + 1e-15]]


def test_slots_keep_a_parameter_apart_from_an_expression_that_prints_alike():
    circuit = QuantumCircuit(1)
    circuit.rx(X + Y, 0)
    circuit.rx(Parameter("x + y"), 0)
    template = slot_template(circuit, ["x", "y", "x + y"])
    assert template.slot_values(np.array([[1.0, 2.0, 9.0]])).tolist() == [[3.0, 9.0]]


def test_slot_values_of_a_row_do_not_depend_on_its_neighbours():
    """Values are hashed into kernel ids, so a batch must give bit for bit what single rows give."""
    circuit, names = zz_feature_map(4)
    template = slot_template(circuit, names)
    rows = np.random.default_rng(5).uniform(0, 2, size=(33, 4))
    together = template.slot_values(rows)
    assert all(np.array_equal(together[k], template.slot_values(rows[k : k + 1])[0]) for k in range(33))


def test_template_measures_like_the_circuit():
    circuit, names = zz_feature_map(2)
    template = slot_template(circuit, names).circuit
    assert [(i.name, i.clbits) for i in template.data if i.clbits] == [
        (i.name, i.clbits) for i in circuit.data if i.clbits
    ]
    assert template.cregs == circuit.cregs


def test_template_takes_parameter_vectors():
    vector = ParameterVector("t", 12)
    circuit = QuantumCircuit(1)
    for angle in vector:
        circuit.rx(angle, 0)
    template = slot_template(circuit, [p.name for p in vector])
    row = np.arange(12.0)[None, :]
    assert np.array_equal(template.slot_values(row), row)


def test_template_without_parameters_has_no_slots():
    circuit = QuantumCircuit(1, 1)
    circuit.rx(0.3, 0)
    template = slot_template(circuit, [])
    assert template.slot_values(np.empty((4, 0))).shape == (4, 0)


def test_template_refuses_an_unnamed_parameter():
    circuit = QuantumCircuit(1)
    circuit.rx(X + Y, 0)
    with pytest.raises(CompilationError, match="depends on y, for which the kernel gives no values"):
        slot_template(circuit, ["x"])


def test_template_refuses_repeated_names():
    with pytest.raises(CompilationError, match="repeat"):
        slot_template(QuantumCircuit(1), ["x", "x"])


def test_template_refuses_control_flow():
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.rx(X, 0)
    with pytest.raises(CompilationError, match="Control flow"):
        slot_template(circuit, ["x"])


def test_template_refuses_an_opaque_gate():
    circuit = QuantumCircuit(1)
    circuit.append(Gate("oracle", 1, [X]), [0])
    with pytest.raises(CompilationError, match="'oracle' has no definition"):
        slot_template(circuit, ["x"])


def test_slot_values_refuse_a_wrong_shape():
    with pytest.raises(CompilationError, match=r"shape \(2, 3\), expected \(rows, 2\)"):
        slot_template(qaoa(2, [(0, 1)]), ["gamma0", "beta0"]).slot_values(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("expression", "message"), [(1 / X, "not a finite number in row 1"), (X.log(), "not a finite number|complex")]
)
def test_slot_values_refuse_undefined_angles(expression, message):
    circuit = QuantumCircuit(1)
    circuit.rx(expression, 0)
    with pytest.raises(CompilationError, match=message):
        slot_template(circuit, ["x"]).slot_values(np.array([[1.0], [0.0]]))


def test_slot_values_refuse_nan_parameters():
    with pytest.raises(CompilationError, match="row 0"):
        slot_template(qaoa(2, [(0, 1)]), ["gamma0", "beta0"]).slot_values(np.array([[math.nan, 0.0]]))


def _block() -> Gate:
    block = QuantumCircuit(2, name="block")
    block.rzz(X - Y, 0, 1)
    block.p(Y / 3, 1)
    return block.to_gate()
