"""Devices: what is read from a snapshot, kept on disk, and told apart."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.providers import _devices
from hybrid_assets.providers._snapshot_files import SnapshotFiles, read_snapshot
from hybrid_assets.providers.aer import AerProvider


def test_identity_names_version_and_differs_where_results_do(tmp_path):
    """Ideal, noise-free device and noisy device differ, and so do two widths of the density matrix."""
    sections = [
        {},
        {"device": "fake_nairobi", "noise": False},
        {"device": "fake_nairobi"},
        {"device": "fake_nairobi", "density_matrix_qubits": 4},
    ]
    providers = [AerProvider.from_settings("b", section, tmp_path) for section in sections]
    identities = [provider.describe().identity for provider in providers]
    assert len(set(identities)) == 4
    assert all(
        provider.describe().version in identity for provider, identity in zip(providers, identities, strict=True)
    )
    assert providers[2].target().calibration_id in identities[2]


@pytest.mark.parametrize("stored", [True, False])
def test_using_a_device_imports_no_quantum_sdk(tmp_path, stored):
    """Neither the first process nor the next does: qiskit-ibm-runtime alone would take over a second."""
    program = (
        "import sys; from pathlib import Path; from hybrid_assets.providers.aer import AerProvider\n"
        "provider = AerProvider.from_settings('b', {'device': 'fake_nairobi'}, Path(sys.argv[1]))\n"
        "print(provider.target().calibration_id, provider.describe().identity != '')\n"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] in {'qiskit', 'qiskit_aer', 'qiskit_ibm_runtime'}))"
    )
    first = AerProvider.from_settings("b", {"device": "fake_nairobi"}, tmp_path / "other").target()
    if stored:
        AerProvider.from_settings("b", {"device": "fake_nairobi"}, tmp_path).target()
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{first.calibration_id} True", "[]"]


def test_device_document_is_read_back_exactly_and_made_again_when_damaged(tmp_path):
    first = _devices.device_document("fake_nairobi", backend="a", folder=tmp_path)
    assert _devices.device_document("fake_nairobi", backend="a", folder=tmp_path) == first
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"cx"', b'"cy"', 1))
    assert _devices.device_document("fake_nairobi", backend="b", folder=tmp_path).calibration_id == first.calibration_id


def test_device_document_holds_the_snapshot(tmp_path):
    """FakeTorino as qiskit-ibm-runtime ships it: qubit 0 reads 0 as 1 with .16845703125, 1 as 0 with .1650390625."""
    target = _devices.device_document("fake_torino", backend="b", folder=tmp_path)
    assert (target.num_qubits, target.dt_s, target.faulty_qubits) == (133, 4e-9, ())
    assert target.readout[0] == pytest.approx((0.16845703125, 0.1650390625))
    assert target.t1_t2_s[0] == pytest.approx((2.240872756806737e-4, 3.145961798898144e-4))
    (cz,) = (op for op in target.operations if (op.name, op.qubits) == ("cz", (0, 1)))
    assert (cz.error, cz.duration_s) == pytest.approx((0.004854875406855308, 6.8e-8))
    assert target.calibrated_at is not None
    assert target.calibrated_at.isoformat() == "2025-02-26T20:26:08+00:00"


#: What the package's target has beside gates and measurements that a simulator executes.
NOT_EXECUTED = {"delay", "reset", "reset_2", "measure_2", "for_loop", "while_loop", "if_else", "switch_case"}


@pytest.mark.parametrize("device", ["fake_torino", "fake_boston", "fake_sherbrooke", "fake_prague", "fake_armonk"])
def test_snapshot_files_are_read_as_the_package_reads_them(device):
    """Torino and Boston have CZ (Boston other measurements, too), Sherbrooke ECR, Armonk a single qubit."""
    files = _devices.device_snapshots()[device]
    found = read_snapshot(files, backend="b")
    module = f"qiskit_ibm_runtime.fake_provider.backends.{files.configuration.parent.name}"
    (kind,) = (k for k in vars(importlib.import_module(module)).values() if getattr(k, "backend_name", None) == device)
    target, properties = kind().target, kind().properties()
    assert {(op.name, op.qubits, op.error, op.duration_s) for op in found.operations} == {
        (name, tuple(on), facts and facts.error, facts and facts.duration)
        for name in set(target.operation_names) - NOT_EXECUTED
        for on, facts in target[name].items()
    }
    assert (found.num_qubits, found.dt_s) == (target.num_qubits, target.dt)
    assert list(found.t1_t2_s) == [(qubit.t1, qubit.t2) for qubit in target.qubit_properties]
    assert list(found.faulty_qubits) == properties.faulty_qubits()
    assert found.calibrated_at == properties.last_update_date
    for (up, down), qubit in zip(found.readout, range(target.num_qubits), strict=True):
        named = properties.qubit_property(qubit)
        mean = (properties.readout_error(qubit), None)
        assert (up, down) == (
            named.get("prob_meas1_prep0", mean)[0],
            named.get("prob_meas0_prep1", mean)[0],
        )


def test_what_was_not_operational_is_left_out(tmp_path):
    """Qubit 1 of Nairobi and its gate cx(3, 5) are switched off."""
    files = _devices.device_snapshots()["fake_nairobi"]
    properties = json.loads(files.properties.read_text())
    off = {"name": "operational", "unit": "", "value": 0, "date": "2022-01-01T00:00:00+00:00"}
    properties["qubits"][1].append(off)
    next(g for g in properties["gates"] if (g["gate"], g["qubits"]) == ("cx", [3, 5]))["parameters"].append(off)
    changed = SnapshotFiles(configuration=files.configuration, properties=tmp_path / "props.json")
    changed.properties.write_text(json.dumps(properties))
    before, after = read_snapshot(files, backend="b"), read_snapshot(changed, backend="b")
    left_out = {(op.name, op.qubits) for op in before.operations} - {(op.name, op.qubits) for op in after.operations}
    assert after.faulty_qubits == (1,)
    assert left_out == {
        ("cx", (3, 5)),
        *(("cx", pair) for pair in ((0, 1), (1, 0), (1, 2), (2, 1), (1, 3), (3, 1))),
        *((name, (1,)) for name in ("id", "rz", "sx", "x", "measure")),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no JSON", "JSONDecodeError"),
        ("{}", "KeyError: 'qubits'"),
        ('{"gates": [], "qubits": [[{"name": "T1", "value": 1, "unit": "min"}]]}', "KeyError: 'min'"),
    ],
)
def test_a_snapshot_that_is_not_as_expected_is_refused_by_name(tmp_path, text, reason):
    files = _devices.device_snapshots()["fake_nairobi"]
    (tmp_path / "props.json").write_text(text)
    with pytest.raises(ConfigurationError, match=rf"props\.json cannot be read: {reason}"):
        read_snapshot(SnapshotFiles(configuration=files.configuration, properties=tmp_path / "props.json"), backend="b")
