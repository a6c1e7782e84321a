"""Jobs."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from hybrid_assets.runner.collecting import JOINING

NIGHTLY_SWEEP_JOB = "nightly_sweep_job"
COLLECT_JOB = "collect_job"
RECOMPILE_JOB = "recompile_job"

#: A run whose process dies is run again; Dagster takes a sensor's request only once. All that it did is known already.
#: One that fails is left to a person: `dagster.yaml` says so.
RERUN_THE_DEAD = {"dagster/max_retries": "5", "dagster/retry_strategy": "ALL_STEPS"}


def nightly_sweep_job() -> Any:
    """Return the job that materializes the whole graph for one night (Dagster does not export its type)."""
    return dg.define_asset_job(
        NIGHTLY_SWEEP_JOB,
        selection=dg.AssetSelection.all(),
        description="The whole graph for one night: inputs, circuits, results, comparisons, decisions.",
        tags=RERUN_THE_DEAD,
    )


def collect_job() -> Any:
    """Return the job that finishes partitions whose kernels are over; `qpu_jobs_sensor` says which."""
    return _job_of(
        COLLECT_JOB,
        ("quantum_results", "comparisons", "decisions", *JOINING),
        description="Takes finished QPU jobs home and publishes what waited for them.",
    )


def recompile_job() -> Any:
    """Return the job that acts on a calibration change; `calibration_sensor` says on which partitions."""
    stages = ("compiled_circuits", "quantum_results", "comparisons", "decisions", *JOINING)
    return _job_of(
        RECOMPILE_JOB,
        (*stages, "calibration_snapshots/*"),
        description="Compiles and executes anew what a calibration change affects.",
    )


def _job_of(name: str, stages: Sequence[str], *, description: str) -> Any:
    selection = " or ".join(f'key:"*{stage}"' for stage in stages)
    return dg.define_asset_job(name, selection=selection, description=description, tags=RERUN_THE_DEAD)
