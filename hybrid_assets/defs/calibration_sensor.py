"""The sensor that reruns what a calibration change affects."""

import json
from collections.abc import Iterator

import dagster as dg

from hybrid_assets.defs.jobs import RECOMPILE_JOB
from hybrid_assets.errors import ConfigurationError, ProviderError
from hybrid_assets.runner import alerting
from hybrid_assets.runner.collecting import JOINING
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.project import Project
from hybrid_assets.runner.recalibrating import Overtaken, overtaken

#: Seconds between ticks; a calibration lasts hours.
INTERVAL_S = 60


def calibration_sensor() -> dg.SensorDefinition:
    """Return the sensor; it is off until somebody switches it on, for what it reruns may cost money."""

    @dg.sensor(
        name="calibration_sensor",
        job_name=RECOMPILE_JOB,
        minimum_interval_seconds=INTERVAL_S,
        description="Compiles and executes anew what a calibration change affects, and nothing else.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        decided = {}
        for backend in project.settings.backends:
            try:
                target = project.provider(backend).target()
            except (ConfigurationError, ProviderError) as exc:
                context.log.warning("%s: %s", backend, exc)
                continue
            project.calibrations.put(target, utc_now())
            decided[backend] = target.calibration_id
            number = len(project.calibrations.sightings(backend))  # a calibration may come back
            yield dg.RunRequest(
                run_key=f"snapshot/{backend}/{number}/{target.calibration_id[:16]}",
                asset_selection=[dg.AssetKey(["calibration_snapshots", backend])],
            )
            affected = list(overtaken(project, backend, target))
            alerting.note_drift(project, backend, target, affected)
            yield from map(_request, affected)
        context.update_cursor(json.dumps(decided))  # for people: what is decided follows from the ledger alone

    return sensor


def _request(found: Overtaken) -> dg.RunRequest:
    cell = found.cell
    stages = [f"{cell}/{stage}" for stage in ("compiled_circuits", "quantum_results", "comparisons")]
    keys = [*stages, f"{cell.workload}/decisions", *JOINING]
    return dg.RunRequest(
        run_key=f"recalibrate/{cell.name}/{found.epoch}",
        partition_key=cell.night,
        asset_selection=[dg.AssetKey(key.split("/")) for key in keys],
        tags={"hybrid_assets/night": cell.night, "hybrid_assets/circuits": str(len(found.reasons))},
    )
