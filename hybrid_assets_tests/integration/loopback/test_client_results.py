"""What the genuine client makes of jobs that go wrong and of results that are not there or not right.

See `test_client_facts`. The IBM provider refuses whatever the client lets pass here.
"""

from __future__ import annotations

import math

import pytest
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import RuntimeJobFailureError

from hybrid_assets_tests.integration.loopback.clients import backend_of, bell, done, finished, routes, sampler
from hybrid_assets_tests.loopback import Fault


def test_a_cut_body_is_an_error_and_not_asked_for_again(shared):
    service, _ = shared
    job = done(shared)
    service.inject(Fault("results", "cut"))
    with pytest.raises(RequestsApiError):
        job.result()
    assert routes(service).count("results") == 1


@pytest.mark.parametrize("what", ["no_content", "empty"])
def test_a_result_not_stored_yet_is_none_without_an_error(shared, what):
    service, _ = shared
    job = done(shared)
    service.inject(Fault("results", what))
    assert job.result() is None
    assert job.result() is not None


@pytest.mark.parametrize("program", ["sampler", "executor"])
@pytest.mark.parametrize("what", ["null", "html", "garbled"])
def test_a_body_that_is_no_result(shared, program, what):
    """The old program hands it through, the new one's decoder trips over it."""
    service, client = shared
    job = sampler(backend_of(client), program=program).run([bell()], shots=16)
    finished(service, job)
    service.inject(Fault("results", what))
    if program == "executor":
        with pytest.raises((TypeError, ValueError, KeyError)):
            job.result()
    elif what == "null":
        assert job.result() is None
    else:
        assert isinstance(job.result(), str)


@pytest.mark.parametrize("program", ["sampler", "executor"])
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("flipped", [(16, 2), (16, 2)]),
        ("half_shots", [(8, 2), (8, 2)]),
        ("wider", [(16, 3), (16, 3)]),
        ("swapped_pubs", [(16, 2), (16, 2)]),
    ],
)
def test_a_wrong_result_is_returned_as_if_right(shared, program, what, expected):
    service, client = shared
    job = sampler(backend_of(client), program=program).run([bell(), bell()], shots=16)
    finished(service, job)
    right = [pub.data.c.array.tolist() for pub in job.result()]
    fault = service.inject(Fault("results", what))
    wrong = job.result()
    assert fault.happened == 1
    assert [(pub.data.c.num_shots, pub.data.c.num_bits) for pub in wrong] == expected
    if what == "flipped":
        assert wrong[0].data.c.array.tolist() == [[3 - value for value in shot] for shot in right[0]]
    if what == "swapped_pubs":
        assert [pub.data.c.array.tolist() for pub in wrong] == right[::-1]


def test_a_missing_pub_is_seen_by_the_new_program_only(shared):
    service, client = shared
    for program in ("sampler", "executor"):
        job = sampler(backend_of(client), program=program).run([bell(), bell()], shots=16)
        finished(service, job)
        service.inject(Fault("results", "missing_pub"))
        if program == "sampler":
            assert len(job.result()) == 1
        else:
            with pytest.raises(ValueError, match="does not match number of pubs"):
                job.result()


def test_another_jobs_result_is_returned_as_if_right(shared):
    service, _ = shared
    done(shared, shots=32)
    job = done(shared, shots=16)
    service.inject(Fault("results", "another_job"))
    assert job.result()[0].data.c.num_shots == 32


def test_a_final_status_is_never_asked_for_again(shared):
    service, client = shared
    job = done(shared)
    assert job.status() == "DONE"
    fault = service.inject(Fault("get_job", "stale", times=math.inf))
    assert (job.status(), fault.happened) == ("DONE", 0)
    assert client.job(job.job_id()).status() == "QUEUED"
    fault.lift()
    assert client.job(job.job_id()).status() == "DONE"


@pytest.mark.parametrize(("what", "is_executed"), [("fail_before", False), ("fail_after", True)])
def test_a_failed_job_carries_its_code_and_is_not_sent_again(shared, what, is_executed):
    service, client = shared
    service.inject(Fault("post_job", what, code=5204))
    job = sampler(backend_of(client)).run([bell()], shots=1)
    assert finished(service, job).executed is is_executed
    with pytest.raises(RuntimeJobFailureError, match="Error code 5204"):
        job.result()
    assert len(service.book) == 1


def test_a_job_that_never_ends_runs_until_cancelled(shared):
    service, client = shared
    service.inject(Fault("post_job", "never_ends"))
    job = sampler(backend_of(client)).run([bell()], shots=1)
    service.wait_for(lambda: service.book[0].status == "Running")
    finished(service, sampler(backend_of(client)).run([bell()], shots=1))  # it does not stand in the way of others
    assert job.status() == "RUNNING"
    job.cancel()
    assert service.book[0].status == "Cancelled"
