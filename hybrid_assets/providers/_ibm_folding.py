"""Angles of ``rzz`` brought into [0, pi/2], the only ones that IBM's devices take; outcomes stay as they are.

With t = m pi + f and 0 <= f < pi, up to a phase RZZ(t) = RZZ(f) (ZZ)^m; and for f > pi/2, as RZZ(f - pi) is
RZZ(pi - f) between two X of one qubit, RZZ(f) = ZZ X RZZ(pi - f) X. Each row of a sweep needs other Z and X, so they
are ``rz`` and ``rx`` by 0 or pi, with parameters of their own where rows differ. Z costs no time; X does, so gates
that need none get none. Put this rewriting here; which gates a device has is its target's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.circuit.library import RXGate, RZGate, RZZGate

from hybrid_assets.circuits.angle_expression import angle_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qiskit import QuantumCircuit

_LARGEST = math.pi / 2
#: Angles so near a border may be beyond it when someone else computes them.
_ROUNDING = 1e-9


def fold(circuit: QuantumCircuit, values: Mapping[Parameter, np.ndarray], *, rows: int) -> dict[Parameter, np.ndarray]:
    """Rewrite a circuit in place so that every ``rzz`` of every row has an angle in [0, pi/2].

    Args:
        circuit: Any number of parameters; no control flow.
        values: Of each parameter, shape (rows,), in radians.
        rows: Rows of the sweep, at least one.

    Returns:
        Values of the circuit's parameters as it is now.
    """
    folding = _Folding(values, rows)
    circuit.data = [piece for step in circuit.data for piece in folding.pieces(step)]
    return {parameter: folding.values[parameter] for parameter in circuit.parameters}


class _Folding:
    """Pieces in place of each gate, and the values of their parameters; equal columns share one."""

    def __init__(self, values: Mapping[Parameter, np.ndarray], rows: int) -> None:
        self.values = dict(values)
        self._rows, self._made = rows, dict[bytes, Parameter]()
        self._columns = {parameter.name: column for column, parameter in enumerate(values)}
        self._table = np.column_stack([*values.values()]) if values else np.zeros((rows, 0))

    def pieces(self, step: Any) -> list[Any]:
        """Return what stands in place of one gate."""
        if step.name != "rzz":
            return [step]
        asked = step.params[0]
        angles = self._angles(asked)
        is_exact = isinstance(asked, Parameter) or not isinstance(asked, ParameterExpression)
        margin = 0.0 if is_exact else _ROUNDING  # the service evaluates an expression in its own way
        if angles.min() >= margin and angles.max() <= _LARGEST - margin:
            return [step]
        turns, rest = np.divmod(angles, math.pi)  # the rest is pi, to the last digit, of a tiny negative angle
        is_beyond = rest > _LARGEST
        is_odd = (turns + is_beyond) % 2 == 1
        first, second = step.qubits
        flips = [step.replace(operation=RXGate(a), qubits=(first,)) for a in self._flip(is_beyond)]
        frames = [step.replace(operation=RZGate(a), qubits=(q,)) for a in self._flip(is_odd) for q in (first, second)]
        folded = self._angle(np.where(is_beyond, math.pi - rest, rest).clip(0.0, _LARGEST))
        return [*frames, *flips, step.replace(operation=RZZGate(folded)), *flips]

    def _angles(self, angle: Any) -> np.ndarray:
        if not isinstance(angle, ParameterExpression):
            return np.full(self._rows, float(angle))
        return angle_expression(angle, self._columns).evaluate(self._table)

    def _flip(self, is_needed: np.ndarray) -> list[Any]:
        """Return the angle of a rotation by pi in some rows and by 0 in the others; nothing where no row needs it."""
        return [self._angle(math.pi * is_needed)] if is_needed.any() else []

    def _angle(self, column: np.ndarray) -> Any:
        """Return a number, or a parameter whose values are a column."""
        if np.all(column == column[0]):
            return float(column[0])
        parameter = self._made.setdefault(column.tobytes(), Parameter(f"fold{len(self._made)}"))
        self.values[parameter] = column
        return parameter
