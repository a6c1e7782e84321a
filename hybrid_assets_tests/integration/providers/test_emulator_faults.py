"""Each fault of the emulated QPU happens, does what it says, and stands in its books; under a virtual clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hybrid_assets.errors import (
    BackendUnavailableError,
    JobFailedError,
    RateLimitedError,
    ResultIntegrityError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets_tests.unit.providers.emulators import START, VirtualClock, emulator, job


def outcomes(qpu):
    return [post["outcome"] for post in qpu.posts()]


def test_an_outage_answers_nothing_and_starts_nothing(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"outages": [{"after_s": 5, "for_s": 100}]})
    assert qpu.status().operational
    running, queued = qpu.submit(job(request_id="a")), qpu.submit(job(request_id="b"))
    clock.forward(5)
    status = qpu.status()
    assert (status.operational, status.message, status.pending_jobs) == (False, "emulated outage", 2)
    calls = [
        lambda: qpu.submit(job(request_id="c")),
        lambda: qpu.find("a"),
        lambda: qpu.poll(running),
        lambda: qpu.fetch(running),
        lambda: qpu.cancel(running),
    ]
    for call in calls:
        with pytest.raises(BackendUnavailableError, match="emulated outage"):
            call()
    assert outcomes(qpu) == ["accepted", "accepted", "unavailable"]
    clock.forward(100)
    # Queued until 10 s, but nothing starts before the outage ends at 105 s; 3 s each on one slot.
    assert qpu.poll(running).started_at == START + timedelta(seconds=105)
    clock.forward(3)
    assert qpu.poll(queued).started_at == START + timedelta(seconds=108)


def test_a_running_job_survives_an_outage(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"outages": [{"after_s": 11, "for_s": 100}]})
    handle = qpu.submit(job())
    clock.forward(111)
    assert qpu.poll(handle).finished_at == START + timedelta(seconds=13)


def test_an_outage_may_have_a_date_and_another_process_sees_the_same(tmp_path):
    clock = VirtualClock()
    fault = {"outages": [{"from_at": "2026-11-24T02:10:00+00:00", "for_s": 60}, {"after_s": 30, "for_s": 10}]}
    emulator(tmp_path, clock, faults=fault).status()
    clock.forward(30)
    late_comer = emulator(tmp_path, clock, faults=fault)  # its own first use is not the state's
    assert not late_comer.status().operational
    clock.forward(10)
    assert late_comer.status().operational
    clock.forward(560)
    assert not late_comer.status().operational


def test_throttled_submissions_make_no_job_and_later_ones_get_through(tmp_path):
    qpu = emulator(tmp_path, VirtualClock(), faults={"throttle_rate": 0.5})
    waits = []
    for i in range(60):
        while True:
            try:
                qpu.submit(job(request_id=f"r{i}"))
                break
            except RateLimitedError as exc:
                waits.append(exc.facts["retry_after_s"])
    refused = len(waits)
    assert set(waits) == {5.0}
    # Each submission is refused with probability 1/2: 60 refusals expected, standard deviation sqrt(60 x 2) = 11.
    assert 60 - 44 < refused < 60 + 44
    assert outcomes(qpu).count("throttled") == refused
    assert len(qpu.books()) == 60


def test_a_lost_reply_leaves_exactly_one_job_to_be_found_after_the_lag(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, listing_lag_s=20, faults={"lost_replies": 1.0})
    with pytest.raises(SubmissionUnknownError, match="Look for it before submitting"):
        qpu.submit(job())
    assert list(qpu.find("req")) == []
    clock.forward(20)
    (handle,) = qpu.find("req")
    assert qpu.poll(handle).status is JobStatus.SUCCEEDED
    assert [entry["job_id"] for entry in qpu.books()] == [handle.provider_job_id]
    assert qpu.posts()[0]["job_id"] == handle.provider_job_id
    assert outcomes(qpu) == ["lost_reply"]


def test_a_lost_request_leaves_no_job_ever(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"lost_requests": 1.0})
    with pytest.raises(SubmissionUnknownError):
        qpu.submit(job())
    clock.forward(1000)
    assert (list(qpu.find("req")), qpu.books(), outcomes(qpu)) == ([], [], ["lost_request"])


def test_losses_have_their_rates_and_repeat_with_their_seed(tmp_path):
    def tried(folder, seed):
        qpu = emulator(tmp_path / folder, VirtualClock(), seed=seed, faults={"lost_replies": 0.3, "lost_requests": 0.2})
        for i in range(100):
            try:
                qpu.submit(job(request_id=f"r{i}"))
            except SubmissionUnknownError:
                continue
        return outcomes(qpu)

    first = tried("a", 1)
    assert first == tried("b", 1) != tried("c", 2)
    # 20 +- 4 x 4 lost requests; of the other 80 %, 24 +- 4 x 4.3 lost replies.
    assert 4 <= first.count("lost_request") <= 36
    assert 7 <= first.count("lost_reply") <= 41


@pytest.mark.parametrize(("names_pub", "blamed"), [(False, ()), (True, ("p1", "p2"))])
def test_a_poison_kernel_fails_every_job_it_is_in(tmp_path, names_pub, blamed):
    clock = VirtualClock()
    poison = {"kernel_ids": ["p1", "p2"], "names_pub": names_pub}
    qpu = emulator(tmp_path, clock, faults={"kernel_failures": poison})
    mixed, alone, clean = (
        qpu.submit(job(*kernels, request_id=name))
        for name, kernels in {"mixed": ("p1", "a", "p2"), "alone": ("p1",), "clean": ("a", "b")}.items()
    )
    clock.forward(60)
    report = qpu.poll(mixed)
    assert (report.status, report.blamed_kernel_ids, report.billed_s) == (JobStatus.FAILED, blamed, 0.0)
    assert (report.error_code, report.error_class) == ("1517", "JobFailedError")
    assert ("p1" in report.message) is names_pub
    assert qpu.poll(alone).status is JobStatus.FAILED
    assert qpu.poll(clean).status is JobStatus.SUCCEEDED
    assert [entry["error_code"] for entry in qpu.books()] == ["1517", "1517", None]


def test_poison_is_a_property_of_the_kernel_at_its_rate(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"kernel_failures": {"rate": 0.3, "code": "9000", "billed": True}})
    for turn in (1, 2):
        for i in range(60):
            qpu.submit(job(f"k{i}", request_id=f"{turn}-{i}"))
    clock.forward(10_000)
    books = qpu.books()
    failed = [entry["kernel_ids"] for entry in books if entry["status"] is JobStatus.FAILED]
    assert failed[: len(failed) // 2] == failed[len(failed) // 2 :]
    assert 8 <= len(failed) // 2 <= 28  # 18 +- 3 x 3.5
    assert {entry["billed_s"] for entry in books} == {3.0}  # `billed`: they ran to their end
    assert qpu.classify("9000") == "never"


def test_whole_jobs_fail_at_their_rate_and_an_equal_job_may_succeed(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"job_failures": 0.5})
    handles = [qpu.submit(job()) for _ in range(40)]
    clock.forward(10_000)
    reports = [qpu.poll(handle) for handle in handles]
    failed = [report for report in reports if report.status is JobStatus.FAILED]
    assert 7 <= len(failed) <= 33  # 20 +- 4 x 3.2
    assert {(r.error_class, r.billed_s, r.blamed_kernel_ids) for r in failed} == {("TransientProviderError", 0.0, ())}
    assert {qpu.classify(report.error_code) for report in failed} == {"transient"}
    with pytest.raises(JobFailedError, match="internal error"):
        qpu.fetch(handles[reports.index(failed[0])])


@pytest.mark.parametrize("kind", ["swapped", "short", "other"])
def test_a_wrong_result_can_be_seen_and_is_right_when_fetched_again(tmp_path, kind):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"wrong_results": {"rate": 1.0, "kinds": [kind], "times": 2}})
    handle = qpu.submit(job("a", "b"))
    clock.forward(60)
    for _ in range(2):
        wrong = qpu.fetch(handle)
        kernels = [pub.kernel_id for pub in wrong.pubs]
        if kind == "swapped":
            assert kernels == ["b", "a"]
        elif kind == "other":
            assert set(kernels).isdisjoint({"a", "b"})
            assert wrong.handle != handle
        else:
            assert kernels == ["a", "b"]
            with pytest.raises(ResultIntegrityError, match="has 500 shots instead of 1000"):
                wrong.pubs[-1].counts.verify(num_bits=2, rows=1, shots=1000)
    right = qpu.fetch(handle)
    assert right.handle == handle
    assert [pub.kernel_id for pub in right.pubs] == ["a", "b"]
    for pub in right.pubs:
        pub.counts.verify(num_bits=2, rows=1, shots=1000)
    assert (qpu.books()[0]["wrong"], qpu.books()[0]["fetched"]) == (kind, 3)


def test_a_single_pub_cannot_be_swapped_and_is_short_instead(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"wrong_results": {"rate": 1.0, "kinds": ["swapped"]}})
    handle = qpu.submit(job(shots=1))
    clock.forward(60)
    (pub,) = qpu.fetch(handle).pubs
    assert (pub.counts.num_rows, pub.counts.counts.tolist()) == (1, [])  # half of one shot is none


def test_a_late_result_comes_later(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"late_results": {"rate": 1.0, "for_s": 40}})
    handle = qpu.submit(job())
    clock.forward(13 + 39.9)
    assert qpu.poll(handle).status is JobStatus.SUCCEEDED
    with pytest.raises(TransientProviderError, match="not stored yet"):
        qpu.fetch(handle)
    clock.forward(0.1)
    assert qpu.fetch(handle).billed_s == 3.0
    assert (qpu.books()[0]["is_late"], qpu.books()[0]["fetched"]) == (True, 1)


def test_a_job_that_never_finishes_ends_by_cancellation_and_blocks_nobody(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, faults={"never_finishes": 1.0})
    first, second = qpu.submit(job(request_id="a")), qpu.submit(job(request_id="b"))
    clock.forward(100_000)
    assert [qpu.poll(handle).status for handle in (first, second)] == [JobStatus.RUNNING] * 2
    assert qpu.status().pending_jobs == 2
    report = qpu.cancel(first)
    assert (report.status, report.billed_s) == (JobStatus.CANCELLED, 3.0)  # what the device spent on it
    assert (qpu.status().pending_jobs, qpu.books()[1]["never_ends"]) == (1, True)


def test_latency_shifts_for_jobs_submitted_meanwhile(tmp_path):
    clock = VirtualClock()
    shift = {"after_s": 100, "for_s": 100, "median_s": 500, "sigma": 0}
    qpu = emulator(tmp_path, clock, run_slots=2, faults={"latency": [shift]})
    qpu.status()
    starts = []
    for name in ("before", "meanwhile", "after"):
        handle = qpu.submit(job(request_id=name))
        submitted = clock.now
        clock.forward(100)
        starts.append((handle, submitted))
    clock.forward(10_000)
    waits = [(qpu.poll(handle).started_at - submitted).total_seconds() for handle, submitted in starts]
    # The last one came at 200 s and would start at 210 s in the free slot, but the one before starts at 600 s only.
    assert waits == [10, 500, 400]
