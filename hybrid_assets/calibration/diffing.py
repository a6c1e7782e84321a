"""What differs between two calibrations of a backend, and which circuits that touches. Put comparisons here.

Only what expected success depends on is compared: errors, operations that come or go, faulty qubits. Durations, T1 and
T2 enter a calibration's id, but no circuit's score.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import TargetDocument

    #: Count table of a circuit: ``(operation, physical qubits, times)``.
    Exposure = Sequence[tuple[str, tuple[int, ...], int]]
    #: An operation and where it acts; None: on any qubits.
    Place = tuple[str, tuple[int, ...] | None]

#: `Change.operation` of a change of the qubit itself.
QUBIT = "qubit"


class ChangeKind(StrEnum):
    """What happened."""

    #: The error of an operation (of a readout: of ``measure``) is another one.
    ERROR = "error"
    #: The operation is gone.
    VANISHED = "vanished"
    #: The operation was not there before.
    NEW = "new"
    #: The backend reports the qubit as out of order.
    FAULTY = "faulty"
    #: It no longer does.
    REPAIRED = "repaired"


#: Order of changes of the same size.
_ORDER = tuple(ChangeKind)
#: What stops a circuit altogether.
_STOPS = frozenset({ChangeKind.VANISHED, ChangeKind.FAULTY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference."""

    kind: ChangeKind
    #: Name of the operation, or `QUBIT`.
    operation: str
    #: Physical qubits; None: any (an ideal simulator).
    qubits: tuple[int, ...] | None
    #: None: not known, or the operation is not there.
    error_before: float | None = None
    error_after: float | None = None

    @property
    def ratio(self) -> float | None:
        """Error after over error before; None where one is not known or the earlier is 0."""
        if self.error_before is None or self.error_after is None or self.error_before == 0.0:
            return None
        return self.error_after / self.error_before

    @property
    def size(self) -> float:
        """How much one use changes the logarithm of expected success; infinite where a circuit stops, or could start.

        An error that is not known counts as none, as it does in expected success.
        """
        if self.kind in _STOPS or self.kind is ChangeKind.REPAIRED:
            return math.inf
        if self.kind is ChangeKind.NEW:
            return 0.0
        before, after = _log_success(self.error_before), _log_success(self.error_after)
        return 0.0 if before == after else abs(after - before)


def diff(old: TargetDocument, new: TargetDocument) -> Sequence[Change]:
    """Return what differs between two calibrations, the largest change first (see `Change.size`).

    What happens to a faulty qubit's operations is not told besides the fault: they cannot run either way.
    """
    broken, repaired = set(new.faulty_qubits), set(old.faulty_qubits)
    qubits = [_of_qubit(ChangeKind.FAULTY, qubit) for qubit in broken - repaired]
    qubits += [_of_qubit(ChangeKind.REPAIRED, qubit) for qubit in repaired - broken]
    unusable = broken | repaired
    before, after = _errors(old, unusable), _errors(new, unusable)
    found = [_of_operation(place, before, after) for place in before.keys() | after.keys()]
    return sorted((*qubits, *(change for change in found if change is not None)), key=_rank)


def touches(change: Change, exposure: Exposure) -> bool:
    """Tell whether a circuit uses what has changed: the operation on these very qubits, or the qubit itself."""
    if change.operation == QUBIT:
        qubits = set(change.qubits or ())
        return any(not qubits.isdisjoint(used) for _, used, _ in exposure)
    return any(name == change.operation and change.qubits in (None, used) for name, used, _ in exposure)


def touched(changes: Sequence[Change], exposures: Mapping[str, Exposure]) -> Sequence[tuple[str, ...]]:
    """Return for each change the names of the circuits that it `touches`, in the circuits' order.

    Each circuit is read once, however many changes there are.
    """
    places: dict[Place, dict[str, None]] = defaultdict(dict)
    for circuit, exposure in exposures.items():
        for name, used, _ in exposure:
            places[name, used][circuit] = None
            places[name, None][circuit] = None
            for qubit in used:
                places[QUBIT, (qubit,)][circuit] = None
    return [tuple(places.get((change.operation, change.qubits), ())) for change in changes]


def cause(changes: Sequence[Change], exposure: Exposure) -> str:
    """Return in one sentence which change cost a circuit most; empty where none cost it anything."""
    times = {(name, used): number for name, used, number in exposure}
    costs = [(change.size * _uses(change, times), change) for change in changes if _is_worse(change)]
    if not (found := [pair for pair in costs if pair[0] > 0.0]):
        return ""
    worst = max(found, key=_by_cost)[1]
    where = ", ".join(map(str, worst.qubits or ()))
    if worst.kind is ChangeKind.FAULTY:
        return f"Qubit {where} is faulty."
    if worst.kind is ChangeKind.VANISHED:
        return f"{worst.operation} on {where or 'any qubit'} is gone."
    before, after = worst.error_before or 0.0, worst.error_after or 0.0
    return f"Most of it: {worst.operation} on {where or 'any qubit'}, whose error was {before:.2g} and is {after:.2g}."


def _by_cost(found: tuple[float, Change]) -> tuple[float, tuple[int, ...]]:
    return found[0], tuple(-qubit for qubit in found[1].qubits or ())


def _is_worse(change: Change) -> bool:
    return change.kind in _STOPS or (
        change.kind is ChangeKind.ERROR and (change.error_after or 0.0) > (change.error_before or 0.0)
    )


def _uses(change: Change, times: Mapping[tuple[str, tuple[int, ...]], int]) -> int:
    if change.operation == QUBIT:
        return sum(number for (_, used), number in times.items() if set(change.qubits or ()) & set(used))
    if change.qubits is None:
        return sum(number for (name, _), number in times.items() if name == change.operation)
    return times.get((change.operation, change.qubits), 0)


def _errors(document: TargetDocument, unusable: set[int]) -> dict[Place, float | None]:
    return {
        (op.name, op.qubits): op.error
        for op in document.operations
        if op.qubits is None or unusable.isdisjoint(op.qubits)
    }


def _of_qubit(kind: ChangeKind, qubit: int) -> Change:
    return Change(kind=kind, operation=QUBIT, qubits=(qubit,))


def _of_operation(
    place: Place, before: Mapping[Place, float | None], after: Mapping[Place, float | None]
) -> Change | None:
    old, new = before.get(place), after.get(place)
    if place in before and place in after:
        if old == new:
            return None
        kind = ChangeKind.ERROR
    else:
        kind = ChangeKind.VANISHED if place in before else ChangeKind.NEW
    return Change(kind=kind, operation=place[0], qubits=place[1], error_before=old, error_after=new)


def _rank(change: Change) -> tuple[float, int, str, tuple[int, ...]]:
    return -change.size, _ORDER.index(change.kind), change.operation, change.qubits or ()


def _log_success(error: float | None) -> float:
    if error is None:
        return 0.0
    return math.log1p(-error) if error < 1.0 else -math.inf
