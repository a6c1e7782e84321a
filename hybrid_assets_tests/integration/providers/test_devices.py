"""Devices: what is read from a snapshot, kept on disk, and told apart."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hybrid_assets.providers import _devices
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


def test_using_a_known_device_imports_no_quantum_sdk(tmp_path):
    """The second process reads the stored document; qiskit-ibm-runtime alone would take over a second."""
    program = (
        "import sys; from pathlib import Path; from hybrid_assets.providers.aer import AerProvider\n"
        "provider = AerProvider.from_settings('b', {'device': 'fake_nairobi'}, Path(sys.argv[1]))\n"
        "print(provider.target().calibration_id, provider.describe().identity != '')\n"
        "print(sorted(m for m in sys.modules if m.partition('.')[0] in {'qiskit', 'qiskit_aer', 'qiskit_ibm_runtime'}))"
    )
    first = AerProvider.from_settings("b", {"device": "fake_nairobi"}, tmp_path).target()
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
