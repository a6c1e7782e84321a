"""What the stored ledger does beyond the protocol, whose promises `conformance` checks: it counts without reading."""

from __future__ import annotations

from itertools import count

import pytest

from hybrid_assets.model.queue import KernelState
from hybrid_assets.storage.ledger import queue
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.integration.storage.ledger_samples import kernel, later


@pytest.fixture
def make_ledger(tmp_path):
    """Return a maker of ledgers that are closed at the end."""
    made = []

    def make():
        made.append(SqlLedger(tmp_path / f"ledger-{next(numbers)}.sqlite"))
        return made[-1]

    numbers = count()
    yield make
    for ledger in made:
        ledger.close()


def test_counts_match_every_filter(make_ledger):
    """Four kernels: two nights, two backends; k2 is cancelled, k3 refused and sent back."""
    ledger = make_ledger()
    ledger.enqueue(
        [kernel(1), kernel(2), kernel(3, night="2026-11-24"), kernel(4, backend="fez", workload="portfolio")]
    )
    ledger.cancel_kernels(["k000002"], now=later(1))
    ledger.refuse_kernels(["k000003"], error_class="E", error_message="no", remedy=None, now=later(1))
    assert ledger.count_kernels() == {KernelState.READY: 2, KernelState.CANCELLED: 1, KernelState.FAILED: 1}
    assert ledger.count_kernels(backend="fez") == {KernelState.READY: 1}
    assert ledger.count_kernels(night="2026-11-24") == {KernelState.FAILED: 1}
    assert ledger.count_kernels(workload="maxcut", night="2026-11-23") == {
        KernelState.READY: 1, KernelState.CANCELLED: 1,
    }  # fmt: skip
    ledger.requeue(["k000003"], now=later(2))
    assert ledger.count_kernels(night="2026-11-24") == {KernelState.READY: 1}
    assert ledger.count_kernels(backend="nowhere") == {}


@pytest.mark.parametrize("num_probed", [1, 3, 20_000])
def test_ready_finds_what_waited_in_the_order_of_the_queue(make_ledger, monkeypatch, num_probed):
    """Of nine kernels 0, 2, 5 and 8 never waited, 1, 3 and 7 waited until now, 4 and 6 still wait."""
    monkeypatch.setattr(queue, "NUM_PROBED", num_probed)
    ledger = make_ledger()
    kernels = [kernel(n) for n in range(9)]
    ledger.enqueue(kernels)
    why = {"error_class": "X", "error_message": "because"}
    for number, wait_s in ((1, 100.0), (3, 50.0), (7, 99.0), (4, 100.1), (6, 200.0)):
        ledger.hold([kernels[number].kernel_id], not_before=later(wait_s), **why)
    for limit in range(1, 10):
        found = [k.kernel_id for k in ledger.ready("torino", now=later(100.0), limit=limit)]
        assert found == [kernels[n].kernel_id for n in (0, 1, 2, 3, 5, 7, 8)[:limit]]


def test_more_kernels_than_a_statement_takes(make_ledger):
    """SQLite takes 32,766 parameters; 4,001 kernels are 100,025 values, and more ids than one chunk."""
    ledger = make_ledger()
    kernels = [kernel(n) for n in range(4001)]
    assert ledger.enqueue(kernels) == 4001
    assert ledger.enqueue([*kernels[:10], kernels[3], kernel(5000), kernel(5000)]) == 1
    ids = [k.kernel_id for k in kernels]
    assert ledger.kernels(kernel_ids=reversed(ids)) == kernels
    assert ledger.cancel_kernels(ids, now=later(1)) == ids
    assert ledger.count_kernels() == {KernelState.CANCELLED: 4001, KernelState.READY: 1}
