"""Facts of compiled circuits as JSON and back, for the pipe of the compile pool and the circuit cache."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.circuits import CircuitFacts

if TYPE_CHECKING:
    from collections.abc import Mapping


def facts_to_json(facts: CircuitFacts) -> dict[str, Any]:
    """Return facts as a JSON document that `facts_from_json` reads back exactly."""
    return asdict(facts)


def facts_from_json(content: Mapping[str, Any]) -> CircuitFacts:
    """Rebuild facts from JSON, where tuples have become lists.

    Raises:
        TypeError: A fact is missing or unknown.
        ValueError: The count table has another shape.
    """
    return CircuitFacts(
        **{
            **content,
            "used_qubits": tuple(content["used_qubits"]),
            "measured_qubits": tuple(content["measured_qubits"]),
            "exposure": tuple((name, tuple(qubits), times) for name, qubits, times in content["exposure"]),
            "key_parts": dict(content["key_parts"]),
        }
    )
