"""Circuits as bytes: exact, verified, capped."""

from __future__ import annotations

import zlib

import pytest
from qiskit.circuit import QuantumCircuit

from hybrid_assets.circuits import payload
from hybrid_assets.errors import CapacityError, CompilationError, ResultIntegrityError
from hybrid_assets_tests.unit.circuits.samples import qaoa


def test_payload_round_trip_is_exact():
    circuit = qaoa(4, [(0, 1), (1, 2)], depth=2)
    content, sha = payload.dump(circuit)
    assert payload.load(content, sha) == circuit
    assert sha == payload.payload_sha(content)


def test_payload_refuses_every_altered_byte():
    """A damaged file may parse, silently altered, so nothing is parsed before its checksum holds."""
    content, sha = payload.dump(QuantumCircuit(1))
    for place in range(0, len(content), 7):
        altered = bytearray(content)
        altered[place] ^= 1
        with pytest.raises(ResultIntegrityError, match="checksum"):
            payload.load(bytes(altered), sha)


def test_payload_refuses_a_zip_bomb():
    """Two hundred MiB of zeros in 200 KB: refused at the cap, not unpacked."""
    bomb = zlib.compress(bytes(200 * 2**20), 1)
    with pytest.raises(CapacityError, match="unpacks to more than"):
        payload.load(bomb, payload.payload_sha(bomb))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no zlib", id="not zlib"),
        pytest.param(zlib.compress(b"no qpy"), id="not qpy"),
        pytest.param(payload.dump(QuantumCircuit(2))[0][:-20], id="cut"),
    ],
)
def test_payload_refuses_what_is_no_circuit(content):
    with pytest.raises(CompilationError, match="not a circuit in QPY"):
        payload.load(content, payload.payload_sha(content))


def test_dump_refuses_a_huge_circuit(monkeypatch):
    monkeypatch.setattr(payload, "MAX_UNPACKED_BYTES", 100)
    with pytest.raises(CapacityError, match="the cap is 100"):
        payload.dump(qaoa(4, [(0, 1)]))
