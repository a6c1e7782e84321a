"""What the one transpiler call promises: right circuits, slots in order, true facts."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits.fingerprint import artefact_fingerprint
from hybrid_assets.circuits.payload import dump, parse
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.circuits.transpile import _check_operations, compile_template
from hybrid_assets.errors import CapacityError, CompilationError, TargetMismatchError
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target, qaoa, zz_feature_map

RING = ((0, 1), (1, 2), (2, 3), (0, 3))
NAMES = ("gamma0", "beta0", "gamma1", "beta1")


def _compile(circuit, names, target, **options):
    template = slot_template(circuit, names)
    payload, facts = compile_template(dump(template.circuit)[0], target, CompileOptions(**options))
    return template, parse(payload), facts


def _distribution(circuit, measured, num_bits):
    """Exact outcome probabilities, bit i of an outcome from qubit ``measured[i]``."""
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    assert len(measured) == num_bits
    return state.probabilities(list(measured))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_isa_circuit_gives_the_same_distribution(level):
    """Compiled for a line of five qubits, bound by position, read through ``measured_qubits``."""
    circuit = qaoa(4, RING, depth=2)
    template, isa, facts = _compile(circuit, NAMES, line_target(), optimization_level=level)
    row = np.array([[0.61, 0.37, -1.12, 0.83]])
    values = list(template.slot_values(row)[0])
    isa.global_phase = 0.0
    bound = isa.assign_parameters(dict(zip(template.circuit.parameters, values, strict=True)), strict=False)
    expected = circuit.assign_parameters({p: row[0, NAMES.index(p.name)] for p in circuit.parameters})
    assert _distribution(bound, facts["measured_qubits"], 4) == pytest.approx(
        _distribution(expected, range(4), 4), abs=1e-9
    )


def test_facts_describe_the_isa_circuit():
    _, isa, facts = _compile(qaoa(4, RING), NAMES, line_target())
    ops = isa.count_ops()
    assert facts["width"] == isa.num_qubits == 5
    assert facts["two_qubit_gates"] == ops["cz"]
    assert facts["depth"] == isa.depth()
    assert facts["num_slots"] == isa.num_parameters == 2
    assert sorted(facts["measured_qubits"]) == facts["used_qubits"]
    assert len(facts["used_qubits"]) == 4
    assert sum(times for _, _, times in facts["exposure"]) == sum(ops.values()) - ops.get("barrier", 0)
    assert 0.5 < facts["expected_success"] < (1 - 0.01) * (1 - 0.02) * (1 - 0.03) * (1 - 0.04)
    assert facts["artefact_fingerprint"] == artefact_fingerprint(isa)
    assert facts["compile_s"] > 0


def test_measured_qubits_are_where_the_circuit_measures():
    _, isa, facts = _compile(qaoa(4, RING), NAMES, line_target())
    place = {bit: index for index, bit in enumerate(isa.qubits)}
    seen = {isa.find_bit(i.clbits[0]).index: place[i.qubits[0]] for i in isa.data if i.name == "measure"}
    assert [seen[bit] for bit in range(4)] == facts["measured_qubits"]


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_ideal_target_keeps_width_and_places(level):
    """Without couplings nothing moves: qubit i is measured into bit i, and no ancilla appears."""
    _, isa, facts = _compile(qaoa(4, RING), NAMES, ideal_target(), optimization_level=level)
    assert facts["width"] == isa.num_qubits == 4
    assert facts["measured_qubits"] == [0, 1, 2, 3]
    assert facts["expected_success"] == 1.0
    assert isa.count_ops()["rzz"] == 4


@pytest.mark.parametrize("target", [ideal_target(), line_target()], ids=["ideal", "line"])
def test_slots_the_transpiler_drops_keep_their_place(target):
    """The rz before a measurement goes at level 2; its slot must stay, or every later value would shift."""
    first, dropped, last = (Parameter(name) for name in ("a", "b", "c"))
    circuit = QuantumCircuit(2, 2)
    circuit.rx(first, 0)
    circuit.rz(dropped, 0)
    circuit.rx(last, 1)
    circuit.measure([0, 1], [0, 1])
    template, isa, facts = _compile(circuit, ["a", "b", "c"], target)
    in_gates = {p.name for inst in isa.data for angle in inst.params for p in getattr(angle, "parameters", ())}
    assert in_gates == {"s00000", "s00002"}  # the test would mean nothing if the transpiler kept it
    assert [p.name for p in isa.parameters] == ["s00000", "s00001", "s00002"]
    assert facts["num_slots"] == template.num_slots == 3


def test_compiling_after_another_circuit_changes_nothing():
    """A worker reuses its pass manager; what it compiled before must not show."""
    chain = qaoa(5, [(0, 1), (1, 3), (3, 4), (0, 2)])
    alone = _compile(qaoa(4, RING), NAMES, line_target())[2]["artefact_fingerprint"]
    _compile(chain, NAMES, line_target())
    assert _compile(qaoa(4, RING), NAMES, line_target())[2]["artefact_fingerprint"] == alone


def test_feature_map_compiles_in_moments():
    """Written with symbolic p gates it does not finish in minutes at n=8; as slots it takes milliseconds."""
    circuit, names = zz_feature_map(8)
    started = time.perf_counter()
    _, _, facts = _compile(circuit, names, line_target(8))
    assert time.perf_counter() - started < 5.0
    assert facts["num_slots"] == 8 + 28  # one angle a qubit, one a pair


def test_faulty_qubits_are_not_used():
    """With qubit 1 out of order a line of five has a working line of three left."""
    _, _, facts = _compile(qaoa(3, [(0, 1), (1, 2)]), NAMES, line_target(faulty_qubits=[1]))
    assert facts["used_qubits"] == [2, 3, 4]


def test_circuit_wider_than_the_target_is_refused():
    circuit = qaoa(5, [(0, 1), (3, 4)])
    with pytest.raises(CapacityError, match="needs 5 qubits, but 'line' has 4 that work"):
        _compile(circuit, NAMES, line_target(faulty_qubits=[0]))


def test_circuit_on_broken_couplings_is_refused():
    """Qubit 2 of five out of order leaves pairs; three entangled qubits do not fit, though four work."""
    with pytest.raises(TargetMismatchError, match="'line'"):
        _compile(qaoa(3, [(0, 1), (1, 2)]), NAMES, line_target(faulty_qubits=[2]))


def test_circuit_the_target_cannot_express_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.rx(0.1, 0)
    circuit.reset(0)
    circuit.measure([0, 1], [0, 1])
    with pytest.raises(TargetMismatchError, match=r"does not fit 'ideal'.*reset"):
        _compile(circuit, (), ideal_target(), optimization_level=0)


def _unmeasured(circuit):
    circuit.measure(0, 0)


def _measured_twice(circuit):
    circuit.measure([0, 1], [0, 0])


def _used_after_measurement(circuit):
    circuit.measure([0, 1], [0, 1])
    circuit.h(0)


@pytest.mark.parametrize(
    ("finish", "message"),
    [
        pytest.param(_unmeasured, r"\[1\] are never measured", id="bit without a measurement"),
        pytest.param(_measured_twice, "bit 0 is measured twice", id="bit measured twice"),
        pytest.param(_used_after_measurement, "follows a measurement", id="gate after a measurement"),
    ],
)
def test_circuit_that_does_not_measure_once_at_the_end_is_refused(finish, message):
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    finish(circuit)
    with pytest.raises(CompilationError, match=message):
        _compile(circuit, (), ideal_target(), optimization_level=0)


def test_circuit_that_is_no_template_is_refused():
    """Parameters that are no slots would be bound in the wrong order."""
    with pytest.raises(CompilationError, match="no slot template"):
        compile_template(dump(qaoa(2, [(0, 1)]))[0], ideal_target(), CompileOptions())


def test_unknown_method_is_refused_by_name():
    with pytest.raises(CompilationError, match="best_layout_ever"):
        _compile(qaoa(2, [(0, 1)]), NAMES, line_target(), layout_method="best_layout_ever")


def test_payload_of_the_isa_circuit_is_a_circuit_of_its_fingerprint():
    _, isa, facts = _compile(qaoa(4, RING), NAMES, line_target())
    assert len(facts["artefact_fingerprint"]) == len(hashlib.sha256().hexdigest())
    assert artefact_fingerprint(parse(dump(isa)[0])) == facts["artefact_fingerprint"]


def test_operation_the_target_lacks_is_found_in_the_result():
    """The last net, should the transpiler ever leave the target: a coupling that is not there."""
    with pytest.raises(TargetMismatchError, match=r"'cz' on qubits \[0, 2\]"):
        _check_operations((("cz", (0, 1), 4), ("cz", (0, 2), 1)), line_target())
