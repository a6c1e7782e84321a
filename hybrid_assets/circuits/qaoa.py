"""QAOA circuits of binary quadratic problems, and the numbers for their slots.

Convention: start in |+>^n; each layer applies exp(-i gamma C), then exp(-i beta sum X), where C is the objective,
maximized. With x = (1 - z)/2 the objective is ``offset + sum h_i z_i + sum J_ij z_i z_j``, so a layer is
``rzz(2 gamma J)`` on every pair, ``rz(2 gamma h)`` on every field and ``rx(2 beta)`` on every qubit. On an unweighted
MaxCut edge J = -1/2, which gives ``rzz(-gamma)``; the other sign turns a cut fraction c into 1 - c.

Put QAOA templates and their slot values here; keep the choice of angles in `hybrid_assets.circuits.angles`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.problem import BinaryQuadratic

#: A field below this share of the largest coefficient is a rounding error of terms that cancel, and counts as zero.
FIELD_TOLERANCE = 1e-12


def spin_form(problem: BinaryQuadratic) -> tuple[float, np.ndarray, np.ndarray]:
    """Rewrite an objective in spins z = 1 - 2x.

    Returns:
        Offset; fields h, shape (n,), exactly 0.0 where they cancel; couplings J in the order of ``problem.pairs``.
    """
    linear = np.asarray(problem.linear, dtype=float)
    weights = np.asarray(problem.weights, dtype=float)
    pairs = np.asarray(problem.pairs, dtype=np.intp).reshape(-1, 2)
    fields = -linear / 2
    np.add.at(fields, pairs[:, 0], -weights / 4)
    np.add.at(fields, pairs[:, 1], -weights / 4)
    largest = max(np.abs(linear).max(initial=0.0), np.abs(weights).max(initial=0.0))
    fields[np.abs(fields) <= FIELD_TOLERANCE * largest] = 0.0
    return float(problem.offset + linear.sum() / 2 + weights.sum() / 4), fields, weights / 4


def shares_angles(problem: BinaryQuadratic) -> bool:
    """Tell whether one gamma a layer serves all terms: equal couplings and no fields."""
    _, fields, couplings = spin_form(problem)
    return not fields.any() and np.unique(couplings).size <= 1


def unit_scale(problem: BinaryQuadratic) -> float:
    """Return the factor that makes the largest term as strong as an unweighted MaxCut edge (|J| or |h| = 1/2)."""
    _, fields, couplings = spin_form(problem)
    largest = max(np.abs(fields).max(initial=0.0), np.abs(couplings).max(initial=0.0))
    return float(0.5 / largest) if largest else 1.0


def qaoa_circuit(problem: BinaryQuadratic, depth: int, *, shared_angles: bool) -> tuple[Any, tuple[str, ...]]:
    """Build the measured QAOA template of a problem.

    Every angle is one parameter of its own, so that the template depends on nothing but the pairs and on which fields
    are not zero: one compile serves all weights and all settings.

    Args:
        problem: The objective; its cardinality plays no part.
        depth: Number of layers, at least 1.
        shared_angles: One gamma a layer instead of one for each term; only where `shares_angles` allows it.

    Returns:
        A ``qiskit.QuantumCircuit`` that measures qubit i into bit i of its one classical register, and the names of its
        parameters in the order of the columns of `qaoa_values`.

    Raises:
        ConfigurationError: The depth is below 1, or the terms differ and cannot share an angle.
    """
    from qiskit.circuit import Parameter, QuantumCircuit  # noqa: PLC0415 - imported late: it takes a second

    _check(problem, depth, shared_angles=shared_angles)
    _, fields, _ = spin_form(problem)
    n = problem.num_variables
    circuit, names = QuantumCircuit(n, n), _parameter_names(problem, depth, fields, shared_angles=shared_angles)
    slot = {name: Parameter(name) for name in names}
    circuit.h(range(n))
    for layer in range(depth):
        for i, j in _by_color(problem.pairs):
            circuit.rzz(slot[_coupling_name(layer, i, j, shared_angles=shared_angles)], i, j)
        for k in np.flatnonzero(fields):
            circuit.rz(slot[f"h{layer}_{k}"], int(k))
        circuit.rx(slot[f"b{layer}"], range(n))
    circuit.measure(range(n), range(n))
    return circuit, names


def qaoa_values(
    problem: BinaryQuadratic, gammas: np.ndarray, betas: np.ndarray, *, shared_angles: bool, scale: float
) -> np.ndarray:
    """Return the slot values of settings of a template.

    Args:
        problem: The objective the template was built from.
        gammas: Shape (rows, depth), radians.
        betas: Shape (rows, depth), radians.
        shared_angles: As for `qaoa_circuit`.
        scale: Factor on all coefficients in the phase (never in the score), so that gammas are of order 1.

    Returns:
        Shape (rows, parameters), radians, in the order of the names that `qaoa_circuit` returns.

    Raises:
        ConfigurationError: Shapes differ, or the terms cannot share an angle.
    """
    if gammas.ndim != 2 or gammas.shape != betas.shape:
        raise ConfigurationError(f"gammas {gammas.shape} and betas {betas.shape} must both have shape (rows, depth).")
    _check(problem, gammas.shape[1], shared_angles=shared_angles)
    _, fields, couplings = spin_form(problem)
    coefficients = couplings[:1] if shared_angles else np.concatenate([couplings, fields[fields != 0]])
    phases = 2 * scale * gammas[:, :, None] * coefficients
    return np.concatenate([phases, 2 * betas[:, :, None]], axis=2).reshape(gammas.shape[0], -1)


def _check(problem: BinaryQuadratic, depth: int, *, shared_angles: bool) -> None:
    if depth < 1:
        raise ConfigurationError(f"A QAOA circuit has at least one layer, not {depth}.")
    if shared_angles and not shares_angles(problem):
        raise ConfigurationError("Couplings differ or there are fields: build the template with shared_angles=False.")


def _coupling_name(layer: int, i: int, j: int, *, shared_angles: bool) -> str:
    return f"g{layer}" if shared_angles else f"g{layer}_{i}_{j}"


def _parameter_names(
    problem: BinaryQuadratic, depth: int, fields: np.ndarray, *, shared_angles: bool
) -> tuple[str, ...]:
    pairs = problem.pairs[:1] if shared_angles else problem.pairs
    return tuple(
        name
        for layer in range(depth)
        for name in (
            *(_coupling_name(layer, i, j, shared_angles=shared_angles) for i, j in pairs),
            *(f"h{layer}_{i}" for i in np.flatnonzero(fields)),
            f"b{layer}",
        )
    )


def _by_color(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Order commuting gates by a greedy edge coloring, so that gates on disjoint qubits stand side by side."""
    used: dict[int, set[int]] = {}
    color: dict[tuple[int, int], int] = {}
    for i, j in pairs:
        taken = used.setdefault(i, set()) | used.setdefault(j, set())
        color[i, j] = min(set(range(len(taken) + 1)) - taken)
        used[i].add(color[i, j])
        used[j].add(color[i, j])
    return sorted(pairs, key=lambda pair: (color[pair], pair))
