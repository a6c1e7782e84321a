"""Executes logical kernels exactly, with numpy alone: a backend for tests of workloads.

Put the smallest simulator that serves tests here; backends that users name belong in `hybrid_assets.providers`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import CapacityError
from hybrid_assets.model.fingerprint import fingerprint, seed_from
from hybrid_assets.model.jobs import ExecutionKind, KernelResult, RawCounts

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import LogicalKernel

#: Amplitudes of all rows together (complex128: 64 MiB, and as much again for each copy).
MAX_AMPLITUDES = 1 << 22


def exact_probabilities(kernel: LogicalKernel) -> np.ndarray:
    """Return the exact distribution of every row, shape (rows, 2**n); qubit i is bit i of the outcome.

    Any unitary gate that can give its matrix is simulated; final measurements and barriers are passed over.

    Raises:
        CapacityError: The kernel exceeds `MAX_AMPLITUDES`.
    """
    rows, n = kernel.values.shape[0], kernel.circuit.num_qubits
    if rows << n > MAX_AMPLITUDES:
        raise CapacityError(f"{rows} rows of {n} qubits are too much to simulate in a test; take a smaller instance.")
    position = {qubit: i for i, qubit in enumerate(kernel.circuit.qubits)}
    state = np.zeros((rows, 1 << n), dtype=complex)
    state[:, 0] = 1.0
    for instruction in kernel.circuit.data:
        if instruction.operation.name not in {"measure", "barrier"}:
            qubits = [position[qubit] for qubit in instruction.qubits]
            state = _apply(state, _matrices(instruction.operation, kernel), qubits, n)
    probabilities = np.abs(state) ** 2
    return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


def execute(kernel: LogicalKernel, *, seed: int = 7) -> KernelResult:
    """Sample a kernel's exact distribution; the same kernel and seed give the same result.

    Raises:
        CapacityError: The kernel is too large for a test.
    """
    kernel_id = fingerprint({"instance": kernel.instance, "label": kernel.label, "seed": seed})
    rng = np.random.default_rng(seed_from(kernel_id))
    drawn = [rng.multinomial(kernel.shots, row) for row in exact_probabilities(kernel)]
    outcomes = [np.flatnonzero(row) for row in drawn]
    counts = RawCounts(
        num_bits=kernel.circuit.num_qubits,
        outcomes=np.concatenate(outcomes).astype(np.uint64),
        counts=np.concatenate([row[seen] for row, seen in zip(drawn, outcomes, strict=True)]).astype(np.int64),
        offsets=np.cumsum([0, *(seen.size for seen in outcomes)], dtype=np.int64),
    )
    return KernelResult(
        kernel_id=kernel_id,
        counts=counts,
        shots=kernel.shots,
        execution=ExecutionKind.STATEVECTOR,
        backend="fake",
        compiled_calibration_id="0" * 64,
        executed_calibration_id="0" * 64,
        provider_job_id=f"fake-{kernel_id[:8]}",
        request_id=f"fake-{kernel_id[:8]}",
        executed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def _matrices(operation: Any, kernel: LogicalKernel) -> np.ndarray:
    """Return a gate's matrix for every row, shape (rows or 1, d, d)."""
    if not any(getattr(angle, "parameters", None) for angle in operation.params):
        return np.asarray(operation.to_matrix(), dtype=complex)[None]
    columns = [_angle_values(angle, kernel) for angle in operation.params]
    return np.array([operation.base_class(*map(float, angles)).to_matrix() for angles in zip(*columns, strict=True)])


def _angle_values(angle: Any, kernel: LogicalKernel) -> np.ndarray:
    """Return an angle of every row, shape (rows,): a number, a parameter or an expression of parameters."""
    names = kernel.parameter_names
    if not (parameters := getattr(angle, "parameters", None)):
        return np.full(kernel.values.shape[0], float(angle))
    if hasattr(angle, "name"):
        return np.asarray(kernel.values[:, names.index(angle.name)])
    columns = {parameter: names.index(parameter.name) for parameter in parameters}
    return np.array([float(angle.bind({p: row[k] for p, k in columns.items()})) for row in kernel.values])


def _apply(state: np.ndarray, matrices: np.ndarray, qubits: list[int], n: int) -> np.ndarray:
    """Apply gates to rows of states; the first of the gate's qubits is the lowest bit of its matrix."""
    rows, front = state.shape[0], tuple(range(1, len(qubits) + 1))
    axes = tuple(n - q for q in reversed(qubits))
    moved = np.moveaxis(state.reshape(rows, *(2,) * n), axes, front)
    product: np.ndarray = np.matmul(matrices, moved.reshape(rows, 1 << len(qubits), -1))
    return np.moveaxis(product.reshape(moved.shape), front, axes).reshape(rows, -1)
