"""The shipped workloads. Put problem families here; keep steps that several share in circuits and scoring."""
