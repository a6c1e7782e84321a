"""A backend driven for real: the ledger's file, stores on disk and a scripted provider; only the clock is made up."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from hybrid_assets.circuits.payload import payload_sha
from hybrid_assets.control.dispatching import dispatch_round
from hybrid_assets.control.planning import plan
from hybrid_assets.control.plans import PlanRules
from hybrid_assets.control.policy import DispatchPolicy
from hybrid_assets.control.sharing import FreeSlots
from hybrid_assets.control.sizing import SizeState
from hybrid_assets.model.jobs import JobLimits, Pub
from hybrid_assets.runner.driver import Driver
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets.storage.payloads import KernelPayload, PayloadStore
from hybrid_assets.storage.results import FileResultStore
from hybrid_assets.testing._ledger_steps import BACKEND, START, kernel
from hybrid_assets.testing.fakes import FakeProvider, all_zero_counts

ROWS, SHOTS = 2, 100


class Site:
    """One backend with kernels in its queue, driven under a clock that only sleeping moves."""

    def __init__(self, folder, provider, *, kernels=3, max_pubs=1, slots=1):
        self.now = START + timedelta(seconds=1_000)
        self.provider, self.slots, self.limits = provider, slots, JobLimits(max_pubs=max_pubs)
        self.ledger, self.payloads = SqlLedger(folder / "ledger.sqlite"), PayloadStore(folder / "payloads")
        self.results = FileResultStore(folder / "results")
        self.names = [kernel(number).kernel_id for number in range(kernels)]
        for name in self.names:
            self.payloads.put(KernelPayload(pub=pub(name), compiled_calibration_id="compiled"))
        self.ledger.enqueue([kernel(number) for number in range(kernels)])
        self.policy = DispatchPolicy(slots=slots, lag_s=0.0, send_s=5.0, settle_s=6.0)

    def rounds(self, number=1, *, seconds=600):
        for index in range(number):
            driver = Driver(
                provider=self.provider, ledger=self.ledger, payloads=self.payloads, results=self.results,
                report=lambda _: None, now=lambda: self.now, sleep=self.sleep,
            )  # fmt: skip
            until = self.now + timedelta(seconds=seconds)
            steps = dispatch_round(
                BACKEND, policy=self.policy, planner=self.plan, owner=f"{self.now}:{index}", until=until
            )
            driver.run(steps)
            self.now += timedelta(seconds=seconds)

    def sleep(self, seconds):
        self.now += timedelta(seconds=seconds)

    def plan(self, situation):
        free = FreeSlots(total=self.slots - len(situation.active), exploratory=0)
        return plan(
            situation.ready, backend=BACKEND, free_slots=free, now=situation.now, limits=self.limits,
            rules=PlanRules(), sizes=SizeState(), usage={}, available_s={},
        )  # fmt: skip

    def states(self):
        return [k.state.value for k in self.ledger.kernels()]

    def jobs(self):
        return [batch.status.value for batch in self.ledger.batches()]

    def known(self):
        return [self.results.contains(name) for name in self.names]


def pub(name):
    return Pub(
        kernel_id=name, payload=name.encode(), payload_sha=payload_sha(name.encode()),
        artefact_fingerprint="a", measured_qubits=(0, 1), expected_success=1.0, values=np.full((ROWS, 1), 0.25),
        shots=SHOTS, seed=1,
    )  # fmt: skip


@pytest.fixture
def site(tmp_path):
    made = []

    def make(provider=None, **numbers):
        made.append(Site(tmp_path, provider or FakeProvider(backend=BACKEND), **numbers))
        return made[-1]

    yield make
    for one in made:
        one.ledger.close()


def test_every_kernel_comes_home_with_its_share_of_the_bill(site):
    queue = site(FakeProvider(backend=BACKEND, billed_s=3.0), max_pubs=2)
    queue.rounds()
    # two jobs: the first two kernels share 3 s evenly, the third has its own 3 s
    assert [queue.results.get(name).billed_s for name in queue.names] == [1.5, 1.5, 3.0]
    assert queue.jobs() == ["SUCCEEDED"] * 2
    result = queue.results.get(queue.names[0])
    assert (result.compiled_calibration_id, result.shots) == ("compiled", SHOTS)
    assert result.request_id == queue.provider.submitted[0].request_id


def test_a_bill_in_money_is_shared_as_one_in_seconds(site):
    queue = site(FakeProvider(backend=BACKEND, billed_money=0.5), max_pubs=2)
    queue.rounds()
    results = [queue.results.get(name) for name in queue.names]
    assert [(result.billed_money, result.billed_s) for result in results] == [(0.25, 0.0), (0.25, 0.0), (0.5, 0.0)]


def test_a_failed_kernel_does_not_take_the_others_along(site):
    queue = site(FakeProvider(backend=BACKEND, script={1: "fail"}))
    queue.rounds()
    assert queue.known() == [True, False, True]
    assert queue.states() == ["DONE", "FAILED", "DONE"]


def test_a_refused_submission_is_recorded_and_the_queue_goes_on(site):
    queue = site(FakeProvider(backend=BACKEND, script={0: "refuse"}))
    queue.rounds()
    assert queue.states() == ["FAILED", "DONE", "DONE"]
    assert queue.ledger.kernels()[0].error_message == "refused by script"


def _short(result):
    return _spoiled(result, counts=all_zero_counts(ROWS, 2, SHOTS - 1))


def _narrow(result):
    return _spoiled(result, counts=all_zero_counts(ROWS, 1, SHOTS))


def _spoiled(result, **changes):
    return dataclasses.replace(result, pubs=(dataclasses.replace(result.pubs[0], **changes), *result.pubs[1:]))


def _swapped(result):
    return dataclasses.replace(result, pubs=tuple(reversed(result.pubs)))


def _anothers(result):
    return dataclasses.replace(result, handle=dataclasses.replace(result.handle, request_id="other"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(_short, f"Row 0 has {SHOTS - 1} shots instead of {SHOTS}.", id="short"),
        pytest.param(_narrow, "Expected 2 bits an outcome, got 1.", id="narrow"),
        pytest.param(_swapped, "answered other kernels than were asked for", id="swapped"),
        pytest.param(_anothers, "got other", id="another-job"),
    ],
)
def test_a_wrong_result_is_never_stored(site, spoil, message):
    queue = site(FakeProvider(backend=BACKEND, script=dict.fromkeys(range(99), spoil)), max_pubs=3)
    queue.rounds(9)
    # a job of one kernel cannot be swapped: that is how these come home in the end
    assert queue.known() == [spoil is _swapped] * 3
    assert queue.states() == ["DONE" if spoil is _swapped else "FAILED"] * 3
    assert message in queue.ledger.batches()[0].error_message


def test_a_wrong_result_is_fetched_again_before_its_job_counts_as_failed(site):
    spoiled = iter([_short])

    def once(result):
        return next(spoiled, lambda same: same)(result)

    queue = site(FakeProvider(backend=BACKEND, script={0: once}), kernels=1)
    queue.rounds()
    assert (queue.states(), len(queue.provider.submitted)) == (["DONE"], 1)


def test_a_pending_job_is_followed_by_the_next_worker_and_not_sent_again(site):
    script = {0: "never"}
    queue = site(FakeProvider(backend=BACKEND, script=script), kernels=1)
    queue.rounds(3)
    assert queue.states() == ["BATCHED"]
    script.clear()
    queue.rounds()
    assert (queue.states(), len(queue.provider.submitted)) == (["DONE"], 1)


def test_never_more_jobs_in_flight_than_slots(site):
    queue = site(FakeProvider(backend=BACKEND, script={0: "never", 1: "never"}), slots=2)
    queue.rounds(2)
    assert len(queue.provider.submitted) == 2
    assert queue.states() == ["BATCHED", "BATCHED", "READY"]


def test_a_job_whose_answer_was_lost_is_adopted(site):
    """The provider has it: a second submission would be paid twice."""
    queue = site(FakeProvider(backend=BACKEND, script={0: "lose"}), kernels=1)
    queue.rounds()
    assert (queue.states(), len(queue.provider.submitted)) == (["DONE"], 1)
    assert [event.kind for event in queue.ledger.events(kinds=("unknown", "adopted"))] == ["unknown", "adopted"]


def test_a_request_that_would_leave_too_late_does_not_leave(site):
    """Others may have looked for it meanwhile, found nothing and sent their own."""
    queue = site(kernels=1)

    class Slow(PayloadStore):
        def get(self, kernel_id):
            if not queue.provider.submitted and queue.now < START + timedelta(seconds=1_010):
                queue.now += timedelta(seconds=60)
            return super().get(kernel_id)

    queue.payloads = Slow(queue.payloads._folder)
    queue.rounds()
    assert (queue.states(), len(queue.provider.submitted)) == (["DONE"], 1)
    assert queue.ledger.batches()[0].num_sends == 2


def test_a_damaged_payload_fails_its_kernel_by_name_and_no_other(site, tmp_path):
    queue = site(max_pubs=3)
    (damaged,) = (tmp_path / "payloads" / "kernels").rglob("kernel-1.npz")
    damaged.write_bytes(b"no payload")
    queue.rounds(4)
    assert queue.states() == ["DONE", "FAILED", "DONE"]
    assert "The payload of kernel kernel-1 is" in queue.ledger.kernels()[1].error_message


def test_an_error_that_is_not_ours_ends_the_worker_and_the_next_one_goes_on(site):
    """A bug in a plug-in must not look like a failed job."""

    class Broken(FakeProvider):
        def poll(self, handle):
            raise ZeroDivisionError

    queue = site(Broken(backend=BACKEND), kernels=1)
    with pytest.raises(ZeroDivisionError):
        queue.rounds()
    queue.provider = dataclasses.replace(FakeProvider(backend=BACKEND), _jobs=queue.provider._jobs)
    queue.now += timedelta(seconds=600)
    queue.rounds()
    assert (queue.states(), queue.provider.submitted) == (["DONE"], [])
