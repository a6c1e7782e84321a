"""The emulated QPU from submission to result, under a virtual clock."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hybrid_assets.errors import (
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    RateLimitedError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobHandle, JobLimits, JobStatus
from hybrid_assets.providers._emulator_machine import DeviceMachine
from hybrid_assets.providers.aer import sweep
from hybrid_assets.providers.emulator import EmulatorOptions, EmulatorProvider
from hybrid_assets_tests.unit.providers.emulators import EXACT, START, VirtualClock, emulator, job
from hybrid_assets_tests.unit.providers.pubs import compiled, line_device, pub, qaoa, request


def after(moment):
    """Return seconds since the start of the test."""
    return None if moment is None else (moment - START).total_seconds()


def times(report):
    return report.status, after(report.submitted_at), after(report.started_at), after(report.finished_at)


def test_a_job_waits_runs_and_is_billed(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    handle = qpu.submit(job(shots=500, rows=2))
    # 2 s + 1000 executions x (0.25 ms repetition delay + 0.75 ms circuit) = 3 s, after a queue of 10 s.
    assert qpu.estimate(job(shots=500, rows=2)).qpu_s == pytest.approx(3.0)
    assert times(qpu.poll(handle)) == (JobStatus.QUEUED, 0, None, None)
    assert qpu.poll(handle).queue_position == 1
    with pytest.raises(TransientProviderError, match="QUEUED"):
        qpu.fetch(handle)
    clock.forward(10)
    assert times(qpu.poll(handle)) == (JobStatus.RUNNING, 0, 10, None)
    assert qpu.poll(handle).billed_s == 0.0
    clock.forward(3)
    report = qpu.poll(handle)
    assert times(report) == (JobStatus.SUCCEEDED, 0, 10, 13)
    result = qpu.fetch(handle)
    assert (result.billed_s, result.started_at, result.finished_at) == (3.0, report.started_at, report.finished_at)
    assert report.billed_s == 3.0


def test_bills_are_rounded_and_speed_leaves_them_alone(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, bill_step_s=2.0, speed=10.0)
    handle = qpu.submit(job(shots=1000))
    clock.forward(1.0)  # 10 s of queue
    assert qpu.poll(handle).status is JobStatus.RUNNING
    clock.forward(0.3)  # 3 s of run time, billed as 4 s
    assert qpu.poll(handle).status is JobStatus.SUCCEEDED
    assert qpu.fetch(handle).billed_s == 4.0


@pytest.mark.parametrize(("run_slots", "expected"), [(1, [10, 13, 16]), (2, [10, 10, 13]), (3, [10, 10, 10])])
def test_slots_of_the_device_are_shared_first_in_first_out(tmp_path, run_slots, expected):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, run_slots=run_slots)
    handles = [qpu.submit(job(request_id=f"r{i}")) for i in range(3)]
    assert [qpu.poll(handle).queue_position for handle in handles] == [1, 2, 3]
    clock.forward(100)
    assert [after(qpu.poll(handle).started_at) for handle in handles] == expected


def test_queue_waits_are_log_normal_and_seeded(tmp_path):
    def waits(folder, seed):
        clock = VirtualClock()
        qpu = emulator(tmp_path / folder, clock, queue_median_s=100.0, queue_sigma=0.5, seed=seed)
        found = []
        for i in range(60):  # each alone, so that nobody waits for a slot
            handle = qpu.submit(job(request_id=f"r{i}"))
            submitted = clock.forward(0)
            clock.forward(10_000)
            found.append((qpu.poll(handle).started_at - submitted).total_seconds())
        return found

    first = waits("a", 1)
    assert first == waits("b", 1) != waits("c", 2)
    logs = np.log(first)
    # 60 draws: mean log(100) +- 4 x 0.5 / sqrt(60), standard deviation 0.5 +- 4 x 0.5 / sqrt(120).
    assert abs(logs.mean() - math.log(100)) < 0.26
    assert abs(logs.std() - 0.5) < 0.19


def test_a_cancelled_job_frees_its_place_but_nobody_starts_in_the_past(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    handles = [qpu.submit(job(request_id=f"r{i}", shots=8000)) for i in range(4)]  # each runs 10 s: 10, 20, 30, 40
    clock.forward(15)
    assert times(qpu.cancel(handles[1])) == (JobStatus.CANCELLED, 0, None, 15)
    assert qpu.poll(handles[2]).queue_position == 1
    assert times(qpu.cancel(handles[0])) == (JobStatus.CANCELLED, 0, 10, 15)
    with pytest.raises(JobCancelledError, match="was cancelled"):
        qpu.fetch(handles[0])
    clock.forward(100)
    assert [after(qpu.poll(handle).started_at) for handle in handles] == [10, None, 15, 25]
    assert [entry["billed_s"] for entry in qpu.books()] == [5.0, 0.0, 10.0, 10.0]  # 5 of its 10 s were used


def test_cancelling_an_ended_job_changes_nothing(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    handle = qpu.submit(job())
    clock.forward(13)
    before = qpu.poll(handle)
    assert qpu.cancel(handle) == before
    assert before.status is JobStatus.SUCCEEDED


def test_the_same_id_twice_is_two_paid_jobs(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    first, second = qpu.submit(job()), qpu.submit(job())
    assert first != second
    assert list(qpu.find("req")) == [first, second]
    clock.forward(60)
    assert [entry["billed_s"] for entry in qpu.books()] == [3.0, 3.0]


def test_with_dedupe_the_same_id_is_one_job_and_must_ask_for_the_same(tmp_path):
    qpu = emulator(tmp_path, VirtualClock(), dedupe=True)
    assert qpu.submit(job()) == qpu.submit(job())
    assert len(qpu.books()) == 1
    with pytest.raises(PermanentProviderError, match="in use for a request of other PUBs"):
        qpu.submit(job("another"))


def test_listings_lag_behind(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, listing_lag_s=20)
    handle = qpu.submit(job())
    clock.forward(19.9)
    assert list(qpu.find("req")) == []
    assert qpu.poll(handle).status is JobStatus.SUCCEEDED  # asked by its id, a job is known at once
    clock.forward(0.1)
    assert list(qpu.find("req")) == [handle]
    assert list(qpu.find("req", since=START)) == [handle]
    assert list(qpu.find("req", since=START + timedelta(microseconds=1))) == []


@pytest.mark.parametrize(
    ("limit", "asked", "message"),
    [
        ({"max_pubs": 2}, job("a", "b", "c"), "has 3 PUBs; a job may have 2"),
        ({"max_executions": 5999}, job("a", "b", rows=3), "has 6000 executions; a job may have 5999"),
        ({"max_payload_bytes": 14}, job("a"), "has 15 payload bytes"),  # 7 bytes of circuit, 8 of one value
        ({"max_shots": 999}, job("a"), "has 1000 shots a row"),
    ],
)
def test_requests_beyond_a_limit_are_refused_to_be_split(tmp_path, limit, asked, message):
    qpu = emulator(tmp_path, VirtualClock(), **limit)
    with pytest.raises(PermanentProviderError, match=message) as caught:
        qpu.submit(asked)
    assert qpu.classify(caught.value.facts["code"]) == "split"
    assert qpu.books() == []


def test_limits_are_told_and_null_lifts_one(tmp_path):
    qpu = emulator(tmp_path, VirtualClock(), max_pubs=None, max_shots=5, posts_per_minute=9)
    assert qpu.limits() == JobLimits(
        max_pubs=None,
        max_executions=10_000_000,
        max_payload_bytes=50_000_000,
        max_shots=5,
        max_run_s=10_800.0,
        posts_per_minute=9,
    )


def test_a_job_that_is_too_long_is_cut_off_billed_and_fails_to_be_split(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, max_run_s=2.5)
    handle = qpu.submit(job())  # 3 s
    assert qpu.estimate(job()).qpu_s == 2.5
    clock.forward(12.5)
    report = qpu.poll(handle)
    assert times(report) == (JobStatus.FAILED, 0, 10, 12.5)
    assert (report.billed_s, report.error_class, qpu.classify(report.error_code)) == (2.5, "CapacityError", "split")
    with pytest.raises(JobFailedError, match=r"would run 3\.0 s; a job may run 2\.5 s") as caught:
        qpu.fetch(handle)
    assert caught.value.facts["code"] == report.error_code


@pytest.mark.parametrize(
    ("kernel", "expected", "name"),
    [("stale", "recompile", "TargetMismatchError"), ("odd", "never", "JobFailedError")],
)
def test_a_circuit_that_does_not_fit_fails_its_job_unbilled_and_is_blamed(tmp_path, kernel, expected, name):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    handle = qpu.submit(job("fine", kernel))
    clock.forward(12)
    report = qpu.poll(handle)
    assert (report.status, report.blamed_kernel_ids, report.billed_s) == (JobStatus.FAILED, (kernel,), 0.0)
    assert (qpu.classify(report.error_code), report.error_class) == (expected, name)
    assert qpu.estimate(job("fine", kernel)).qpu_s == 0.0


def test_submissions_are_limited_in_every_minute(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, posts_per_minute=2)
    qpu.submit(job(request_id="a"))
    clock.forward(20)
    qpu.submit(job(request_id="b"))
    clock.forward(30)
    with pytest.raises(RateLimitedError, match=r"Try again in 10\.0 s") as caught:
        qpu.submit(job(request_id="c"))
    assert caught.value.facts["retry_after_s"] == 10.0  # the first leaves the window at 60 s
    clock.forward(9.999)
    with pytest.raises(RateLimitedError):
        qpu.submit(job(request_id="c"))
    clock.forward(0.001)
    qpu.submit(job(request_id="c"))
    assert [post["outcome"] for post in qpu.posts()] == [
        "accepted",
        "accepted",
        "rate_limited",
        "rate_limited",
        "accepted",
    ]


def test_requests_for_others_or_for_nothing_are_refused(tmp_path):
    qpu = emulator(tmp_path, VirtualClock())
    with pytest.raises(PermanentProviderError, match="submitted to 'em'"):
        qpu.submit(replace(job(), backend="other"))
    with pytest.raises(PermanentProviderError, match="holds no PUB"):
        qpu.submit(replace(job(), pubs=()))


def test_jobs_that_were_never_made_are_unknown(tmp_path):
    qpu = emulator(tmp_path, VirtualClock())
    handle = JobHandle(provider="emulator", backend="em", request_id="x", provider_job_id="../../x")
    for method in (qpu.poll, qpu.fetch, qpu.cancel):
        with pytest.raises(PermanentProviderError, match="There is no job"):
            method(handle)


def test_a_result_is_executed_once_and_a_damaged_one_again(tmp_path):
    clock, isa = VirtualClock(), compiled(qaoa(2, ((0, 1),), 1), line_device(3))
    asked = request(pub(isa, [[0.3, 0.5]], shots=300), backend="em")
    machines = []

    def counting(document):
        machines.append(Counting(document, density_matrix_qubits=8))
        return machines[-1]

    def made():
        parsed = EmulatorOptions.parse(EXACT, "em")
        return EmulatorProvider("em", parsed, tmp_path, clock=clock, document=line_device(3), machine=counting)

    handle = made().submit(asked)
    clock.forward(60)
    first, again = made().fetch(handle), made().fetch(handle)
    assert counts(first) == counts(again)
    assert sum(machine.times[0] for machine in machines) == 1
    outcome = tmp_path / "jobs" / "em" / handle.provider_job_id / "outcome"
    content = bytearray(outcome.read_bytes())
    content[-20] ^= 1
    outcome.write_bytes(bytes(content))
    assert counts(made().fetch(handle)) == counts(first)
    assert sum(machine.times[0] for machine in machines) == 2
    assert made().books()[0]["fetched"] == 3
    assert sweep(tmp_path, older_than_s=-1) == 1
    with pytest.raises(PermanentProviderError, match="were removed"):
        made().fetch(handle)


def test_an_altered_payload_is_refused(tmp_path):
    isa = compiled(qaoa(2, ((0, 1),), 1), line_device(3))
    asked = pub(isa, [[0.3, 0.5]])
    parsed = EmulatorOptions.parse(EXACT, "em")
    qpu = EmulatorProvider("em", parsed, tmp_path, clock=VirtualClock(), document=line_device(3))
    with pytest.raises(PermanentProviderError, match="was altered on its way"):
        qpu.submit(request(replace(asked, payload=asked.payload + b"x"), backend="em"))


def test_a_job_runs_under_the_calibration_in_force_when_it_starts(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, drift={"every_s": 3600, "sigma": 0.5})
    clock.forward(3595)  # 5 s before the next calibration; the queue takes 10 s
    compiled_under = qpu.target()
    handle = qpu.submit(job())
    clock.forward(100)
    started_under = qpu.target()
    clock.forward(36_000)  # fetched ten calibrations later
    result = qpu.fetch(handle)
    assert result.calibration_id == started_under.calibration_id != compiled_under.calibration_id
    assert result.calibration_id == qpu.target(result.started_at).calibration_id
    assert qpu.target().calibration_id not in {started_under.calibration_id, compiled_under.calibration_id}
    assert qpu.target(START + timedelta(seconds=3595)) == compiled_under
    assert emulator(tmp_path, clock, drift={"every_s": 3600, "sigma": 0.5}).target(START) == qpu.target(START)


def test_identity_tells_devices_and_drifts_apart_but_not_queues_and_faults(tmp_path):
    def identity(**options):
        return emulator(tmp_path, VirtualClock(), **options).describe().identity

    plain = identity()
    assert plain == identity(queue_median_s=99.0, faults={"lost_replies": 0.5}, speed=5.0)
    others = [
        identity(drift={"sigma": 0.1}),
        identity(drift={"sigma": 0.2}),
        identity(drift={"sigma": 0.2, "qubits": [1]}),
        identity(density_matrix_qubits=3),
    ]
    assert len({plain, *others}) == 5


def test_it_passes_for_a_qpu_that_costs_nothing_unless_told(tmp_path):
    free, metered = (emulator(tmp_path, VirtualClock(), metered=m).describe() for m in (False, True))
    assert (free.is_metered, metered.is_metered, free.is_simulator) == (False, True, False)


def test_status_counts_jobs_that_have_not_ended(tmp_path):
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    qpu.submit(job(request_id="a"))
    qpu.submit(job(request_id="b"))
    assert (qpu.status().operational, qpu.status().pending_jobs) == (True, 2)
    clock.forward(14)
    assert qpu.status().pending_jobs == 1
    clock.forward(14)
    assert qpu.status().pending_jobs == 0


class Counting(DeviceMachine):
    """The real machine, counting its executions."""

    def __init__(self, document, density_matrix_qubits):
        super().__init__(document, density_matrix_qubits=density_matrix_qubits)
        object.__setattr__(self, "times", [0])  # the machine itself is frozen

    def execute(self, asked):
        self.times[0] += 1
        return super().execute(asked)


def counts(result):
    return [(p.kernel_id, p.counts.outcomes.tolist(), p.counts.counts.tolist()) for p in result.pubs]
