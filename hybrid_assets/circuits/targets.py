"""Targets as plain data, and as the Qiskit object the transpiler wants. Put both directions here.

Only `qiskit_target` needs Qiskit. Providers call `build_target_document`; the compile pool sends the document to its
children as JSON.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, TargetMismatchError
from hybrid_assets.model.circuits import TargetDocument, TargetOperation
from hybrid_assets.model.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Enters both digests; raise it when their content changes.
SCHEMA = "target/1"


def build_target_document(  # noqa: PLR0913 - one argument for each fact of a target
    *,
    backend: str,
    num_qubits: int | None,
    operations: Iterable[TargetOperation],
    dt_s: float | None = None,
    readout: Sequence[tuple[float, float]] = (),
    t1_t2_s: Sequence[tuple[float | None, float | None]] = (),
    faulty_qubits: Iterable[int] = (),
    calibrated_at: datetime | None = None,
) -> TargetDocument:
    """Return a target with its operations sorted and both digests computed.

    An error or duration that is NaN or infinite counts as not known. The digests depend on values only: neither on the
    order of operations, nor on the backend's name, nor on ``calibrated_at``.

    Raises:
        ConfigurationError: An operation is given twice or on a qubit the backend does not have.
    """
    ordered = sorted(map(_known, operations), key=_operation_key)
    _check(ordered, num_qubits)
    faulty = tuple(sorted(set(faulty_qubits)))
    structure_sha, calibration_id = target_document_digests(
        ordered, num_qubits=num_qubits, dt_s=dt_s, readout=readout, t1_t2_s=t1_t2_s, faulty_qubits=faulty
    )
    return TargetDocument(
        backend=backend,
        num_qubits=num_qubits,
        operations=tuple(ordered),
        dt_s=dt_s,
        readout=tuple((float(p10), float(p01)) for p10, p01 in readout),
        t1_t2_s=tuple((_finite(t1), _finite(t2)) for t1, t2 in t1_t2_s),
        faulty_qubits=faulty,
        calibrated_at=calibrated_at,
        structure_sha=structure_sha,
        calibration_id=calibration_id,
    )


def target_document_digests(
    operations: Iterable[TargetOperation],
    *,
    num_qubits: int | None,
    dt_s: float | None,
    readout: Sequence[tuple[float, float]] = (),
    t1_t2_s: Sequence[tuple[float | None, float | None]] = (),
    faulty_qubits: Iterable[int] = (),
) -> tuple[str, str]:
    """Return (structure_sha, calibration_id) of a target's content.

    The structure is which operation exists where, and the sample time. The calibration is the structure with errors,
    durations, readout and coherence times; without any of these it is the hash of "no errors", the same for every
    ideal simulator.
    """
    known = sorted(map(_known, operations), key=_operation_key)
    structure = {
        "schema": SCHEMA,
        "num_qubits": num_qubits,
        "operations": [[op.name, op.qubits] for op in known],
        "dt_s": dt_s,
        "faulty_qubits": sorted(set(faulty_qubits)),
    }
    measured = {
        "operations": [[op.error, op.duration_s] for op in known],
        "readout": [[float(p10), float(p01)] for p10, p01 in readout],
        "t1_t2_s": [[_finite(t1), _finite(t2)] for t1, t2 in t1_t2_s],
    }
    is_ideal = not readout and not t1_t2_s and all(op.error is None and op.duration_s is None for op in known)
    calibration: object = {"calibration": "no errors"} if is_ideal else {"structure": structure, "measured": measured}
    return fingerprint(structure), fingerprint(calibration)


def target_to_json(document: TargetDocument) -> dict[str, Any]:
    """Return a target as a JSON document that `target_from_json` reads back exactly."""
    content = asdict(document)
    content["operations"] = [[op.name, op.qubits, op.error, op.duration_s] for op in document.operations]
    content["calibrated_at"] = document.calibrated_at.isoformat() if document.calibrated_at else None
    return content


def target_from_json(content: Mapping[str, Any]) -> TargetDocument:
    """Rebuild a target from its JSON document."""
    operations = tuple(
        TargetOperation(name=name, qubits=None if on is None else tuple(on), error=error, duration_s=duration_s)
        for name, on, error, duration_s in content["operations"]
    )
    moment = content["calibrated_at"]
    return TargetDocument(
        **{key: content[key] for key in ("backend", "num_qubits", "dt_s", "structure_sha", "calibration_id")},
        operations=operations,
        readout=tuple((p10, p01) for p10, p01 in content["readout"]),
        t1_t2_s=tuple((t1, t2) for t1, t2 in content["t1_t2_s"]),
        faulty_qubits=tuple(content["faulty_qubits"]),
        calibrated_at=None if moment is None else datetime.fromisoformat(moment),
    )


def qiskit_target(document: TargetDocument, *, width: int) -> Any:
    """Return the ``qiskit.transpiler.Target`` of a document.

    Args:
        document: The target as plain data. Operations on faulty qubits are left out; qubit numbers stay.
        width: Number of qubits where the document names none.

    Raises:
        TargetMismatchError: An operation is not a standard gate, so Qiskit could not compile to it.
    """
    from qiskit.circuit.library import get_standard_gate_name_mapping  # noqa: PLC0415 - qiskit costs half a second
    from qiskit.transpiler import InstructionProperties, QubitProperties, Target  # noqa: PLC0415 - as above

    gates = get_standard_gate_name_mapping()
    properties: dict[str, dict[tuple[int, ...], Any] | None] = {}
    faulty = set(document.faulty_qubits)
    for op in document.operations:
        if op.name not in gates:
            raise TargetMismatchError(
                f"The target of {document.backend!r} has the operation {op.name!r}, which is no standard gate of "
                "Qiskit. The provider must leave it out."
            )
        if op.qubits is None:
            properties[op.name] = None
        elif faulty.isdisjoint(op.qubits):
            places = properties.setdefault(op.name, {})
            if places is not None:
                places[op.qubits] = InstructionProperties(duration=op.duration_s, error=op.error)
    target = Target(
        num_qubits=width if document.num_qubits is None else document.num_qubits,
        dt=document.dt_s,
        qubit_properties=[QubitProperties(t1=t1, t2=t2) for t1, t2 in document.t1_t2_s] or None,
    )
    for name, places in properties.items():
        target.add_instruction(gates[name], places, name=name)
    return target


def _known(op: TargetOperation) -> TargetOperation:
    error, duration_s = _finite(op.error), _finite(op.duration_s)
    return op if (error, duration_s) == (op.error, op.duration_s) else replace(op, error=error, duration_s=duration_s)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _operation_key(op: TargetOperation) -> tuple[str, tuple[int, ...]]:
    return op.name, op.qubits or ()


def _check(operations: Sequence[TargetOperation], num_qubits: int | None) -> None:
    seen: set[tuple[str, tuple[int, ...] | None]] = set()
    for op in operations:
        if (op.name, op.qubits) in seen:
            raise ConfigurationError(f"The target gives the operation {op.name!r} on {op.qubits} twice.")
        seen.add((op.name, op.qubits))
        if op.qubits and num_qubits is not None and not all(0 <= q < num_qubits for q in op.qubits):
            raise ConfigurationError(f"The target gives {op.name!r} on {op.qubits}, but has {num_qubits} qubits.")
