"""Jobs."""

import dagster as dg


def nightly_sweep_job(partitions: dg.PartitionsDefinition[str]) -> dg.UnresolvedAssetJobDefinition:
    """Return the job that materializes the whole graph for one night."""
    return dg.define_asset_job(
        "nightly_sweep_job",
        selection=dg.AssetSelection.all(),
        partitions_def=partitions,
        description="The whole graph for one night: inputs, circuits, results, comparisons, decisions.",
    )
