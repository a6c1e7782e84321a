"""Exact distributions from Qiskit Aer: all rows of a template in one call. Put calls of Aer here; keep noise data out.

Measured on two cores (25 rows of 12-qubit QAOA compiled for a 133-qubit device): Aer's own defaults spend 14 ms a row
and layer, since gates are not fused below 14 qubits and rows run one after the other. What helps, in order: the
rotation form (see `_frame`, then 0.3 ms), rows in parallel, and early fusion for circuits that have no such form.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import CapacityError, JobFailedError
from hybrid_assets.providers._frame import Rotation, RotationForm, rotation_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybrid_assets.providers._parsed import ParsedCircuit

#: Bytes of distributions one call may return; more rows are split into several calls.
MAX_CALL_BYTES = 32 << 20
#: Fuse gates from this width on when a circuit is dense, that is has at least so many gates a qubit.
FUSION_FROM_QUBITS, DENSE_GATES_PER_QUBIT = 8, 8
#: Up to this width, rebinding one circuit is faster than making one circuit a row.
REBIND_UP_TO_QUBITS = 6
#: Widest circuit to be simulated exactly: 1 GiB of amplitudes.
MAX_QUBITS = 26
#: Rotations Aer has a gate for.
_NATIVE = {"X": "rx", "Y": "ry", "Z": "rz", "XX": "rxx", "YY": "ryy", "ZZ": "rzz"}


def exact_distributions(circuit: ParsedCircuit, values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the noise-free distributions of consecutive rows.

    Args:
        circuit: The circuit.
        values: Slot values in radians, shape (rows, num_slots).

    Yields:
        Arrays of shape (rows of the chunk, 2**num_bits), float64; index bit i is classical bit i.

    Raises:
        CapacityError: It is wider than `MAX_QUBITS`.
        JobFailedError: Aer refused; the message is its own.
    """
    form = rotation_form(circuit)
    options: dict[str, Any] = {"method": "statevector"}
    if form is not None and _cost(form) <= len(circuit.gates) << len(circuit.used_qubits):
        template, signs, size = _build_form(form)
    else:
        template, size = build_circuit(circuit)
        signs = {parameter: (parameter, 1) for parameter in circuit.angles}
        if len(circuit.gates) >= DENSE_GATES_PER_QUBIT * size:
            options["fusion_threshold"] = FUSION_FROM_QUBITS
    if size > MAX_QUBITS:
        raise CapacityError(
            f"An exact simulation of {size} qubits needs 2**{size} amplitudes; the cap is {MAX_QUBITS}."
        )
    options["runtime_parameter_bind_enable"] = size <= REBIND_UP_TO_QUBITS
    for rows in _chunks(values, circuit.num_bits):
        angles = circuit.angle_table(rows)
        binds = {bound: sign * angles[parameter] for bound, (parameter, sign) in signs.items()}
        yield run(template, binds, rows=rows.shape[0], options=options)


def noisy_distributions(circuit: ParsedCircuit, values: np.ndarray, noise_model: Any) -> Iterator[np.ndarray]:
    """Yield the distributions of consecutive rows under a noise model of the compacted qubits, before readout.

    Arguments, shape and errors are those of `exact_distributions`; the cost grows as 4**qubits.
    """
    template, size = build_circuit(circuit)
    options = {
        "method": "density_matrix",
        "noise_model": noise_model,
        "runtime_parameter_bind_enable": size <= REBIND_UP_TO_QUBITS,
    }
    for rows in _chunks(values, circuit.num_bits):
        yield run(template, circuit.angle_table(rows), rows=rows.shape[0], options=options)


def build_circuit(circuit: ParsedCircuit) -> tuple[Any, int]:
    """Return a parsed circuit on its used qubits, ending in the probabilities of its bits, and its width."""
    from qiskit import QuantumCircuit  # noqa: PLC0415 - qiskit is imported when it is used

    width = len(circuit.used_qubits)
    out = QuantumCircuit(width)
    for gate in circuit.gates:
        operation = gate.instruction.operation
        if any(parameter in circuit.angles for parameter in gate.params if not isinstance(parameter, np.ndarray)):
            operation = operation.to_mutable()
            operation.params = list(gate.params)
        out.append(operation, gate.qubits, copy=False)
    return _with_probabilities(out, circuit.measured), width


def run(template: Any, binds: Mapping[Any, np.ndarray], *, rows: int, options: Mapping[str, Any]) -> np.ndarray:
    """Run one circuit for all rows in one call; return what it saved, shape (rows, 2**num_bits).

    Raises:
        JobFailedError: Aer refused; the message is its own.
    """
    from qiskit_aer import AerError  # noqa: PLC0415 - takes half a second

    table = [{parameter: column.tolist() for parameter, column in binds.items()}] if binds else None
    try:
        result = _simulator().run(template, parameter_binds=table, shots=1, **options).result()
    except AerError as exc:
        raise JobFailedError(f"Aer refused the circuit: {exc}") from exc
    if not result.success:
        raise JobFailedError(f"Aer failed: {result.status}.")
    found = np.array([entry.data.probabilities for entry in result.results])
    return found if table else np.repeat(found, rows, axis=0)


@cache
def _simulator() -> Any:
    from qiskit_aer import AerSimulator  # noqa: PLC0415 - takes half a second

    cores = len(os.sched_getaffinity(0))
    # Aer runs one call at a time in a process, so that each call may have all cores; rows are its unit of parallelism.
    return AerSimulator(seed_simulator=0, max_parallel_threads=cores, max_parallel_experiments=cores)


def _chunks(values: np.ndarray, num_bits: int) -> Iterator[np.ndarray]:
    size = max(1, MAX_CALL_BYTES // (8 << num_bits))
    for start in range(0, values.shape[0], size):
        yield values[start : start + size]


def _cost(form: RotationForm) -> int:
    """Estimate the work of a rotation form as gates x amplitudes, the measure used for circuits."""
    gates = sum(1 if _native(rotation) else 4 * len(rotation.letters) for rotation in form.rotations)
    return (gates + len(form.preparation) + len(form.flipped)) << form.num_qubits


def _native(rotation: Rotation) -> str | None:
    return _NATIVE.get("".join(letter for _, letter in rotation.letters))


def _build_form(form: RotationForm) -> tuple[Any, dict[Any, tuple[Any, int]], int]:
    """Return the circuit, what each of its parameters is bound to (angle parameter, sign), and its width."""
    from qiskit import QuantumCircuit  # noqa: PLC0415 - qiskit is imported when it is used
    from qiskit.circuit import Parameter  # noqa: PLC0415 - as above

    out = QuantumCircuit(form.num_qubits)
    bound: dict[tuple[Any, int], Any] = {}
    for qubit, gate in form.preparation:
        getattr(out, gate)(qubit)
    for rotation in form.rotations:
        angle: Any = rotation.angle
        if isinstance(angle, (int, float)):
            angle *= rotation.sign
        else:
            key = (angle, rotation.sign)
            angle = bound.setdefault(key, Parameter(f"b{len(bound)}"))
        _append_rotation(out, rotation, angle)
    for qubit in form.flipped:
        out.x(qubit)
    return (
        _with_probabilities(out, form.measured),
        {parameter: key for key, parameter in bound.items()},
        form.num_qubits,
    )


def _append_rotation(out: Any, rotation: Rotation, angle: Any) -> None:
    qubits = [qubit for qubit, _ in rotation.letters]
    if native := _native(rotation):
        getattr(out, native)(angle, *qubits)
        return
    # Letters become Z (h X h = Z, sx Y sx^-1 = Z), then the parity of the qubits is rotated.
    into = [(qubit, {"X": "h", "Y": "sx", "Z": "id"}[letter]) for qubit, letter in rotation.letters]
    for qubit, gate in into:
        getattr(out, gate)(qubit)
    for qubit in qubits[:-1]:
        out.cx(qubit, qubits[-1])
    out.rz(angle, qubits[-1])
    for qubit in reversed(qubits[:-1]):
        out.cx(qubit, qubits[-1])
    for qubit, gate in into:
        getattr(out, {"h": "h", "sx": "sxdg", "id": "id"}[gate])(qubit)


def _with_probabilities(out: Any, measured: tuple[int, ...]) -> Any:
    import qiskit_aer  # noqa: F401, PLC0415 - adds the save instructions to circuits

    out.save_probabilities(list(measured))
    return out
