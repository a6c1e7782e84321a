"""PUBs -> what Braket executes: bound circuits for its simulators, OpenQASM programs for its devices.

Put gates and translation here; keep jobs, services and results out. Importing it imports no SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits import payload
from hybrid_assets.errors import PermanentProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from hybrid_assets.model.jobs import Pub

#: Gates that our compiler emits and Braket knows, by Qiskit's name: Braket's name in ``supportedOperations``.
GATES: Mapping[str, str] = {
    "cx": "cnot",
    "cz": "cz",
    "h": "h",
    "rx": "rx",
    "rxx": "xx",
    "ry": "ry",
    "ryy": "yy",
    "rz": "rz",
    "rzz": "zz",
    "sx": "v",
    "x": "x",
}
#: The ones of `GATES` that act on two qubits.
TWO_QUBIT_GATES = frozenset({"cx", "cz", "rxx", "ryy", "rzz"})


def load(pub: Pub) -> Any:
    """Return a PUB's ``QuantumCircuit`` without barriers and global phase, which change no outcome.

    Raises:
        ResultIntegrityError: The payload was altered.
        PermanentProviderError: It has a gate Braket does not know, or other slots than the values have columns.
    """
    circuit = payload.load(pub.payload, pub.payload_sha)
    names = {inst.operation.name for inst in circuit.data}
    if foreign := sorted(names - {*GATES, "measure", "barrier"}):
        raise PermanentProviderError(
            f"Kernel {pub.kernel_id} has {', '.join(foreign)}, which this provider does not translate. "
            f"Compile it for its target: {', '.join(GATES)}."
        )
    columns = int(pub.values.shape[1])
    if wrong := [p.name for p in circuit.parameters if _column(p) >= columns]:
        raise PermanentProviderError(f"Kernel {pub.kernel_id} has slots {', '.join(wrong)} and {columns} values a row.")
    plain = circuit.copy_empty_like()
    plain.global_phase = 0
    for inst in circuit.data:
        if inst.operation.name != "barrier":
            plain.append(inst)
    return plain


def bind(circuit: Any, row: np.ndarray) -> Any:
    """Return a circuit with one row of slot values (radians) in place of its slots."""
    return circuit.assign_parameters({p: float(row[_column(p)]) for p in circuit.parameters})


def program(circuit: Any, values: np.ndarray, *, has_physical_qubits: bool) -> Any:
    """Return the ``braket.ir.openqasm.Program`` of a circuit with all its rows as inputs.

    Args:
        circuit: As `load` returns it; bit i is measured into ``b[i]``.
        values: Slot values in radians, shape (rows, slots). One row gives numbers, several give lists of numbers.
        has_physical_qubits: Whether qubits are the device's own (``$5``), which keeps the service from placing the
            circuit elsewhere, or a register's.
    """
    from braket.circuits.serialization import (  # noqa: PLC0415 - the SDK takes two seconds
        IRType,
        OpenQASMSerializationProperties,
        QubitReferenceType,
    )
    from braket.ir.openqasm import Program  # noqa: PLC0415 - as above
    from qiskit_braket_provider import to_braket  # noqa: PLC0415 - as above

    columns = {parameter.name: values[:, _column(parameter)].tolist() for parameter in circuit.parameters}
    kind = QubitReferenceType.PHYSICAL if has_physical_qubits else QubitReferenceType.VIRTUAL
    source = (
        to_braket(circuit, basis_gates=set(GATES))
        .to_ir(IRType.OPENQASM, serialization_properties=OpenQASMSerializationProperties(qubit_reference_type=kind))
        .source
    )
    is_single = values.shape[0] == 1
    return Program(source=source, inputs={name: rows[0] if is_single else rows for name, rows in columns.items()})


def _column(parameter: Any) -> int:
    """Return the column of a slot: ``s00012`` stands for column 12."""
    return int(parameter.name[1:])
