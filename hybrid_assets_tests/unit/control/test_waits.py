"""Why kernels wait is written often enough to be read, and seldom enough not to flood the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hybrid_assets.control.waits import is_worth_writing
from hybrid_assets.model.queue import BatchDecision
from hybrid_assets.testing._ledger_steps import START

ROW = BatchDecision(
    decided_at=START, backend="qpu", batch_id=None, size=5, limit=None, reason="not planned: no free slot"
)


@pytest.mark.parametrize(
    ("after_s", "size", "is_written"),
    [
        pytest.param(59.9, 6, False, id="changed within the minute"),
        pytest.param(60.0, 6, True, id="changed after a minute"),
        pytest.param(3599.0, 5, False, id="the same within the hour"),
        pytest.param(3600.0, 5, True, id="the same for an hour"),
        pytest.param(-5.0, 6, False, id="written late by a process that stood still"),
    ],
)
def test_a_reason_is_written_again_when_it_says_something_new(after_s, size, is_written):
    again = replace(ROW, decided_at=START + timedelta(seconds=after_s), size=size)
    assert is_worth_writing(again, ROW) is is_written


def test_a_new_reason_is_written_at_once():
    assert is_worth_writing(ROW, None)
