"""Jobs."""

from typing import Any

import dagster as dg

NIGHTLY_SWEEP_JOB = "nightly_sweep_job"
COLLECT_JOB = "collect_job"


def nightly_sweep_job() -> Any:
    """Return the job that materializes the whole graph for one night (Dagster does not export its type)."""
    return dg.define_asset_job(
        NIGHTLY_SWEEP_JOB,
        selection=dg.AssetSelection.all(),
        description="The whole graph for one night: inputs, circuits, results, comparisons, decisions.",
    )


def collect_job() -> Any:
    """Return the job that finishes partitions whose kernels are over; `qpu_jobs_sensor` says which."""
    stages = ("quantum_results", "comparisons", "decisions", "job_attempts", "stage_timings")
    return dg.define_asset_job(
        COLLECT_JOB,
        selection=" or ".join(f'key:"*{stage}"' for stage in stages),
        description="Takes finished QPU jobs home and publishes what waited for them.",
    )
