"""What every ledger must do, one function a promise of `control.ledger.JobLedger`.

    assert_ledger_api(lambda: MyLedger(...))    # a new, empty ledger at each call

Put a promise here when control code or another process rests on it; time is passed in, nothing sleeps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import (
    BatchEnding,
    BreakerSignal,
    KernelOutcome,
    PostRate,
    Refusal,
    RefusalKind,
)
from hybrid_assets.model.queue import (
    BatchRecord,
    BreakerState,
    DuplicateJob,
    KernelState,
    Remedy,
)
from hybrid_assets.testing._ledger_accounts import ACCOUNTS
from hybrid_assets.testing._ledger_steps import (
    BACKEND,
    BUDGET,
    LEASE_S,
    NIGHT,
    RULE,
    TEAM,
    finish,
    intend,
    kernel,
    later,
    lease,
    plan,
    planned,
    record_job,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets.control.ledger import JobLedger


def assert_ledger_api(make_ledger: Callable[[], JobLedger]) -> None:
    """Check a ledger.

    Args:
        make_ledger: Returns a new, empty ledger.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    for promise in PROMISES:
        promise(make_ledger())


def _enqueue_is_idempotent(ledger: JobLedger) -> None:
    assert ledger.enqueue([kernel(0), kernel(1)]) == 2, "two new kernels were enqueued"
    batch = planned(ledger, 0)
    assert ledger.enqueue([kernel(0), kernel(1), kernel(2)]) == 1, "only one was new"
    found = {k.kernel_id: k for k in ledger.kernels()}
    assert found["kernel-0"].batch_id == batch.batch_id, "enqueueing again must not touch a known kernel"
    assert [k.kernel_id for k in ledger.ready(BACKEND, now=later(100), limit=9)] == ["kernel-1", "kernel-2"]
    assert found["kernel-1"] == kernel(1), "a kernel comes back as it was given"


def _kernels_wait_until_their_time(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0), kernel(1)])
    held = ledger.hold(["kernel-0"], not_before=later(200), error_class="BudgetExceededError", error_message="no money")
    assert list(held) == ["kernel-0"]
    assert [k.kernel_id for k in ledger.ready(BACKEND, now=later(199), limit=9)] == ["kernel-1"]
    early = plan(ledger, 0, at_s=199.0)
    assert isinstance(early, Refusal), "a kernel is not planned before its time"
    assert early.kind is RefusalKind.NOT_READY
    assert ledger.ready(BACKEND, now=later(200), limit=1)[0].error_message == "no money", "it says why it waited"
    planned(ledger, 0, at_s=200.0)


def _planning_moves_kernels_and_writes_a_decision(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0), kernel(1), kernel(2)])
    batch = planned(ledger, 1, 0)
    assert batch.kernel_ids == ("kernel-1", "kernel-0"), "kernels stay in order of submission"
    assert (batch.status, batch.fence, batch.lease_owner) == (JobStatus.PLANNED, 1, "a")
    assert batch.lease_until == later(100 + LEASE_S)
    states = {k.kernel_id: k.state for k in ledger.kernels()}
    assert states == {"kernel-0": "BATCHED", "kernel-1": "BATCHED", "kernel-2": "READY"}
    (decision,) = ledger.decisions(backend=BACKEND)
    assert (decision.batch_id, decision.size, decision.limit, decision.reason) == (batch.batch_id, 2, 4, "because")
    taken = plan(ledger, 0, 2)
    assert isinstance(taken, Refusal), "a kernel in a batch is not planned again"
    assert len(ledger.decisions()) == 1, "a refusal writes nothing"
    assert ledger.kernels(kernel_ids=["kernel-2"])[0].state is KernelState.READY, "a refusal writes nothing"


def _slots_are_never_exceeded(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0), kernel(1), kernel(2)])
    first = planned(ledger, 0)
    refused = plan(ledger, 1, slots=1)
    assert isinstance(refused, Refusal), "one slot, one batch"
    assert refused.kind is RefusalKind.NO_SLOT
    assert finish(ledger, first, 101.0) is not None
    assert isinstance(plan(ledger, 1, slots=1), BatchRecord), "the end of a batch frees its slot"


def _budgets_are_never_exceeded(ledger: JobLedger) -> None:
    ledger.set_budget(BUDGET, team=TEAM, window=NIGHT, limit=7.0)
    ledger.enqueue([kernel(number) for number in range(4)])
    first = planned(ledger, 0)
    planned(ledger, 1)
    refused = plan(ledger, 2)  # 3 + 3 reserved, 1 left, 3 wanted
    assert isinstance(refused, Refusal), "7 s cannot hold three reservations of 3 s"
    assert refused.kind is RefusalKind.OVER_BUDGET
    assert BUDGET in refused.detail, "the refusal names the budget"
    finish(ledger, first, 101.0, billed_s=2.0)
    (budget,) = ledger.budgets(team=TEAM)
    assert (budget.reserved, budget.spent) == (3.0, 2.0), "3 s are settled to the 2 s that were billed"
    assert isinstance(plan(ledger, 2), Refusal), "7 - 3 - 2 = 2 s are left, 3 are wanted"
    ledger.set_budget(BUDGET, team=TEAM, window=NIGHT, limit=8.0)
    planned(ledger, 2)
    (budget,) = ledger.budgets()
    assert (budget.reserved, budget.spent, budget.limit) == (6.0, 2.0, 8.0), "a new limit keeps what is booked"


def _the_same_kernels_make_another_batch_later(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0)])
    first = planned(ledger, 0)
    finish(ledger, first, 101.0, state=KernelState.READY, signal=BreakerSignal.NEUTRAL)
    second = planned(ledger, 0, at_s=102.0)
    assert second.batch_id != first.batch_id, "a second batch of a kernel has an id of its own"
    assert second.request_id != first.request_id, "or the first one's job would be taken for the second's"
    assert second.attempt == 1, "the first end counted as an attempt"


def _a_lease_is_exclusive_and_hands_over(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0)])
    batch = planned(ledger, 0)
    assert not ledger.claim(BACKEND, owner="b", now=later(100 + LEASE_S - 1), lease_s=LEASE_S, limit=9)
    assert ledger.renew(lease(batch, 120.0)) is not None
    assert not ledger.claim(BACKEND, owner="b", now=later(100 + LEASE_S), lease_s=LEASE_S, limit=9), "it was renewed"
    (taken,) = ledger.claim(BACKEND, owner="b", now=later(120 + LEASE_S), lease_s=LEASE_S, limit=9)
    assert (taken.fence, taken.lease_owner) == (2, "b"), "taking over raises the fence"
    assert not ledger.claim(BACKEND, owner="c", now=later(151), lease_s=LEASE_S, limit=9), "it is held now"
    assert ledger.release(lease(taken, 152.0), next_at=later(500)) is not None
    assert not ledger.claim(BACKEND, owner="c", now=later(499), lease_s=LEASE_S, limit=9), "nobody need look yet"
    (third,) = ledger.claim(BACKEND, owner="c", now=later(500), lease_s=LEASE_S, limit=9)
    assert third.fence == 3


def _stale_writes_change_nothing(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0)])
    stale = planned(ledger, 0)
    (owned,) = ledger.claim(BACKEND, owner="b", now=later(200), lease_s=LEASE_S, limit=9)
    now, old = later(201), lease(stale, 201.0)
    duplicate = DuplicateJob(
        batch_id=stale.batch_id,
        backend=BACKEND,
        provider_job_id="x",
        status=JobStatus.SUCCEEDED,
        billed_s=1.0,
        found_at=now,
    )
    writes = {
        "renew": ledger.renew(old),
        "release": ledger.release(old, next_at=now),
        "record_intent": intend(ledger, stale, 201.0),
        "record_job": record_job(ledger, stale, 201.0),
        "record_unknown": ledger.record_unknown(old, message="?", now=now),
        "record_status": ledger.record_status(old, status=JobStatus.RUNNING, started_at=now, now=now),
        "finish_batch": finish(ledger, stale, 201.0),
        "record_audit": ledger.record_audit(old, duplicates=[duplicate], now=now),
    }
    accepted = [name for name, answer in writes.items() if answer is not None]
    assert not accepted, f"writes with an old fence were accepted: {accepted}"
    assert list(ledger.batches()) == [owned], "a refused write must change nothing"
    assert ledger.kernels()[0].state is KernelState.BATCHED
    assert not ledger.duplicates()
    assert finish(ledger, owned, 300.0) is not None, "the right fence counts although its lease has run out"


def _a_batch_ends_once(ledger: JobLedger) -> None:
    ledger.set_budget(BUDGET, team=TEAM, window=NIGHT, limit=9.0)
    ledger.enqueue([kernel(0)])
    sent = intend(ledger, planned(ledger, 0), 101.0)
    assert isinstance(sent, BatchRecord), "nothing speaks against sending"
    queued = record_job(ledger, sent, 102.0)
    assert queued is not None
    assert (queued.status, queued.provider_job_id) == (JobStatus.QUEUED, "job-1")
    assert record_job(ledger, queued, 103.0, job_id="job-2") is None, "a batch follows one job"
    assert intend(ledger, queued, 103.0) is None, "what has a job is not sent again"
    over = finish(ledger, queued, 110.0)
    assert over is not None
    assert (over.status, over.finished_at, over.lease_owner) == (JobStatus.SUCCEEDED, later(110), None)
    assert finish(ledger, over, 111.0, state=KernelState.FAILED) is None, "a batch ends once"
    assert ledger.kernels()[0].state is KernelState.DONE
    assert ledger.budgets()[0].spent == 2.0, "and is paid once"


def _failed_kernels_say_why_and_come_back(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(0), kernel(1)])
    batch = planned(ledger, 0, 1)
    bad = KernelOutcome(
        kernel_id="kernel-0",
        state=KernelState.FAILED,
        counts=True,
        error_class="JobFailedError",
        error_code="5203",
        error_message="it broke",
        remedy=Remedy.OTHER_BACKEND,
    )
    good = KernelOutcome(kernel_id="kernel-1", state=KernelState.READY, not_before=later(150), split_group="half")
    ending = BatchEnding(status=JobStatus.FAILED, outcomes=(good, bad))
    ledger.finish_batch(lease(batch, 110.0), ending=ending, rule=RULE, now=later(110))
    failed, waiting = ledger.kernels()
    assert (failed.state, failed.error_code, failed.remedy) == (KernelState.FAILED, "5203", Remedy.OTHER_BACKEND)
    assert (failed.failed_attempts, waiting.failed_attempts) == (1, 0), "only one of them counted"
    assert (waiting.state, waiting.not_before, waiting.split_group) == (KernelState.READY, later(150), "half")
    assert list(ledger.requeue(["kernel-0", "kernel-1"], now=later(120))) == ["kernel-0"]
    back = ledger.kernels(kernel_ids=["kernel-0"])[0]
    assert replace(back, batch_id=None, num_batches=0) == kernel(0), "a requeued kernel is as new"
    assert list(ledger.cancel_kernels(["kernel-0"], now=later(121))) == ["kernel-0"]
    refused = ledger.refuse_kernels(
        ["kernel-0", "kernel-1"], error_class="CapacityError", error_message="too big", remedy=None, now=later(122)
    )
    assert list(refused) == ["kernel-1"], "only a READY kernel can be refused"
    assert {k.state for k in ledger.kernels()} == {KernelState.CANCELLED, KernelState.FAILED}


def _submissions_keep_to_the_rate(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(number) for number in range(3)])
    rate = PostRate(limit=2, window_s=60.0)
    batches = [planned(ledger, number) for number in range(3)]
    assert isinstance(intend(ledger, batches[0], 100.0, rate), BatchRecord)
    assert isinstance(intend(ledger, batches[1], 110.0, rate), BatchRecord)
    refused = intend(ledger, batches[2], 120.0, rate)
    assert isinstance(refused, Refusal), "two a minute"
    assert (refused.kind, refused.retry_at) == (RefusalKind.RATE_LIMIT, later(160))
    sent = intend(ledger, batches[2], 160.0, rate)
    assert isinstance(sent, BatchRecord), "the first has left the window"
    assert (sent.status, sent.sent_at, sent.num_sends) == (JobStatus.SUBMITTING, later(160), 1)


def _breaker_opens_probes_and_closes(ledger: JobLedger) -> None:
    ledger.enqueue([kernel(number) for number in range(6)])
    waiting = planned(ledger, 5)
    for number in (0, 1):
        finish(ledger, planned(ledger, number), 100.0, state=KernelState.FAILED, signal=BreakerSignal.FAILED)
    breaker = ledger.breaker(BACKEND)
    assert (breaker.state, breaker.retry_at) == (BreakerState.OPEN, later(160)), "two failures in a row open it"
    refused = plan(ledger, 2, at_s=159.0)
    assert isinstance(refused, Refusal), "an open breaker lets nothing through"
    assert (refused.kind, refused.retry_at) == (RefusalKind.BREAKER_OPEN, later(160))
    assert isinstance(intend(ledger, waiting, 120.0), Refusal), "nor does what was planned before leave"
    probe = planned(ledger, 2, at_s=160.0)
    assert ledger.breaker(BACKEND).probe_batch_id == probe.batch_id
    assert isinstance(plan(ledger, 3, at_s=161.0), Refusal), "one probe at a time"
    assert isinstance(intend(ledger, waiting, 161.0), Refusal), "only the probe may leave"
    sent = intend(ledger, probe, 161.0)
    assert isinstance(sent, BatchRecord)
    record_job(ledger, sent, 162.0)
    assert ledger.breaker(BACKEND).state is BreakerState.CLOSED, "an accepted probe closes it"
    finish(ledger, planned(ledger, 3, at_s=163.0), 164.0, state=KernelState.FAILED, signal=BreakerSignal.FAILED)
    assert ledger.breaker(BACKEND).state is BreakerState.OPEN, "on probation, the next failure opens it again"
    ledger.set_breaker(BACKEND, state=BreakerState.OPEN, reason="maintenance", retry_at=None, now=later(165))
    assert isinstance(plan(ledger, 4, at_s=99_999.0), Refusal), "opened by hand, it is closed by hand"
    ledger.set_breaker(BACKEND, state=BreakerState.CLOSED, reason="done", retry_at=None, now=later(166))
    planned(ledger, 4, at_s=167.0)
    assert len(ledger.events(kinds=["breaker"])) == 6, "every change of state is an event: 2 by hand, 4 by signals"


def _duplicates_are_searched_once_and_paid(ledger: JobLedger) -> None:
    ledger.set_budget(BUDGET, team=TEAM, window=NIGHT, limit=9.0)
    ledger.enqueue([kernel(0), kernel(1)])
    sent = intend(ledger, planned(ledger, 0), 101.0)
    assert isinstance(sent, BatchRecord)
    finish(ledger, sent, 110.0)
    finish(ledger, planned(ledger, 1, at_s=111.0), 112.0)
    assert not ledger.claim(BACKEND, owner="b", now=later(139), lease_s=LEASE_S, limit=9), "the audit is not due"
    (open_audit,) = ledger.claim(BACKEND, owner="b", now=later(140), lease_s=LEASE_S, limit=9)
    assert open_audit.batch_id == sent.batch_id, "what was never sent needs no audit"
    now = later(141)
    found = DuplicateJob(
        batch_id=sent.batch_id,
        backend=BACKEND,
        provider_job_id="job-9",
        status=JobStatus.SUCCEEDED,
        billed_s=1.5,
        found_at=now,
    )
    audited = ledger.record_audit(lease(open_audit, 141.0), duplicates=[found], now=now)
    assert audited is not None
    assert (audited.audited_at, audited.lease_owner) == (now, None)
    assert ledger.record_audit(lease(open_audit, 142.0), duplicates=[found], now=now) is None, "once"
    assert list(ledger.duplicates(backend=BACKEND)) == [found]
    assert ledger.budgets()[0].spent == 2.0 + 2.0 + 1.5, "two bills of 2 s and what the duplicate cost"
    assert not ledger.claim(BACKEND, owner="b", now=later(9999), lease_s=LEASE_S, limit=9), "nothing is left to do"


#: In the order in which a new ledger is best made to work.
PROMISES = (
    _enqueue_is_idempotent,
    _kernels_wait_until_their_time,
    _planning_moves_kernels_and_writes_a_decision,
    _slots_are_never_exceeded,
    _budgets_are_never_exceeded,
    _the_same_kernels_make_another_batch_later,
    _a_lease_is_exclusive_and_hands_over,
    _stale_writes_change_nothing,
    _a_batch_ends_once,
    _failed_kernels_say_why_and_come_back,
    _submissions_keep_to_the_rate,
    _breaker_opens_probes_and_closes,
    _duplicates_are_searched_once_and_paid,
    *ACCOUNTS,
)
