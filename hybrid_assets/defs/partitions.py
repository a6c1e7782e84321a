"""The one partitions definition: nights."""

import dagster as dg

from hybrid_assets.settings import Settings


def nights(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return the nights since the first one; the last is yesterday (UTC)."""
    return dg.DailyPartitionsDefinition(start_date=settings.start.isoformat(), timezone="UTC")
