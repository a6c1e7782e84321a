"""Dagster's API takes any text for a partition key; the assets do not."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from hybrid_assets.defs.partitions import known_night
from hybrid_assets.errors import UsageError

NIGHTS = dg.DailyPartitionsDefinition(start_date="2026-11-01", timezone="UTC")


def test_a_night_of_the_sweep_comes_back():
    assert known_night(NIGHTS, "2026-11-02") == "2026-11-02"


@pytest.mark.parametrize(
    "key",
    ["", "../../x", "2026-11-02/..", "2026-11-02\0", "2026-11-02\n", "2026-1-2", "20261102", "x" * 5000, "2026-10-31"],
)
def test_any_other_key_is_refused(key):
    with pytest.raises(UsageError) as refused:
        known_night(NIGHTS, key)
    assert str(refused.value) == f"{key!r} is not a night of this sweep. Nights are YYYY-MM-DD, days that are over."


def test_a_night_that_is_not_over_is_refused():
    with pytest.raises(UsageError):
        known_night(NIGHTS, date.max.isoformat())
