"""A provider that cannot list its jobs: what is not known is left to a person, and nothing is paid twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hybrid_assets.control.effects import Find, Submit
from hybrid_assets.errors import SubmissionUnknownError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchProposal, Lease
from hybrid_assets.model.queue import KernelState
from hybrid_assets.testing._ledger_steps import BACKEND
from hybrid_assets_tests.unit.control.rounds import Site


def lose(site, *, times):
    """Let submissions be taken and their answers be lost."""

    def taken(effect):
        site.take(effect)
        raise SubmissionUnknownError("no answer")

    site.submissions = [taken] * times


def test_an_unknown_submission_is_left_to_a_person():
    site = Site(kernels=2, supports_find=False)
    lose(site, times=9)
    site.rounds(20)
    assert len(site.jobs) == 1, "nothing is ever sent again by itself"
    assert not any(isinstance(effect, Find) for effect in site.log)
    (batch,) = site.ledger.batches()
    assert (batch.status, batch.audited_at, batch.next_at) == (JobStatus.FAILED, batch.finished_at, None)
    for kernel in site.ledger.kernels():
        assert (kernel.state, kernel.error_class) == (KernelState.FAILED, "SubmissionUnknownError")
        for words in (batch.request_id, "cannot list its jobs", "up to 6 s", "Look for that job at the provider"):
            assert words in kernel.error_message


def test_a_person_may_send_it_again():
    site = Site(supports_find=False)
    lose(site, times=1)
    site.rounds()
    site.ledger.requeue(["kernel-0"], now=site.now)
    site.rounds(2)
    assert site.states() == {"kernel-0": "DONE"}
    assert len({batch.request_id for batch in site.ledger.batches()}) == 2


def test_a_worker_lost_after_its_intent_is_an_unknown_submission():
    site = Site(supports_find=False)
    (batch,) = [site.ledger.plan_batch(proposal_of(site), slots=1, rule=site.policy.breaker, owner="gone",
                                       lease_s=1.0, now=site.now)]  # fmt: skip
    lease = Lease(batch_id=batch.batch_id, fence=batch.fence, until=site.now)
    site.ledger.record_intent(lease, now=site.now, rule=site.policy.breaker, rate=None)
    site.now += timedelta(seconds=60)
    site.rounds()
    assert site.names() == ["finish_batch"]
    assert site.states() == {"kernel-0": "FAILED"}


def proposal_of(site):
    return BatchProposal(backend=BACKEND, kernel_ids=tuple(k.kernel_id for k in site.kernels), reserved_s=3.0)


def test_what_surely_was_not_sent_goes_back():
    site = Site(supports_find=False)

    def oversleep(effect):
        if isinstance(effect, Submit):
            site.before = lambda effect: None
            site.now += timedelta(seconds=site.policy.send_s + 0.1)

    site.before = oversleep
    site.rounds(2)
    assert site.states() == {"kernel-0": "DONE"}
    assert [batch.status for batch in site.ledger.batches()] == [JobStatus.CANCELLED, JobStatus.SUCCEEDED]
    assert len(site.jobs) == 1


def test_nothing_is_audited():
    site = Site(supports_find=False)
    site.rounds()
    (batch,) = site.ledger.batches()
    assert (batch.status, batch.audited_at) == (JobStatus.SUCCEEDED, batch.finished_at)
    site.log.clear()
    site.rounds()
    assert site.names() == []


def test_an_audit_that_became_impossible_is_closed():
    site = Site()
    site.rounds()
    site.policy = replace(site.policy, supports_find=False)
    site.log.clear()
    site.rounds()
    assert site.names() == ["record_audit"]
