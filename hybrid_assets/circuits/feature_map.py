"""The ZZ feature map, its fidelity circuit, and the same kernel exactly in numpy. Put feature maps of kernels here.

With bits b of a basis state, one layer is Hadamards on all qubits and then the diagonal gate
``exp(i (sum_i 2 x_i b_i + sum_ij 2 (pi - x_i)(pi - x_j) (b_i xor b_j)))`` (the ZZ feature map of
arXiv:1804.11326); ``U(x)`` repeats the layer. The kernel is ``K(x, y) = |<0|U(y)^dagger U(x)|0>|^2``: the probability
of outcome 0 of the circuit "U(x), then U(y) backwards".
Keep out how a kernel is tuned and judged (`hybrid_assets.scoring`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Which qubit pairs a layer couples: every pair, neighbors on a line, or none (the mandatory control).
ENTANGLEMENTS = ("linear", "full", "none")


def coupled_pairs(num_qubits: int, entanglement: str) -> tuple[tuple[int, int], ...]:
    """Return the qubit pairs (i, j), i < j, that a layer couples.

    Raises:
        ConfigurationError: The entanglement is unknown.
    """
    if entanglement not in ENTANGLEMENTS:
        raise ConfigurationError(f"Unknown entanglement {entanglement!r}. Known: {', '.join(ENTANGLEMENTS)}.")
    if entanglement == "none":
        return ()
    if entanglement == "linear":
        return tuple((i, i + 1) for i in range(num_qubits - 1))
    return tuple((i, j) for i in range(num_qubits) for j in range(i + 1, num_qubits))


def layer_phases(x: np.ndarray, *, entanglement: str) -> np.ndarray:
    """Return the phases of a layer: ``2 x_i`` of each qubit, then ``2 (pi - x_i)(pi - x_j)`` of each coupled pair.

    Args:
        x: Data in radians, shape (rows, num_qubits).
        entanglement: One of `ENTANGLEMENTS`.

    Returns:
        Radians, shape (rows, num_qubits + number of pairs).
    """
    pairs = np.array(coupled_pairs(x.shape[1], entanglement), dtype=int).reshape(-1, 2)
    rest = np.pi - x
    return np.hstack([2 * x, 2 * rest[:, pairs[:, 0]] * rest[:, pairs[:, 1]]])


def fidelity_circuit(num_qubits: int, repetitions: int, entanglement: str) -> tuple[Any, tuple[str, ...]]:
    """Build the compute-uncompute circuit of a kernel entry with one parameter an angle.

    The last diagonal of U(x) and the first of U(y)^dagger commute, so they are one layer of angle differences: with R
    repetitions there are 2R - 1 diagonals instead of 2R. ``p`` is written ``rz`` and ``cx p cx`` is written ``rzz``;
    both differ by a global phase only.

    Args:
        num_qubits: Width.
        repetitions: Layers R of the feature map, at least 1.
        entanglement: One of `ENTANGLEMENTS`.

    Returns:
        The circuit, every qubit i measured into classical bit i, and its parameter names in the order of the columns
        of `fidelity_values`.
    """
    from qiskit import QuantumCircuit  # noqa: PLC0415 - imports take a second; the numpy half needs no SDK
    from qiskit.circuit import Parameter  # noqa: PLC0415 - as above

    pairs = coupled_pairs(num_qubits, entanglement)
    num_phases = num_qubits + len(pairs)
    blocks = ("middle",) if repetitions == 1 else ("x", "middle", "y")
    angles = {block: [Parameter(f"{block}{k:03d}") for k in range(num_phases)] for block in blocks}
    circuit = QuantumCircuit(num_qubits, num_qubits)
    circuit.h(range(num_qubits))
    for block in ("x",) * (repetitions - 1) + ("middle",) + ("y",) * (repetitions - 1):
        _append_diagonal(circuit, angles[block], pairs)
        circuit.h(range(num_qubits))
    circuit.measure(range(num_qubits), range(num_qubits))
    return circuit, tuple(angle.name for block in blocks for angle in angles[block])


def fidelity_values(x: np.ndarray, y: np.ndarray, *, repetitions: int, entanglement: str) -> np.ndarray:
    """Return the parameter values of the fidelity circuit of each pair (x_r, y_r).

    Args:
        x: Data in radians, shape (rows, num_qubits).
        y: Data in radians, shape (rows, num_qubits).
        repetitions: Layers of the feature map.
        entanglement: One of `ENTANGLEMENTS`.

    Returns:
        Radians, shape (rows, number of parameters of `fidelity_circuit`).
    """
    of_x, of_y = layer_phases(x, entanglement=entanglement), layer_phases(y, entanglement=entanglement)
    return of_x - of_y if repetitions == 1 else np.hstack([of_x, of_x - of_y, -of_y])


def kernel_matrix(x: np.ndarray, y: np.ndarray, *, repetitions: int, entanglement: str) -> np.ndarray:
    """Return the exact kernel of all pairs, without shots or noise.

    Without entanglement the kernel is a product over qubits and cheap at any width; otherwise the cost is
    ``(rows of x + rows of y) 2**num_qubits`` amplitudes.

    Args:
        x: Data in radians, shape (n, num_qubits).
        y: Data in radians, shape (m, num_qubits).
        repetitions: Layers of the feature map.
        entanglement: One of `ENTANGLEMENTS`.

    Returns:
        Probabilities, shape (n, m).
    """
    if entanglement == "none":
        return _product_kernel(x, y, repetitions)
    overlap = _states(x, repetitions, entanglement) @ _states(y, repetitions, entanglement).conj().T
    return np.asarray(np.abs(overlap) ** 2)


def _append_diagonal(circuit: Any, angles: Sequence[Any], pairs: Sequence[tuple[int, int]]) -> None:
    for qubit in range(circuit.num_qubits):
        circuit.rz(angles[qubit], qubit)
    for angle, pair in zip(angles[circuit.num_qubits :], pairs, strict=True):
        circuit.rzz(angle, *pair)


def _states(x: np.ndarray, repetitions: int, entanglement: str) -> np.ndarray:
    """Return U(x)|0> of each row, shape (rows, 2**num_qubits); bit i of the index is qubit i."""
    rows, num_qubits = x.shape
    outcome = np.arange(1 << num_qubits)
    bits = np.array([(outcome >> i) & 1 for i in range(num_qubits)], dtype=float)
    parities = [np.abs(bits[i] - bits[j]) for i, j in coupled_pairs(num_qubits, entanglement)]
    diagonal = np.exp(1j * (layer_phases(x, entanglement=entanglement) @ np.vstack([bits, *parities])))
    state = np.zeros((rows, 1 << num_qubits), dtype=complex)
    state[:, 0] = 1.0
    for _ in range(repetitions):
        state = diagonal * _hadamards(state)
    return state


def _hadamards(state: np.ndarray) -> np.ndarray:
    rows, size = state.shape
    width = 1
    while width < size:
        halves = state.reshape(rows, -1, 2, width)
        zero, one = halves[:, :, 0], halves[:, :, 1]
        state = np.stack([zero + one, zero - one], axis=2).reshape(rows, size)
        width *= 2
    return np.asarray(state / np.sqrt(size))


def _product_kernel(x: np.ndarray, y: np.ndarray, repetitions: int) -> np.ndarray:
    of_x, of_y = _qubit_states(x, repetitions), _qubit_states(y, repetitions)
    overlap = np.einsum("nqa,mqa->nmq", of_x, of_y.conj())
    return np.asarray(np.prod(np.abs(overlap) ** 2, axis=2))


def _qubit_states(x: np.ndarray, repetitions: int) -> np.ndarray:
    """Return the state of every qubit alone, shape (rows, num_qubits, 2)."""
    zero, one = np.ones(x.shape, dtype=complex), np.zeros(x.shape, dtype=complex)
    turn = np.exp(2j * x)
    for _ in range(repetitions):
        zero, one = (zero + one) / np.sqrt(2), turn * (zero - one) / np.sqrt(2)
    return np.stack([zero, one], axis=2)
