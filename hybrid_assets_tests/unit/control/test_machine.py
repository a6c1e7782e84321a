"""One batch from plan to audit: the order of its effects, and what it does when something is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hybrid_assets.control.effects import Cancel, Find, StoreResult, Submit, Transaction
from hybrid_assets.errors import (
    BackendUnavailableError,
    CredentialsError,
    ResultIntegrityError,
    SubmissionUnknownError,
)
from hybrid_assets.model.jobs import JobLimits, JobReport, JobStatus
from hybrid_assets.model.queue import BreakerState, BudgetUnit, KernelState, Remedy
from hybrid_assets.testing._ledger_steps import BACKEND, NIGHT, TEAM, kernel
from hybrid_assets_tests.unit.control.rounds import Site

FAILED = JobReport(status=JobStatus.FAILED, error_code="5203", message="it broke", billed_s=1.0)


def fails_with(*kernel_ids, report=FAILED):
    return lambda members: report if set(kernel_ids) & set(members) else JobReport(status=JobStatus.SUCCEEDED)


def raising(error):
    def submit(_effect):
        raise error

    return submit


def test_healthy_batch_leaves_after_its_intent_and_is_stored_before_it_ends():
    site = Site(kernels=2)
    site.rounds()
    assert site.names()[:4] == ["plan_batch", "record_intent", "Submit", "record_job"]
    assert site.names()[4:] == ["Poll", "Fetch", "StoreResult", "finish_batch"]
    assert site.states() == {"kernel-0": "DONE", "kernel-1": "DONE"}
    (batch,) = site.ledger.batches()
    assert (batch.status, batch.billed_s, batch.audited_at) == (JobStatus.SUCCEEDED, 2.0, None)
    site.log.clear()
    site.rounds()
    assert site.names() == ["Find", "record_audit"], "later, once: is there a duplicate?"
    site.log.clear()
    site.rounds()
    assert site.names() == []


def test_lost_reply_is_looked_for_and_adopted():
    site = Site()

    def lose(effect):
        site.take(effect)
        raise SubmissionUnknownError("no answer")

    site.submissions = [lose]
    site.rounds()
    assert site.names()[2:6] == ["Submit", "record_unknown", "Find", "record_job"]
    assert len(site.jobs) == 1
    assert site.states() == {"kernel-0": "DONE"}


def test_lost_request_is_sent_again_only_after_the_settle_time():
    site = Site()
    site.submissions = [raising(SubmissionUnknownError("no answer"))]
    sent_at = []
    site.before = lambda effect: sent_at.append(site.now) if isinstance(effect, Submit) else None
    site.rounds(2)
    assert len(sent_at) == 2
    assert sent_at[1] - sent_at[0] > timedelta(seconds=site.policy.settle_s)
    assert site.states() == {"kernel-0": "DONE"}


def test_batch_whose_submissions_all_get_lost_is_given_up_by_name():
    site = Site(max_sends=2)
    site.submissions = [raising(SubmissionUnknownError("no answer"))] * 100
    site.rounds(40)
    (kernel,) = site.ledger.kernels()
    assert (kernel.state, kernel.error_class) == (KernelState.FAILED, "SubmissionUnknownError")
    assert "2 submissions in a row" in kernel.error_message
    assert kernel.failed_attempts == 3  # max_attempts


def test_late_submission_does_not_leave():
    site = Site()

    def oversleep(effect):
        if isinstance(effect, Submit) and not site.jobs:
            site.before = lambda effect: None
            site.now += timedelta(seconds=site.policy.send_s + 0.1)

    site.before = oversleep
    site.rounds(2)
    names = site.names()
    assert names[2:4] == ["Submit", "Find"], "nothing was sent: look first, as others may have"
    assert len(site.jobs) == 1
    assert site.states() == {"kernel-0": "DONE"}


@pytest.mark.parametrize("moment", [Submit, StoreResult])
def test_worker_that_lost_its_fence_writes_nothing_more(moment):
    site = Site()

    def take_over(effect):
        if isinstance(effect, moment):
            site.before = lambda effect: None
            later = site.now + timedelta(seconds=site.policy.lease_s + 1)
            site.taken = site.ledger.claim(BACKEND, owner="other", now=later, lease_s=60.0, limit=1)

    site.before = take_over
    site.rounds()
    assert list(site.ledger.batches()) == list(site.taken)
    assert site.states() == {"kernel-0": "BATCHED"}


def test_poison_is_found_by_halving_and_the_good_ones_are_kept():
    site = Site(kernels=8)
    site.ends = fails_with("kernel-5")
    site.rounds(4)
    states = site.states()
    assert states.pop("kernel-5") == "FAILED"
    assert set(states.values()) == {"DONE"}
    sizes = sorted(len(members) for members in site.jobs.values())
    assert sizes == [1, 1, 2, 2, 4, 4, 8]  # 1 + 2 log2(8) jobs
    failed = site.ledger.kernels(states=[KernelState.FAILED])[0]
    assert (failed.error_class, failed.error_code, failed.error_message) == ("JobFailedError", "5203", "it broke")


def test_a_failed_job_that_was_billed_in_money_is_paid_in_money():
    """0.25 of the 0.50 that a job by price sets aside: 0.50 a job, its kernel's own is 0."""
    site = Site(kernels=0, overhead_money=0.5)
    site.ledger.set_budget("money", team=TEAM, window=NIGHT, limit=9.0, unit=BudgetUnit.MONEY)
    site.ledger.enqueue([replace(kernel(0), expected_s=0.0, expected_money=0.0)])
    failed = JobReport(status=JobStatus.FAILED, error_code="5203", billed_s=0.0, billed_money=0.25)
    site.ends = fails_with("kernel-0", report=failed)
    site.rounds()
    (batch,) = site.ledger.batches()
    assert (batch.reserved_money, batch.billed_money, batch.billed_s) == (0.5, 0.25, 0.0)
    (budget,) = site.ledger.budgets()
    assert (budget.reserved, budget.spent) == (0.0, 0.25)


def test_blamed_kernel_answers_for_itself():
    site = Site(kernels=4)
    report = JobReport(status=JobStatus.FAILED, error_class="JobFailedError", blamed_kernel_ids=("kernel-1",))
    site.ends = fails_with("kernel-1", report=report)
    site.rounds(2)
    assert [len(members) for members in site.jobs.values()] == [4, 3]
    assert site.states() == {"kernel-0": "DONE", "kernel-1": "FAILED", "kernel-2": "DONE", "kernel-3": "DONE"}


def test_changed_target_asks_for_a_recompile():
    site = Site()
    site.ends = fails_with("kernel-0", report=JobReport(status=JobStatus.FAILED, error_class="TargetMismatchError"))
    site.rounds()
    (kernel,) = site.ledger.kernels()
    assert (kernel.state, kernel.remedy) == (KernelState.FAILED, Remedy.RECOMPILE)


def test_outage_keeps_kernels_and_probes_rarely():
    site = Site(kernels=3)
    site.submissions = [raising(BackendUnavailableError("down"))] * 10
    site.rounds(3)
    assert set(site.states().values()) == {"READY"}
    assert site.ledger.breaker(BACKEND).state is BreakerState.OPEN
    met = 10 - len(site.submissions)
    site.rounds(1)
    assert 10 - len(site.submissions) <= met + 1, "one probe a pause"
    site.submissions = []
    site.rounds(3)
    assert set(site.states().values()) == {"DONE"}
    assert [k.failed_attempts for k in site.ledger.kernels()] == [0, 0, 0]


def test_missing_credentials_wait_for_a_person():
    site = Site()
    site.submissions = [raising(CredentialsError("QPU_TOKEN is not set."))] * 3
    site.rounds(3)
    assert "QPU_TOKEN" in site.ledger.breaker(BACKEND).reason
    site.rounds(3)
    assert site.states() == {"kernel-0": "DONE"}


def test_job_that_is_never_over_is_cancelled_and_counts():
    site = Site(job_wait_s=100.0)
    site.ends = lambda _: JobReport(status=JobStatus.QUEUED)
    site.rounds(1)
    (kernel,) = site.ledger.kernels()
    assert (kernel.state, kernel.failed_attempts, kernel.error_class) == ("READY", 1, "TransientProviderError")
    assert any(isinstance(effect, Cancel) for effect in site.log)


def test_result_that_does_not_verify_is_fetched_again_before_it_is_paid_again():
    site = Site()
    left = [2]

    def damage(effect):
        if isinstance(effect, StoreResult) and left[0]:
            left[0] -= 1
            raise ResultIntegrityError("Row 0 has 99 shots instead of 100.")

    execute = site.execute
    site.execute = lambda effect: (damage(effect), execute(effect))[1]
    site.rounds()
    assert len(site.jobs) == 1
    assert site.names().count("Fetch") == 3
    assert site.states() == {"kernel-0": "DONE"}


def test_duplicates_are_cancelled_and_reported():
    site = Site()
    site.submissions = [lambda effect: (site.take(effect), site.take(effect))[0]]
    site.rounds(2)
    (duplicate,) = site.ledger.duplicates()
    assert (duplicate.provider_job_id, duplicate.status, duplicate.billed_s) == ("job-1", JobStatus.SUCCEEDED, 2.0)


def test_release_at_the_end_of_a_round_hands_over():
    site = Site()
    site.ends = lambda _: JobReport(status=JobStatus.QUEUED)
    site.rounds(until=site.now + timedelta(seconds=10))
    (batch,) = site.ledger.batches(active_only=True)
    assert (batch.status, batch.lease_owner) == (JobStatus.QUEUED, None)
    site.ends = lambda _: JobReport(status=JobStatus.SUCCEEDED)
    site.rounds()
    assert site.states() == {"kernel-0": "DONE"}
    assert len(site.jobs) == 1


def test_money_that_is_not_there_makes_batches_smaller_and_kernels_wait_by_name():
    site = Site(kernels=4, overhead_s=1.0)
    site.ledger.set_budget("night", team=TEAM, window=NIGHT, limit=7.0)
    site.rounds()
    # 4 x 3 + 1 = 13 s do not fit into 7, 2 x 3 + 1 = 7 do; they are billed 2, and 5 s pay for one more (3 + 1).
    done = [name for name, state in site.states().items() if state == "DONE"]
    waiting = site.ledger.kernels(states=[KernelState.READY])
    assert [len(members) for members in site.jobs.values()] == [2, 1]
    assert len(done) == 3
    assert [(k.error_class, k.not_before > site.now) for k in waiting] == [("BudgetExceededError", True)]
    assert "night" in waiting[0].error_message
    site.ledger.set_budget("night", team=TEAM, window=NIGHT, limit=70.0)
    site.now += timedelta(seconds=site.policy.budget_wait_s)
    site.rounds()
    assert set(site.states().values()) == {"DONE"}


def test_kernel_that_fits_no_job_is_refused_by_name():
    site = Site(kernels=2, limits=JobLimits(max_executions=100))
    site.rounds()
    assert not site.jobs
    assert {(k.state, k.error_class, k.remedy) for k in site.ledger.kernels()} == {
        (KernelState.FAILED, "CapacityError", Remedy.OTHER_BACKEND)
    }


def test_long_queue_is_not_read_while_nothing_can_leave():
    site = Site(kernels=3, hold_s=10.0)
    site.ends = lambda _: JobReport(status=JobStatus.QUEUED)
    site.limits = JobLimits(max_pubs=1)
    site.rounds(until=site.now + timedelta(seconds=60))
    reads = [effect for effect in site.log if isinstance(effect, Transaction) and effect.op == "ready"]
    assert len(reads) == 1


def test_a_submission_never_sent_is_never_looked_for():
    site = Site()
    site.rounds()
    assert not any(isinstance(effect, Find) for effect in site.log)


def test_why_kernels_wait_is_written_once():
    """One free slot, jobs of one kernel: two of three wait, then one; planning again soon says nothing new."""
    site = Site(kernels=3, limits=JobLimits(max_pubs=1), plan_every_s=1.0)
    site.rounds()
    waits = [row for row in site.ledger.decisions() if row.batch_id is None]
    assert [(row.size, row.reason) for row in waits] == [(2, "not planned: no free slot")]
    assert set(site.states().values()) == {"DONE"}


def test_shots_and_money_make_batches_smaller_too():
    """400 shots pay for two kernels of 2 x 100; 2.00 for one of 3 s at 0.50, whose bill of 2 s leaves 1.00 < 1.50."""
    for unit, limit, sizes in ((BudgetUnit.SHOTS, 400.0, [2]), (BudgetUnit.MONEY, 2.0, [1])):
        site = Site(kernels=4, price_per_s=0.5)
        site.ledger.set_budget("night", team=TEAM, window=NIGHT, limit=limit, unit=unit)
        site.rounds()
        assert [len(members) for members in site.jobs.values()] == sizes, unit
