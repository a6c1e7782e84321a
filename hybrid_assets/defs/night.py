"""Materializing a night in process, without daemon or web server."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from hybrid_assets import errors
from hybrid_assets.defs.assets import StageAsset, build_asset, stage_assets
from hybrid_assets.defs.instance import PROCESS_TAG, dagster_home, end_dead_runs, open_instance, process_tag
from hybrid_assets.defs.partitions import nights
from hybrid_assets.errors import ConfigurationError, UsageError
from hybrid_assets.model.text import nearest
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import Settings
from hybrid_assets.storage.held_files import sqlite_files_held_open

#: Logs a warning for every check of every asset that is pending.
CHATTER = "dagster._core.execution.plan.active"


@dataclass(frozen=True, kw_only=True)
class NightResult:
    """How a materialization ended."""

    run_id: str
    #: Keys of the assets that were published.
    published: Sequence[str]
    #: One sentence a failed step.
    failures: Sequence[str]
    #: Exit code of the worst failure, 0 when there is none.
    exit_code: int
    #: Assets that ended without publishing anything, because jobs are pending or something upstream failed.
    skipped: Sequence[str]

    def followed_by(self, later: "NightResult") -> "NightResult":
        """Return this result with what a later run of the same night added."""
        published = [*self.published, *later.published]
        return NightResult(
            run_id=self.run_id,
            published=published,
            failures=[*self.failures, *later.failures],
            exit_code=max(self.exit_code, later.exit_code),
            skipped=[key for key in self.skipped if key not in published],
        )


def resolve_night(settings: Settings, night: str | None) -> str:
    """Return a night's partition key; by default the night just over.

    Raises:
        ConfigurationError: There is no night yet.
        UsageError: The night is not one of the sweep's.
    """
    partitions = nights(settings)
    last = partitions.get_last_partition_key()
    if last is None:
        raise ConfigurationError(
            f"The first night, {settings.start}, is not over yet. Set an earlier start in sweep.yaml."
        )
    if night is None:
        return last
    if not partitions.has_partition_key(night):
        raise UsageError(f"{night!r} is not a night of this sweep. Nights are YYYY-MM-DD, {settings.start} to {last}.")
    return night


def select(
    settings: Settings, *, workloads: Sequence[str], backends: Sequence[str], until: str | None
) -> Sequence[StageAsset]:
    """Return the assets to materialize; empty sequences mean all, ``until`` keeps a stage and what it needs.

    Raises:
        UsageError: A name is unknown.
    """
    found = {spec.key: spec for spec in stage_assets(settings)}
    wanted: list[tuple[str, Mapping[str, object], str]] = [
        *((name, settings.workloads, "workload") for name in workloads),
        *((name, settings.backends, "backend") for name in backends),
    ]
    for name, known, kind in wanted:
        if name not in known:
            raise UsageError(f"No {kind} {name!r} in {settings.file}. {nearest(name, known)}Known: {', '.join(known)}.")
    kept = [spec for spec in found.values() if _wanted(spec, settings, workloads, backends)]
    if until is None:
        return kept
    stages = dict.fromkeys(spec.table for spec in found.values())
    if until not in stages:
        raise UsageError(f"No stage {until!r}. {nearest(until, stages)}Stages: {', '.join(stages)}.")
    needed = {spec.key for spec in kept if spec.table == until}
    for spec in reversed(kept):
        if spec.key in needed:
            needed |= set(spec.deps)
    return [spec for spec in kept if spec.key in needed]


def materialize_night(
    project: Project, *, night: str, selected: Sequence[StageAsset], instance: dg.DagsterInstance | None = None
) -> NightResult:
    """Materialize assets for a night in this process.

    Without Dagster's pools, which would wait for ever for the slot of a run that died: the ledger counts slots itself.
    """
    logging.getLogger(CHATTER).setLevel(logging.ERROR)
    partitions = nights(project.settings)
    with (
        sqlite_files_held_open(dagster_home(project.settings)),
        instance or open_instance(project.settings) as open_one,
    ):
        end_dead_runs(open_one)
        result = dg.materialize(
            [build_asset(replace(spec, pool=None), partitions) for spec in selected],
            partition_key=night,
            resources={"project": project},
            instance=open_one,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={"hybrid_assets/night": night, PROCESS_TAG: process_tag()},
        )
    failed = [event for event in result.all_events if event.is_step_failure]
    codes = [_exit_code(event) for event in failed]
    return NightResult(
        run_id=result.run_id,
        published=[
            event.asset_key.to_user_string()
            for event in result.all_events
            if event.is_step_materialization and event.asset_key
        ],
        failures=[_sentence(event) for event in failed],
        exit_code=max(codes, default=0),
        skipped=[str(event.step_key).replace("__", "/") for event in result.all_events if event.is_step_skipped],
    )


def _wanted(spec: StageAsset, settings: Settings, workloads: Sequence[str], backends: Sequence[str]) -> bool:
    first = spec.key[0]
    if first in settings.workloads:
        return (not workloads or first in workloads) and (len(spec.key) == 2 or not backends or spec.key[1] in backends)
    if first == "calibration_snapshots":
        return not backends or spec.key[1] in backends
    return True


def _error_names(event: dg.DagsterEvent) -> Sequence[tuple[str, str]]:
    """Return class name and message of a step's failure and of its causes, innermost first."""
    info = event.step_failure_data.error
    chain = []
    while info is not None:
        chain.append((info.cls_name or "", info.message))
        info = info.cause
    return chain[::-1]


def _exit_code(event: dg.DagsterEvent) -> int:
    for name, _ in _error_names(event):
        kind = getattr(errors, name, None)
        if kind is not None:
            return int(kind.exit_code)
    return 1


def _sentence(event: dg.DagsterEvent) -> str:
    step = str(event.step_key).replace("__", "/")
    name, message = next((pair for pair in _error_names(event) if hasattr(errors, pair[0])), _error_names(event)[0])
    text = message.strip().removeprefix(f"hybrid_assets.errors.{name}: ")
    return f"{step}: {text}"
