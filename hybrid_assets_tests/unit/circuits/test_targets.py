"""Targets as plain data and as Qiskit's object."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest

from hybrid_assets.circuits.targets import (
    build_target_document,
    qiskit_target,
    target_document_digests,
    target_from_json,
    target_to_json,
)
from hybrid_assets.errors import ConfigurationError, TargetMismatchError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target

MOMENT = datetime(2026, 11, 24, 3, tzinfo=UTC)


def test_calibration_depends_on_values_not_on_time_or_name():
    """The same numbers measured again are the same calibration."""
    first = line_target(calibrated_at=MOMENT)
    second = line_target(calibrated_at=MOMENT.replace(hour=9), backend="other name")
    assert first.calibration_id == second.calibration_id


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"cz_error": 0.006}, id="gate error"),
        pytest.param({"readout": [(0.01, 0.02)] * 5}, id="readout"),
        pytest.param({"t1_t2_s": [(1e-4, 8e-5)] * 5}, id="coherence"),
    ],
)
def test_calibration_changes_with_each_value_and_structure_does_not(change):
    assert line_target(**change).calibration_id != line_target().calibration_id
    assert line_target(**change).structure_sha == line_target().structure_sha


@pytest.mark.parametrize(
    "change", [pytest.param({"faulty_qubits": [1]}, id="faulty"), pytest.param({"dt_s": 2e-9}, id="sample time")]
)
def test_structure_changes_with_qubits_and_timing(change):
    assert line_target(**change).structure_sha != line_target().structure_sha
    assert line_target(**change).calibration_id != line_target().calibration_id


def test_document_does_not_depend_on_the_order_of_operations():
    target = line_target()
    turned = build_target_document(
        backend="line", num_qubits=5, operations=reversed(target.operations), dt_s=target.dt_s
    )
    assert turned == target
    assert (target.structure_sha, target.calibration_id) == target_document_digests(
        reversed(target.operations), num_qubits=5, dt_s=target.dt_s
    )


def test_ideal_targets_share_the_calibration_of_no_errors():
    """Whatever gates it has, a simulator without errors has no calibration to differ in."""
    fewer = build_target_document(backend="b", num_qubits=None, operations=[TargetOperation(name="h", qubits=None)])
    assert fewer.calibration_id == ideal_target().calibration_id
    assert fewer.structure_sha != ideal_target().structure_sha


def test_unknown_errors_may_come_as_nan():
    document = build_target_document(
        backend="b", num_qubits=1, operations=[TargetOperation(name="x", qubits=(0,), error=math.nan, duration_s=1e-8)]
    )
    assert document.operations == (TargetOperation(name="x", qubits=(0,), error=None, duration_s=1e-8),)


def test_target_survives_json():
    target = line_target(readout=[(0.01, 0.02)] * 5, t1_t2_s=[(1e-4, None)] * 5, calibrated_at=MOMENT)
    assert target_from_json(json.loads(json.dumps(target_to_json(target)))) == target
    assert target_from_json(json.loads(json.dumps(target_to_json(ideal_target())))) == ideal_target()


def test_document_refuses_an_operation_given_twice():
    twice = [TargetOperation(name="x", qubits=(0,)), TargetOperation(name="x", qubits=(0,), error=0.1)]
    with pytest.raises(ConfigurationError, match=r"'x' on \(0,\) twice"):
        build_target_document(backend="b", num_qubits=1, operations=twice)


def test_document_refuses_a_qubit_the_backend_does_not_have():
    with pytest.raises(ConfigurationError, match="has 2 qubits"):
        build_target_document(backend="b", num_qubits=2, operations=[TargetOperation(name="cz", qubits=(1, 2))])


def test_qiskit_target_carries_errors_durations_and_couplings():
    target = qiskit_target(line_target(t1_t2_s=[(1e-4, 8e-5)] * 5), width=2)
    assert target.num_qubits == 5
    assert target.dt == 1e-9
    assert sorted(target.operation_names) == ["cz", "measure", "rz", "sx", "x"]
    assert target["cz"][(1, 2)].error == 0.005
    assert target["measure"][(3,)].duration == 1e-6
    assert target.qubit_properties[4].t2 == 8e-5
    assert len(target["rz"]) == 5
    assert len(target.operation_from_name("rz").params) == 1
    assert sorted(target.build_coupling_map().get_edges())[:2] == [(0, 1), (1, 0)]


def test_qiskit_target_leaves_faulty_qubits_without_operations():
    target = qiskit_target(line_target(faulty_qubits=[1]), width=2)
    assert target.num_qubits == 5
    assert all(1 not in on for name in target.operation_names for on in target[name])
    assert sorted(target["cz"]) == [(2, 3), (3, 2), (3, 4), (4, 3)]


def test_qiskit_target_of_a_simulator_takes_the_width_of_the_circuit():
    target = qiskit_target(ideal_target(), width=7)
    assert target.num_qubits == 7
    assert target.build_coupling_map() is None


def test_qiskit_target_refuses_an_unknown_operation():
    document = build_target_document(backend="b", num_qubits=1, operations=[TargetOperation(name="kerr", qubits=(0,))])
    with pytest.raises(TargetMismatchError, match="'kerr'"):
        qiskit_target(document, width=1)
