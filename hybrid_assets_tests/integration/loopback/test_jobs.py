"""Jobs of the genuine client, from submission to result and bill."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.exceptions import (
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobNotFound,
)

from hybrid_assets_tests.integration.loopback.clients import PLACE, WIDTH, backend_of, bell, finished, sampler, turned

PROGRAMS = ["sampler", "executor"]
SHOTS = 4096


def deviation(p, shots=SHOTS):
    """Return five standard deviations of a frequency: one false alarm in two million."""
    return 5 * np.sqrt(p * (1 - p) / shots)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_bell_job_is_executed_once_and_comes_back_right(start, program):
    service, client = start(is_noisy=False)
    job = sampler(backend_of(client), program=program, tags=["key-a", "night"]).run([bell()], shots=SHOTS)
    record = finished(service, job)
    counts = job.result()[0].data.c.get_counts()
    assert set(counts) == {"00", "11"}
    assert abs(counts["11"] / SHOTS - 0.5) < deviation(0.5)
    assert (record.program, record.tags, record.num_pubs, record.executions) == (program, ("key-a", "night"), 1, SHOTS)
    assert service.executions_of("key-a") == 1
    # 1 s + 4096 executions x 250 us
    assert record.billed_s == service.billed_s == pytest.approx(2.024)


def test_errors_of_the_calibration_act(start):
    """A qubit that nothing was done to is read as 1 as often as the calibration says."""
    service, client = start()
    circuit = QuantumCircuit(WIDTH, 1)
    circuit.measure(2, 0)
    job = sampler(backend_of(client)).run([circuit], shots=SHOTS)
    finished(service, job)
    p_wrong = 0.0702  # prob_meas1_prep0 of qubit 2 of FakeManila
    assert abs(job.result()[0].data.c.get_counts()["1"] / SHOTS - p_wrong) < deviation(p_wrong)


@pytest.mark.parametrize("program", PROGRAMS)
def test_bits_of_several_registers_keep_their_places(start, program):
    service, client = start(device="fake_torino", is_noisy=False)
    circuit = QuantumCircuit(133)
    low, high = ClassicalRegister(10, "low"), ClassicalRegister(3, "high")
    circuit.add_register(low, high)
    for bit in (0, 9, 12):
        circuit.x(bit)
    circuit.measure(range(13), range(13))
    job = sampler(backend_of(client), program=program).run([circuit], shots=8)
    finished(service, job)
    data = job.result()[0].data
    assert (data.low.get_counts(), data.high.get_counts()) == ({"1000000001": 8}, {"100": 8})


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_thousand_rows_are_one_job(start, program):
    service, client = start(is_noisy=False)
    angles = np.linspace(0, np.pi, 1000)
    job = sampler(backend_of(client), program=program).run([(turned(), angles[:, None])], shots=256)
    finished(service, job)
    data = job.result()[0].data.c
    assert data.shape == (1000,)
    assert [record.executions for record in service.book] == [256_000]
    ones = np.array([data.get_int_counts(row).get(3, 0) for row in range(1000)]) / 256
    expected = np.sin(angles / 2) ** 4  # both qubits
    assert np.abs(ones - expected).max() < 0.16  # five standard deviations at p = 1/2


def test_twirled_and_decoupled_jobs_come_back_untwirled(start):
    service, client = start(is_noisy=False)
    made = sampler(backend_of(client))
    made.options.twirling.enable_gates = made.options.twirling.enable_measure = True
    made.options.dynamical_decoupling.enable = True
    job = made.run([bell()], shots=SHOTS)
    finished(service, job)
    counts = job.result()[0].data.c.get_counts()
    assert set(counts) == {"00", "11"}
    assert abs(counts["11"] / SHOTS - 0.5) < deviation(0.5)


def test_fractional_gates_are_there_when_asked_for(start):
    service, client = start(has_fractional_gates=True, is_noisy=False)
    assert "rzz" not in backend_of(client).basis_gates
    backend = backend_of(client, use_fractional_gates=True)
    circuit = QuantumCircuit(WIDTH, 1)
    circuit.rx(np.pi, PLACE[0])
    circuit.rzz(0.3, *PLACE)
    circuit.measure(PLACE[0], 0)
    job = sampler(backend, program="sampler").run([circuit], shots=16)  # this sampler checks the circuit's gates
    finished(service, job)
    assert job.result()[0].data.c.get_counts() == {"1": 16}


def test_a_dry_run_costs_nothing(start):
    service, client = start()
    job = sampler(backend_of(client)).run([bell()], shots=64, dry_run=True)
    record = finished(service, job)
    assert (record.backend, record.executed, service.billed_s) == ("mock_loopback", False, 0.0)
    assert job.usage_estimation["quantum_seconds"] == pytest.approx(1.016)  # 1 s + 64 x 250 us
    assert sum(job.result()[0].data.c.get_counts().values()) == 64


def test_jobs_are_found_by_all_their_tags_newest_first(start):
    service, client = start()
    service.set_maintenance(on=True)
    backend = backend_of(client)
    jobs = [sampler(backend, tags=["night", f"key-{k}"]).run([bell()], shots=1).job_id() for k in range(12)]
    assert [job.job_id() for job in client.jobs(job_tags=["night"])] == jobs[:1:-1]  # ten is the client's default
    assert [job.job_id() for job in client.jobs(job_tags=["night"], limit=None)] == jobs[::-1]
    assert [job.job_id() for job in client.jobs(job_tags=["night", "key-3"])] == [jobs[3]]
    assert client.jobs(job_tags=["key-3", "key-4"]) == []
    assert [job.job_id() for job in client.jobs(limit=2, skip=1, descending=False)] == jobs[1:3]
    assert client.jobs(pending=False) == []
    later = service.book[4].created_at
    assert {job.job_id() for job in client.jobs(created_after=later, limit=None)} == set(jobs[4:])
    assert {job.job_id() for job in client.jobs(created_before=later, limit=None)} == set(jobs[:5])


def test_tags_may_change_and_jobs_be_deleted(start):
    service, client = start()
    job = sampler(backend_of(client), tags=["old"]).run([bell()], shots=1)
    assert job.update_tags(["new"]) == ["new"]
    assert [record.id for record in service.jobs_of("new")] == [job.job_id()]
    client.delete_job(job.job_id())
    with pytest.raises(RuntimeJobNotFound):
        client.job(job.job_id())
    assert client.jobs() == []
    assert len(service.book) == 1


def test_a_listing_lags_behind_a_job_asked_for_by_its_id(start):
    service, client = start(listing_lag_s=3600)
    job = sampler(backend_of(client), tags=["key"]).run([bell()], shots=1)
    assert client.jobs(job_tags=["key"]) == []
    assert client.job(job.job_id()).tags == ["key"]
    assert len(service.jobs_of("key")) == 1


def test_a_queued_job_is_cancelled_and_a_final_one_is_not(start):
    service, client = start()
    service.set_maintenance(on=True)
    backend = backend_of(client)
    assert (backend.status().operational, backend.status().status_msg) == (False, "maintenance")
    job = sampler(backend).run([bell()], shots=1)
    assert job.status() == "QUEUED"
    assert job.metrics()["position_in_queue"] == 1
    job.cancel()
    assert (job.status(), service.billed_s) == ("CANCELLED", 0.0)
    with pytest.raises(RuntimeInvalidStateError):
        client.job(job.job_id()).cancel()


def test_a_running_job_is_cancelled_and_billed(start):
    service, client = start(run_s=3600)
    job = sampler(backend_of(client)).run([bell()], shots=1)
    service.wait_for(lambda: service.book[0].executed)
    assert job.status() == "RUNNING"
    job.cancel()
    assert (service.book[0].status, service.book[0].billed_s) == ("Cancelled", pytest.approx(1.00025))


def test_usage_is_pending_until_the_end(start):
    service, client = start()
    service.set_maintenance(on=True)
    job = sampler(backend_of(client)).run([bell()], shots=400)
    assert (job.usage(), job.metrics()["timestamps"]["running"]) == (0, None)
    service.set_maintenance(on=False)
    record = finished(service, job)
    assert job.usage() == client.usage()["usage_consumed_seconds"] == record.billed_s == pytest.approx(1.1)
    times = job.metrics()["timestamps"]
    assert times["created"] < times["running"] < times["finished"]
    assert service.paid == pytest.approx(1.1 * 1.6)


def test_jobs_beyond_the_usage_limit_are_held(start):
    service, client = start(usage_limit_s=1.0, queue_s=0.0)
    first = sampler(backend_of(client)).run([bell()], shots=400)
    finished(service, first)
    with pytest.warns(UserWarning, match="usage limit"):
        held = sampler(backend_of(client)).run([bell()], shots=400)
    assert held.status() == "QUEUED"
    service.set_usage_limit(10.0)
    finished(service, held)
    assert held.status() == "DONE"


def test_limits_refuse_with_their_codes(start):
    service, client = start(max_active_jobs=1, posts_per_minute=4, max_tags=2, max_tag_characters=9)
    service.set_maintenance(on=True)
    backend = backend_of(client)
    sampler(backend).run([bell()], shots=1)
    with pytest.raises(IBMRuntimeError, match="3458"):
        sampler(backend).run([bell()], shots=1)
    with pytest.raises(IBMRuntimeError, match="1204"):
        sampler(backend, tags=["a", "b", "c"]).run([bell()], shots=1)
    with pytest.raises(IBMRuntimeError, match="1205"):
        sampler(backend, tags=["0123456789"]).run([bell()], shots=1)
    with pytest.raises(IBMRuntimeError, match="429"):
        sampler(backend).run([bell()], shots=1)
    assert [post.status for post in service.posts] == [200, 400, 400, 400, 429]
    assert len(service.book) == 1


def test_a_job_that_takes_too_long_is_ended_and_billed_up_to_its_cap(start):
    service, client = start()
    job = sampler(backend_of(client), max_execution_time=2).run([bell()], shots=8000)  # 1 s + 2 s
    finished(service, job)
    with pytest.raises(RuntimeJobMaxTimeoutError):
        job.result()
    assert service.billed_s == 2.0


def test_a_circuit_of_another_device_fails_and_costs_nothing(start):
    service, client = start()
    circuit = QuantumCircuit(WIDTH, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    job = sampler(backend_of(client)).run([circuit], shots=1)  # this sampler sends what it is given
    finished(service, job)
    with pytest.raises(RuntimeJobFailureError, match=r"1517.*no 'h'"):
        job.result()
    assert (service.billed_s, service.book[0].executed) == (0.0, False)


def test_a_batch_takes_jobs_until_it_is_closed(start):
    service, client = start()
    with Batch(backend=backend_of(client)) as batch:
        jobs = [sampler(batch).run([bell()], shots=400) for _ in range(2)]
        assert batch.status() in {"Pending", "In progress, accepting new jobs"}
    for job in jobs:
        assert finished(service, job).session_id == batch.session_id
    assert (batch.status(), batch.usage()) == ("Closed", pytest.approx(2.2))
    assert [job.job_id() for job in client.jobs(session_id=batch.session_id)] == [j.job_id() for j in jobs[::-1]]
    assert [session.mode for session in service.sessions] == ["batch"]


def test_a_batch_closed_elsewhere_takes_no_jobs(start):
    service, client = start()
    batch = Batch(backend=backend_of(client))
    Batch.from_id(batch.session_id, client).close()
    with pytest.raises(IBMRuntimeError, match="1217"):
        sampler(batch).run([bell()], shots=1)
    assert service.book == []


def test_cancelling_a_session_cancels_what_is_queued(start):
    service, client = start()
    service.set_maintenance(on=True)
    session = Session(backend=backend_of(client))
    job = sampler(session).run([bell()], shots=1)
    session.cancel()
    assert (job.status(), session.status(), session.details()["mode"]) == ("CANCELLED", "Closed", "dedicated")
