"""A Braket device behind the genuine boto3 clients: results in S3, calibration, money, and what people are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from hybrid_assets.errors import (
    BackendUnavailableError,
    CredentialsError,
    PermanentProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.providers._braket_aws import REFRESH, AwsBraket
from hybrid_assets_tests.integration.providers.braket_jobs import Clock, counts_of, ended, job_of
from hybrid_assets_tests.unit.providers.braket_aws import Answer, FakeAws, capabilities, options


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def provider(aws, tmp_path, clock):
    return AwsBraket("garnet", options(), tmp_path, connect=aws.connect, clock=clock)


# ---- results


@pytest.mark.parametrize("has_files", [True, False], ids=["files", "inline"])
def test_result_is_the_same_whenever_it_is_read(tmp_path, has_files):
    aws = FakeAws(has_files=has_files)
    provider = AwsBraket("garnet", options(), tmp_path, connect=aws.connect)
    handle = provider.submit(job_of(provider, kernels=2))
    with pytest.raises(TransientProviderError, match="is QUEUED"):
        provider.fetch(handle)
    ended(provider, handle)
    first, second = provider.fetch(handle), provider.fetch(handle)
    assert counts_of(first) == counts_of(second)
    assert (first.started_at, first.finished_at, first.billed_s) == (
        second.started_at,
        second.finished_at,
        second.billed_s,
    )
    # One file, and with parts: 2 programs and 2 x 2 executables.
    assert aws.count("read") == 2 * (7 if has_files else 1)


def test_result_that_is_not_there_yet_is_waited_for(aws, provider):
    handle = provider.submit(job_of(provider))
    ended(provider, handle)
    aws.faults["read"] = [Answer("NoSuchKey", 404)]
    with pytest.raises(TransientProviderError, match=r"s3://amazon-braket-results/nightly/0000/results.json"):
        provider.fetch(handle)
    assert provider.fetch(handle).pubs[0].counts.num_rows == 2


def test_damaged_result_is_refused(aws, provider):
    handle = provider.submit(job_of(provider))
    ended(provider, handle)
    aws.objects["nightly/0000/results.json"] = aws.objects["nightly/0000/results.json"][:-20]
    with pytest.raises(ResultIntegrityError):
        provider.fetch(handle)


def test_bucket_that_may_not_be_read_is_a_matter_of_credentials(aws, provider):
    handle = provider.submit(job_of(provider))
    ended(provider, handle)
    aws.faults["read"] = [Answer("AccessDenied", 403)]
    with pytest.raises(CredentialsError):
        provider.fetch(handle)


def test_result_without_its_request_says_what_is_missing(aws, provider, tmp_path):
    handle = provider.submit(job_of(provider))
    ended(provider, handle)
    elsewhere = AwsBraket("garnet", options(), tmp_path / "elsewhere", connect=aws.connect)
    with pytest.raises(PermanentProviderError, match="is in S3, but the request"):
        elsewhere.fetch(handle)


# ---- device


def test_result_has_the_calibration_it_was_executed_under(aws, provider, clock):
    """The device is calibrated anew after the task ended and before its result is read."""
    handle = provider.submit(job_of(provider))
    before = provider.target().calibration_id
    ended(provider, handle)
    later = datetime.now(UTC) + timedelta(hours=1)
    aws.capabilities = capabilities(fidelity=0.9, updated_at=later.replace(tzinfo=None).isoformat())
    clock.now = later + timedelta(minutes=1)
    after = provider.target().calibration_id
    assert after != before
    assert provider.fetch(handle).calibration_id == before
    assert provider.target(at=later - timedelta(minutes=30)).calibration_id == before
    assert provider.target(at=later).calibration_id == after


def test_device_is_described_anew_only_now_and_then(aws, provider, clock):
    provider.target()
    provider.limits()
    assert aws.count("device") == 1
    clock.now += REFRESH
    provider.limits()
    assert aws.count("device") == 2


def test_device_as_seen_last_serves_while_the_service_is_silent(aws, provider, tmp_path):
    known = provider.target()
    silent = AwsBraket("renamed", options(), tmp_path, connect=aws.connect)
    aws.faults["device"] = [EndpointConnectionError(endpoint_url="u")] * 2
    assert replace(silent.target(), backend="garnet") == known
    assert silent.limits().max_pubs == 8
    aws.faults["device"] = [EndpointConnectionError(endpoint_url="u")]
    with pytest.raises(BackendUnavailableError):
        AwsBraket("new", options(), tmp_path / "new", connect=aws.connect).target()


def test_status_tells_whether_the_device_is_online(aws, provider):
    told = provider.status()
    assert (told.operational, told.message, told.pending_jobs) == (True, "Garnet is ONLINE", 12)
    aws.faults["device"] = [Answer("ThrottlingException", 429)]
    assert not provider.status().operational
    aws.faults["device"] = [Answer("AccessDeniedException", 403)]
    with pytest.raises(CredentialsError):
        provider.status()


# ---- money


def test_estimate_and_bill_are_the_same_money(provider):
    """2 kernels x 2 rows x 100 shots: 0.30 + 400 x 0.00145 = 0.88, of which each kernel adds 0.29."""
    job = job_of(provider, kernels=2)
    cost = provider.estimate(job)
    assert (cost.money, cost.qpu_s) == (pytest.approx(0.88), 0.0)
    assert (cost.pubs_money, cost.pubs_s) == (pytest.approx((0.29, 0.29)), (0.0, 0.0))
    assert provider.describe().job_overhead_money + sum(cost.pubs_money) == pytest.approx(cost.money)
    assert provider.describe().is_metered
    handle = provider.submit(job)
    ended(provider, handle)
    assert provider.fetch(handle).billed_money == pytest.approx(0.88)


# ---- for people


def test_check_tells_what_is_wrong_and_raises_nothing(aws, provider):
    assert [(found.name, found.state) for found in provider.check()] == [("device", "ok"), ("tasks", "ok")]
    aws.faults["device"] = [Answer("ThrottlingException", 429)]
    aws.faults["search"] = [Answer("AccessDeniedException", 403)]
    device, tasks = provider.check()
    assert (device.state, tasks.state) == ("warning", "wrong")
    assert "Check AWS's credentials" in tasks.detail
