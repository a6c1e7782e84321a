"""Moving a circuit as a whole changes where it runs, and nothing that it computes."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.circuits.fingerprint import artefact_fingerprint
from hybrid_assets.circuits.payload import dump, parse
from hybrid_assets.circuits.relayout import relayout
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.circuits.transpile import compile_template
from hybrid_assets.model.circuits import CompileOptions, TargetOperation
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target, reversed_line

WIDTH = 7
#: In radians, one a slot; no two alike, so that exchanging any two shows.
VALUES = (0.3, 0.8, 1.3, 1.1, 0.5)
MOVE = CompileOptions(relayout="ab" * 32)


def asymmetric(*, barrier=False):
    """A circuit of three qubits without any symmetry, classical bits crossed; the last slot is optimized away."""
    a, b, c, gone = (Parameter(name) for name in ("a", "b", "c", "gone"))
    circuit = QuantumCircuit(3, 3)
    circuit.rx(a, 0)
    circuit.ry(b, 1)
    circuit.rzz(c, 0, 1)
    circuit.cx(1, 2)
    circuit.rx(a + b, 2)
    circuit.ry(0.4, 0)
    if barrier:
        circuit.barrier()
        circuit.barrier(0, 2)  # these two are never coupled
    circuit.rz(gone, 1)
    circuit.measure([0, 1, 2], [2, 0, 1])
    return circuit, ("a", "b", "c", "gone")


def compiled(target, **how):
    """Return the compiled asymmetric circuit's payload and facts."""
    circuit, names = asymmetric(**how)
    return compile_template(dump(slot_template(circuit, names).circuit)[0], target, CompileOptions())


def changed(target, error_of, **changes):
    """Return a target with other errors."""
    operations = [replace(op, error=error_of(op)) for op in target.operations]
    facts = {"backend": target.backend, "num_qubits": target.num_qubits, "dt_s": target.dt_s, **changes}
    return build_target_document(operations=operations, **facts)


def distribution(payload, measured):
    """Exact outcome probabilities of an ISA circuit at ``VALUES``, bit i from qubit ``measured[i]``."""
    isa = parse(payload)
    isa.global_phase = 0.0
    slots = {f"s{k:05d}": value for k, value in enumerate(VALUES)}
    bound = isa.assign_parameters({p: slots[p.name] for p in isa.parameters})
    return Statevector(bound.remove_final_measurements(inplace=False)).probabilities(list(measured))


@pytest.mark.parametrize("barrier", [False, True], ids=["plain", "barrier"])
def test_a_moved_circuit_gives_the_same_distribution(barrier):
    payload, before = compiled(line_target(WIDTH), barrier=barrier)
    moved, after = relayout(payload, reversed_line(WIDTH), MOVE)
    assert set(before["used_qubits"]) == {0, 1, 2}
    assert set(after["used_qubits"]) == {4, 5, 6}
    expected = distribution(payload, before["measured_qubits"])
    assert distribution(moved, after["measured_qubits"]) == pytest.approx(expected, abs=1e-12)
    turned = distribution(moved, after["measured_qubits"][::-1])
    assert max(abs(turned - expected)) > 0.01  # the test would mean nothing if bits could be exchanged


def test_slots_bits_and_gates_stay():
    payload, before = compiled(line_target(WIDTH))
    moved, after = relayout(payload, reversed_line(WIDTH), MOVE)
    old, new = parse(payload), parse(moved)
    assert [p.name for p in new.parameters] == [f"s{k:05d}" for k in range(5)]
    assert [(i.name, i.params, i.clbits) for i in new.data] == [(i.name, i.params, i.clbits) for i in old.data]
    assert [r.name for r in new.cregs] == [r.name for r in old.cregs]
    for fact in ("width", "num_slots", "depth", "two_qubit_gates"):
        assert after[fact] == before[fact]
    place = {bit: index for index, bit in enumerate(new.qubits)}
    seen = {new.find_bit(i.clbits[0]).index: place[i.qubits[0]] for i in new.data if i.name == "measure"}
    assert [seen[bit] for bit in range(3)] == after["measured_qubits"]
    assert after["artefact_fingerprint"] == artefact_fingerprint(new) != before["artefact_fingerprint"]
    assert after["expected_success"] == expected_success(after["exposure"], reversed_line(WIDTH))
    assert after["expected_success"] > expected_success(before["exposure"], reversed_line(WIDTH))


def test_the_record_of_the_first_layout_is_not_kept():
    """It would say that the circuit runs on the qubits it left."""
    payload, _ = compiled(line_target(WIDTH))
    moved, _ = relayout(payload, reversed_line(WIDTH), MOVE)
    assert parse(payload).layout is not None
    assert parse(moved).layout is None


@pytest.mark.parametrize("seed", range(8))
def test_the_place_is_the_best_there_is(seed):
    """Held against every place of the same gates, under errors without any order."""
    line = line_target(WIDTH)
    payload, facts = compiled(line)
    target = changed(line, lambda op: _error(op, seed))
    scores = []
    for places in permutations(range(WIDTH), 3):
        new = dict(zip(facts["used_qubits"], places, strict=True))
        counts = [(name, tuple(new[q] for q in qubits), times) for name, qubits, times in facts["exposure"]]
        scores.append(expected_success(counts, target))
    here = expected_success(facts["exposure"], target)
    found = relayout(payload, target, MOVE)
    assert (found[1]["expected_success"] if found else here) == pytest.approx(max(scores), rel=1e-12)


def _error(op, seed):
    """Return an error from 0 to 0.1 that looks random."""
    number = sum((1 + k) * q for k, q in enumerate(op.qubits)) * 7 + len(op.name) * 13 + seed * 101
    return (number * number % 97) / 970


def test_no_better_place_gives_no_circuit():
    line = line_target(WIDTH)
    payload, _ = compiled(line)
    assert relayout(payload, line, MOVE) is None
    assert relayout(payload, changed(line, lambda _op: 0.01), MOVE) is None


def test_a_target_without_other_places_for_it_gives_no_circuit():
    payload, _ = compiled(line_target(WIDTH))
    assert relayout(payload, ideal_target(), MOVE) is None
    assert relayout(payload, line_target(WIDTH + 1), MOVE) is None
    assert relayout(payload, _without("sx"), MOVE) is None


def _without(name):
    line = line_target(WIDTH)
    operations = [op for op in line.operations if op.name != name]
    return build_target_document(backend="line", num_qubits=WIDTH, operations=operations)


def test_a_circuit_leaves_a_faulty_qubit():
    payload, before = compiled(line_target(WIDTH))
    target = line_target(WIDTH, faulty_qubits=[1])
    assert expected_success(before["exposure"], target) == 0.0
    moved, after = relayout(payload, target, MOVE)
    assert after["used_qubits"] == [2, 3, 4]
    assert distribution(moved, after["measured_qubits"]) == pytest.approx(
        distribution(payload, before["measured_qubits"]), abs=1e-12
    )


def test_directed_gates_keep_their_direction():
    """An ecr along a line whose best couplings are given the other way round."""
    ways = [(0, 1), (1, 2), (4, 3), (4, 5), (6, 5)]
    operations = [
        TargetOperation(name=name, qubits=(q,), error=0.001) for q in range(WIDTH) for name in ("rz", "sx", "measure")
    ]

    def target(errors):
        return build_target_document(
            backend="directed",
            num_qubits=WIDTH,
            operations=[*operations, *(TargetOperation(name="ecr", qubits=w, error=errors[w]) for w in ways)],
        )

    circuit = QuantumCircuit(2, 2)
    circuit.rx(Parameter("a"), 0)
    circuit.ry(0.7, 1)
    circuit.ecr(0, 1)
    circuit.measure([0, 1], [0, 1])
    template = slot_template(circuit, ["a"]).circuit
    payload, before = compile_template(
        dump(template)[0], target(dict(zip(ways, (0.01, 0.1, 0.1, 0.1, 0.1), strict=True))), CompileOptions()
    )
    assert before["used_qubits"] == [0, 1]
    moved, after = relayout(payload, target(dict(zip(ways, (0.1, 0.1, 0.05, 0.05, 0.01), strict=True))), MOVE)
    assert [qubits for name, qubits, _ in after["exposure"] if name == "ecr"] == [(6, 5)]
    assert distribution(moved, after["measured_qubits"]) == pytest.approx(
        distribution(payload, before["measured_qubits"]), abs=1e-12
    )
