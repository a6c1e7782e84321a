"""Small circuits and targets that the circuit tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qiskit.circuit import Parameter, QuantumCircuit

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.model.circuits import TargetDocument, TargetOperation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def line_target(
    num_qubits: int = 5, *, cz_error: float = 0.005, faulty_qubits: Iterable[int] = (), **changes: Any
) -> TargetDocument:
    """A device like ibm_torino in small: a line with cz, sx, x, rz and measure, qubit q worse than qubit q - 1."""
    operations = []
    for q in range(num_qubits):
        operations += [
            TargetOperation(name="rz", qubits=(q,), error=0.0, duration_s=0.0),
            TargetOperation(name="sx", qubits=(q,), error=1e-4 * (q + 1), duration_s=3e-8),
            TargetOperation(name="x", qubits=(q,), error=1e-4 * (q + 1), duration_s=3e-8),
            TargetOperation(name="measure", qubits=(q,), error=0.01 * (q + 1), duration_s=1e-6),
        ]
    for q in range(num_qubits - 1):
        operations += [
            TargetOperation(name="cz", qubits=pair, error=cz_error, duration_s=7e-8)
            for pair in ((q, q + 1), (q + 1, q))
        ]
    facts = {"backend": "line", "num_qubits": num_qubits, "dt_s": 1e-9, **changes}
    return build_target_document(operations=operations, faulty_qubits=faulty_qubits, **facts)


def reversed_line(num_qubits: int = 5) -> TargetDocument:
    """The same line with its best qubit at the other end."""
    line = line_target(num_qubits)
    errors = {(op.name, op.qubits): op.error for op in line.operations}
    mirrored = [
        replace(op, error=errors[op.name, tuple(num_qubits - 1 - q for q in op.qubits or ())]) for op in line.operations
    ]
    return build_target_document(backend="line", num_qubits=num_qubits, dt_s=1e-9, operations=mirrored)


def ideal_target() -> TargetDocument:
    """A simulator without width, couplings or errors."""
    names = ("cx", "cz", "h", "measure", "p", "rx", "ry", "rz", "rzz", "sx", "x")
    return build_target_document(
        backend="ideal", num_qubits=None, operations=[TargetOperation(name=name, qubits=None) for name in names]
    )


def qaoa(num_qubits: int, edges: Sequence[tuple[int, int]], *, depth: int = 1, prefix: str = "") -> QuantumCircuit:
    """A measured QAOA circuit with the parameters gamma0, beta0, gamma1 ..."""
    circuit = QuantumCircuit(num_qubits, num_qubits)
    circuit.h(range(num_qubits))
    for layer in range(depth):
        gamma, beta = Parameter(f"{prefix}gamma{layer}"), Parameter(f"{prefix}beta{layer}")
        for u, v in edges:
            circuit.rzz(-1.0 * gamma, u, v)
        circuit.rx(2 * beta, range(num_qubits))
    circuit.measure(range(num_qubits), range(num_qubits))
    return circuit


def zz_feature_map(num_qubits: int) -> tuple[QuantumCircuit, tuple[str, ...]]:
    """A measured ZZ feature map with symbolic p gates, as textbooks write it, and its parameter names."""
    x = [Parameter(f"x{i}") for i in range(num_qubits)]
    circuit = QuantumCircuit(num_qubits, num_qubits)
    circuit.h(range(num_qubits))
    for i in range(num_qubits):
        circuit.p(2 * x[i], i)
    for i in range(num_qubits):
        for j in range(i):
            circuit.cx(j, i)
            circuit.p(2 * (3.141592653589793 - x[i]) * (3.141592653589793 - x[j]), i)
            circuit.cx(j, i)
    circuit.measure(range(num_qubits), range(num_qubits))
    return circuit, tuple(p.name for p in x)
