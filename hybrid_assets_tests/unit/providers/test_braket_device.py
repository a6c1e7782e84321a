"""A device's description -> target, calibration and limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hybrid_assets.circuits.targets import qiskit_target
from hybrid_assets.errors import ProviderError
from hybrid_assets.providers._braket_circuits import GATES, TWO_QUBIT_GATES
from hybrid_assets.providers._braket_device import Device, read_device
from hybrid_assets_tests.unit.providers.braket_aws import capabilities


def _errors(device, name):
    return {op.qubits: op.error for op in device.target.operations if op.name == name}


def test_qubits_keep_their_numbers_and_missing_ones_are_faulty():
    """A line 1-2-3-5: circuits compiled before 4 failed must still mean the same qubits."""
    target = read_device(capabilities(), backend="garnet").target
    assert (target.num_qubits, target.faulty_qubits) == (6, (0, 4))
    pairs = {op.qubits for op in target.operations if op.name == "cz"}
    assert pairs == {(1, 2), (2, 1), (2, 3), (3, 2), (3, 5), (5, 3)}
    assert qiskit_target(target, width=3).num_qubits == 6


def test_errors_come_from_the_fidelities():
    device = read_device(capabilities(fidelity=0.98), backend="garnet")
    assert _errors(device, "rzz")[3, 5] == pytest.approx(0.02)
    assert _errors(device, "rx")[2,] == pytest.approx(0.001)
    assert _errors(device, "rz")[2,] == 0.0
    assert _errors(device, "measure")[5,] == pytest.approx(0.03)
    assert device.target.t1_t2_s[5] == pytest.approx((40e-6, 15e-6))
    assert device.target.t1_t2_s[4] == (None, None)
    assert device.target.calibrated_at == datetime(2026, 11, 23, 22, tzinfo=UTC)


def test_other_fidelity_is_another_calibration_of_the_same_structure():
    first, second = (read_device(capabilities(fidelity=f), backend="garnet").target for f in (0.98, 0.97))
    assert first.structure_sha == second.structure_sha
    assert first.calibration_id != second.calibration_id


def test_only_gates_both_sides_know_are_in_the_target():
    content = json.loads(capabilities())
    content["action"]["braket.ir.openqasm.program"]["supportedOperations"] = ["CNot", "rz", "ccnot", "rx", "prx"]
    names = {op.name for op in read_device(json.dumps(content), backend="b").target.operations}
    assert names == {"cx", "rz", "rx", "measure"}


def test_fully_connected_device_without_calibration():
    content = json.loads(capabilities())
    content["paradigm"]["connectivity"] = {"fullyConnected": True, "connectivityGraph": {}}
    content["paradigm"]["qubitCount"] = 3
    del content["standardized"]
    target = read_device(json.dumps(content), backend="b").target
    assert (target.num_qubits, target.faulty_qubits, target.t1_t2_s) == (3, (), ())
    assert len([op for op in target.operations if op.name == "cx"]) == 6
    assert {op.error for op in target.operations} == {None}


def test_limits_are_those_of_program_sets():
    limits = read_device(capabilities(), backend="b").limits
    assert (limits.max_pubs, limits.max_executions, limits.max_shots) == (8, 20_000, 10_000)


def test_device_without_program_sets_takes_one_pub_a_task():
    limits = read_device(capabilities(sets=False), backend="b").limits
    assert (limits.max_pubs, limits.max_executions, limits.max_shots) == (1, 10_000, 10_000)


def test_device_survives_json():
    device = read_device(capabilities(), backend="garnet")
    assert Device.from_json(json.loads(json.dumps(device.to_json()))) == device


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"action": {"braket.ir.ahs.program": {}}}'])
def test_description_that_is_not_understood_is_an_error_of_the_provider(text):
    with pytest.raises(ProviderError, match="in a form that is not understood"):
        read_device(text, backend="aquila")


def test_gates_have_the_widths_that_the_table_says():
    from qiskit.circuit.library import get_standard_gate_name_mapping

    known = get_standard_gate_name_mapping()
    assert {name for name in GATES if known[name].num_qubits == 2} == TWO_QUBIT_GATES
