"""Moving standing circuits as a whole to better qubits: a candidate beside compiling anew, and a cheap one.

Put here what is asked for and stored; how a circuit is moved is `circuits.relayout`'s, which candidate
stands `placing`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid_assets.circuits.key import compile_key, explain_miss
from hybrid_assets.circuits.pool import CompileRequest
from hybrid_assets.errors import CompilationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.circuits import CompiledCircuit, CompileOptions, TargetDocument
    from hybrid_assets.runner.kernels import Template
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayouts:
    """Circuits that were moved."""

    #: Compile key of the moved circuit by base key; none where no better place was found.
    keys: Mapping[str, str]
    #: Why each that was made just now was not in the cache, by compile key.
    misses: Mapping[str, str]


def relayouts(
    project: Project,
    standing: Mapping[str, tuple[Template, str]],
    *,
    target: TargetDocument,
    options: CompileOptions,
) -> Relayouts:
    """Move circuits to where they do best under a target, and store them under keys of their own.

    One that cannot be moved, or whose search fails, is no candidate; nothing else fails with it.

    Args:
        project: The project.
        standing: Template and compile key of the circuit that stands for it, by base key.
        target: The backend's present target.
        options: The backend's own compile options.
    """
    wanted = {}
    for base_key, (template, standing_key) in standing.items():
        if (circuit := project.circuits.get(standing_key)) is not None:
            wanted[base_key] = _request(template, circuit, target=target, options=options)
    requests = {one.key.digest: one for one in wanted.values() if not project.circuits.contains(one.key.digest)}
    misses = _make_and_store(project, requests) if requests else {}
    found = {base_key: one.key.digest for base_key, one in wanted.items() if project.circuits.contains(one.key.digest)}
    return Relayouts(keys=found, misses=misses)


def _request(
    template: Template, circuit: CompiledCircuit, *, target: TargetDocument, options: CompileOptions
) -> CompileRequest:
    """Return what is asked of a worker; the seed stays that of the compile which made the gates."""
    chosen = replace(
        options,
        seed=int(circuit.facts.key_parts["seed"]),
        calibration_id=target.calibration_id,
        relayout=circuit.facts.compile_key,
    )
    return CompileRequest(
        label=f"{template.logical.instance}/{template.logical.label} (re-layout)",
        key=compile_key(template.key.parts["structure"], target, chosen),
        payload=circuit.payload,
        target=target,
        options=chosen,
    )


def _make_and_store(project: Project, requests: Mapping[str, CompileRequest]) -> dict[str, str]:
    misses = {}
    for request, outcome in zip(requests.values(), project.compile_pool.outcomes(list(requests.values())), strict=True):
        if isinstance(outcome, CompilationError):
            project.report(f"no re-layout: {outcome}")
        elif outcome is not None:
            reason = explain_miss(request.key.parts, project.circuits.nearest(request.key.parts["structure"]))
            misses[request.key.digest] = reason
            project.circuits.put(outcome)
    return misses
