"""Sensors."""

from collections.abc import Iterator, Sequence

import dagster as dg

from hybrid_assets.defs.instance import end_dead_runs, fill_pools
from hybrid_assets.defs.jobs import COLLECT_JOB
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.runner import alerting, collecting
from hybrid_assets.runner.collecting import Progress
from hybrid_assets.runner.orders import Cell
from hybrid_assets.runner.project import Project

#: Seconds a tick drives each backend: far below the time Dagster gives it.
TICK_S = 5.0
#: Seconds between ticks.
INTERVAL_S = 30
#: Results that are not compared after so long were left behind by a process that died.
LEFT_BEHIND_S = 300.0


def qpu_jobs_sensor() -> dg.SensorDefinition:
    """Return the sensor that follows QPU jobs and has finished partitions collected; twice is as good as once."""

    @dg.sensor(
        name="qpu_jobs_sensor",
        job_name=COLLECT_JOB,
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Follows QPU jobs on their way and collects the partitions that can be finished.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        end_dead_runs(context.instance)
        fill_pools(context.instance, project.settings)
        for sentence in collecting.collect(project, wait_s=TICK_S):
            context.log.warning(sentence)
        waiting = 0
        requests: list[dg.RunRequest] = []
        for found in collecting.progress(project):
            waiting += found.num_waiting
            requests += _requests(project, found)
        for sentence in alerting.tell(project):
            context.log.warning(sentence)
        requests += _comparing(project)
        yield from requests
        if not requests:  # Dagster takes runs or a reason why there are none, never both
            yield dg.SkipReason(f"{waiting or 'No'} kernels are still in the queue or in QPU jobs.")

    return sensor


def _requests(project: Project, found: Progress) -> Iterator[dg.RunRequest]:
    """Yield the run that finishes a partition, or the one that decides without it."""
    cell = found.cell
    if found.is_late or not found.num_waiting:
        keys = [f"{cell}/quantum_results", f"{cell}/comparisons", f"{cell.workload}/decisions"]
        run_key = f"{'late' if found.is_late else 'collect'}/{cell.night}/{cell}/{found.order_id}"
    elif versions := _published(project, cell.night, cell.workload):
        keys = [f"{cell.workload}/decisions"]
        run_key = f"decide/{cell.night}/{cell.workload}/{fingerprint(versions)[:16]}"
    else:
        return
    yield _request_of(cell, keys, run_key=run_key)


def _comparing(project: Project) -> Iterator[dg.RunRequest]:
    """Yield the runs that compare what a process published and did not live to compare."""
    for cell in collecting.uncompared(project, for_s=LEFT_BEHIND_S):
        version = project.warehouse.data_version("quantum_results", **cell.partition)
        yield _request_of(
            cell,
            [f"{cell}/comparisons", f"{cell.workload}/decisions"],
            run_key=f"compare/{cell.night}/{cell}/{fingerprint([version])[:16]}",
        )


def _request_of(cell: Cell, keys: Sequence[str], *, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=run_key,
        partition_key=cell.night,
        asset_selection=[dg.AssetKey(key.split("/")) for key in (*keys, *collecting.JOINING)],
        tags={"hybrid_assets/night": cell.night},
    )


def _published(project: Project, night: str, workload: str) -> dict[str, str | None]:
    """Return the versions of the comparisons that are there, by backend."""
    found = {
        backend: project.warehouse.data_version("comparisons", night=night, workload=workload, backend=backend)
        for backend in project.settings.backends_of(workload)
    }
    return {backend: version for backend, version in found.items() if version}
