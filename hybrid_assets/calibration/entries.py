"""A calibration as rows: one an operation on given qubits, its readout among them. Put the form of rows here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.circuits import TargetDocument

#: The operation that reads a qubit out; its row is also the row of the qubit itself.
MEASURE = "measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a calibration says of one operation on given qubits."""

    operation: str
    #: None: on any qubits (an ideal simulator).
    qubits: tuple[int, ...] | None
    #: None: not known.
    error: float | None
    duration_s: float | None
    is_faulty: bool
    #: P(1|0) and P(0|1) of the readout, T1 and T2; in rows of `MEASURE` only, None where not known.
    p_1_given_0: float | None = None
    p_0_given_1: float | None = None
    t1_s: float | None = None
    t2_s: float | None = None


def entries(document: TargetDocument) -> Sequence[Entry]:
    """Return the rows of a calibration, sorted by operation and qubits.

    A qubit whose readout, T1 or T2 is known, or which is faulty, has a row of `MEASURE` even where the target cannot
    measure it. The error of a readout is the operation's; where that is not known, the mean of P(1|0) and P(0|1).
    """
    faulty = set(document.faulty_qubits)
    measured = {op.qubits[0]: op for op in document.operations if op.name == MEASURE and op.qubits}
    found = [
        Entry(
            operation=op.name,
            qubits=op.qubits,
            error=op.error,
            duration_s=op.duration_s,
            is_faulty=bool(op.qubits) and not faulty.isdisjoint(op.qubits or ()),
        )
        for op in document.operations
        if op.name != MEASURE or not op.qubits
    ]
    for qubit in sorted({*measured, *faulty, *range(max(len(document.readout), len(document.t1_t2_s)))}):
        op = measured.get(qubit)
        ups_and_downs = document.readout[qubit] if qubit < len(document.readout) else (None, None)
        t1_s, t2_s = document.t1_t2_s[qubit] if qubit < len(document.t1_t2_s) else (None, None)
        found.append(
            Entry(
                operation=MEASURE,
                qubits=(qubit,),
                error=_readout_error(op.error if op else None, *ups_and_downs),
                duration_s=op.duration_s if op else None,
                is_faulty=qubit in faulty,
                p_1_given_0=ups_and_downs[0],
                p_0_given_1=ups_and_downs[1],
                t1_s=t1_s,
                t2_s=t2_s,
            )
        )
    return sorted(found, key=lambda entry: (entry.operation, entry.qubits or ()))


def _readout_error(error: float | None, p_1_given_0: float | None, p_0_given_1: float | None) -> float | None:
    if error is not None or p_1_given_0 is None or p_0_given_1 is None:
        return error
    return (p_1_given_0 + p_0_given_1) / 2.0
