"""What every ledger must account for: budgets by unit, service, ends, waits, approvals; promises of `ledger_api`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.gates import Approval, GateDecision
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, BreakerSignal, KernelOutcome, Refusal, RefusalKind
from hybrid_assets.model.queue import BatchDecision, BatchRecord, BudgetUnit, DuplicateJob, KernelState, WorkClass
from hybrid_assets.testing._ledger_steps import (
    BACKEND,
    NIGHT,
    PRICE_PER_S,
    RULE,
    TEAM,
    finish,
    intend,
    kernel,
    later,
    lease,
    plan,
    planned,
)

if TYPE_CHECKING:
    from hybrid_assets.control.ledger import JobLedger


def _set_budgets(ledger: JobLedger) -> None:
    for unit, limit in ((BudgetUnit.QPU_S, 90.0), (BudgetUnit.MONEY, 45.0), (BudgetUnit.SHOTS, 500.0)):
        ledger.set_budget(unit.value, team=TEAM, window=NIGHT, limit=limit, unit=unit)


def _booked(ledger: JobLedger) -> dict[str, tuple[float, float]]:
    return {budget.unit.value: (budget.reserved, budget.spent) for budget in ledger.budgets()}


def _budgets_are_kept_in_their_unit(ledger: JobLedger) -> None:
    _set_budgets(ledger)
    ledger.enqueue([kernel(number) for number in range(5)])
    first = planned(ledger, 0)
    second = planned(ledger, 1)
    assert ledger.batches(batch_ids=[first.batch_id]) == [first], "a batch comes back with units and price"
    assert first.price_per_s == PRICE_PER_S
    assert _booked(ledger) == {"qpu_s": (6.0, 0.0), "money": (3.0, 0.0), "shots": (400.0, 0.0)}, "3 s, 200 shots each"
    refused = plan(ledger, 2)
    assert isinstance(refused, Refusal), "500 - 400 shots are left, 200 are wanted"
    assert (refused.kind, "shots" in refused.detail) == (RefusalKind.OVER_BUDGET, True), "the refusal names the budget"
    finish(ledger, first, 101.0, billed_s=2.0)
    finish(ledger, second, 101.0, billed_s=0.0, state=KernelState.READY)
    assert _booked(ledger) == {"qpu_s": (0.0, 2.0), "money": (0.0, 1.0), "shots": (0.0, 200.0)}, (
        "seconds and money follow the bill, shots are charged where something ran"
    )
    try:
        ledger.set_budget("shots", team=TEAM, window=NIGHT, limit=9.0)
    except ConfigurationError:
        pass
    else:
        raise AssertionError("a budget must not change its unit")
    assert _booked(ledger)["shots"] == (0.0, 200.0), "a refused change changes nothing"


def _bills_in_money_are_kept_beside_seconds(ledger: JobLedger) -> None:
    """Each job sets 1.50 aside. One is billed 0.75, one fails and is billed 0.25, one fails for nothing; no seconds.

    A duplicate of the first costs another 0.50.
    """
    _set_budgets(ledger)
    ledger.set_budget("shots", team=TEAM, window=NIGHT, limit=600.0, unit=BudgetUnit.SHOTS)
    priced = [replace(kernel(number), expected_s=0.0, expected_money=1.5) for number in range(3)]
    ledger.enqueue(priced)
    assert list(ledger.kernels()) == priced, "a kernel comes back with its price"
    sent, failed, free = intend(ledger, planned(ledger, 0), 101.0), planned(ledger, 1), planned(ledger, 2)
    assert isinstance(sent, BatchRecord)
    finish(ledger, sent, 110.0, billed_s=0.0, billed_money=0.75)
    finish(ledger, failed, 110.0, state=KernelState.FAILED, billed_s=0.0, billed_money=0.25)
    finish(ledger, free, 110.0, state=KernelState.FAILED, billed_s=0.0, billed_money=0.0)
    bills = {b.batch_id: (b.reserved_money, b.billed_s, b.billed_money) for b in ledger.batches()}
    assert bills == {
        sent.batch_id: (1.5, 0.0, 0.75), failed.batch_id: (1.5, 0.0, 0.25), free.batch_id: (1.5, 0.0, 0.0),
    }  # fmt: skip
    assert _booked(ledger) == {"qpu_s": (0.0, 0.0), "money": (0.0, 1.0), "shots": (0.0, 400.0)}, (
        "money follows the bill in money, no seconds were billed, shots are charged where anything was"
    )
    assert ledger.served(BACKEND, since=later(110)) == {(WorkClass.PRODUCTION, TEAM): 3.0}, "served in units of money"
    found = DuplicateJob(
        batch_id=sent.batch_id, backend=BACKEND, provider_job_id="twin", status=JobStatus.SUCCEEDED, billed_s=0.0,
        billed_money=0.5, found_at=later(150),
    )  # fmt: skip
    (audit,) = ledger.claim(BACKEND, owner="b", now=later(150), lease_s=30.0, limit=1)
    ledger.record_audit(lease(audit, 150.0), duplicates=[found], now=later(150))
    assert list(ledger.duplicates()) == [found]
    assert _booked(ledger)["money"] == (0.0, 1.5)
    assert ledger.events(kinds=["duplicate"])[0].text == "twin SUCCEEDED 0.5 of money"


def _duplicates_are_paid_in_every_unit(ledger: JobLedger) -> None:
    _set_budgets(ledger)
    ledger.enqueue([kernel(0)])
    sent = intend(ledger, planned(ledger, 0), 101.0)
    assert isinstance(sent, BatchRecord)
    finish(ledger, sent, 110.0, billed_s=2.0)
    names = (("ran", 1.5, JobStatus.SUCCEEDED), ("never ran", 0.0, JobStatus.CANCELLED))
    found = [
        DuplicateJob(
            batch_id=sent.batch_id, backend=BACKEND, provider_job_id=name, status=status, billed_s=billed_s,
            found_at=later(150),
        )
        for name, billed_s, status in names
    ]  # fmt: skip
    (audit,) = ledger.claim(BACKEND, owner="b", now=later(150), lease_s=30.0, limit=1)
    ledger.record_audit(lease(audit, 150.0), duplicates=found, now=later(150))
    assert _booked(ledger) == {"qpu_s": (0.0, 3.5), "money": (0.0, 1.75), "shots": (0.0, 400.0)}, (
        "the duplicate that ran took its shots again, the other none"
    )


def _ends_are_read_in_their_order(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(number) for number in range(4)])
    batches = [planned(ledger, number) for number in range(4)]
    for batch, at_s in zip(batches[:3], (130.0, 110.0, 120.0), strict=True):
        finish(ledger, batch, at_s)
    ends = [batch.finished_at for batch in ledger.finished(BACKEND, since=later(120))]
    assert ends == [later(120), later(130)], "those since then, in the order in which they ended"
    assert not ledger.finished("elsewhere", since=later(0)), "of this backend"


def _service_is_counted_by_class_and_team(ledger: JobLedger) -> None:
    """All kernels are expected to take 3 s; number 1 explores, number 2 is another team's."""
    rows = [kernel(number) for number in range(6)]
    rows[1] = replace(rows[1], work_class=WorkClass.EXPLORATORY)
    rows[2] = replace(rows[2], team="other")
    ledger.enqueue(rows)
    assert ledger.served(BACKEND, since=later(0)) == {}, "what only waits was not served"
    finish(ledger, planned(ledger, 0, 1, 2), 110.0)
    failed = planned(ledger, 3)
    unpaid = planned(ledger, 4)
    finish(ledger, failed, 110.0, state=KernelState.FAILED, signal=BreakerSignal.NEUTRAL, billed_s=1.0)
    finish(ledger, unpaid, 110.0, state=KernelState.FAILED, signal=BreakerSignal.NEUTRAL, billed_s=0.0)
    planned(ledger, 5)
    production, exploratory = (WorkClass.PRODUCTION, TEAM), (WorkClass.EXPLORATORY, TEAM)
    assert ledger.served(BACKEND, since=later(110)) == {
        production: 9.0, exploratory: 3.0, (WorkClass.PRODUCTION, "other"): 3.0,
    }, "done, failed but paid, and on its way; not what failed for nothing"  # fmt: skip
    assert ledger.served(BACKEND, since=later(111)) == {production: 3.0}, "what is on its way counts whenever it began"
    assert ledger.served("elsewhere", since=later(0)) == {}


def _batches_are_found_by_what_they_hold(ledger: JobLedger) -> None:
    other = replace(kernel(1), night="2026-11-24", workload="portfolio")
    ledger.enqueue([kernel(0), other, kernel(2)])
    mixed, plain = planned(ledger, 0, 1), planned(ledger, 2)
    assert list(ledger.batches(night="2026-11-24")) == [mixed]
    assert {batch.batch_id for batch in ledger.batches(workload="maxcut")} == {mixed.batch_id, plain.batch_id}
    assert not ledger.batches(night="2026-11-24", workload="maxcut"), "no kernel is of both"
    finish(ledger, mixed, 110.0, state=KernelState.READY)
    planned(ledger, 1, at_s=111.0)
    assert len(ledger.batches(night="2026-11-24", workload="portfolio")) == 2, "what once held it counts too"


def _waits_are_written_once(ledger: JobLedger) -> None:
    row = BatchDecision(decided_at=later(0), backend=BACKEND, batch_id=None, size=3, limit=None, reason="no slot")
    other = replace(row, reason="no money", size=1)
    assert ledger.record_waits([row, other]) == 2
    assert ledger.record_waits([replace(row, decided_at=later(30), size=4), replace(other, decided_at=later(90))]) == 0
    changed = replace(row, decided_at=later(60), size=4)
    assert ledger.record_waits([changed, replace(changed, decided_at=later(61), size=5)]) == 1, "at most one a minute"
    elsewhere = replace(row, backend="elsewhere")
    assert ledger.record_waits([elsewhere]) == 1
    ledger.enqueue([kernel(0)])
    batch = planned(ledger, 0)
    assert ledger.record_waits([replace(changed, decided_at=later(3659))]) == 0, "a batch in between changes nothing"
    repeated = replace(changed, decided_at=later(3660))
    assert ledger.record_waits([repeated]) == 1, "an hour later it still waits"
    found = ledger.decisions(backend=BACKEND)
    assert [found[0], found[1], found[2], found[4]] == [row, other, changed, repeated]
    assert found[3].batch_id == batch.batch_id


def _lost_results_are_bought_again(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0), kernel(1)])
    finish(ledger, planned(ledger, 0), 101.0)
    assert not ledger.requeue(["kernel-0"], now=later(110)), "what is done stays done"
    assert list(ledger.requeue(["kernel-0", "kernel-1"], now=later(110), lost=True)) == ["kernel-0"]
    assert ledger.events(kinds=["requeued"])[0].at == later(110)
    again = planned(ledger, 0, at_s=111.0)
    assert again.batch_id != ledger.batches()[0].batch_id


def _approvals_are_only_added(ledger: JobLedger) -> None:
    first = Approval(
        night=NIGHT, workload="maxcut", plan_hash="a1", decision=GateDecision.REJECTED, signer="ada", reason="too dear",
        decided_at=later(0),
    )  # fmt: skip
    second = replace(
        first, decision=GateDecision.APPROVED, reason="cheaper now", expires_at=later(3600), parts={"inputs": "v1"}
    )
    third = replace(first, workload="portfolio", plan_hash="b2", decided_at=later(-50))
    for approval in (first, second, third):
        ledger.record_approval(approval)
    assert list(ledger.approvals()) == [first, second, third], "in order of writing, whatever their times"
    assert list(ledger.approvals(plan_hash="a1")) == [first, second]
    assert list(ledger.approvals(night=NIGHT, workload="portfolio")) == [third]
    assert not ledger.approvals(night="2026-11-24")


def _an_end_that_cannot_be_audited_is_closed(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0)])
    sent = intend(ledger, planned(ledger, 0), 101.0)
    assert isinstance(sent, BatchRecord)
    ending = BatchEnding(
        status=JobStatus.SUCCEEDED, outcomes=(KernelOutcome(kernel_id="kernel-0", state=KernelState.DONE),)
    )
    over = ledger.finish_batch(lease(sent, 110.0), ending=ending, rule=RULE, now=later(110))
    assert over is not None
    assert over.audited_at == later(110), "without a time for it no audit is due"
    assert not ledger.claim(BACKEND, owner="b", now=later(9999), lease_s=30.0, limit=9)


ACCOUNTS = (
    _budgets_are_kept_in_their_unit,
    _bills_in_money_are_kept_beside_seconds,
    _duplicates_are_paid_in_every_unit,
    _ends_are_read_in_their_order,
    _service_is_counted_by_class_and_team,
    _batches_are_found_by_what_they_hold,
    _waits_are_written_once,
    _lost_results_are_bought_again,
    _approvals_are_only_added,
    _an_end_that_cannot_be_audited_is_closed,
)
