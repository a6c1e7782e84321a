"""Stage `quantum_results`: execute the kernels whose results are not known, then evaluate all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.control.batching import pack
from hybrid_assets.errors import JobFailedError, ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.compiling import cached, compile_missing
from hybrid_assets.runner.dispatch import Dispatch
from hybrid_assets.runner.kernels import Template, kernel_id, pub, templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybrid_assets.model.circuits import CircuitFacts
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.protocols import Workload
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel:
    """A compiled kernel with its id."""

    kernel_id: str
    instance: ProblemInstance
    template: Template
    facts: CircuitFacts
    repetition: str


def execute_kernels(project: Project, *, night: str, workload: str, backend: str) -> StageOutcome:
    """Execute what is not known yet, for at most the backend's ``wait_s``, and publish one row a parameter setting.

    Known results are reused by kernel id, nothing is published before all are there. A job is adopted by a later run
    only if it is made of the same kernels again and the provider lists it.

    Raises:
        JobFailedError: A job ended without a result; the results of the others are kept.
        CheckFailedError: Raw counts do not add up.
    """
    common = project.backend(backend)
    with project.timed(night, workload, "quantum_results", backend):
        kernels = list(_kernels(project, night, workload, backend))
        missing = {k.kernel_id: k for k in kernels if not project.results.contains(k.kernel_id)}
        unfinished = _execute(project, night, workload, backend, list(missing.values())) if missing else 0
        if unfinished:
            message = (
                f"{workload}/{backend}: {unfinished} jobs are still pending after {common.wait_s:g} s; run it again."
            )
            return StageOutcome(rows=0, data_version="", pending=message)
        rows, wrong = _evaluate(project, night, workload, backend, kernels)
        partition = {"night": night, "workload": workload, "backend": backend}
        outcomes = (
            checks.row_count(rows, expected=sum(k.template.slot_values.shape[0] for k in kernels), of="kernel rows"),
            checks.unique(rows, key=("instance", "label", "row")),
            checks.shots_add_up(wrong),
            checks.schema(project.warehouse, "quantum_results", rows, partition),
        )
        checks.require(outcomes, what=f"{workload}/{backend}/quantum_results of {night}")
        published = project.warehouse.publish("quantum_results", rows, partition=partition)
    return StageOutcome(
        rows=len(rows),
        data_version=published.data_version,
        numbers={
            "kernels": len(kernels),
            "executed": len(missing),
            "reused": len(kernels) - len(missing),
            "rows": len(rows),
            "shots": sum(row["shots"] for row in rows),
        },
        checks=outcomes,
        sample=tuple(
            {k: row[k] for k in ("instance", "label", "row", "shots", "expected_value", "best_value")}
            for row in rows[:10]
        ),
    )


def _kernels(project: Project, night: str, workload: str, backend: str) -> Iterator[Kernel]:
    """Yield the night's kernels; what the circuit cache lacks is compiled on the way."""
    provider, options = project.provider(backend), project.compile_options(backend)
    target, description = provider.target(), provider.describe()
    repetition = f"night:{night}" if project.backend(backend).reuse == "night" else ""
    for instance in project.accepted(night, workload):
        found = list(templates(project, workload=workload, instance=instance, target=target, options=options))
        compile_missing(project, found, target=target, options=options)
        for template in found:
            compiled = cached(project, template.key.digest)
            identity = kernel_id(
                facts=compiled.facts,
                slot_values=template.slot_values,
                shots=template.logical.shots,
                backend=description,
                calibration_id=target.calibration_id,
                repetition=repetition,
            )
            yield Kernel(
                kernel_id=identity, instance=instance, template=template, facts=compiled.facts, repetition=repetition
            )


def _execute(project: Project, night: str, workload: str, backend: str, missing: Sequence[Kernel]) -> int:
    """Run the missing kernels; return how many batches are unfinished."""
    provider, common = project.provider(backend), project.backend(backend)
    pubs = [
        pub(
            kernel.kernel_id,
            cached(project, kernel.facts.compile_key),
            slot_values=kernel.template.slot_values,
            shots=kernel.template.logical.shots,
        )
        for kernel in missing
    ]
    dispatch = Dispatch(
        project=project,
        provider=provider,
        night=night,
        workload=workload,
        backend=backend,
        compiled_calibration={kernel.kernel_id: kernel.facts.calibration_id for kernel in missing},
    )
    unfinished = dispatch.run(pack(pubs, limits=provider.limits()), slots=common.slots, wait_s=common.wait_s)
    if dispatch.failures:
        raise JobFailedError(
            f"{workload}/{backend}: {' '.join(dispatch.failures[:3])} "
            f"({len(dispatch.failures)} jobs failed; other results are kept. Run again to try only what is missing.)"
        )
    return unfinished


def _evaluate(
    project: Project, night: str, workload: str, backend: str, kernels: Sequence[Kernel]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of all kernels, and the kernels whose counts do not add up."""
    plugin, _, _ = project.workload(workload)
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for kernel in kernels:
        result = project.results.get(kernel.kernel_id)
        if result is None:
            raise ResultIntegrityError(
                f"The stored result of {kernel.instance.name}/{kernel.template.logical.label} is corrupt and was set "
                "aside. Run again to execute that kernel anew."
            )
        try:
            result.counts.verify(
                num_bits=len(kernel.facts.measured_qubits),
                rows=kernel.template.slot_values.shape[0],
                shots=kernel.template.logical.shots,
            )
        except ResultIntegrityError:
            wrong.append(f"{kernel.instance.name}/{kernel.template.logical.label}")
            continue
        common = {"night": night, "workload": workload, "backend": backend}
        rows += [{**common, **row} for row in _rows(plugin, kernel, result, night)]
    return rows, wrong


def _rows(plugin: Workload, kernel: Kernel, result: KernelResult, night: str) -> Iterator[dict[str, Any]]:
    logical = kernel.template.logical
    expected, best = plugin.evaluate(kernel.instance, logical, result.counts)
    for index in range(logical.values.shape[0]):
        meaning = (
            logical.settings[index]
            if logical.settings
            else dict(zip(logical.parameter_names, logical.values[index].tolist(), strict=True))
        )
        yield {
            "instance": logical.instance,
            "label": logical.label,
            "repetition": kernel.repetition,
            "row": index,
            "kernel_id": kernel.kernel_id,
            "correlation_id": f"{night}/{plugin.name}/{result.backend}/{logical.instance}/{logical.label}",
            "parameters": canonical_json(meaning),
            "shots": logical.shots,
            "num_qubits": logical.circuit.num_qubits,
            "expected_value": _number(expected[index]),
            "best_value": _number(best[index]),
            "source": "backend",
            "execution": result.execution.value,
            "compiled_calibration_id": result.compiled_calibration_id,
            "executed_calibration_id": result.executed_calibration_id,
            "provider_job_id": result.provider_job_id,
            "executed_at": result.executed_at,
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
