"""The code location: `defs` is what Dagster loads; `build_defs` makes a fresh one with parts swapped."""

from typing import Any

import dagster as dg

from hybrid_assets.defs.approvals import approve_job
from hybrid_assets.defs.assets import build_asset, stage_assets
from hybrid_assets.defs.calibration_sensor import calibration_sensor
from hybrid_assets.defs.jobs import collect_job, nightly_sweep_job, recompile_job
from hybrid_assets.defs.partitions import nights
from hybrid_assets.defs.resources import ProjectResource
from hybrid_assets.defs.schedules import nightly_sweep_schedule
from hybrid_assets.defs.sensors import qpu_jobs_sensor
from hybrid_assets.settings import Settings, load_settings


def build_defs(*, settings: Settings | None = None, project: Any = None) -> dg.Definitions:
    """Return the whole code location.

    Args:
        settings: What the graph is made from; by default what `load_settings` finds.
        project: A `Project` or a fake of it in place of the resource that opens one.
    """
    settings = settings or load_settings()
    partitions = nights(settings)
    return dg.Definitions(
        assets=[build_asset(spec, partitions) for spec in stage_assets(settings)],
        jobs=[nightly_sweep_job(), collect_job(), recompile_job(), approve_job()],
        schedules=[nightly_sweep_schedule(settings, partitions)],
        sensors=[qpu_jobs_sensor(), calibration_sensor()],
        resources={"project": project or ProjectResource(settings_file=str(settings.file.resolve()))},
        executor=dg.in_process_executor,
    )


defs = build_defs()
