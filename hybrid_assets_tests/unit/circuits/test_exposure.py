"""Expected success from count tables."""

from __future__ import annotations

import pytest
from qiskit.circuit import QuantumCircuit

from hybrid_assets.circuits.exposure import expected_success, expected_successes, exposure
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target


def test_exposure_counts_operations_by_place():
    circuit = QuantumCircuit(3, 2)
    circuit.cz(0, 1)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.cz(1, 0)
    circuit.barrier()
    circuit.delay(100, 2)
    circuit.measure([1, 0], [0, 1])
    assert exposure(circuit) == (
        ("cz", (0, 1), 2),
        ("cz", (1, 0), 1),
        ("measure", (0,), 1),
        ("measure", (1,), 1),
        ("sx", (0,), 1),
    )


def test_expected_success_is_the_product_over_gates_and_readout():
    table = (("cz", (1, 2), 3), ("measure", (1,), 1), ("measure", (2,), 1), ("rz", (1,), 9), ("sx", (2,), 2))
    # cz 0.005 three times; readout of qubit q is 0.01 (q + 1); rz is free; sx on qubit 2 is 3e-4.
    expected = 0.995**3 * 0.98 * 0.97 * (1 - 3e-4) ** 2
    assert expected_success(table, line_target()) == pytest.approx(expected, rel=1e-12)


def test_expected_success_of_an_ideal_simulator_is_one():
    assert expected_success((("rzz", (0, 5), 12), ("measure", (0,), 1)), ideal_target()) == 1.0


@pytest.mark.parametrize(
    ("table", "target"),
    [
        pytest.param((("ecr", (0, 1), 1),), line_target(), id="operation the target lacks"),
        pytest.param((("cz", (0, 2), 1),), line_target(), id="coupling it lacks"),
        pytest.param((("sx", (1,), 1),), line_target(faulty_qubits=[1]), id="faulty qubit"),
        pytest.param((("cz", (0, 1), 1),), line_target(cz_error=1.0), id="error of one"),
    ],
)
def test_expected_success_is_zero_where_the_circuit_cannot_run(table, target):
    assert expected_success(table, target) == 0.0


def test_expected_success_of_many_equals_one_by_one():
    tables = [(("cz", (0, 1), k),) for k in range(4)]
    assert expected_successes(tables, line_target()) == [expected_success(table, line_target()) for table in tables]
    assert expected_success((), line_target()) == 1.0
