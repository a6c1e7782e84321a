"""From finished kernels to published rows: one a parameter setting, those of failed kernels too.

Put what a row says here; asking for kernels is `executing`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.control.fallback import SOURCE_BACKEND
from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.promises import service_checks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.answering import Substitute
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Cell, Order
    from hybrid_assets.runner.project import Project


def publish(
    project: Project,
    order: Order,
    kernels: Sequence[Kernel],
    *,
    executed: int,
    substitutes: Mapping[str, Substitute],
) -> StageOutcome:
    """Evaluate finished kernels and publish the partition.

    Args:
        project: The project.
        order: The partition's order.
        kernels: All kernels of the partition, each of them over or with a substitute.
        executed: How many of them were not known before.
        substitutes: What stands for those without a result of the backend, by kernel id.

    Raises:
        CheckFailedError: Raw counts do not add up, or a row is missing or doubled.
    """
    cell = order.cell
    rows, wrong = _rows_of(project, order, kernels, substitutes)
    outcomes = (
        checks.row_count(rows, expected=sum(k.template.slot_values.shape[0] for k in kernels), of="kernel rows"),
        checks.unique(rows, key=("instance", "label", "row")),
        checks.shots_add_up(wrong),
        checks.every_kernel_answered(kernels, substitutes),
        checks.schema(project.warehouse, "quantum_results", rows, cell.partition),
        *service_checks(project, order, kernels, rows),
    )
    checks.require(outcomes, what=f"{cell}/quantum_results of {cell.night}")
    published = project.warehouse.publish("quantum_results", rows, partition=cell.partition)
    num_answered = sum(substitute.is_answer for substitute in substitutes.values())
    return StageOutcome(
        rows=len(rows),
        data_version=published.data_version,
        numbers={
            "kernels": len(kernels),
            "executed": executed,
            "reused": len(kernels) - executed,
            "failed": len(substitutes) - num_answered,
            "fallback": num_answered,
            "rounds": 1 + max((k.template.logical.round_index for k in kernels), default=0),
            "rows": len(rows),
            "shots": sum(row["shots"] for row in rows if row["source"] == SOURCE_BACKEND),
        },
        checks=outcomes,
        sample=tuple(
            {k: row[k] for k in ("instance", "label", "row", "shots", "expected_value", "best_value")}
            for row in rows[:10]
        ),
    )


def answer_id_of(row: Mapping[str, Any]) -> str | None:
    """Return the kernel whose stored result a published row shows; None: there is none."""
    found: str | None = row["kernel_id"] if row["source"] == SOURCE_BACKEND else row["answer_id"]
    return found


def leads_on(row: Mapping[str, Any]) -> bool:
    """Tell whether the rounds went on after a published row: not while the backend may still answer."""
    return row["is_final"] is not False  # None in files older than the column


def _rows_of(
    project: Project, order: Order, kernels: Sequence[Kernel], substitutes: Mapping[str, Substitute]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of all kernels, and the kernels whose counts do not add up."""
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    ages = _Ages(project, order)
    for kernel in kernels:
        common = _common(order.cell, kernel)
        substitute = substitutes.get(kernel.kernel_id)
        common |= _origin(kernel, substitute)
        if substitute is not None and substitute.result is None:
            rows += [{**common, **row, **_without_result(substitute)} for row in settings_of(kernel.template.logical)]
            continue
        result = substitute.result if substitute else project.results.get(kernel.kernel_id)
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
        rows += [{**common, **row} for row in _answered(project, order.cell, kernel, result, ages)]
    return rows, wrong


def _common(cell: Cell, kernel: Kernel) -> dict[str, Any]:
    logical = kernel.template.logical
    return {
        **cell.partition,
        "instance": logical.instance,
        "label": logical.label,
        "round": logical.round_index,
        "repetition": kernel.repetition,
        "kernel_id": kernel.kernel_id,
        "correlation_id": kernel.correlation_id(cell),
        "shots": logical.shots,
        "num_qubits": logical.circuit.num_qubits,
    }


def settings_of(logical: LogicalKernel) -> Iterator[dict[str, Any]]:
    """Yield number and meaning of each parameter setting."""
    for index in range(logical.values.shape[0]):
        meaning = (
            logical.settings[index]
            if logical.settings
            else dict(zip(logical.parameter_names, logical.values[index].tolist(), strict=True))
        )
        yield {"row": index, "parameters": canonical_json(meaning)}


def _answered(
    project: Project, cell: Cell, kernel: Kernel, result: KernelResult, ages: _Ages
) -> Iterator[dict[str, Any]]:
    values = values_of(project, cell.workload, kernel.instance, kernel.template.logical, result)
    answer = {
        "execution": result.execution.value,
        "compiled_calibration_id": result.compiled_calibration_id,
        "executed_calibration_id": result.executed_calibration_id,
        "basis_calibration_id": kernel.calibration_id,
        "calibration_changed": result.backend == cell.backend and result.ran_under_another,
        "provider_job_id": result.provider_job_id,
        "executed_at": result.executed_at,
        **ages.of(result),
    }
    for row, value in zip(settings_of(kernel.template.logical), values, strict=True):
        yield {**row, **value, **answer}


def values_of(
    project: Project, workload: str, instance: ProblemInstance, logical: LogicalKernel, result: KernelResult
) -> Sequence[dict[str, float | None]]:
    """Return what a kernel's raw counts are worth to its workload, one a parameter setting."""
    plugin, _, _ = project.workload(workload)
    expected, best = plugin.evaluate(instance, logical, result.counts)
    pairs = zip(expected, best, strict=True)
    return [{"expected_value": _number(mean), "best_value": _number(most)} for mean, most in pairs]


def _origin(kernel: Kernel, substitute: Substitute | None) -> dict[str, Any]:
    """Return who answered, and why, where it was not the backend."""
    if substitute is None:
        return {
            "source": SOURCE_BACKEND,
            "source_reason": None,
            "answer_id": kernel.kernel_id,
            "is_final": True,
        }
    return {
        "source": substitute.source,
        "source_reason": substitute.reason,
        "answer_id": substitute.result.kernel_id if substitute.result else None,
        "is_final": substitute.is_final,
    }


def _without_result(substitute: Substitute) -> dict[str, Any]:
    """Return what the rows of a kernel say that no circuit was executed for."""
    empty = ("expected_value", "execution", "executed_calibration_id", "provider_job_id", "executed_at")
    return {
        "best_value": substitute.value,
        **dict.fromkeys((*empty, "compiled_calibration_id", "basis_calibration_id", "calibration_changed")),
        **dict.fromkeys(("inputs_age_s", "calibration_age_s")),
    }


class _Ages:
    """How old inputs and calibration were when a kernel was executed."""

    def __init__(self, project: Project, order: Order) -> None:
        self._backend, self._provider = order.cell.backend, project.provider(order.cell.backend)
        self._inputs_at = order.inputs_at
        self._calibrated_at: dict[str, datetime | None] = {}

    def of(self, result: KernelResult) -> dict[str, float | None]:
        """Return both ages in seconds; None where the backend did not execute it, or does not tell."""
        if result.backend != self._backend:
            return {"inputs_age_s": None, "calibration_age_s": None}
        name = result.executed_calibration_id
        if name not in self._calibrated_at:
            target = self._provider.target(result.executed_at)
            self._calibrated_at[name] = target.calibrated_at if target.calibration_id == name else None
        calibrated_at = self._calibrated_at[name]
        return {
            "inputs_age_s": (result.executed_at - self._inputs_at).total_seconds(),
            "calibration_age_s": (result.executed_at - calibrated_at).total_seconds() if calibrated_at else None,
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
