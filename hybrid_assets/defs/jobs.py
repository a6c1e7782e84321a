"""Jobs."""

from typing import Any

import dagster as dg

NIGHTLY_SWEEP_JOB = "nightly_sweep_job"


def nightly_sweep_job() -> Any:
    """Return the job that materializes the whole graph for one night (Dagster does not export its type)."""
    return dg.define_asset_job(
        NIGHTLY_SWEEP_JOB,
        selection=dg.AssetSelection.all(),
        description="The whole graph for one night: inputs, circuits, results, comparisons, decisions.",
    )
