"""Stage `comparisons`: every quantum number beside its classical rivals and controls, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.fallback import SOURCE_BACKEND, may_claim
from hybrid_assets.errors import ConfigurationError, ContradictionError, ResultIntegrityError
from hybrid_assets.model.problem import LabeledData
from hybrid_assets.model.results import ReferenceKind
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.runner.evaluating import answer_id_of, leads_on
from hybrid_assets.runner.rounds import logical_kernels
from hybrid_assets.runner.solving import baseline_results
from hybrid_assets.runner.spending import cost_of
from hybrid_assets.scoring.compare import ComparisonKey, comparison_rows, reference_of
from hybrid_assets.scoring.gates import ClaimRules
from hybrid_assets.scoring.verdict import decide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult, Score
    from hybrid_assets.protocols import Workload
    from hybrid_assets.runner.project import Project
    from hybrid_assets.storage.warehouse import Warehouse


def compare(project: Project, *, night: str, workload: str, backend: str) -> StageOutcome:
    """Score every instance from its stored raw counts and publish rows and verdict; no backend is needed.

    Raises:
        ConfigurationError: Results or baselines of the night are not there yet.
        ResultIntegrityError: A stored result is missing or corrupt.
        CheckFailedError: Something beats a proved optimum.
    """
    partition = {"night": night, "workload": workload, "backend": backend}
    with project.timed(night, workload, "comparisons", backend):
        judged = judge(project, partition)
        rows, verdict = judged.rows, judged.verdict
        outcomes = (
            checks.unique(rows, key=("instance", "method")),
            checks.no_ratio_above_one(rows, judged.contradictions),
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
            **{name: verdict[name] for name in EFFECT if verdict[name] is not None},
        },
        headline="effect",
        notes={"verdict": verdict["verdict"], "scope": verdict["scope"], "reasons": verdict["reasons"] or "none"},
        checks=outcomes,
        sample=tuple({k: row[k] for k in ("instance", "method", "value", "ratio", "p_opt")} for row in rows[:12]),
    )


#: What a verdict's effect is told with, wherever it is: ends of an interval say nothing without what that is worth.
EFFECT = ("effect", "effect_low", "effect_high", "effect_confidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A partition of results, scored."""

    rows: Sequence[dict[str, Any]]
    verdict: dict[str, Any]
    #: What beats a proof, one sentence each; its instance has no rows.
    contradictions: Sequence[str]


def judge(project: Project, partition: Mapping[str, str]) -> Judged:
    """Score a published partition of results from its stored raw counts; nothing is published.

    Raises:
        ConfigurationError: Results or baselines of the night are not there yet.
        ResultIntegrityError: A stored result is missing or corrupt.
    """
    night, workload = partition["night"], partition["workload"]
    stored = _stored(project, partition)
    baselines = baseline_results(project, night=night, workload=workload)
    rows: list[dict[str, Any]] = []
    sources = {row["kernel_id"]: row["source"] for row in stored.values()}
    kinds: set[str] = set()
    contradictions: list[str] = []
    for instance in project.accepted(night, workload):
        results, missing = _results(project, workload, instance, stored)
        kinds |= {result.execution.value for _, result in results if may_claim(sources[result.kernel_id])}
        key = ComparisonKey(**partition, instance=instance.name, fingerprint=instance.fingerprint)
        try:
            rows += _rows(project, key, instance, results, missing, sources, baselines.get(instance.name, []))
        except ContradictionError as exc:
            contradictions.append(str(exc))
    panel = set.intersection(*(({r.baseline for r in found}) for found in baselines.values())) if baselines else set()
    verdict = _verdict(project, partition, rows, kinds=kinds, panel=panel)
    return Judged(rows=rows, verdict=verdict, contradictions=contradictions)


def _stored(project: Project, partition: Mapping[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return kernel id, source and answer of each (instance, label) of a published partition of results."""
    if not project.warehouse.published("quantum_results", **partition):
        cell = f"{partition['workload']}/{partition['backend']}"
        raise ConfigurationError(f"{cell}/quantum_results of {partition['night']} is not there yet. Run it first.")
    columns = ["instance", "label", "kernel_id", "source", "answer_id", "is_final"]
    rows = project.warehouse.read_rows("quantum_results", columns=columns, **partition)
    return {(row["instance"], row["label"]): row for row in rows}


def _results(
    project: Project, workload: str, instance: ProblemInstance, stored: Mapping[tuple[str, str], Mapping[str, Any]]
) -> tuple[list[tuple[LogicalKernel, KernelResult]], list[LogicalKernel]]:
    """Return the kernels of all rounds that have an answer with it, and those that ended without one.

    An answer of a fallback carries the id of the kernel it stands for. It counts as no result where the rounds are
    walked again: when they were asked for there was none, and after a kernel that may still be answered they ended.
    """

    def row_of(logical: LogicalKernel) -> Mapping[str, Any]:
        row = stored.get((instance.name, logical.label))
        if row is None:
            raise _absent(workload, logical)
        return row

    def answer_to(logical: LogicalKernel) -> KernelResult | None:
        row = row_of(logical)
        if (name := answer_id_of(row)) is None:
            return None
        result = project.results.get(name)
        if result is None:
            raise _absent(workload, logical)
        return replace(result, kernel_id=row["kernel_id"])

    def result_of(logical: LogicalKernel) -> KernelResult | None:
        return answer_to(logical) if row_of(logical)["source"] == SOURCE_BACKEND else None

    kernels = logical_kernels(project, workload, instance, result_of, lambda logical: leads_on(row_of(logical)))
    found = [(logical, answer_to(logical)) for logical in kernels]
    done = [(logical, result) for logical, result in found if result is not None]
    return done, [logical for logical, result in found if result is None]


def _absent(workload: str, logical: LogicalKernel) -> ResultIntegrityError:
    return ResultIntegrityError(
        f"There is no stored result of {workload}/{logical.instance}/{logical.label}. "
        "Materialize quantum_results again."
    )


def _rows(
    project: Project,
    key: ComparisonKey,
    instance: ProblemInstance,
    results: Sequence[tuple[LogicalKernel, KernelResult]],
    missing: Sequence[LogicalKernel],
    sources: Mapping[str, str],
    baselines: Sequence[BaselineResult],
) -> list[dict[str, Any]]:
    plugin, options, _ = project.workload(key.workload)
    reference = reference_of(baselines)
    scores = plugin.score(instance, options=options, results=results, reference=reference, missing=missing)
    costs = {result.kernel_id: cost_of(project, result) for _, result in results}

    def source_of(score: Score) -> str:
        """A score is the backend's only if every kernel of it is."""
        others = sorted({sources[kernel_id] for kernel_id in score.kernel_ids} - {SOURCE_BACKEND})
        return others[0] if others else SOURCE_BACKEND

    def cost_of_score(score: Score) -> float:
        return sum(costs[kernel_id] for kernel_id in score.kernel_ids)

    return comparison_rows(
        key,
        scores=scores,
        baseline_results=baselines,
        reference=reference,
        cost_of=cost_of_score,
        source_of=source_of,
        test_share=test_share(instance),
    )


def test_share(instance: ProblemInstance) -> float | None:
    """Return the share of rows in a test fold; None where there are no folds."""
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
    declared = metric_before(project.warehouse, **partition) or plugin.metric
    verdict = decide(
        rows, instances=instances, rules=claim_rules(plugin, rows, kinds=kinds, panel=panel, declared_metric=declared)
    )
    if refused := len(inputs) - len(instances):
        # nobody was asked about them, neither a backend nor a rival
        verdict["scope"] += f" {refused} refused input files are no part of it."
    return {**partition, **verdict}


def metric_before(warehouse: Warehouse, *, night: str, workload: str, backend: str) -> str | None:
    """Return the metric by which a workload was judged on a backend on the last night before this one.

    A metric that replaces it tonight may have been chosen to suit the results: it supports a claim from its second
    night on. None: this is the first night.
    """
    earlier = [
        found
        for found in warehouse.partitions("verdicts")
        if (found["workload"], found["backend"]) == (workload, backend) and found["night"] < night
    ]
    if not earlier:
        return None
    last = max(earlier, key=lambda found: found["night"])
    rows = warehouse.read_rows("verdicts", columns=["metric"], **last)
    return str(rows[0]["metric"]) if rows else None


def claim_rules(
    plugin: Workload, rows: Sequence[Mapping[str, Any]], *, kinds: set[str], panel: set[str], declared_metric: str
) -> ClaimRules:
    """Return what a claim of a workload needs: what it declares, and every baseline that all its instances have."""
    methods = {row["method"] for row in rows if row["role"] == "quantum"}
    return ClaimRules(
        metric=plugin.metric,
        declared_metric=declared_metric,
        controls_of={method: tuple(plugin.controls_of(method)) for method in methods},
        execution_kinds=tuple(sorted(kinds)),
        relative=plugin.metric_is_relative,
        required_baselines=tuple(sorted(panel)),
        reference_kinds=tuple(ReferenceKind)
        if not plugin.metric_is_relative
        else (ReferenceKind.PROVED, ReferenceKind.BOUND),
    )
