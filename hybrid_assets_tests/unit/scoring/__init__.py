"""Statistics, comparisons and verdicts, mirroring `hybrid_assets.scoring`."""
