"""Both ledgers keep the contract of the control plane."""

from __future__ import annotations

import itertools

import pytest

from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets.testing.ledger import InMemoryLedger
from hybrid_assets.testing.ledger_api import PROMISES, assert_ledger_api


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__.strip("_"))
def test_ledger_in_memory_keeps(promise):
    promise(InMemoryLedger())


def test_stored_ledger_keeps_every_promise(tmp_path):
    number = itertools.count()
    opened = []

    def make():
        opened.append(SqlLedger(tmp_path / f"{next(number)}.sqlite"))
        return opened[-1]

    assert_ledger_api(make)
    for ledger in opened:
        ledger.close()
