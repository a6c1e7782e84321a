"""What stands in front of Dagster's web server: who may ask what, the guard that refuses the rest, the reports.

No module here imports Dagster, so that every rule is tested without it; `hybrid_assets.defs.front` serves what the
guard lets through. Put a rule about requests into `policy`, what becomes of an answer into `guard`.
"""
