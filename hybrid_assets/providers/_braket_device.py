"""A device's capabilities, as Braket describes them, -> target, calibration and limits. Plain JSON in, no SDK.

Qubits keep the numbers Braket gives them. They need not be contiguous, and counting only those that work would let
every number move when one fails, under circuits that were compiled before; missing ones are faulty qubits instead.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import build_target_document, target_from_json, target_to_json
from hybrid_assets.errors import ProviderError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import BackendStatus, JobLimits
from hybrid_assets.providers._braket_circuits import GATES, TWO_QUBIT_GATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hybrid_assets.model.circuits import TargetDocument

_OPENQASM, _PROGRAM_SET = "braket.ir.openqasm.program", "braket.ir.openqasm.program_set"
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What is known of a device at one moment."""

    target: TargetDocument
    #: Shots of one executable.
    min_shots: int
    max_shots: int
    #: Rows a task may hold; None: the device takes no program sets, so a task is one row of one PUB.
    max_executables: int | None
    #: Shots a task may hold in all, and must hold at least.
    max_total_shots: int
    min_total_shots: int
    #: Whether a circuit can be bound to the device's own qubits.
    has_physical_qubits: bool

    @property
    def limits(self) -> JobLimits:
        """What one job, that is one task, may hold; the rows are limited as well, see ``max_executables``."""
        return JobLimits(
            max_pubs=self.max_executables or 1, max_executions=self.max_total_shots, max_shots=self.max_shots
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON document that `from_json` reads back."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "target"}
        return {**facts, "target": target_to_json(self.target)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Device:
        """Rebuild a device from its JSON document."""
        facts = {name: content[name] for name in cls.__dataclass_fields__ if name != "target"}
        return cls(target=target_from_json(content["target"]), **facts)


def read_device(capabilities: str, *, backend: str) -> Device:
    """Read the ``deviceCapabilities`` of ``GetDevice``.

    Errors: ``1 - READOUT fidelity`` for a measurement, 1 - the other fidelity of the qubit for its gates, none for rz
    (a change of frame), 1 - the best fidelity of the pair for its gates, whichever native gate it was measured on.

    Raises:
        ProviderError: Something that every gate-based device has is missing.
    """
    try:
        content = json.loads(capabilities)
        action, sets = content["action"][_OPENQASM], content["action"].get(_PROGRAM_SET) or {}
        min_shots, max_shots = content["service"]["shotsRange"]
        return Device(
            target=_target(content, action, backend),
            min_shots=int(min_shots),
            max_shots=int(max_shots),
            max_executables=sets.get("maximumExecutables"),
            max_total_shots=int(sets.get("maximumTotalShots", max_shots)),
            min_total_shots=int(sets.get("minimumTotalShots") or 1),
            has_physical_qubits=bool(action.get("supportPhysicalQubits")),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise ProviderError(
            f"Braket describes the device of {backend!r} in a form that is not understood: {exc!r}. It must be "
            "gate-based and take OpenQASM programs."
        ) from exc


def read_status(answer: Mapping[str, Any], *, observed_at: datetime) -> BackendStatus:
    """Read whether the device of ``GetDevice``'s answer is online and how many tasks wait for it (``>4000``: 4000)."""
    queues = [q for q in answer.get("deviceQueueInfo", ()) if q["queue"] == "QUANTUM_TASKS_QUEUE"]
    sizes = [int(q["queueSize"].lstrip(">")) for q in queues]
    reason = (answer.get("deviceStatusReason") or {}).get("reason")
    return BackendStatus(
        operational=answer["deviceStatus"] == "ONLINE",
        message=f"{answer['deviceName']} is {answer['deviceStatus']}" + (f" ({reason})" if reason else ""),
        pending_jobs=sum(sizes) if sizes else None,
        observed_at=observed_at,
    )


def _target(content: Mapping[str, Any], action: Mapping[str, Any], backend: str) -> TargetDocument:
    paradigm, measured = content["paradigm"], content.get("standardized") or {}
    pairs = sorted(_pairs(paradigm))
    ones = {int(name): facts for name, facts in (measured.get("oneQubitProperties") or {}).items()}
    qubits = sorted({qubit for pair in pairs for qubit in pair} | ones.keys()) or list(range(paradigm["qubitCount"]))
    supported = {name.lower() for name in action["supportedOperations"]}
    gates = [ours for ours, theirs in GATES.items() if theirs in supported]
    width = qubits[-1] + 1
    updated_at = content["service"].get("updatedAt")
    return build_target_document(
        backend=backend,
        num_qubits=width,
        operations=[
            *_one_qubit_operations(gates, qubits, ones),
            *_two_qubit_operations(gates, pairs, measured.get("twoQubitProperties") or {}),
        ],
        t1_t2_s=[(_time_s(ones.get(q), "T1"), _time_s(ones.get(q), "T2")) for q in range(width)] if ones else (),
        faulty_qubits=set(range(width)) - set(qubits),
        calibrated_at=_moment(updated_at) if updated_at else None,
    )


def _pairs(paradigm: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield all ordered pairs that a gate can act on; Braket compiles the direction, so each edge counts both ways."""
    connectivity = paradigm["connectivity"]
    if connectivity["fullyConnected"]:
        count = range(paradigm["qubitCount"])
        yield from ((a, b) for a in count for b in count if a != b)
        return
    edges = {(int(a), int(b)) for a, near in connectivity["connectivityGraph"].items() for b in near}
    yield from edges | {(b, a) for a, b in edges}


def _one_qubit_operations(
    gates: Iterable[str], qubits: Iterable[int], facts: Mapping[int, Mapping[str, Any]]
) -> Iterator[TargetOperation]:
    names = [name for name in gates if name not in TWO_QUBIT_GATES]
    for qubit in qubits:
        readout, gate = None, None
        for fidelity in facts.get(qubit, {}).get("oneQubitFidelity", ()):
            error = 1.0 - fidelity["fidelity"]
            if str((fidelity.get("fidelityType") or {}).get("name", "")).upper() == "READOUT":
                readout = error
            elif gate is None or error < gate:
                gate = error
        yield TargetOperation(name="measure", qubits=(qubit,), error=readout)
        for name in names:
            error_of = 0.0 if name == "rz" and gate is not None else gate
            yield TargetOperation(name=name, qubits=(qubit,), error=error_of)


def _two_qubit_operations(
    gates: Iterable[str], pairs: Iterable[tuple[int, int]], facts: Mapping[str, Mapping[str, Any]]
) -> Iterator[TargetOperation]:
    errors: defaultdict[frozenset[int], list[float]] = defaultdict(list)
    for name, found in facts.items():
        on = frozenset(int(qubit) for qubit in name.split("-"))
        errors[on] += [1.0 - fidelity["fidelity"] for fidelity in found["twoQubitGateFidelity"]]
    names = [name for name in gates if name in TWO_QUBIT_GATES]
    for pair in pairs:
        error = min(errors.get(frozenset(pair), ()), default=None)
        yield from (TargetOperation(name=name, qubits=pair, error=error) for name in names)


def _time_s(facts: Mapping[str, Any] | None, name: str) -> float | None:
    found = (facts or {}).get(name)
    return None if found is None else float(found["value"]) * _SECONDS[str(found["unit"]).lower()]


def _moment(text: str) -> datetime:
    """Read a time; Braket writes UTC without saying so."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
