"""From scores to intervals, references, comparisons and verdicts.

Put pure statistics and decisions about what a number may claim here; keep I/O, solvers, quantum SDKs and Dagster out.
"""
