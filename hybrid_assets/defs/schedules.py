"""Schedules."""

import dagster as dg

from hybrid_assets.defs.jobs import NIGHTLY_SWEEP_JOB
from hybrid_assets.settings import Settings


def nightly_sweep_schedule(settings: Settings, partitions: dg.DailyPartitionsDefinition) -> dg.ScheduleDefinition:
    """Return the schedule that runs the night just over; it is off until switched on in the UI."""

    @dg.schedule(
        name="nightly_sweep_schedule",
        job_name=NIGHTLY_SWEEP_JOB,
        cron_schedule=settings.cron,
        execution_timezone="UTC",
        description="Runs the whole graph for the night just over.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with dg.partition_loading_context(effective_dt=context.scheduled_execution_time):
            night = partitions.get_last_partition_key()
        if night is None:
            return dg.SkipReason(f"The first night, {settings.start}, is not over yet.")
        return dg.RunRequest(run_key=night, partition_key=night)

    return schedule
