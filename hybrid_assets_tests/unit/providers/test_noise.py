"""Noise of the used qubits: the reduced model, and the mixture beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qiskit import QuantumCircuit

from hybrid_assets.errors import PermanentProviderError
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.providers import _noise
from hybrid_assets.providers._execute import LocalMachine
from hybrid_assets.providers._parsed import parse
from hybrid_assets_tests.unit.providers.pubs import (
    compiled,
    direct_distributions,
    line_device,
    measured_qubits,
    pub,
    qaoa,
)

PATH = ((0, 1), (1, 2), (2, 3))
VALUES = np.array([[-0.6, 0.8], [-1.1, 0.5]])
DEVICE = line_device(6)


def _machine(document=DEVICE, *, density_matrix_qubits=8, is_noisy=True):
    return LocalMachine(
        document=document,
        is_noisy=is_noisy,
        density_matrix_qubits=density_matrix_qubits,
        identity="test",
        distributions=None,
    )


def _distributions(isa, machine, kind):
    circuit = parse(isa, num_slots=2, measured_qubits=measured_qubits(isa))
    return np.concatenate(list(machine._computed(circuit, VALUES, kind)))


@pytest.fixture(scope="module")
def isa():
    return compiled(qaoa(4, PATH, 1), DEVICE)


def test_noisy_distributions_sum_to_one_and_are_nearer_to_uniform(isa):
    """Both ways of noise lose purity: sum p^2 falls, and stays above the uniform distribution's 1/16."""
    ideal = direct_distributions(isa, VALUES)
    for kind in (ExecutionKind.DENSITY_MATRIX, ExecutionKind.DEPOLARIZED):
        noisy = _distributions(isa, _machine(), kind)
        assert noisy.sum(axis=1) == pytest.approx(1.0)
        assert np.all(noisy >= 0)
        assert np.all((noisy**2).sum(axis=1) < (ideal**2).sum(axis=1))
        assert np.all((noisy**2).sum(axis=1) > 1 / 16)


def test_mixture_is_near_the_full_simulation(isa):
    """Total variation: the mixture is at least twice as near to the density matrix as the ideal distribution is."""
    full = _distributions(isa, _machine(), ExecutionKind.DENSITY_MATRIX)
    mixture = _distributions(isa, _machine(), ExecutionKind.DEPOLARIZED)
    ideal = direct_distributions(isa, VALUES)
    assert np.abs(mixture - full).sum() * 2 < np.abs(ideal - full).sum()


@pytest.mark.parametrize("kind", [ExecutionKind.DENSITY_MATRIX, ExecutionKind.DEPOLARIZED])
def test_device_without_errors_gives_the_ideal_distribution(isa, kind):
    still = replace(line_device(6, error=0.0, readout=0.0), t1_t2_s=())
    assert _distributions(isa, _machine(still), kind) == pytest.approx(direct_distributions(isa, VALUES), abs=1e-9)


def test_readout_errors_follow_the_measured_qubits():
    """Qubit q of the device reads 0 as 1 with (q + 1) x .02: bit 0 on qubit 5 has .12, bit 1 on qubit 2 has .06."""
    circuit = QuantumCircuit(6, 2)
    circuit.measure([5, 2], [0, 1])
    parsed = parse(circuit, num_slots=0, measured_qubits=(5, 2))
    assert _noise.readout_errors(parsed, DEVICE) == [(pytest.approx(0.12), 0.02), (pytest.approx(0.06), 0.02)]
    chunks = _machine()._computed(parsed, np.zeros((1, 0)), ExecutionKind.DENSITY_MATRIX)
    assert next(chunks)[0] == pytest.approx([0.88 * 0.94, 0.12 * 0.94, 0.88 * 0.06, 0.12 * 0.06])


def test_gate_success_is_product_over_gates_without_readout():
    """Two cz of error .01 and one sx of .001; rz is free: .99^2 x .999."""
    circuit = QuantumCircuit(6, 1)
    circuit.sx(3)
    circuit.rz(0.3, 3)
    circuit.cz(3, 4)
    circuit.cz(4, 3)
    circuit.measure(3, 0)
    parsed = parse(circuit, num_slots=0, measured_qubits=(3,))
    assert _noise.gate_success(parsed, DEVICE) == pytest.approx(0.99**2 * 0.999)


def test_reduced_target_renumbers_and_drops():
    reduced = _noise.reduced(DEVICE, (2, 3, 5))
    assert {op.qubits for op in reduced.operations if op.name == "cz"} == {(0, 1), (1, 0)}
    assert reduced.readout == (DEVICE.readout[2], DEVICE.readout[3], DEVICE.readout[5])


def test_gate_that_the_device_lacks_is_refused():
    """cz(0, 5) is not on the line; without this check it would run without noise."""
    circuit = QuantumCircuit(6, 1)
    circuit.cz(0, 5)
    circuit.measure(0, 0)
    with pytest.raises(PermanentProviderError, match=r"no 'cz' on qubits \(0, 5\)"):
        _machine().execute(pub(circuit, np.zeros((1, 0))))


@pytest.mark.parametrize(
    ("is_noisy", "qubits", "kind"),
    [
        (False, 8, ExecutionKind.STATEVECTOR),
        (True, 8, ExecutionKind.DENSITY_MATRIX),
        (True, 3, ExecutionKind.DEPOLARIZED),
    ],
)
def test_execution_says_how_numbers_came_about(isa, is_noisy, qubits, kind):
    machine = _machine(is_noisy=is_noisy, density_matrix_qubits=qubits)
    result = machine.execute(pub(isa, VALUES))
    assert result.execution is kind
    result.counts.verify(num_bits=4, rows=2, shots=1000)
