"""The asset graph: for every workload and backend the same stages, each body one call into `runner`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from hybrid_assets import registry
from hybrid_assets.control.fallback import RungKind
from hybrid_assets.defs.checks import check_result, check_spec
from hybrid_assets.defs.failures import translated
from hybrid_assets.defs.instance import pool_of
from hybrid_assets.defs.metadata import column_schema, outcome_metadata
from hybrid_assets.defs.partitions import known_night
from hybrid_assets.errors import CheckFailedError
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.report import nightly
from hybrid_assets.runner import (
    alerting,
    calibrating,
    comparing,
    compiling,
    deciding,
    executing,
    exporting,
    normalizing,
    promises,
    solving,
)
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import Settings

Stage = Callable[[Project, str], StageOutcome]

#: Version of the code behind every asset; raise it when rows of the same inputs would change.
CODE_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class StageAsset:
    """One asset of the graph, before Dagster."""

    key: tuple[str, ...]
    table: str
    description: str
    group: str
    kinds: frozenset[str]
    team: str
    stage: Stage
    checks: tuple[str, ...] = ()
    deps: tuple[tuple[str, ...], ...] = ()
    pool: str | None = None
    is_partitioned: bool = True

    @property
    def joins_backends(self) -> bool:
        """Whether it makes sense while one of the backends is pending."""
        return self.table in {"decisions", "nightly_report"} or self.key[0] == "control"


def stage_assets(settings: Settings) -> Sequence[StageAsset]:
    """Return every asset of the graph, upstream first."""
    found: list[StageAsset] = [_calibration(backend) for backend in settings.backends]
    for workload in settings.workloads:
        found += _classical(settings, workload)
        for backend in settings.backends_of(workload):
            found += _quantum(settings, workload, backend)
        found.append(_decisions(settings, workload))
    return [_with_latency_budget(settings, spec) for spec in (*found, *_control(settings), _report(settings))]


def build_asset(spec: StageAsset, partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """Return the Dagster asset of a stage.

    It is a multi-asset of one, since only that may end without an output: nothing published, jobs still pending.
    """
    key = dg.AssetKey(list(spec.key))

    @dg.multi_asset(
        name="__".join(spec.key),
        specs=[
            dg.AssetSpec(
                key,
                description=spec.description,
                deps=[dg.AssetKey(list(dep)) for dep in spec.deps],
                group_name=spec.group,
                kinds=set(spec.kinds),
                owners=[f"team:{spec.team}"],
                code_version=CODE_VERSION,
                skippable=True,
                metadata={"dagster/column_schema": column_schema(spec.table), "view": spec.table},
            )
        ],
        check_specs=[check_spec(key, name) for name in spec.checks],
        partitions_def=partitions if spec.is_partitioned else None,
        pool=spec.pool,
        can_subset=True,
    )
    def body(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with translated():
            night = known_night(partitions, context.partition_key) if spec.is_partitioned else ""
            try:
                outcome = spec.stage(project, night)
            except CheckFailedError as exc:
                alerting.note_checks(project, key=spec.key, night=night, checks=exc.checks)
                yield from (check_result(key, check) for check in exc.checks if check.name in spec.checks)
                raise
        alerting.note_outcome(project, key=spec.key, night=night, outcome=outcome)
        if outcome.pending:
            context.log.warning(outcome.pending)
            return
        trend = project.remember("/".join(spec.key), night, outcome)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=outcome_metadata(outcome, trend),
            data_version=dg.DataVersion(outcome.data_version),
            check_results=[check_result(key, check) for check in outcome.checks],
        )

    return body


def _with_latency_budget(settings: Settings, spec: StageAsset) -> StageAsset:
    """Return an asset with the check on its stage's latency budget, where it has one."""
    if not promises.has_latency_budget(settings, spec.key):
        return spec
    timed: Stage = lambda project, night: promises.with_latency(project, night, spec.key, spec.stage(project, night))  # noqa: E731
    return replace(spec, stage=timed, checks=(*spec.checks, promises.LATENCY_CHECK))


def _calibration(backend: str) -> StageAsset:
    return StageAsset(
        key=("calibration_snapshots", backend),
        table="calibration_snapshots",
        description=f"Latest calibration of {backend}; its data version is its id.",
        group="quantum",
        kinds=frozenset({"qiskit", "parquet"}),
        team="platform",
        stage=lambda project, _night: calibrating.snapshot_calibration(project, backend=backend),
        is_partitioned=False,
    )


def _classical(settings: Settings, workload: str) -> Sequence[StageAsset]:
    team = settings.workloads[workload].team
    return (
        StageAsset(
            key=(workload, "normalized_inputs"),
            table="normalized_inputs",
            description=f"Validated, fingerprinted problem instances.\n\n{registry.workload(workload).description}",
            group="inputs",
            kinds=frozenset({"python", "parquet"}),
            team=team,
            stage=lambda project, night: normalizing.normalize_inputs(project, night=night, workload=workload),
            checks=("row_count", "unique_key", "schema", "no_input_refused"),
        ),
        StageAsset(
            key=(workload, "classical_baselines"),
            table="classical_baselines",
            description="Every classical rival on every instance, solved once.",
            group="classical",
            kinds=frozenset({"scikitlearn", "scipy", "parquet"}),
            team=team,
            stage=lambda project, night: solving.solve_baselines(project, night=night, workload=workload),
            checks=("row_count", "unique_key", "schema"),
            deps=((workload, "normalized_inputs"),),
        ),
    )


def _quantum(settings: Settings, workload: str, backend: str) -> Sequence[StageAsset]:
    team = settings.workloads[workload].team
    kinds = frozenset({"qiskit", "parquet"})
    return (
        StageAsset(
            key=(workload, backend, "compiled_circuits"),
            table="compiled_circuits",
            description=f"Circuits compiled for {backend}, from the cache where known.",
            group="quantum",
            kinds=kinds,
            team=team,
            stage=lambda project, night: compiling.compile_circuits(
                project, night=night, workload=workload, backend=backend
            ),
            checks=("unique_key", "schema"),
            deps=((workload, "normalized_inputs"), ("calibration_snapshots", backend)),
        ),
        StageAsset(
            key=(workload, backend, "quantum_results"),
            table="quantum_results",
            description=f"One row a parameter setting, executed on {backend}.",
            group="quantum",
            kinds=kinds,
            team=team,
            stage=lambda project, night: executing.execute_kernels(
                project, night=night, workload=workload, backend=backend
            ),
            checks=(
                *("row_count", "unique_key", "schema", "shots_add_up", "every_kernel_answered"),
                *promises.service_check_names(settings.objectives(workload)),
            ),
            deps=(
                (workload, "normalized_inputs"),
                (workload, backend, "compiled_circuits"),
                *_rivals(settings, workload),
            ),
            pool=pool_of(backend),
        ),
        StageAsset(
            key=(workload, backend, "comparisons"),
            table="comparisons",
            description=f"Results of {backend} beside their rivals, with a verdict.",
            group="evidence",
            kinds=frozenset({"pandas", "parquet"}),
            team=team,
            stage=lambda project, night: comparing.compare(project, night=night, workload=workload, backend=backend),
            checks=("unique_key", "schema", "no_ratio_above_proved_optimum"),
            deps=((workload, backend, "quantum_results"), (workload, "classical_baselines")),
        ),
    )


def _rivals(settings: Settings, workload: str) -> Sequence[tuple[str, ...]]:
    """Return what must be solved before a classical answer can stand in for a backend's."""
    is_rung = any(rung.kind is RungKind.CLASSICAL for rung in settings.ladder(workload))
    return ((workload, "classical_baselines"),) if is_rung else ()


def _decisions(settings: Settings, workload: str) -> StageAsset:
    return StageAsset(
        key=(workload, "decisions"),
        table="decisions",
        description="Which answers may be used downstream tonight, and why.",
        group="evidence",
        kinds=frozenset({"python", "parquet"}),
        team=settings.workloads[workload].team,
        stage=lambda project, night: deciding.decide(project, night=night, workload=workload),
        checks=("unique_key", "schema"),
        deps=tuple((workload, backend, "comparisons") for backend in settings.backends_of(workload)),
    )


def _control(settings: Settings) -> Sequence[StageAsset]:
    executed = tuple((w, b, "quantum_results") for w in settings.workloads for b in settings.backends_of(w))
    decided = tuple((w, "decisions") for w in settings.workloads)
    attempts: Stage = lambda project, night: exporting.export_attempts(project, night=night)  # noqa: E731
    timings: Stage = lambda project, night: exporting.export_timings(project, night=night)  # noqa: E731
    parts = (
        ("job_attempts", "Every job that was submitted this night, with its fate and cost.", executed, attempts),
        ("stage_timings", "How long each stage of the night took.", decided, timings),
    )
    return tuple(
        StageAsset(
            key=("control", table),
            table=table,
            description=description,
            group="evidence",
            kinds=frozenset({"python", "parquet"}),
            team="platform",
            stage=stage,
            checks=("schema",),
            deps=deps,
        )
        for table, description, deps, stage in parts
    )


def _report(settings: Settings) -> StageAsset:
    return StageAsset(
        key=("report", "nightly_report"),
        table="nightly_report",
        description="The night as one HTML file, every number with its SQL.",
        group="evidence",
        kinds=frozenset({"python", "duckdb", "html"}),
        team="platform",
        stage=lambda project, night: nightly.publish_report(project, night=night),
        checks=("schema",),
        deps=(
            *((workload, "decisions") for workload in settings.workloads),
            ("control", "job_attempts"),
            ("control", "stage_timings"),
        ),
    )
