"""A Braket device behind the genuine boto3 clients: submission, search and following, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from hybrid_assets.errors import (
    BackendUnavailableError,
    CapacityError,
    CredentialsError,
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    RateLimitedError,
    SubmissionUnknownError,
)
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.providers import _braket_service
from hybrid_assets.providers._braket_aws import AwsBraket
from hybrid_assets.providers._braket_service import TAG, connect
from hybrid_assets_tests.integration.providers.braket_jobs import Clock, counts_of, ended, job_of
from hybrid_assets_tests.unit.providers.braket_aws import DEVICE, REGION, Answer, FakeAws, capabilities, options


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def provider(aws, tmp_path, clock):
    return AwsBraket("garnet", options(), tmp_path, connect=aws.connect, clock=clock)


def _timeout(*, after):
    exc = ReadTimeoutError(endpoint_url="https://braket")
    exc.after = after
    return exc


# ---- submission


def test_task_carries_the_request_id_as_token_and_tag(aws, provider):
    handle = provider.submit(job_of(provider, kernels=2))
    (task,) = aws.tasks.values()
    body = task["body"]
    assert handle.provider_job_id in aws.tasks
    assert (body["clientToken"], body["tags"]) == ("a" * 32, {TAG: "a" * 32})
    assert (body["deviceArn"], body["outputS3Bucket"], body["outputS3KeyPrefix"]) == (
        DEVICE,
        "amazon-braket-results",
        "nightly",
    )
    assert body["shots"] == 2 * 2 * 100


def test_submitting_again_is_the_same_task(aws, provider):
    job = job_of(provider)
    assert provider.submit(job) == provider.submit(job)
    assert (len(aws.tasks), aws.count("create")) == (1, 2)


def test_request_id_of_other_pubs_is_refused_unsent(aws, provider):
    provider.submit(job_of(provider))
    with pytest.raises(PermanentProviderError, match="in use for a request of other PUBs"):
        provider.submit(job_of(provider, shots=200))
    assert aws.count("create") == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Answer("ThrottlingException", 429, {"retry-after": "9"}), RateLimitedError),
        (Answer("ServiceQuotaExceededException", 402), RateLimitedError),
        (Answer("DeviceOfflineException", 424), BackendUnavailableError),
        (Answer("DeviceRetiredException", 410), PermanentProviderError),
        (Answer("ValidationException"), PermanentProviderError),
        (Answer("AccessDeniedException", 403), CredentialsError),
        (Answer("ExpiredTokenException", 403), CredentialsError),
        (Answer("InternalServiceException", 500), SubmissionUnknownError),
        (Answer("BadGateway", 502), SubmissionUnknownError),
        (EndpointConnectionError(endpoint_url="https://braket"), SubmissionUnknownError),
        (_timeout(after=False), SubmissionUnknownError),
    ],
    ids=lambda value: getattr(value, "code", None) or getattr(type(value), "__name__", ""),
)
def test_creation_is_never_tried_twice_by_itself(aws, provider, fault, expected):
    job = job_of(provider)
    aws.faults["create"] = [fault]
    with pytest.raises(expected):
        provider.submit(job)
    assert (aws.count("create"), len(aws.tasks)) == (1, 0)


@pytest.mark.parametrize("fault", [_timeout(after=True), Answer("InternalServiceException", 500, after=True)])
def test_task_whose_answer_was_lost_is_found_and_never_made_twice(aws, provider, fault):
    job = job_of(provider)
    aws.faults["create"] = [fault]
    with pytest.raises(SubmissionUnknownError, match="looked for by its tag"):
        provider.submit(job)
    (found,) = provider.find(job.request_id)
    assert provider.submit(job) == found
    assert len(aws.tasks) == 1


def test_real_clients_try_a_creation_once_and_wait_with_an_end(aws, monkeypatch, tmp_path):
    """The clients as `connect` makes them, not those of the tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "no")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    clients = connect(options())
    assert clients.braket.meta.region_name == REGION
    config = clients.braket.meta.config
    assert (config.connect_timeout, config.read_timeout) == (
        _braket_service.CONNECT_TIMEOUT_S,
        _braket_service.READ_TIMEOUT_S,
    )
    aws.serve(clients)
    provider = AwsBraket("garnet", options(), tmp_path, connect=lambda _: clients)
    job = job_of(provider)
    for fault in (Answer("ThrottlingException", 429), Answer("BadGateway", 502), _timeout(after=False)):
        aws.faults["create"] = [fault]
        before = aws.count("create")
        with pytest.raises((RateLimitedError, SubmissionUnknownError)):
            provider.submit(job)
        assert aws.count("create") == before + 1


def test_profile_that_does_not_exist_is_a_matter_of_credentials(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(CredentialsError, match="nobody"):
        connect(options(profile="nobody"))


def test_request_beyond_a_task_is_refused_unsent(aws, provider):
    with pytest.raises(CapacityError, match="has 10 rows; a task takes 8"):
        provider.submit(job_of(provider, kernels=5))
    assert not aws.tasks


def test_device_without_program_sets_takes_single_rows(tmp_path):
    aws = FakeAws(capabilities(sets=False))
    provider = AwsBraket("garnet", options(), tmp_path, connect=aws.connect)
    with pytest.raises(CapacityError, match="takes no program sets"):
        provider.submit(job_of(provider))
    handle = provider.submit(job_of(provider, rows=1))
    assert ended(provider, handle).status is JobStatus.SUCCEEDED
    assert provider.fetch(handle).pubs[0].counts.num_rows == 1


# ---- search


def test_search_reads_all_pages_and_sorts_by_age(tmp_path):
    """Seven tasks, two a page, newest first; two of them carry the tag, made by someone without a token in common."""
    aws = FakeAws(page=2)
    provider = AwsBraket("garnet", options(), tmp_path, connect=aws.connect)
    job = job_of(provider, rows=1)
    for i in range(7):
        provider.submit(replace(job, request_id=f"{i}" * 32))
    arns = list(aws.tasks)
    for arn in (arns[1], arns[6]):
        aws.tasks[arn]["body"]["tags"] = {TAG: "twin"}
    assert [handle.provider_job_id for handle in provider.find("twin")] == [arns[1], arns[6]]
    assert aws.count("search") == 4
    assert list(provider.find("0" * 32, since=datetime.now(UTC) + timedelta(hours=1))) == []
    assert list(provider.find("nobody")) == []


def test_search_that_fails_half_way_finds_nothing_rather_than_less(tmp_path):
    aws = FakeAws(page=1)
    provider = AwsBraket("garnet", options(), tmp_path, connect=aws.connect)
    job = job_of(provider, rows=1)
    for name in ("b" * 32, "c" * 32):
        provider.submit(replace(job, request_id=name))
    aws.faults["search"] = [None, Answer("ThrottlingException", 429)]
    with pytest.raises(RateLimitedError):
        provider.find("c" * 32)


def test_search_names_device_and_time(tmp_path):
    """Botocore's own stubber checks the request against the service's model."""
    aws, since = FakeAws(), datetime(2026, 11, 24, 2, tzinfo=UTC)
    clients = aws.connect(options())
    provider = AwsBraket("garnet", options(), tmp_path, connect=lambda _: clients)
    with Stubber(clients.braket) as stub:
        filters = [
            {"name": "deviceArn", "operator": "EQUAL", "values": [DEVICE]},
            {"name": "createdAt", "operator": "GTE", "values": ["2026-11-24T02:00:00+00:00"]},
        ]
        stub.add_response("search_quantum_tasks", {"quantumTasks": []}, {"filters": filters, "maxResults": 100})
        assert list(provider.find("x", since=since)) == []
        stub.assert_no_pending_responses()


# ---- following


def test_life_of_a_task_is_reported_with_its_place_in_the_queue(aws, provider):
    handle = provider.submit(job_of(provider))
    queued, running, done = (provider.poll(handle) for _ in range(3))
    assert (queued.status, queued.queue_position, queued.billed_s) == (JobStatus.QUEUED, 2001, None)
    assert (running.status, running.queue_position) == (JobStatus.RUNNING, None)
    assert running.started_at is not None
    # 0.30 + 200 x 0.00145 = 0.59
    assert (done.status, done.billed_money, done.billed_s) == (JobStatus.SUCCEEDED, pytest.approx(0.59), 0.0)
    assert done.finished_at == aws.tasks[handle.provider_job_id]["endedAt"]


def test_another_process_follows_and_reads_a_task(aws, provider, tmp_path):
    """Everything it needs is the handle and the folder."""
    handle = provider.submit(job_of(provider))
    other = AwsBraket("garnet", options(), tmp_path, connect=aws.connect)
    assert ended(other, handle).status is JobStatus.SUCCEEDED
    assert counts_of(other.fetch(handle)) == counts_of(provider.fetch(handle))


def test_failed_task_is_free_and_says_why(tmp_path):
    aws = FakeAws(life=("RUNNING", "FAILED"))
    provider = AwsBraket("garnet", options(), tmp_path, connect=aws.connect)
    handle = provider.submit(job_of(provider))
    report = ended(provider, handle)
    assert (report.status, report.billed_money, report.message) == (JobStatus.FAILED, 0.0, "the cryostat is warm")
    with pytest.raises(JobFailedError, match="the cryostat is warm"):
        provider.fetch(handle)


def test_cancelled_task_runs_until_the_service_says_otherwise(aws, provider):
    handle = provider.submit(job_of(provider))
    aws.faults["get"] = []
    assert provider.cancel(handle).status is JobStatus.CANCELLED
    assert aws.count("cancel") == 1
    assert provider.cancel(handle).status is JobStatus.CANCELLED
    assert aws.count("cancel") == 1
    with pytest.raises(JobCancelledError):
        provider.fetch(handle)


def test_task_that_ends_while_it_is_cancelled_is_left_as_it_is(aws, provider):
    """The service answers a conflict; the task's own status counts."""
    handle = provider.submit(job_of(provider))
    aws.faults["cancel"] = [Answer("ConflictException", 409)]
    aws.tasks[handle.provider_job_id]["left"] = ["RUNNING", "COMPLETED"]
    assert provider.cancel(handle).status is JobStatus.SUCCEEDED


def test_lost_connection_to_a_task_is_transient(aws, provider):
    handle = provider.submit(job_of(provider))
    aws.faults["get"] = [EndpointConnectionError(endpoint_url="u"), Answer("ThrottlingException", 429)]
    with pytest.raises(BackendUnavailableError):
        provider.poll(handle)
    with pytest.raises(RateLimitedError):
        provider.poll(handle)
    assert provider.poll(handle).status is JobStatus.QUEUED
