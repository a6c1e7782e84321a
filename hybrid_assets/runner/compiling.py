"""Stage `compiled_circuits`: one compile a new structure, everything else from the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.kernels import Template, templates
from hybrid_assets.runner.placing import cached, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.circuits import CompileOptions, TargetDocument
    from hybrid_assets.runner.placing import Placed
    from hybrid_assets.runner.project import Project


def compile_circuits(project: Project, *, night: str, workload: str, backend: str) -> StageOutcome:
    """Compile the structures the cache does not know and publish one row a kernel.

    Raises:
        CompilationError: A circuit does not compile, or not within its limits; compiled ones stay in the cache.
        CheckFailedError: A row is doubled.
    """
    with project.timed(night, workload, "compiled_circuits", backend):
        target, options = project.target(backend), project.compile_options(backend)
        found: list[Template] = []
        for instance in project.accepted(night, workload):
            found += templates(project, workload=workload, instance=instance, target=target, options=options)
            if found and not project.circuits.contains(found[-1].key.digest):
                project.compile_pool.warm()  # the workers start while the next templates are made
        placed = place(project, backend, found, target=target, options=options, decides=True)
        partition = {"night": night, "workload": workload, "backend": backend}
        rows = [{**partition, **_row(project, template, placed, options, target)} for template in found]
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
            "compiled": len(placed.misses),
            "moved": sum(
                row["placement"] in {"recompile", "relayout", "move"} and not row["cache_hit"] for row in rows
            ),
            "cache_hit_share": hits / len(rows) if rows else 1.0,
            "two_qubit_gates": sum(row["two_qubit_gates"] for row in rows),
            "median_expected_success": _median([row["expected_success"] for row in rows]),
        },
        notes=dict(list(placed.misses.items())[:5]),
        checks=outcomes,
        sample=tuple(
            {k: row[k] for k in ("instance", "label", "cache_hit", "num_qubits", "two_qubit_gates", "expected_success")}
            for row in rows[:10]
        ),
    )


def _row(
    project: Project, template: Template, placed: Placed, options: CompileOptions, target: TargetDocument
) -> dict[str, Any]:
    placement = placed.by_key[template.key.digest]
    facts = cached(project, placement.compile_key).facts
    reason = placed.misses.get(facts.compile_key)
    return {
        "instance": template.logical.instance,
        "label": template.logical.label,
        "structure_fingerprint": facts.structure_fingerprint,
        "compile_key": facts.compile_key,
        "template_key": template.key.digest,
        "artefact_fingerprint": facts.artefact_fingerprint,
        "cache_hit": reason is None,
        "miss_reason": reason,
        "compile_s": facts.compile_s if reason is not None else 0.0,
        "num_qubits": template.logical.circuit.num_qubits,
        "num_slots": facts.num_slots,
        "two_qubit_gates": facts.two_qubit_gates,
        "depth": facts.depth,
        "expected_success": facts.expected_success,
        "expected_success_now": expected_success(facts.exposure, target),
        "calibration_id": facts.calibration_id,
        "basis_calibration_id": placement.calibration_id,
        "placement": placement.action,
        "placement_reason": placement.reason,
        "used_qubits": list(facts.used_qubits),
        "optimization_level": options.optimization_level,
        "seed": int(facts.key_parts["seed"]),
    }


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0
