"""A calibration as rows."""

from __future__ import annotations

from hybrid_assets.calibration.entries import Entry, entries
from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.model.circuits import TargetOperation


def row(operation, qubits, **values):
    facts = {"error": None, "duration_s": None, "is_faulty": False}
    return Entry(operation=operation, qubits=qubits, **{**facts, **values})


def test_each_operation_has_a_row_and_each_qubit_one_of_its_readout():
    document = build_target_document(
        backend="qpu",
        num_qubits=3,
        operations=[
            TargetOperation(name="sx", qubits=(0,), error=1e-4, duration_s=3e-8),
            TargetOperation(name="measure", qubits=(0,), error=0.02, duration_s=1e-6),
            TargetOperation(name="measure", qubits=(1,)),
            TargetOperation(name="cz", qubits=(0, 1), error=0.01),
        ],
        readout=[(0.01, 0.03), (0.02, 0.06), (0.5, 0.5)],
        t1_t2_s=[(1e-4, 2e-4), (None, 3e-4)],
        faulty_qubits=[1],
    )
    assert entries(document) == [
        row("cz", (0, 1), error=0.01, is_faulty=True),
        row("measure", (0,), error=0.02, duration_s=1e-6, p_1_given_0=0.01, p_0_given_1=0.03, t1_s=1e-4, t2_s=2e-4),
        # no error of its own: (0.02 + 0.06) / 2
        row("measure", (1,), error=0.04, is_faulty=True, p_1_given_0=0.02, p_0_given_1=0.06, t2_s=3e-4),
        # the target cannot measure it, but its readout is known
        row("measure", (2,), error=0.5, p_1_given_0=0.5, p_0_given_1=0.5),
        row("sx", (0,), error=1e-4, duration_s=3e-8),
    ]


def test_an_ideal_simulator_has_a_row_an_operation():
    operations = [TargetOperation(name=name, qubits=None) for name in ("rz", "measure")]
    document = build_target_document(backend="aer", num_qubits=None, operations=operations)
    assert entries(document) == [row("measure", None), row("rz", None)]
