"""Reference kernels: small circuits whose results are known beforehand, each with a mistake that it finds.

| kernel | rows | value of an outcome | finds |
| --- | --- | --- | --- |
| `bits` | 3 | it is the one that was prepared | bits, wires or rows that changed places |
| `bell` | 4 | both bits agree | a lost or wrong entangling gate: the rows are a Bell test |
| `ghz4` | 4 | an even number of ones | lost coherence, gates on other qubits than meant |
| `rotation` | 8 | the bit is 1 | parameter rows that changed places or were cut |
| `phase` | 8 | the bit is 1 | virtual phases that were lost or have the other sign |
| `ring_qaoa` | 2 | share of edges cut | what only a whole workload shows, such as the sign of the cost |

Values lie in 0 .. 1. Put circuits and their known values here, with the derivation; what a noisy backend may make of
them is `scoring.tolerance`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.circuits.angles import fixed_angles
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values
from hybrid_assets.model.circuits import LogicalKernel
from hybrid_assets.model.problem import BinaryQuadratic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.jobs import RawCounts

#: Name of the instance that all of them belong to.
INSTANCE = "reference"
#: Qubits of `bits`; each has its number, from 1, as its code over the rows.
NUM_BITS, NUM_CODE_ROWS = 5, 3
GHZ_QUBITS = 4
#: Nodes of the ring of `ring_qaoa`: its girth must be 4 at least for the value at depth 1 to be the tree's.
RING = 6
#: Rows of the kernels that sweep one angle: neighbors differ by 1/7, more than chance explains at 768 shots (0.1).
SWEEP_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceKernel:
    """A kernel with what it must give."""

    logical: LogicalKernel
    #: Value of every outcome in each row, shape (rows, 2**n), from 0 to 1; bit i of an outcome is qubit i.
    values: np.ndarray
    #: Expected value of each row without any error, and expected square of the value; shape (rows,) each.
    ideal: np.ndarray
    ideal_square: np.ndarray

    @property
    def uniform(self) -> np.ndarray:
        """Expected value of each row under uniformly random bits, shape (rows,)."""
        return np.asarray(self.values.mean(axis=1))

    @property
    def uniform_square(self) -> np.ndarray:
        """Expected square of the value under uniformly random bits, shape (rows,)."""
        return np.asarray((self.values**2).mean(axis=1))

    @property
    def influence(self) -> np.ndarray:
        """Most that the value of an outcome changes when one bit does, shape (rows, n)."""
        outcomes = np.arange(self.values.shape[1])
        flips = [self.values[:, outcomes ^ (1 << bit)] for bit in range(self.logical.circuit.num_qubits)]
        return np.stack([np.abs(self.values - flipped).max(axis=1) for flipped in flips], axis=1)

    def observed(self, counts: RawCounts) -> np.ndarray:
        """Return the mean value of each row's shots, shape (rows,)."""
        rows = np.repeat(np.arange(counts.num_rows), np.diff(counts.offsets))
        weights = self.values[rows, counts.outcomes.astype(np.intp)]
        return np.asarray(counts.row_sums(weights) / counts.row_sums())


def reference_kernels(shots: int) -> Sequence[ReferenceKernel]:
    """Return all reference kernels, always in the same order, with so many shots a row."""
    return tuple(make(shots) for make in (_bits, _bell, _ghz, _rotation, _phase, _ring_qaoa))


def _bits(shots: int) -> ReferenceKernel:
    """Turn qubit q over in row r where bit r of q + 1 is set, so that no two qubits and no two rows are alike.

    ``rx(pi)`` is ``x`` up to the global phase, and ``rx(0)`` is nothing: the outcome is certain, its value 1.
    """
    is_set = np.array([[(q + 1) >> row & 1 for q in range(NUM_BITS)] for row in range(NUM_CODE_ROWS)])
    circuit, angles = _circuit(NUM_BITS, *(f"x{q}" for q in range(NUM_BITS)))
    for qubit, angle in enumerate(angles):
        circuit.rx(angle, qubit)
    values = np.zeros((NUM_CODE_ROWS, 1 << NUM_BITS))
    values[np.arange(NUM_CODE_ROWS), is_set @ (1 << np.arange(NUM_BITS))] = 1.0
    return _kernel("bits", circuit, math.pi * is_set, shots, values=values, ideal=np.ones(NUM_CODE_ROWS))


def _bell(shots: int) -> ReferenceKernel:
    """Measure a Bell pair in the four settings of a CHSH test.

    With A = ry(a), B = ry(b) and |F> = (|00> + |11>)/sqrt 2: (A x B)|F> = (A B^T x 1)|F> = (ry(a - b) x 1)|F>, where
    both bits agree with probability cos^2((a - b)/2). For a in {0, pi/2}, b in {pi/4, -pi/4} that is cos^2(pi/8) in
    three settings and sin^2(pi/8) in the fourth. Without entanglement the four cannot be so: 2 sqrt 2 > 2
    (Clauser et al., doi:10.1103/PhysRevLett.23.880).
    """
    settings = np.array([(a, b) for a in (0.0, math.pi / 2) for b in (math.pi / 4, -math.pi / 4)])
    circuit, (a, b) = _circuit(2, "a", "b")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.ry(a, 0)
    circuit.ry(b, 1)
    agree = np.tile([1.0, 0.0, 0.0, 1.0], (4, 1))
    return _kernel(
        "bell", circuit, settings, shots, values=agree, ideal=np.cos((settings[:, 0] - settings[:, 1]) / 2) ** 2
    )


def _ghz(shots: int) -> ReferenceKernel:
    """Let the parity of a GHZ state of n qubits oscillate.

    ``rz(phi)`` on every qubit makes it (|0..0> + exp(i n phi) |1..1>)/sqrt 2 up to the phase; after ``h`` on every
    qubit the amplitude of x is proportional to 1 + (-1)^|x| exp(i n phi), so that the number of ones is even with
    probability (1 + cos n phi)/2.
    """
    n, phi = GHZ_QUBITS, np.array([0.0, 1 / 3, 2 / 3, 1.0]) * math.pi / GHZ_QUBITS
    circuit, (angle,) = _circuit(n, "phi")
    circuit.h(0)
    for qubit in range(n - 1):
        circuit.cx(qubit, qubit + 1)
    for qubit in range(n):
        circuit.rz(angle, qubit)
        circuit.h(qubit)
    is_even = [float(outcome.bit_count() % 2 == 0) for outcome in range(1 << n)]
    values = np.tile(is_even, (len(phi), 1))
    return _kernel("ghz4", circuit, phi[:, None], shots, values=values, ideal=(1 + np.cos(n * phi)) / 2)


def _rotation(shots: int) -> ReferenceKernel:
    """Turn |0> by ``ry(theta)``: the bit is 1 with probability sin^2(theta/2), here evenly spaced from 0 to 1."""
    p_one = np.linspace(0.0, 1.0, SWEEP_ROWS)
    circuit, (angle,) = _circuit(1, "theta")
    circuit.ry(angle, 0)
    theta = 2 * np.arcsin(np.sqrt(p_one))
    return _kernel("rotation", circuit, theta[:, None], shots, values=_one(), ideal=p_one)


def _phase(shots: int) -> ReferenceKernel:
    """Turn |+> by ``rz(theta)`` along the equator and measure Y, which tells the sign of the angle (X does not).

    ``rx(phi)`` takes Z back to Z cos phi + Y sin phi, so after ``sx`` (rx(pi/2) up to the phase) <Z> is the <Y> from
    before, sin theta, and the bit is 1 with probability (1 - sin theta)/2, here evenly spaced from 0 to 1.
    """
    p_one = np.linspace(0.0, 1.0, SWEEP_ROWS)
    circuit, (angle,) = _circuit(1, "theta")
    circuit.h(0)
    circuit.rz(angle, 0)
    circuit.sx(0)
    return _kernel("phase", circuit, np.arcsin(1 - 2 * p_one)[:, None], shots, values=_one(), ideal=p_one)


def _ring_qaoa(shots: int) -> ReferenceKernel:
    """Cut a ring by QAOA at depth 1 with the best angles, and with gamma of the other sign.

    On a D-regular graph without triangles an edge is cut with probability
    1/2 + 1/2 sin(4 beta) sin(gamma) cos(gamma)^(D - 1) (arXiv:1706.02998, in our convention of angles). At
    D = 2 the best angles have sin(4 beta) = 1 and sin(2 gamma) = 1, which gives 3/4; in gamma the second term is odd,
    so that -gamma gives 1/4.
    """
    edges = tuple(sorted((min(i, (i + 1) % RING), max(i, (i + 1) % RING)) for i in range(RING)))
    cut = BinaryQuadratic(num_variables=RING, linear=(2.0,) * RING, pairs=edges, weights=(-2.0,) * RING)
    circuit, names = qaoa_circuit(cut, 1, shared_angles=True)
    (gamma,), (beta,) = (angles[0] for angles in fixed_angles(1, 2))
    gammas, betas = np.array([[gamma], [-gamma]]), np.array([[beta], [beta]])
    logical = LogicalKernel(
        instance=INSTANCE,
        label="ring_qaoa",
        circuit=circuit,
        parameter_names=names,
        values=qaoa_values(cut, gammas, betas, shared_angles=True, scale=1.0),
        shots=shots,
    )
    share = cut.value_table() / RING
    squares = [_depth_one(cut, angle, beta) @ share**2 for angle in (gamma, -gamma)]
    return ReferenceKernel(
        logical=logical,
        values=np.tile(share, (2, 1)),
        ideal=np.array([3 / 4, 1 / 4]),
        ideal_square=np.array(squares),
    )


def _depth_one(problem: BinaryQuadratic, gamma: float, beta: float) -> np.ndarray:
    """Return the distribution of QAOA at depth 1, shape (2**n,); exp(-i beta X) = cos beta - i sin beta X."""
    outcomes = np.arange(1 << problem.num_variables)
    state = np.exp(-1j * gamma * problem.value_table()) / math.sqrt(outcomes.size)
    for qubit in range(problem.num_variables):
        state = math.cos(beta) * state - 1j * math.sin(beta) * state[outcomes ^ (1 << qubit)]
    return np.asarray(np.abs(state) ** 2)


def _one() -> np.ndarray:
    """Return the value of one bit itself, in every row of a sweep."""
    return np.tile([0.0, 1.0], (SWEEP_ROWS, 1))


def _circuit(num_qubits: int, *names: str) -> tuple[Any, tuple[Any, ...]]:
    """Return an empty circuit with a bit a qubit, and parameters."""
    from qiskit.circuit import Parameter, QuantumCircuit  # noqa: PLC0415 - imported late: it takes a second

    return QuantumCircuit(num_qubits, num_qubits), tuple(Parameter(name) for name in names)


def _kernel(
    label: str, circuit: Any, angles: np.ndarray, shots: int, *, values: np.ndarray, ideal: np.ndarray
) -> ReferenceKernel:
    """Measure every qubit into its bit and put all together: parameters ordered by name, values 0 or 1."""
    circuit.measure(range(circuit.num_qubits), range(circuit.num_qubits))
    names = tuple(parameter.name for parameter in circuit.parameters)
    logical = LogicalKernel(
        instance=INSTANCE,
        label=label,
        circuit=circuit,
        parameter_names=names,
        values=np.asarray(angles, dtype=np.float64),
        shots=shots,
    )
    return ReferenceKernel(logical=logical, values=values, ideal=ideal, ideal_square=ideal)
