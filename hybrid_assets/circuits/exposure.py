"""How often a compiled circuit meets each source of error, and what that means under a calibration.

Kept as a count table beside the circuit, so that a fresh calibration scores thousands of stored circuits without
loading one. Gates and readout count; idling, crosstalk and decoherence do not, so the score ranks circuits, it does
not predict fidelity. Put scores of ISA circuits here; keep the decision what to do about them in `calibration`.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hybrid_assets.model.circuits import TargetDocument

    Exposure = Sequence[tuple[str, tuple[int, ...], int]]

#: Operations without an error of their own.
ERROR_FREE = frozenset({"barrier", "delay"})


def exposure(isa: Any) -> tuple[tuple[str, tuple[int, ...], int], ...]:
    """Count the operations of an ISA circuit as ``(operation, physical qubits, times)``, sorted."""
    place = {bit: index for index, bit in enumerate(isa.qubits)}
    times = Counter(
        (inst.name, tuple([place[bit] for bit in inst.qubits])) for inst in isa.data if inst.name not in ERROR_FREE
    )
    return tuple((name, qubits, count) for (name, qubits), count in sorted(times.items()))


def expected_success(exposure: Exposure, target: TargetDocument) -> float:
    """Return the product of (1 - error) over all operations and measurements of a circuit.

    An error that is not known counts as none. An operation the target does not have, or one on a faulty qubit, gives
    0.0. The error of a readout is that of the target's ``measure``.
    """
    return expected_successes([exposure], target)[0]


def expected_successes(exposures: Iterable[Exposure], target: TargetDocument) -> list[float]:
    """Return `expected_success` of many circuits under one target."""
    faulty = set(target.faulty_qubits)
    log_success = {
        (op.name, op.qubits): _log_success(op.error)
        for op in target.operations
        if op.qubits is None or faulty.isdisjoint(op.qubits)
    }

    def log_of(name: str, qubits: tuple[int, ...]) -> float:
        if not faulty.isdisjoint(qubits):
            return -math.inf
        return log_success.get((name, qubits), log_success.get((name, None), -math.inf))

    return [math.exp(sum(times * log_of(name, qubits) for name, qubits, times in one)) for one in exposures]


def _log_success(error: float | None) -> float:
    if error is None:
        return 0.0
    return math.log1p(-error) if error < 1.0 else -math.inf
