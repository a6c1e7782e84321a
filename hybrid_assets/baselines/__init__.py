"""Classical rivals, one file each behind an entry point. Put solvers here; keep quantum SDKs and workloads out."""
