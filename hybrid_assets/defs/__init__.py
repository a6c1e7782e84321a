"""Dagster at the edge, one concept a file. Put keys, partitions, checks and metadata here; no SQL, no loops over jobs.

Modules here must not use ``from __future__ import annotations``: Dagster reads annotations at run time.
"""
