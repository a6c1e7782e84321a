"""Kernels, proposals and whole ledgers that the tests of the stored ledger share."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from hybrid_assets.model.ledger import BatchProposal, BreakerRule, Lease
from hybrid_assets.model.queue import BudgetUnit, KernelState, QueuedKernel, Reservation, WorkClass

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
RULE = BreakerRule(threshold=3, pause_s=60.0)


#: What a second of QPU time is in each unit.
FACTORS = {BudgetUnit.QPU_S: 1.0, BudgetUnit.MONEY: 0.25, BudgetUnit.SHOTS: 1000.0}


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def kernel(number, *, backend="torino", **changes):
    """Return the kernel of a number; a lower one was put in earlier."""
    facts = {
        "kernel_id": f"k{number:06d}",
        "backend": backend,
        "night": "2026-11-23",
        "workload": "maxcut",
        "instance": f"i{number}",
        "label": f"graph {number}",
        "correlation_id": f"c{number}",
        "team": "red",
        "work_class": WorkClass.PRODUCTION,
        "group": "g",
        "rows": 4,
        "shots": 1000,
        "payload_bytes": 10_000,
        "expected_s": 2.0,
        "state": KernelState.READY,
        "enqueued_at": later(number / 1000),
        "inputs_at": later(-3600),
    }
    return QueuedKernel(**(facts | changes))


def proposal(*kernels, reserved_s=0.0, budgets=MappingProxyType({}), backend="torino"):
    """Return the proposal of a batch that sets aside its whole cost in each of the budgets, given with their unit."""
    return BatchProposal(
        backend=backend,
        kernel_ids=tuple(k.kernel_id for k in kernels),
        reserved_s=reserved_s,
        reservations=tuple(
            Reservation(budget_id=name, amount=reserved_s * FACTORS[unit], unit=unit) for name, unit in budgets.items()
        ),
        price_per_s=FACTORS[BudgetUnit.MONEY],
        reason="oldest first",
        limit=len(kernels),
    )


def lease_of(batch, *, until=None):
    return Lease(batch_id=batch.batch_id, fence=batch.fence, until=until or later(600))


def everything(ledger):
    """Return all that can be seen of a ledger."""
    return {
        "kernels": ledger.kernels(),
        "batches": ledger.batches(),
        "breakers": [ledger.breaker(name) for name in ("torino", "fez")],
        "budgets": ledger.budgets(),
        "decisions": ledger.decisions(),
        "duplicates": ledger.duplicates(),
        "approvals": ledger.approvals(),
        "events": ledger.events(),
    }


def assert_consistent(ledger):
    """Check what must hold between the rows of a ledger at any moment."""
    kernels = {k.kernel_id: k for k in ledger.kernels()}
    batches = ledger.batches()
    assert ledger.count_kernels() == Counter(k.state for k in kernels.values())
    in_batches = Counter(name for b in batches if not b.status.is_final for name in b.kernel_ids)
    assert in_batches == Counter(k.kernel_id for k in kernels.values() if k.state is KernelState.BATCHED)
    assert all(kernels[name].batch_id == b.batch_id for b in batches if not b.status.is_final for name in b.kernel_ids)
    assert Counter(name for b in batches for name in b.kernel_ids) == Counter(
        {k.kernel_id: k.num_batches for k in kernels.values() if k.num_batches}
    )
    for budget in ledger.budgets():
        set_aside = [r.amount for b in batches if not b.status.is_final for r in b.reservations
                     if r.budget_id == budget.budget_id]  # fmt: skip
        assert abs(budget.reserved - sum(set_aside)) < 1e-6, asdict(budget)
    assert Counter(d.batch_id for d in ledger.decisions() if d.batch_id) == Counter(b.batch_id for b in batches)
