"""Slot templates: one fresh parameter for each distinct angle expression, its values computed outside the circuit.

One compile of a template serves every angle setting and every weight of an interaction structure. It also avoids a
transpiler hang: translating symbolic ``p`` and ``cp`` gates sums a symbolic global phase in superlinear time
(Qiskit #16520, #14786), so gates that would leave one are rewritten, up to the global phase, which no measurement sees.

Put rewriting of logical circuits here; keep the transpiler out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.circuits.angle_expression import AngleExpression, angle_expression
from hybrid_assets.errors import CompilationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Five digits keep the alphabetical order of slot names equal to their numerical order.
MAX_SLOTS = 100_000

#: Definitions inside definitions; a deeper one is a mistake.
MAX_NESTING = 32

#: Gates whose translation leaves a symbolic global phase, as gates that leave none: (gate, angles, places of qubits).
#: ``cp(a)`` = exp(ia/4) rz(a/2) rz(a/2) rzz(-a/2); ``u(t, f, l)`` = phase rz(f) ry(t) rz(l), last factor first.
_REWRITES: dict[str, Callable[..., list[tuple[str, Any, tuple[int, ...]]]]] = {
    "p": lambda a: [("rz", a, (0,))],
    "u1": lambda a: [("rz", a, (0,))],
    "u": lambda t, f, l: [("rz", l, (0,)), ("ry", t, (0,)), ("rz", f, (0,))],  # noqa: E741 - theta, phi, lambda
    "u3": lambda t, f, l: [("rz", l, (0,)), ("ry", t, (0,)), ("rz", f, (0,))],  # noqa: E741 - theta, phi, lambda
    "u2": lambda f, l: [("rz", l, (0,)), ("ry", math.pi / 2, (0,)), ("rz", f, (0,))],  # noqa: E741 - phi, lambda
    "cp": lambda a: [("rz", a / 2, (0,)), ("rz", a / 2, (1,)), ("rzz", a / -2, (0, 1))],
    "cu1": lambda a: [("rz", a / 2, (0,)), ("rz", a / 2, (1,)), ("rzz", a / -2, (0, 1))],
}

#: Standard gates whose definition holds controlled phases; they are taken apart until the rewrites above apply.
_EXPANDED = frozenset({"cu", "cu3"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotTemplate:
    """A circuit whose parameters are slots ``s00000``, ``s00001`` ... in order of first appearance."""

    #: ``qiskit.QuantumCircuit`` without name, metadata or global phase of its own.
    circuit: Any
    #: Columns of the values that `slot_values` takes.
    parameter_names: tuple[str, ...]
    #: One angle a slot.
    angles: tuple[AngleExpression, ...]

    @property
    def num_slots(self) -> int:
        """Number of slots."""
        return len(self.angles)

    def slot_values(self, values: np.ndarray) -> np.ndarray:
        """Evaluate every slot on every row.

        Args:
            values: Parameter values in radians, shape (rows, len(parameter_names)).

        Returns:
            Slot values in radians, shape (rows, num_slots), float64, contiguous.

        Raises:
            CompilationError: The shape is wrong or an angle is not a finite real number.
        """
        rows = np.asarray(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.parameter_names):
            raise CompilationError(
                f"Parameter values have shape {rows.shape}, expected (rows, {len(self.parameter_names)})."
            )
        result = np.empty((rows.shape[0], self.num_slots))
        for slot, angle in enumerate(self.angles):
            result[:, slot] = angle.evaluate(rows)
        return result


def slot_template(circuit: Any, parameter_names: Sequence[str]) -> SlotTemplate:
    """Rewrite a circuit so that each distinct angle expression is one fresh parameter.

    Parametrized gates that are not standard ones are replaced by their definition. The result equals the circuit up
    to a global phase.

    Args:
        circuit: A ``qiskit.QuantumCircuit``; it is not changed.
        parameter_names: Names of its parameters, in the order of the columns of values. More may be named than used.

    Raises:
        CompilationError: A parameter is not named, or the circuit holds what cannot be rewritten (control flow,
            parametrized gates without definition, classical variables); the message says which.
    """
    if len(set(parameter_names)) != len(parameter_names):
        raise CompilationError(f"Parameter names repeat: {', '.join(parameter_names)}. Give each column one name.")
    if circuit.num_vars or circuit.num_stretches:
        raise CompilationError("The circuit holds classical variables or stretches, which kernels cannot have.")
    builder = _Builder(circuit, {name: column for column, name in enumerate(parameter_names)})
    builder.add(circuit, circuit.qubits, circuit.clbits, 0)
    return SlotTemplate(
        circuit=builder.finish(), parameter_names=tuple(parameter_names), angles=tuple(builder.angles.values())
    )


class _Builder:
    """Collects the instructions of one template."""

    def __init__(self, circuit: Any, columns: dict[str, int]) -> None:
        from qiskit.circuit import (  # noqa: PLC0415 - qiskit costs half a second: only when used
            CircuitInstruction,
            Parameter,
            ParameterExpression,
        )
        from qiskit.circuit.library import get_standard_gate_name_mapping  # noqa: PLC0415 - as above

        self._instruction, self._parameter, self._expression = CircuitInstruction, Parameter, ParameterExpression
        self._gates = {name: type(gate) for name, gate in get_standard_gate_name_mapping().items()}
        self._columns = columns
        self._out = circuit.copy_empty_like(name="template")
        self._out.global_phase, self._out.metadata = 0.0, {}
        self._data: list[Any] = []
        self._slots: dict[tuple[str, frozenset[str]], Any] = {}
        self.angles: dict[str, AngleExpression] = {}

    def finish(self) -> Any:
        self._out.data = self._data
        if hidden := [p.name for p in self._out.parameters if p.name not in self.angles]:
            raise CompilationError(
                f"The parameters {', '.join(hidden)} are hidden inside an instruction. Decompose the circuit first."
            )
        return self._out

    def add(self, circuit: Any, qubits: Sequence[Any], clbits: Sequence[Any], nesting: int) -> None:
        if nesting > MAX_NESTING:
            raise CompilationError(f"Gate definitions are nested more than {MAX_NESTING} deep.")
        place = dict(zip(circuit.qubits, qubits, strict=True)) | dict(zip(circuit.clbits, clbits, strict=True))
        for inst in circuit.data:
            on = [place[bit] for bit in inst.qubits]
            if inst.is_control_flow():
                raise CompilationError(
                    f"Control flow ({inst.name!r}) is not supported in kernels: how often its gates run is not known."
                )
            if not inst.is_parameterized():
                moved = inst if nesting == 0 else inst.replace(qubits=on, clbits=[place[bit] for bit in inst.clbits])
                self._data.append(moved)
            elif inst.is_standard_gate() and inst.name not in _EXPANDED:
                self._data.extend(self._standard(inst, on))
            else:
                self._expand(inst, on, [place[bit] for bit in inst.clbits], nesting)

    def _standard(self, inst: Any, on: list[Any]) -> Iterator[Any]:
        if (rewrite := _REWRITES.get(inst.name)) is None:
            # A new gate: one with replaced parameters may keep the old ones in its cached definition.
            yield self._instruction(self._gates[inst.name](*map(self._slot, inst.params)), on)
            return
        for name, angle, places in rewrite(*inst.params):
            yield self._instruction(self._gates[name](self._slot(angle)), [on[k] for k in places])

    def _expand(self, inst: Any, on: list[Any], clbits: list[Any], nesting: int) -> None:
        definition = getattr(inst.operation, "definition", None)
        if definition is None:
            raise CompilationError(
                f"The parametrized instruction {inst.name!r} has no definition. Write it with standard gates."
            )
        self.add(definition, on, clbits, nesting + 1)

    def _slot(self, angle: Any) -> Any:
        """Return a number as it is, and the slot of an expression."""
        if not isinstance(angle, self._expression):
            return angle
        # Text shows every digit of a coefficient, while == of expressions forgives differences of about 1e-14. The
        # names beside it keep a parameter called "x + y" apart from a sum.
        key = (str(angle), frozenset(p.name for p in angle.parameters))
        if key not in self._slots:
            if len(self._slots) == MAX_SLOTS:
                raise CompilationError(f"The circuit has more than {MAX_SLOTS} distinct angles. Split the kernel.")
            name = f"s{len(self._slots):05d}"
            self.angles[name] = angle_expression(angle, self._columns)
            self._slots[key] = self._parameter(name)
        return self._slots[key]
