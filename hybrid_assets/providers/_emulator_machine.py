"""The machine behind the emulated queue: how long a circuit takes and what it measures. Keep jobs out of here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hybrid_assets.circuits import payload
from hybrid_assets.errors import CapacityError, TargetMismatchError
from hybrid_assets.providers._execute import LocalMachine
from hybrid_assets.providers._parsed import parse
from hybrid_assets.providers._simulate import MAX_QUBITS

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import Pub, PubResult
    from hybrid_assets.providers._parsed import ParsedCircuit


class Machine(Protocol):
    """What the emulated QPU executes with; tests may bring a cheaper one than `DeviceMachine`."""

    def duration_s(self, pub: Pub) -> float:
        """Return the seconds one execution of a PUB's circuit takes, readout included.

        Raises:
            TargetMismatchError: The device lacks one of its operations.
            PermanentProviderError: It cannot be executed at all.
            CapacityError: It is too wide.
            ResultIntegrityError: Its payload was altered on the way.
        """

    def execute(self, pub: Pub) -> PubResult:
        """Return the counts of all rows; the same PUB always gives the same ones."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceMachine:
    """A device under one calibration, simulated with its noise."""

    document: TargetDocument
    density_matrix_qubits: int
    _durations: dict[tuple[str, str], float] = field(default_factory=dict)
    _local: list[LocalMachine] = field(default_factory=list)

    def duration_s(self, pub: Pub) -> float:
        """Return the seconds one execution takes: the longest path through the circuit, barriers ignored."""
        key = pub.payload_sha, repr((pub.measured_qubits, pub.values.shape[1]))
        if key not in self._durations:
            circuit = payload.load(pub.payload, pub.payload_sha)
            parsed = parse(circuit, num_slots=int(pub.values.shape[1]), measured_qubits=pub.measured_qubits)
            if len(parsed.used_qubits) > MAX_QUBITS:
                raise CapacityError(
                    f"Kernel {pub.kernel_id} uses {len(parsed.used_qubits)} qubits; an emulated QPU executes circuits "
                    f"of up to {MAX_QUBITS}. Lower max_qubits in sweep.yaml."
                )
            self._durations[key] = circuit_duration_s(parsed, self.document)
        return self._durations[key]

    def execute(self, pub: Pub) -> PubResult:
        """Return the counts of all rows, drawn with the PUB's own seed."""
        if not self._local:
            self._local.append(
                LocalMachine(
                    document=self.document,
                    is_noisy=True,
                    density_matrix_qubits=self.density_matrix_qubits,
                    identity=f"emulated {self.document.calibration_id}",
                    distributions=None,
                )
            )
        return self._local[0].execute(pub)


def circuit_duration_s(circuit: ParsedCircuit, document: TargetDocument) -> float:
    """Return the seconds from a circuit's first gate to the end of its last readout.

    Each operation begins when all its qubits are free; a duration that is not known counts as 0.

    Raises:
        TargetMismatchError: The device lacks an operation; the message names it.
    """
    known = {(op.name, op.qubits): op.duration_s or 0.0 for op in document.operations}
    free_at: dict[int, float] = defaultdict(float)
    steps = [(gate.name, gate.qubits) for gate in circuit.gates] + [("measure", (q,)) for q in circuit.measured]
    for name, qubits in steps:
        physical = tuple(circuit.used_qubits[q] for q in qubits)
        duration_s = known.get((name, physical), known.get((name, None)))
        if duration_s is None or not set(physical).isdisjoint(document.faulty_qubits):
            raise TargetMismatchError(
                f"The device has no {name!r} on qubits {physical}. Compile the circuit for this backend's target."
            )
        end = max(free_at[q] for q in qubits) + duration_s
        free_at.update(dict.fromkeys(qubits, end))
    return max(free_at.values(), default=0.0)
