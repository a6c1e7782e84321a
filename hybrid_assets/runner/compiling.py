"""Stage `compiled_circuits`: one compile a new structure, everything else from the cache."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.key import explain_miss
from hybrid_assets.circuits.payload import dump
from hybrid_assets.circuits.pool import CompileRequest
from hybrid_assets.errors import CompilationError
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.kernels import Template, templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hybrid_assets.model.circuits import CompiledCircuit, CompileOptions, TargetDocument
    from hybrid_assets.runner.project import Project

#: Compiles take milliseconds; a line for each would drown the others.
PROGRESS_STEP = 20


def compile_circuits(project: Project, *, night: str, workload: str, backend: str) -> StageOutcome:
    """Compile the structures the cache does not know and publish one row a kernel.

    Raises:
        CompilationError: A circuit does not compile, or not within its limits; compiled ones stay in the cache.
        CheckFailedError: A row is doubled.
    """
    with project.timed(night, workload, "compiled_circuits", backend):
        target, options = project.provider(backend).target(), project.compile_options(backend)
        found: list[Template] = []
        for instance in project.accepted(night, workload):
            found += templates(project, workload=workload, instance=instance, target=target, options=options)
            if found and not project.circuits.contains(found[-1].key.digest):
                project.compile_pool.warm()  # the workers start while the next templates are made
        misses = compile_missing(project, found, target=target, options=options)
        rows = [
            {"night": night, "workload": workload, "backend": backend, **_row(project, template, misses, options)}
            for template in found
        ]
        partition = {"night": night, "workload": workload, "backend": backend}
        outcomes = (
            checks.unique(rows, key=("instance", "label")),
            checks.schema(project.warehouse, "compiled_circuits", rows, partition),
        )
        checks.require(outcomes, what=f"{workload}/{backend}/compiled_circuits of {night}")
        published = project.warehouse.publish("compiled_circuits", rows, partition=partition)
    hits = sum(row["cache_hit"] for row in rows)
    return StageOutcome(
        rows=len(rows),
        data_version=published.data_version,
        numbers={
            "kernels": len(rows),
            "compiled": len(misses),
            "cache_hit_share": hits / len(rows) if rows else 1.0,
            "two_qubit_gates": sum(row["two_qubit_gates"] for row in rows),
            "median_expected_success": _median([row["expected_success"] for row in rows]),
        },
        notes=dict(list(misses.items())[:5]),
        checks=outcomes,
        sample=tuple(
            {k: row[k] for k in ("instance", "label", "cache_hit", "num_qubits", "two_qubit_gates", "expected_success")}
            for row in rows[:10]
        ),
    )


def compile_missing(
    project: Project, found: Sequence[Template], *, target: TargetDocument, options: CompileOptions
) -> dict[str, str]:
    """Compile every structure the cache lacks, each once.

    Returns:
        For each compile key that was missing, why it missed.
    """
    missing = {t.key.digest: t for t in found if not project.circuits.contains(t.key.digest)}
    reasons = {
        digest: explain_miss(t.key.parts, project.circuits.nearest(t.key.parts["structure"]))
        for digest, t in missing.items()
    }
    if missing:
        _compile_and_store(project, _requests(missing.values(), target, options))
    return reasons


def _compile_and_store(project: Project, requests: Sequence[CompileRequest]) -> None:
    """Compile, and store in a thread meanwhile: the disk's answer would keep the workers waiting for new work."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="circuit-store") as writer:
        stored = []
        for done, compiled in enumerate(project.compile_pool.compile(requests), start=1):
            stored.append(writer.submit(project.circuits.put, compiled))
            if done % PROGRESS_STEP == 0 or done == len(requests):
                project.report(f"compiled {done} of {len(requests)}")
    for storing in stored:
        storing.result()  # raises what the disk refused


def _requests(missing: Iterable[Template], target: TargetDocument, options: CompileOptions) -> list[CompileRequest]:
    requests = []
    for template in missing:
        payload, _ = dump(template.circuit)
        label = f"{template.logical.instance}/{template.logical.label}"
        requests.append(CompileRequest(label=label, key=template.key, payload=payload, target=target, options=options))
    return requests


def _row(project: Project, template: Template, misses: dict[str, str], options: CompileOptions) -> dict[str, Any]:
    facts = cached(project, template.key.digest).facts
    return {
        "instance": template.logical.instance,
        "label": template.logical.label,
        "structure_fingerprint": facts.structure_fingerprint,
        "compile_key": facts.compile_key,
        "artefact_fingerprint": facts.artefact_fingerprint,
        "cache_hit": facts.compile_key not in misses,
        "miss_reason": misses.get(facts.compile_key),
        "compile_s": facts.compile_s if facts.compile_key in misses else 0.0,
        "num_qubits": template.logical.circuit.num_qubits,
        "num_slots": facts.num_slots,
        "two_qubit_gates": facts.two_qubit_gates,
        "depth": facts.depth,
        "expected_success": facts.expected_success,
        "calibration_id": facts.calibration_id,
        "used_qubits": list(facts.used_qubits),
        "optimization_level": options.optimization_level,
        "seed": options.seed,
    }


def cached(project: Project, digest: str) -> CompiledCircuit:
    """Return a compiled circuit that `compile_missing` has seen to.

    Raises:
        CompilationError: Its entry vanished or was found corrupt since.
    """
    compiled = project.circuits.get(digest)
    if compiled is None:
        raise CompilationError(f"The cache entry {digest[:16]} vanished or is corrupt. Run again to compile it anew.")
    return compiled


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
