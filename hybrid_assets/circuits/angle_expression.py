"""Angle expressions as arithmetic on numpy columns. Put the evaluation of parameters here; keep circuits out.

An expression that is at most quadratic in its parameters is taken apart once, by interpolation, and evaluated on whole
columns; that covers QAOA (linear) and ZZ feature maps (products of two). Everything else is bound row by row, once for
each distinct row. Derivatives would do as well, but Qiskit's can hang: the second of abs((y - x)**2) never returns.

Only elementwise operations are used: a matrix product may differ in the last bit with the number of rows or threads,
and slot values are hashed into kernel ids.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import CompilationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: A polynomial must reproduce its expression to this relative precision at every probe point, or it is not used.
PROBE_TOLERANCE = 1e-9
#: Where it is probed: no value that an angle expression is likely to treat specially.
PROBES = (0.7390851332151607, -2.6651441426902251)
#: A function in the text of an expression, as in ``sin(x)``.
_CALL = re.compile(r"\w\(")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AngleExpression:
    """One angle in radians as a function of the columns of a values array."""

    #: The ``ParameterExpression`` as text, for messages.
    text: str
    #: Columns the angle depends on.
    columns: tuple[int, ...]
    #: Polynomial as ``(coefficient, columns multiplied)``; None where the expression is bound row by row.
    terms: tuple[tuple[float, tuple[int, ...]], ...] | None
    #: The expression itself and its parameters in the order of ``columns``.
    expression: Any
    parameters: tuple[Any, ...]

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        """Return the angle of each row of a (rows, parameters) array; shape (rows,), float64.

        Raises:
            CompilationError: An angle is not a finite real number; the message names the row.
        """
        angles = self._bound(values) if self.terms is None else _polynomial(self.terms, values)
        if not np.all(np.isfinite(angles)):
            row = int(np.argmin(np.isfinite(angles)))
            raise CompilationError(
                f"The angle {self.text} is not a finite number in row {row}. Check the kernel's parameter values.",
                row=row,
            )
        return angles

    def _bound(self, values: np.ndarray) -> np.ndarray:
        distinct, place = np.unique(values[:, list(self.columns)], axis=0, return_inverse=True)
        angles = np.array([self._bind(row) for row in distinct], dtype=np.float64)
        return np.asarray(angles[place.reshape(-1)])

    def _bind(self, row: np.ndarray) -> float:
        value = self.expression.bind_all(dict(zip(self.parameters, row.tolist(), strict=True)))
        if isinstance(value, complex):
            raise CompilationError(
                f"The angle {self.text} has the complex value {value}. Angles must be real: rewrite the expression."
            )
        return float(value)


def angle_expression(expression: Any, columns: Mapping[str, int]) -> AngleExpression:
    """Prepare a ``ParameterExpression`` for evaluation.

    Args:
        expression: The angle, in radians.
        columns: Column of each parameter by its name.

    Raises:
        CompilationError: The expression holds a parameter without a column.
    """
    parameters = sorted(expression.parameters, key=lambda p: p.name)
    if missing := [p.name for p in parameters if p.name not in columns]:
        raise CompilationError(
            f"The angle {expression} depends on {', '.join(missing)}, for which the kernel gives no values. "
            f"Values are given for: {', '.join(columns) or 'nothing'}."
        )
    return AngleExpression(
        text=str(expression),
        columns=tuple(columns[p.name] for p in parameters),
        terms=_terms(expression, parameters, columns),
        expression=expression,
        parameters=tuple(parameters),
    )


def _polynomial(terms: tuple[tuple[float, tuple[int, ...]], ...], values: np.ndarray) -> np.ndarray:
    total: np.ndarray | None = None
    for coefficient, columns in terms:
        term = np.full(values.shape[0], coefficient)
        for column in columns:
            term *= values[:, column]
        total = term if total is None else total + term
    return np.zeros(values.shape[0]) if total is None else total


def _terms(
    expression: Any, parameters: list[Any], columns: Mapping[str, int]
) -> tuple[tuple[float, tuple[int, ...]], ...] | None:
    """Take a polynomial of degree two at most apart; None for any other expression."""
    if len(parameters) == 1 and expression == parameters[0] and str(expression) == parameters[0].name:
        return ((1.0, (columns[parameters[0].name],)),)
    if _CALL.search(str(expression)):
        return None  # a function: a few probes would not notice where abs or sign bends
    number = {parameter: k for k, parameter in enumerate(parameters)}

    def at(point: Mapping[Any, float]) -> float:
        return float(expression.bind_all({p: point.get(p, 0.0) for p in number}))

    try:
        terms = _interpolated(at, [(p, columns[p.name]) for p in parameters])
        if not all(math.isfinite(coefficient) for coefficient, _ in terms):
            return None
        return terms if all(_agrees(at, terms, parameters, columns, shift) for shift in PROBES) else None
    except (RuntimeError, TypeError, ValueError, ZeroDivisionError):
        return None  # complex or undefined somewhere: bound row by row


def _interpolated(
    at: Callable[[Mapping[Any, float]], float], parameters: list[tuple[Any, int]]
) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Return the polynomial of degree two through the values at 0, +-1 on each axis and (1, 1) on each pair."""
    origin = at({})
    terms: list[tuple[float, tuple[int, ...]]] = [(origin, ())]
    plus = [at({p: 1.0}) for p, _ in parameters]
    for i, (p, column) in enumerate(parameters):
        minus = at({p: -1.0})
        terms += [((plus[i] - minus) / 2, (column,)), ((plus[i] + minus) / 2 - origin, (column, column))]
        for j, (q, other) in enumerate(parameters[:i]):
            terms.append((at({p: 1.0, q: 1.0}) - plus[i] - plus[j] + origin, (column, other)))
    return tuple(term for term in terms if term[0] != 0.0)


def _agrees(
    at: Callable[[Mapping[Any, float]], float],
    terms: tuple[tuple[float, tuple[int, ...]], ...],
    parameters: list[Any],
    columns: Mapping[str, int],
    shift: float,
) -> bool:
    probe = {p: shift + 0.3183098861837907 * k for k, p in enumerate(parameters)}
    row = np.zeros((1, len(columns)))
    row[0, [columns[p.name] for p in parameters]] = list(probe.values())
    found = float(_polynomial(terms, row)[0])
    return math.isclose(found, at(probe), rel_tol=PROBE_TOLERANCE, abs_tol=PROBE_TOLERANCE)
