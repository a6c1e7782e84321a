"""The one partitions definition: nights."""

import dagster as dg

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import Settings


def nights(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return the nights since the first one; the last is yesterday (UTC)."""
    return dg.DailyPartitionsDefinition(start_date=settings.start.isoformat(), timezone="UTC")


def known_night(partitions: dg.PartitionsDefinition[str], key: str) -> str:
    """Return a partition key that Dagster handed over: it becomes a path, and Dagster's API takes any text for one.

    Raises:
        UsageError: It is no night of the sweep.
    """
    if not partitions.has_partition_key(key):
        raise UsageError(f"{key!r} is not a night of this sweep. Nights are YYYY-MM-DD, days that are over.")
    return key
