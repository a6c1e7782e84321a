"""What makes two circuits the same one to compile, as a hash equal in every process.

In: operations in order, exact numbers, slots by first appearance, qubits and bits by position, classical registers'
names (they label results), control states, labels and custom definitions. Out: names and UUIDs of parameters, names of
qubit registers, global phase, metadata. Put hashing of circuits here; never a graph invariant, since those collide
(Weisfeiler-Lehman gives one value for all cubic graphs of a size), and never QPY bytes, since those differ every time.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import CompilationError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Enters every hash; raise it when the encoding changes.
SCHEMA = "structure/1"

#: Operations that Qiskit leaves out of its standard gates and whose name and parameters say everything.
_PLAIN = frozenset({"barrier", "delay", "measure", "reset"})

#: Gates that one array parameter defines entirely.
_MATRICES = frozenset({"unitary", "permutation"})


def structure_fingerprint(circuit: Any) -> str:
    """Return the structural hash of a slot template: equal for circuits that compile the same way.

    Args:
        circuit: A ``qiskit.QuantumCircuit`` whose parameters are plain (see `slot_template`).

    Returns:
        64 hex digits.

    Raises:
        CompilationError: The circuit holds angle expressions, control flow, or operations that hide their content.
    """
    slots: dict[Any, int] = {}

    def encode(angle: Any) -> str:
        if not angle.is_symbol():
            raise CompilationError(f"The angle {angle} is an expression. Make a slot template of the circuit first.")
        return f"slot {slots.setdefault(angle, len(slots))}"

    return _digest(circuit, encode)


def artefact_fingerprint(isa: Any) -> str:
    """Return the structural hash of an ISA circuit, in which slots keep their names and may stand in expressions.

    Raises:
        CompilationError: As for `structure_fingerprint`, apart from expressions.
    """
    return _digest(isa, lambda angle: f"angle {angle}")


def _digest(circuit: Any, encode: Callable[[Any], str]) -> str:
    place = {bit: index for index, bit in enumerate(circuit.qubits)}
    place |= {bit: index for index, bit in enumerate(circuit.clbits)}
    registers = [(register.name, [place[bit] for bit in register]) for register in circuit.cregs]
    rows = [SCHEMA, repr((circuit.num_qubits, circuit.num_clbits, registers))]
    for inst in circuit.data:
        extra = "" if inst.is_standard_gate() else _content(inst, encode)
        params = [_parameter(p, encode) for p in inst.params] if inst.params else ""
        on = [place[bit] for bit in inst.qubits], [place[bit] for bit in inst.clbits]
        rows.append(f"{inst.name}\x1f{inst.label or ''}\x1f{params}\x1f{on}\x1f{extra}")
    return hashlib.sha256("\x1e".join(rows).encode()).hexdigest()


def _parameter(value: Any, encode: Callable[[Any], str]) -> str:
    if isinstance(value, (int, float, np.number)) and not isinstance(value, np.complexfloating):
        if not math.isfinite(value):
            raise CompilationError(f"A gate has the parameter {value}. Parameters must be finite numbers.")
        return (float(value) + 0.0).hex()  # -0.0 becomes 0.0
    if isinstance(value, (complex, np.complexfloating)):
        return f"{(float(value.real) + 0.0).hex()} {(float(value.imag) + 0.0).hex()}"
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype.str} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, str):
        return repr(value)
    if hasattr(value, "is_symbol"):
        return encode(value)
    raise CompilationError(f"A parameter of type {type(value).__name__} cannot be fingerprinted. Decompose the gate.")


def _content(inst: Any, encode: Callable[[Any], str]) -> str:
    """Return what a non-standard operation holds beyond its name and parameters."""
    if inst.is_control_flow():
        raise CompilationError(
            f"Control flow ({inst.name!r}) is not supported in kernels: how often its gates run is not known."
        )
    operation = inst.operation
    if inst.name in _PLAIN:
        return str(getattr(operation, "unit", ""))
    if inst.is_controlled_gate():
        base = _digest(_alone(operation.base_gate), encode)
        return f"controlled {operation.num_ctrl_qubits} {operation.ctrl_state} {base}"
    if inst.name in _MATRICES and any(isinstance(p, np.ndarray) for p in inst.params):
        return ""
    definition = getattr(operation, "definition", None)
    if definition is None:
        raise CompilationError(
            f"The operation {inst.name!r} ({type(operation).__name__}) has no definition, so its content cannot be "
            "fingerprinted. Write it with standard gates."
        )
    return f"{type(operation).__qualname__} {_digest(definition, encode)}"


def _alone(gate: Any) -> Any:
    from qiskit.circuit import QuantumCircuit  # noqa: PLC0415 - only custom controlled gates come here

    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    return circuit
