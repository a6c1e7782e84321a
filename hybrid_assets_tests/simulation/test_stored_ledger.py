"""The same schedule on the ledger of production: step by step what the ledger in memory did."""

from __future__ import annotations

import pytest

from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets.testing.simulation.schedule import Parts, run_schedule


@pytest.mark.parametrize("seed", [3, 41, 193, 204, 541])
def test_stored_ledger_goes_the_same_way(seed, tmp_path):
    opened = []

    def make():
        opened.append(SqlLedger(tmp_path / "ledger.sqlite"))
        return opened[0]

    outcome = run_schedule(seed, parts=Parts(ledger=make))
    opened[0].close()
    assert outcome == run_schedule(seed)
    assert outcome.violation is None
