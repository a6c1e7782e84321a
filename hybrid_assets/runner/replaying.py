"""A night's numbers once more, from the stored raw counts: without a QPU, a compiler or a provider.

Put what compares them with what is published here; nothing is published. Replaying decisions of the queue is
`replaying_batches`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.fallback import SOURCE_BACKEND
from hybrid_assets.errors import CheckFailedError, ResultIntegrityError, UsageError
from hybrid_assets.runner.comparing import judge
from hybrid_assets.runner.deciding import Evidence, decision_of, decision_row
from hybrid_assets.runner.evaluating import answer_id_of, leads_on, settings_of, values_of
from hybrid_assets.runner.rounds import logical_kernels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.project import Project

    Rows = Sequence[Mapping[str, Any]]

#: Columns of the warehouse's own, in every table.
_FILLED = ("schema_version", "materialized_at")
#: Differing rows that are named.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One published partition beside what its inputs give now."""

    table: str
    partition: Mapping[str, str]
    rows: int
    published: str
    replayed: str
    #: What differs, one sentence a row, the first few.
    differences: Sequence[str] = ()

    @property
    def is_same(self) -> bool:
        """Whether the data versions are equal."""
        return self.published == self.replayed


def replay_night(
    project: Project, night: str, *, workloads: Sequence[str] = (), backends: Sequence[str] = ()
) -> Iterator[Replayed]:
    """Compute results, comparisons, verdicts and decisions of a night again; empty sequences mean all.

    Raises:
        UsageError: Nothing of it is published.
        CheckFailedError: Stored counts are gone, or are not those of the kernels that are asked for now.
    """
    found = False
    for workload in workloads or tuple(project.settings.workloads):
        judged: dict[str, Evidence] = {}
        for backend in project.settings.backends_of(workload):
            partition = {"night": night, "workload": workload, "backend": backend}
            is_meant = not backends or backend in backends
            if not is_meant or not project.warehouse.published("quantum_results", **partition):
                continue
            found = True
            yield _results(project, partition)
            if project.warehouse.published("comparisons", **partition):
                yield from _comparisons(project, partition, judged)
        if judged and project.warehouse.published("decisions", night=night, workload=workload):
            yield _decision(project, night, workload, judged)
    if not found:
        raise UsageError(
            f"No results of {night} are published there: nothing to replay. `hybrid-assets status --night {night}`"
        )


# --- results


def _results(project: Project, partition: Mapping[str, str]) -> Replayed:
    published = project.warehouse.read_rows("quantum_results", **partition)
    by_label: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in published:
        by_label.setdefault((row["instance"], row["label"]), []).append(_bare(row))
    rows: list[dict[str, Any]] = []
    for instance in project.accepted(partition["night"], partition["workload"]):
        rows += _instance_rows(project, partition["workload"], instance, by_label)
    return _compared(project, "quantum_results", partition, published, rows)


def _instance_rows(
    project: Project,
    workload: str,
    instance: ProblemInstance,
    published: Mapping[tuple[str, str], list[dict[str, Any]]],
) -> Iterator[dict[str, Any]]:
    """Yield the rows of an instance, round after round; the published ones say which result answered each kernel."""

    def rows_of(logical: LogicalKernel) -> list[dict[str, Any]]:
        return published.get((instance.name, logical.label), [])

    def answer_to(logical: LogicalKernel) -> KernelResult | None:
        rows = rows_of(logical)
        name = answer_id_of(rows[0]) if rows and rows[0]["execution"] else None
        return project.results.get(name) if name else None

    def result_of(logical: LogicalKernel) -> KernelResult | None:
        """A fallback's answer had no part in the rounds."""
        return answer_to(logical) if rows_of(logical)[0]["source"] == SOURCE_BACKEND else None

    def is_over(logical: LogicalKernel) -> bool:
        rows = rows_of(logical)
        return bool(rows) and leads_on(rows[0])

    for logical in logical_kernels(project, workload, instance, result_of, is_over):
        yield from _kernel_rows(project, workload, instance, logical, rows_of(logical), answer_to(logical))


def _kernel_rows(
    project: Project,
    workload: str,
    instance: ProblemInstance,
    logical: LogicalKernel,
    published: Sequence[dict[str, Any]],
    result: KernelResult | None,
) -> Iterator[dict[str, Any]]:
    if not published:
        return  # a kernel that this code asks for and that code did not: its rows are missing, and that is reported
    # Whether it was answered, by whom and under which id is history; all that follows from the counts is computed.
    facts = {"shots": logical.shots, "num_qubits": logical.circuit.num_qubits, "round": logical.round_index}
    settings = list(settings_of(logical))
    if result is None and published[0]["execution"] is not None:
        raise CheckFailedError(
            f"The stored counts of {instance.name}/{logical.label} (kernel {published[0]['kernel_id'][:16]}) are gone "
            "or damaged: its rows cannot be computed again. `hybrid-assets run --night` buys that kernel anew."
        )
    if result is None:
        # A classical answer has a best value all the same, one for all settings.
        lost = {"expected_value": None, "best_value": published[0]["best_value"]}
        yield from ({**published[0], **setting, **facts, **lost} for setting in settings)
        return
    try:
        result.counts.verify(num_bits=result.counts.num_bits, rows=len(settings), shots=logical.shots)
    except ResultIntegrityError as exc:
        raise CheckFailedError(
            f"The stored counts of {instance.name}/{logical.label} are not those of its kernel now: {exc} "
            "The workload's options or inputs have changed since; replay under those of that night."
        ) from exc
    facts |= {
        "execution": result.execution.value,
        "compiled_calibration_id": result.compiled_calibration_id,
        "executed_calibration_id": result.executed_calibration_id,
        "executed_at": result.executed_at,
    }
    values = values_of(project, workload, instance, logical, result)
    for setting, value in zip(settings, values, strict=True):
        yield {**published[0], **setting, **facts, **value}


# --- comparisons and decisions


def _comparisons(project: Project, partition: Mapping[str, str], judged: dict[str, Evidence]) -> Iterator[Replayed]:
    found = judge(project, partition)
    published = project.warehouse.read_rows("comparisons", **partition)
    compared = _compared(project, "comparisons", partition, published, found.rows, more=found.contradictions)
    yield compared
    verdicts = project.warehouse.read_rows("verdicts", **partition)
    yield _compared(project, "verdicts", partition, verdicts, [found.verdict])
    judged[partition["backend"]] = Evidence(verdict=found.verdict, version=compared.replayed)


def _decision(project: Project, night: str, workload: str, judged: Mapping[str, Evidence]) -> Replayed:
    """Decide again as of the time of the published decision, with what had been said by then."""
    partition = {"night": night, "workload": workload}
    published = project.warehouse.read_rows("decisions", **partition)
    made_at = published[0]["materialized_at"]
    said = [one for one in project.ledger.approvals(**partition) if one.decided_at <= made_at]
    decision = decision_of(project, **partition, instead=judged)
    row = decision_row(project, decision, said, **partition, now=made_at)
    return _compared(project, "decisions", partition, published, [row])


# --- comparing


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _FILLED}


def _compared(
    project: Project,
    table: str,
    partition: Mapping[str, str],
    published: Rows,
    rows: Rows,
    *,
    more: Sequence[str] = (),
) -> Replayed:
    version = project.warehouse.data_version(table, **partition)
    replayed = project.warehouse.version_of(table, rows, partition=partition)
    differences = [*more, *_differences(published, rows)] if version != replayed or more else []
    return Replayed(
        table=table,
        partition=partition,
        rows=len(rows),
        published=version or "",
        replayed=replayed,
        differences=differences[:MOST_NAMED],
    )


def _differences(published: Rows, rows: Rows) -> Iterator[str]:
    if len(published) != len(rows):
        yield f"{len(published)} rows are published, {len(rows)} follow from the counts"
    for before, after in zip(published, rows, strict=False):
        changed = [
            f"{name} {before[name]!r} -> {after.get(name)!r}"
            for name in before
            if name not in _FILLED and not name.endswith("_at") and name in after and before[name] != after[name]
        ]
        if changed and (text := ", ".join(changed)):
            label = "/".join(str(before[name]) for name in ("instance", "label", "row", "method") if before.get(name))
            yield f"{label or before['workload']}: {text}"
