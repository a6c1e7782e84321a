"""Faults of the service, one at a time, through the unpatched client: no job twice, none lost, every wait bounded."""

from __future__ import annotations

import math
import threading
import time

import pytest

from hybrid_assets.errors import (
    BackendUnavailableError,
    CredentialsError,
    JobCancelledError,
    JobFailedError,
    RateLimitedError,
    ResultIntegrityError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets_tests.integration.providers.ibm_loopback import (
    done,
    impatient,
    provider,
    service,
    twin_pubs,
    two_pubs,
    until_final,
)
from hybrid_assets_tests.loopback import Fault
from hybrid_assets_tests.loopback.sessions import SessionRecord

#: No call of an `impatient` backend takes longer than its deadline of 1.2 s; the rest is for a busy machine.
BOUND_S = 3.0


@pytest.fixture
def running(monkeypatch):
    with service(monkeypatch) as started:
        yield started


def warmed(running, tmp_path, **options):
    """Return a backend that has signed in, so that a fault meets the call and not the sign-in."""
    backend = provider(running, tmp_path, **options)
    backend.status()
    return backend


# --- the POST


@pytest.mark.parametrize(
    ("what", "makes_a_job"),
    [
        ("error", False),
        ("error_after", True),
        ("drop", False),
        ("drop_after", True),
        ("silence", False),
        ("silence_after", True),
        ("cut", True),
        ("trickle", True),
        ("garbled", True),
        ("empty", True),
        ("no_content", True),
        ("null", True),
        ("html", True),
    ],
)
def test_a_doubtful_submission_is_unknown_sent_once_and_found(running, tmp_path, what, makes_a_job):
    """The client by itself repeats a POST on 5xx and makes a second paid job."""
    backend = impatient(provider(running, tmp_path))
    fault = running.inject(Fault(where="post_job", what=what, times=math.inf))
    began_s = time.monotonic()
    with pytest.raises(SubmissionUnknownError):
        backend.submit(two_pubs())
    assert time.monotonic() - began_s < BOUND_S
    assert fault.happened == len(running.posts) == 1
    jobs = [job.id for job in running.jobs_of("req")]
    assert len(jobs) == makes_a_job
    assert [handle.provider_job_id for handle in provider(running, tmp_path).find("req")] == jobs


@pytest.mark.parametrize(("retry_after_s", "expected"), [(7.0, 7.0), (None, None)])
def test_a_throttled_submission_made_nothing_and_says_when_to_come_back(running, tmp_path, retry_after_s, expected):
    backend = warmed(running, tmp_path)
    running.inject(Fault(where="post_job", what="rate_limited", retry_after_s=retry_after_s))
    with pytest.raises(RateLimitedError) as caught:
        backend.submit(two_pubs())
    assert caught.value.facts.get("retry_after_s") == expected
    assert (len(running.posts), running.book) == (1, [])


def test_a_revoked_token_is_renewed_once_and_the_refused_submission_sent_again(running, tmp_path):
    backend = warmed(running, tmp_path)
    running.inject(Fault(where="post_job", what="revoked"))
    handle = backend.submit(two_pubs())
    assert [job.id for job in running.jobs_of("req")] == [handle.provider_job_id]
    assert [post.status for post in running.posts] == [401, 200]


def test_a_token_that_is_refused_again_and_again_is_a_credentials_error(running, tmp_path):
    backend = warmed(running, tmp_path)
    running.inject(Fault(where="get_job", what="revoked", times=math.inf))
    with pytest.raises(CredentialsError, match="API key in QISKIT_IBM_TOKEN"):
        backend.poll(backend.submit(two_pubs()))


def test_too_many_jobs_at_once_are_waited_for(monkeypatch, tmp_path):
    with service(monkeypatch, max_active_jobs=1, queue_s=60.0) as running:
        backend = provider(running, tmp_path)
        backend.submit(two_pubs("one"))
        with pytest.raises(RateLimitedError) as caught:
            backend.submit(two_pubs("two"))
        assert caught.value.facts["code"] == "3458"
        assert running.jobs_of("two") == []


def test_a_submission_that_took_too_long_to_prepare_never_leaves(running, tmp_path):
    """Nobody waits for it any more, and others may have looked for it: its forgotten thread must not send it."""
    backend = provider(running, tmp_path, mode="job")
    backend.submit(two_pubs("before"))
    impatient(backend, read_timeout_s=5.0, post_timeout_s=0.2, deadline_s=0.6)
    running.inject(
        Fault(where="status", what="trickle", for_s=1.5)
    )  # one of the client's own questions before the POST
    with pytest.raises(TransientProviderError):
        backend.submit(two_pubs())
    for thread in threading.enumerate():
        if thread.name == "ibm The submission":
            thread.join(timeout=30)
            assert not thread.is_alive()
    assert running.jobs_of("req") == []
    assert len(running.posts) == 1


def test_a_refused_connection_made_nothing(running, tmp_path):
    backend = warmed(running, tmp_path, mode="job")
    backend.submit(two_pubs("before"))
    running._server.close()
    with pytest.raises(TransientProviderError):
        backend.submit(two_pubs())


def test_a_closed_batch_is_replaced_within_the_same_submission(running, tmp_path):
    backend = provider(running, tmp_path)
    backend.submit(two_pubs("one"))
    running.sessions[0].is_accepting = False
    backend.submit(two_pubs("two"))
    backend.submit(two_pubs("three"))
    used = [running.jobs_of(name)[0].session_id for name in ("one", "two", "three")]
    first, second = (session.id for session in running.sessions)
    assert used == [first, second, second]
    assert {session.mode for session in running.sessions} == {"batch"}


def test_a_service_that_closes_every_batch_is_waited_for(running, tmp_path, monkeypatch):
    backend = provider(running, tmp_path)
    monkeypatch.setattr(SessionRecord, "is_accepting", property(lambda _: False, lambda *_: None))
    with pytest.raises(TransientProviderError) as caught:
        backend.submit(two_pubs())
    assert type(caught.value) is TransientProviderError  # the control plane goes by the name of the class
    assert (len(running.posts), running.book) == (2, [])


# --- questions


EVERY_KIND = ("drop", "error", "silence", "cut", "trickle", "garbled", "html", "null")


@pytest.mark.parametrize(
    ("where", "what"),
    [
        *(("get_job", what) for what in EVERY_KIND),
        *(("results", what) for what in ("cut", "garbled", "html")),
        *(("list_jobs", what) for what in ("cut", "html", "null")),
        *(("configuration", what) for what in ("garbled", "null")),
    ],
)
def test_a_question_ends_in_time_with_an_error_that_passes(running, tmp_path, where, what):
    backend = provider(running, tmp_path)
    handle = done(backend, two_pubs())
    fault = running.inject(Fault(where=where, what=what, times=math.inf))
    ask = {
        "get_job": lambda asked: asked.poll(handle),
        "list_jobs": lambda asked: asked.find("req"),
        "configuration": lambda asked: asked.target(),
        "results": lambda asked: asked.fetch(handle),
    }[where]
    impatient(backend)
    began_s = time.monotonic()
    with pytest.raises((TransientProviderError, ResultIntegrityError)) as caught:
        ask(backend)
    assert time.monotonic() - began_s < BOUND_S
    assert fault.happened >= 1
    is_spoiled = where == "results" and what in {"garbled", "html"}  # an answer came, and it is no result
    assert isinstance(caught.value, ResultIntegrityError) == is_spoiled
    fault.lift()
    ask(provider(running, tmp_path))
    assert len(running.jobs_of("req")) == 1


def test_a_passing_error_of_a_question_is_not_even_seen(running, tmp_path):
    backend = provider(running, tmp_path)
    handle = done(backend, two_pubs())
    fault = running.inject(Fault(where="get_job", what="error", times=2))
    assert backend.poll(handle).status is JobStatus.SUCCEEDED
    assert fault.happened == 2


def test_a_throttled_question_is_not_repeated_by_itself(running, tmp_path):
    """The control plane waits; a Retry-After of an hour must not block a thread for an hour."""
    backend = warmed(running, tmp_path)
    fault = running.inject(Fault(where="list_jobs", what="rate_limited", times=math.inf, retry_after_s=3600.0))
    with pytest.raises(RateLimitedError) as caught:
        backend.find("req")
    assert (fault.happened, caught.value.facts["retry_after_s"]) == (1, 3600.0)


def test_an_outage_of_the_api_is_named(running, tmp_path):
    backend = warmed(running, tmp_path)
    running.inject(Fault(where="status", what="error", times=math.inf))
    with pytest.raises(BackendUnavailableError, match="HTTP 503"):
        backend.status()


# --- IAM


@pytest.mark.parametrize("what", ["error", "silence", "trickle", "html"])
def test_the_key_never_goes_to_the_api_when_iam_is_down(running, tmp_path, what):
    """The client by itself sends it as ``Authorization: apikey`` then."""
    backend = impatient(provider(running, tmp_path))
    backend._service._client._api._session.auth._renew_at_s = 0.0  # the token's life is over
    # A trickle of a piece in 0.05 s: no silence is long enough for a read timeout, only the deadline ends it.
    fault = running.inject(Fault(where="token", what=what, times=math.inf, for_s=3.2 if what == "trickle" else 3600.0))
    for ask in (lambda: backend.submit(two_pubs()), backend.status, lambda: backend.find("req")):
        began_s = time.monotonic()
        with pytest.raises((TransientProviderError, RateLimitedError)):
            ask()
        assert time.monotonic() - began_s < BOUND_S
    assert fault.happened >= 2  # a sign-in that trickles on holds up the one after it, for its deadline at most
    assert {record.scheme for record in running.requests} <= {"", "Bearer"}
    assert running.posts == []
    fault.lift()
    provider(running, tmp_path).submit(two_pubs())


def test_a_short_lived_token_is_renewed_before_it_ends(monkeypatch, tmp_path):
    with service(monkeypatch, token_life_s=1.0) as running:
        backend = provider(running, tmp_path)
        for _ in range(6):
            backend.status()
            time.sleep(0.25)  # the life of a token is what is tested
        assert all(record.status == 200 for record in running.requests)


@pytest.mark.parametrize("skew_s", [-7200.0, 7200.0])
def test_a_clock_that_differs_asks_for_no_more_tokens(monkeypatch, tmp_path, skew_s):
    with service(monkeypatch, clock_skew_s=skew_s) as running:
        backend = warmed(running, tmp_path)
        signed_in = len(running.requests)
        backend.fetch(done(backend, two_pubs()))
        assert all(record.status == 200 for record in running.requests if record.route != "create_session")
        assert "token" not in {record.route for record in running.requests[signed_in:]}


# --- jobs and results


@pytest.mark.parametrize(
    "what", ["another_job", "half_shots", "missing_pub", "swapped_pubs", "wider", "garbled", "html"]
)
def test_a_wrong_result_is_refused_and_fetched_right_the_next_time(running, tmp_path, what):
    backend = provider(running, tmp_path)
    done(backend, two_pubs("other"))
    handle = done(backend, two_pubs())
    running.inject(Fault(where="results", what=what))
    with pytest.raises(ResultIntegrityError):
        backend.fetch(handle)
    assert [pub.kernel_id for pub in backend.fetch(handle).pubs] == ["k2", "k3"]


@pytest.mark.parametrize("what", ["swapped_pubs", "another_job"])
def test_kernels_of_one_shape_are_told_apart_by_the_names_of_their_registers(running, tmp_path, what):
    backend = provider(running, tmp_path)
    done(backend, twin_pubs("other"))
    handle = done(backend, twin_pubs())
    running.inject(Fault(where="results", what=what))
    with pytest.raises(ResultIntegrityError, match="another job"):
        backend.fetch(handle)


def test_inverted_bits_under_the_right_names_cannot_be_seen(running, tmp_path):
    """The limit that the module states: no client can tell."""
    backend = provider(running, tmp_path)
    handle = done(backend, two_pubs())
    running.inject(Fault(where="results", what="flipped"))
    backend.fetch(handle)


@pytest.mark.parametrize("what", ["no_content", "empty", "null"])
def test_a_result_that_is_not_stored_yet_is_waited_for(running, tmp_path, what):
    backend = provider(running, tmp_path)
    handle = done(backend, two_pubs())
    running.inject(Fault(where="results", what=what))
    with pytest.raises(TransientProviderError, match="not stored yet"):
        backend.fetch(handle)
    backend.fetch(handle)


def test_a_stale_status_is_believed_neither_as_an_end_nor_as_a_beginning(running, tmp_path):
    backend = provider(running, tmp_path)
    handle = done(backend, two_pubs())
    running.inject(Fault(where="get_job", what="stale"))
    with pytest.raises(TransientProviderError):
        backend.fetch(handle)
    backend.fetch(handle)


@pytest.mark.parametrize(
    ("what", "code", "error_class", "billed_s"),
    [
        ("fail_before", 5203, "TransientProviderError", 0.0),
        ("fail_after", 5203, "TransientProviderError", 1.4),
        ("fail_before", 1517, "JobFailedError", 0.0),
        ("fail_before", 8765, "JobFailedError", 0.0),  # unknown codes are terminal
    ],
)
def test_a_failed_job_says_its_code_its_class_and_its_bill(running, tmp_path, what, code, error_class, billed_s):
    backend = provider(running, tmp_path)
    running.inject(Fault(where="post_job", what=what, code=code))
    handle = backend.submit(two_pubs())
    report = until_final(backend, handle)
    assert (report.status, report.error_code, report.error_class) == (JobStatus.FAILED, str(code), error_class)
    assert report.billed_s == pytest.approx(billed_s)
    with pytest.raises(JobFailedError) as caught:
        backend.fetch(handle)
    assert caught.value.facts["code"] == str(code)


def test_a_job_cut_off_for_its_length_has_failed_and_is_to_be_split(running, tmp_path):
    """The service shows it as cancelled, with code 1305."""
    backend = provider(running, tmp_path, max_run_s=1.0)  # it takes 1.4 s
    report = until_final(backend, backend.submit(two_pubs()))
    assert (report.status, report.error_code, report.error_class) == (JobStatus.FAILED, "1305", "CapacityError")
    assert report.billed_s == pytest.approx(1.0)


def test_a_job_that_never_ends_is_cancelled_and_then_stays_so(running, tmp_path):
    backend = provider(running, tmp_path)
    running.inject(Fault(where="post_job", what="never_ends"))
    handle = backend.submit(two_pubs())
    running.wait_for(lambda: running.book[0].status == "Running")
    assert backend.poll(handle).started_at is not None
    assert backend.cancel(handle).status is JobStatus.CANCELLED
    assert backend.cancel(handle).status is JobStatus.CANCELLED
    with pytest.raises(JobCancelledError):
        backend.fetch(handle)


def test_a_recalibration_between_submission_and_run_is_the_one_executed_under(running, tmp_path):
    backend = provider(running, tmp_path)
    compiled_for = backend.target().calibration_id
    running.inject(Fault(where="post_job", what="recalibrated"))
    handle = done(backend, two_pubs())
    executed_under = provider(running, tmp_path).target().calibration_id  # the first one has just been told another
    running.recalibrate()  # and once more before the result is fetched
    result = backend.fetch(handle)
    assert result.calibration_id == backend.target(result.started_at).calibration_id == executed_under
    assert len({compiled_for, executed_under, provider(running, tmp_path).target().calibration_id}) == 3
    before = running.calibrations[0].calibrated_at
    assert backend.target(before).calibration_id == compiled_for


def test_a_job_held_for_the_plans_limit_stays_queued_and_says_so(monkeypatch, tmp_path):
    with service(monkeypatch, usage_limit_s=0.0) as running:
        backend = provider(running, tmp_path)
        report = backend.poll(backend.submit(two_pubs()))
        assert report.status is JobStatus.QUEUED
        assert "usage limit" in report.message


def test_maintenance_takes_no_jobs_for_execution(running, tmp_path):
    backend = provider(running, tmp_path)
    running.inject(Fault(where="status", what="maintenance"))
    assert not backend.status().operational
    assert backend.status().operational
