"""Stage `comparisons`: every quantum number beside its classical rivals and controls, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, ContradictionError, ResultIntegrityError
from hybrid_assets.model.problem import LabeledData
from hybrid_assets.model.results import ReferenceKind
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.solving import baseline_results
from hybrid_assets.scoring.compare import ComparisonKey, comparison_rows, reference_of
from hybrid_assets.scoring.gates import ClaimRules
from hybrid_assets.scoring.verdict import decide

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult, Score
    from hybrid_assets.protocols import Workload
    from hybrid_assets.runner.project import Project


def compare(project: Project, *, night: str, workload: str, backend: str) -> StageOutcome:
    """Score every instance from its stored raw counts and publish rows and verdict; no backend is needed.

    Raises:
        ConfigurationError: Results or baselines of the night are not there yet.
        ResultIntegrityError: A stored result is missing or corrupt.
        CheckFailedError: Something beats a proved optimum.
    """
    partition = {"night": night, "workload": workload, "backend": backend}
    with project.timed(night, workload, "comparisons", backend):
        stored = _kernel_ids(project, partition)
        baselines = baseline_results(project, night=night, workload=workload)
        rows: list[dict[str, Any]] = []
        kinds: set[str] = set()
        contradictions: list[str] = []
        for instance in project.accepted(night, workload):
            results = list(_results(project, workload, instance, stored))
            kinds |= {result.execution.value for _, result in results}
            key = ComparisonKey(**partition, instance=instance.name, fingerprint=instance.fingerprint)
            try:
                rows += _rows(project, key, instance, results, baselines.get(instance.name, []))
            except ContradictionError as exc:
                contradictions.append(str(exc))
        panel = (
            set.intersection(*(({r.baseline for r in found}) for found in baselines.values())) if baselines else set()
        )
        verdict = _verdict(project, partition, rows, kinds=kinds, panel=panel)
        outcomes = (
            checks.unique(rows, key=("instance", "method")),
            checks.no_ratio_above_one(rows, contradictions),
            checks.schema(project.warehouse, "comparisons", rows, partition),
        )
        checks.require(outcomes, what=f"{workload}/{backend}/comparisons of {night}")
        published = project.warehouse.publish("comparisons", rows, partition=partition)
        project.warehouse.publish("verdicts", [verdict], partition=partition)
    return StageOutcome(
        rows=len(rows),
        data_version=published.data_version,
        numbers={
            "instances": verdict["num_instances"],
            **{name: verdict[name] for name in ("effect", "effect_low", "effect_high") if verdict[name] is not None},
        },
        headline="effect",
        notes={"verdict": verdict["verdict"], "scope": verdict["scope"], "reasons": verdict["reasons"] or "none"},
        checks=outcomes,
        sample=tuple({k: row[k] for k in ("instance", "method", "value", "ratio", "p_opt")} for row in rows[:12]),
    )


def _kernel_ids(project: Project, partition: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return the kernel id of each (instance, label) of a published partition of results."""
    if not project.warehouse.published("quantum_results", **partition):
        cell = f"{partition['workload']}/{partition['backend']}"
        raise ConfigurationError(f"{cell}/quantum_results of {partition['night']} is not there yet. Run it first.")
    rows = project.warehouse.read_rows("quantum_results", columns=["instance", "label", "kernel_id"], **partition)
    return {(row["instance"], row["label"]): row["kernel_id"] for row in rows}


def _results(
    project: Project, workload: str, instance: ProblemInstance, stored: Mapping[tuple[str, str], str]
) -> Iterator[tuple[LogicalKernel, KernelResult]]:
    plugin, options, common = project.workload(workload)
    for logical in plugin.kernels(instance, options=options, max_qubits=common.max_qubits, shots=common.shots):
        kernel_id = stored.get((instance.name, logical.label))
        result = project.results.get(kernel_id) if kernel_id else None
        if result is None:
            raise ResultIntegrityError(
                f"There is no stored result of {workload}/{instance.name}/{logical.label}. "
                "Materialize quantum_results again."
            )
        yield logical, result


def _rows(
    project: Project,
    key: ComparisonKey,
    instance: ProblemInstance,
    results: Sequence[tuple[LogicalKernel, KernelResult]],
    baselines: Sequence[BaselineResult],
) -> list[dict[str, Any]]:
    plugin, options, _ = project.workload(key.workload)
    reference = reference_of(baselines)
    scores = plugin.score(instance, options=options, results=results, reference=reference)
    billed_s = {result.kernel_id: result.billed_s for _, result in results}
    price_per_s = project.backend(key.backend).price_per_s

    def cost_of(score: Score) -> float:
        return price_per_s * sum(billed_s[kernel_id] for kernel_id in score.kernel_ids)

    return comparison_rows(
        key,
        scores=scores,
        baseline_results=baselines,
        reference=reference,
        cost_of=cost_of,
        source_of=lambda _score: "backend",
        test_share=_test_share(instance),
    )


def _test_share(instance: ProblemInstance) -> float | None:
    if not isinstance(instance.problem, LabeledData):
        return None
    fold = instance.problem.folds[0]
    return len(fold.test) / (len(fold.test) + len(fold.train))


def _verdict(
    project: Project, partition: Mapping[str, str], rows: Sequence[dict[str, Any]], *, kinds: set[str], panel: set[str]
) -> dict[str, Any]:
    plugin, _, _ = project.workload(partition["workload"])
    inputs = project.warehouse.read_rows("normalized_inputs", night=partition["night"], workload=partition["workload"])
    instances = {row["instance"]: row["num_variables"] for row in inputs if row["status"] == "accepted"}
    verdict = decide(rows, instances=instances, rules=claim_rules(plugin, rows, kinds=kinds, panel=panel))
    if refused := len(inputs) - len(instances):
        # nobody was asked about them, neither a backend nor a rival
        verdict["scope"] += f" {refused} refused input files are no part of it."
    return {**partition, **verdict}


def claim_rules(plugin: Workload, rows: Sequence[Mapping[str, Any]], *, kinds: set[str], panel: set[str]) -> ClaimRules:
    """Return what a claim of a workload needs: what it declares, and every baseline that all its instances have."""
    methods = {row["method"] for row in rows if row["role"] == "quantum"}
    return ClaimRules(
        metric=plugin.metric,
        declared_metric=plugin.metric,
        controls_of={method: tuple(plugin.controls_of(method)) for method in methods},
        execution_kinds=tuple(sorted(kinds)),
        relative=plugin.metric_is_relative,
        required_baselines=tuple(sorted(panel)),
        reference_kinds=tuple(ReferenceKind)
        if not plugin.metric_is_relative
        else (ReferenceKind.PROVED, ReferenceKind.BOUND),
    )
