"""The compile key: everything that may change what the transpiler makes, and nothing else. No SDK is imported here.

Errors and durations of a target are not in it: a fresh calibration re-scores a circuit, it does not forget it. What is
compiled anew because of a calibration has that in its key. Put a new transpiler setting here as a part of its own, so
that `explain_miss` can name it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from hybrid_assets.circuits.plugins import plugin_versions
from hybrid_assets.model.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import CompileOptions, TargetDocument

#: Raise when slot templates, payloads or facts change their meaning.
SCHEMA = "compile/1"

#: Sabre's trial count follows the number of CPUs unless all its threads are off, as the worker sets it.
TRIAL_POLICY = "sabre all threads off"

#: What a reader calls each part.
_WORDS = {
    "schema": "the key schema",
    "structure": "the circuit structure",
    "target": "the target structure (qubits, gates, couplings or faulty qubits)",
    "optimization_level": "the optimization level",
    "seed": "the transpiler seed",
    "layout_method": "the layout method",
    "routing_method": "the routing method",
    "plugins": "the transpiler plug-ins",
    "approximation_degree": "the approximation degree",
    "trials": "the trial policy",
    "qiskit": "the Qiskit version",
    "architecture": "the machine architecture",
    "calibration": "the calibration it is compiled for",
    "relayout": "the circuit that is moved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileKey:
    """Where a compiled circuit is found: the parts and their hash."""

    #: SHA-256 of the canonical JSON of ``parts``, 64 hex digits.
    digest: str
    #: Part by name, all text.
    parts: Mapping[str, str] = field(hash=False)


def compile_key(structure_fp: str, target: TargetDocument, options: CompileOptions) -> CompileKey:
    """Return the key under which a template compiled for a target is stored.

    Args:
        structure_fp: `structure_fingerprint` of the slot template.
        target: Only its ``structure_sha`` enters.
        options: All of it enters.
    """
    parts = {
        "schema": SCHEMA,
        "structure": structure_fp,
        "target": target.structure_sha,
        "optimization_level": str(options.optimization_level),
        "seed": str(options.seed),
        "layout_method": options.layout_method or "default",
        "routing_method": options.routing_method or "default",
        "plugins": plugin_versions(options),
        "approximation_degree": repr(float(options.approximation_degree)),
        "trials": TRIAL_POLICY,
        "qiskit": _qiskit_version(),
        "architecture": platform.machine(),
    }
    if options.calibration_id is not None:
        parts["calibration"] = options.calibration_id
    if options.relayout is not None:
        parts["relayout"] = options.relayout
    return CompileKey(digest=fingerprint(parts), parts=parts)


def explain_miss(parts: Mapping[str, str], nearest: Sequence[Mapping[str, str]]) -> str:
    """Say in one sentence why a circuit was not found in the cache.

    Args:
        parts: Parts of the key that missed.
        nearest: Parts of stored keys of the same structure, newest first (`CircuitCache.nearest`).
    """
    if not nearest:
        return "This circuit structure was never compiled before."
    closest = min((_changes(parts, other) for other in nearest), key=len)  # of equally near ones the newest
    if not closest:
        return "It was compiled before under this very key, but the stored entry is gone or was set aside as corrupt."
    return f"It was compiled before, but not so: {' and '.join(closest)}."


def _changes(parts: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Describe each part that differs, in the order of the key."""
    names = [*parts, *(name for name in other if name not in parts)]
    return [
        f"{_WORDS.get(name, name)} is {_short(parts.get(name))} here and {_short(other.get(name))} there"
        for name in names
        if parts.get(name) != other.get(name)
    ]


def _short(value: str | None) -> str:
    if value is None:
        return "absent"
    is_hash = len(value) == 64 and set(value) <= set("0123456789abcdef")
    return value[:8] if is_hash else value or "none"


@cache
def _qiskit_version() -> str:
    return version("qiskit")
