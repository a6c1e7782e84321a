"""A device's snapshot as qiskit-ibm-runtime ships it: two JSON files -> a target document. Put their format here.

``conf_*.json`` says which gates exist where, ``props_*.json`` what was measured of them. The tests compare with the
package's own reading of the same files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.circuits import TargetOperation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument

#: Units in a second, exact numbers to divide by; an unknown unit is refused.
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9}
#: What may stand among the gates and is not executed by a simulator of circuits.
_LEFT_OUT = frozenset({"delay", "reset"})

#: Measured values of one qubit or gate: name -> (value, unit).
_Facts = dict[str, tuple[float, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFiles:
    """Where the snapshot of a device is."""

    configuration: Path
    properties: Path


def read_snapshot(files: SnapshotFiles, *, backend: str) -> TargetDocument:
    """Return a device's snapshot as the target of a backend.

    Gates on qubits, or at places, that were not operational are left out.

    Raises:
        ConfigurationError: A file is not as expected, for example after an upgrade of the package.
    """
    try:
        configuration = json.loads(files.configuration.read_text(encoding="utf-8"))
        properties = json.loads(files.properties.read_text(encoding="utf-8"))
        return snapshot_document(configuration, properties, backend)
    except (OSError, KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(
            f"The snapshot {files.properties} cannot be read: {type(exc).__name__}: {exc}. Choose another device."
        ) from exc


def snapshot_document(configuration: Mapping[str, Any], properties: Mapping[str, Any], backend: str) -> TargetDocument:
    """Return the target that a configuration and properties describe, be they from files or from the service itself.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another kind than expected.
        ValueError: As above.
    """
    qubits = [_facts(listed) for listed in properties["qubits"]]
    faulty = [index for index, facts in enumerate(qubits) if not _is_operational(facts)]
    operations = [*_gates(configuration, properties, set(faulty))]
    operations += [
        TargetOperation(
            name="measure",
            qubits=(index,),
            error=_number(facts, "readout_error"),
            duration_s=_seconds(facts, "readout_length"),
        )
        for index, facts in enumerate(qubits)
        if index not in faulty
    ]
    dt_ns = configuration.get("dt")
    return build_target_document(
        backend=backend,
        num_qubits=configuration["n_qubits"],
        operations=operations,
        dt_s=None if dt_ns is None else dt_ns / _PER_SECOND["ns"],
        readout=[_readout(facts) for facts in qubits],
        t1_t2_s=[(_seconds(facts, "T1"), _seconds(facts, "T2")) for facts in qubits],
        faulty_qubits=faulty,
        calibrated_at=datetime.fromisoformat(properties["last_update_date"]).astimezone(UTC),
    )


def _gates(
    configuration: Mapping[str, Any], properties: Mapping[str, Any], faulty: set[int]
) -> Iterator[TargetOperation]:
    """Yield every gate at every place where the device is calibrated for it."""
    measured = {(gate["gate"], tuple(gate["qubits"])): _facts(gate["parameters"]) for gate in properties["gates"]}
    places = dict.fromkeys(
        (gate["name"], tuple(place)) for gate in configuration["gates"] for place in gate.get("coupling_map") or ()
    )
    for name, place in dict.fromkeys([*places, *measured]):
        facts = measured.get((name, place), {})
        is_executed = name in configuration["basis_gates"] and name not in _LEFT_OUT
        if is_executed and faulty.isdisjoint(place) and _is_operational(facts):
            yield TargetOperation(
                name=name,
                qubits=place,
                error=_number(facts, "gate_error"),
                duration_s=_seconds(facts, "gate_length"),
            )


def _facts(listed: list[dict[str, Any]]) -> _Facts:
    return {item["name"]: (item["value"], item["unit"]) for item in listed}


def _is_operational(facts: _Facts) -> bool:
    return bool(_number(facts, "operational", default=1.0))


def _number(facts: _Facts, name: str, *, default: float | None = None) -> float | None:
    return float(facts[name][0]) if name in facts else default


def _seconds(facts: _Facts, name: str) -> float | None:
    if name not in facts:
        return None
    value, unit = facts[name]
    return float(value) / _PER_SECOND[unit]


def _readout(facts: _Facts) -> tuple[float, float]:
    """Return (P(1|0), P(0|1)); where a snapshot has only their mean, that twice."""
    mean = _number(facts, "readout_error") or 0.0
    up, down = _number(facts, "prob_meas1_prep0"), _number(facts, "prob_meas0_prep1")
    return (mean if up is None else up), (mean if down is None else down)
