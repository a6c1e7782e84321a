"""A job as the service shows it, as our report."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hybrid_assets.errors import TransientProviderError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.providers._ibm_reports import billed_s, moment, report_of


def job(status, **state):
    return {"id": "j", "created": "2026-11-24T10:00:00Z", "state": {"status": status, **state}}


METRICS = {
    "timestamps": {
        "created": "2026-11-24T10:00:00Z",
        "running": "2026-11-24T10:01:00.5Z",
        "finished": "2026-11-24T10:02:00Z",
    },
    "usage": {"qpu_charge_time_seconds": 3, "status": "final"},
}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Queued", JobStatus.QUEUED),
        ("Running", JobStatus.RUNNING),
        ("Completed", JobStatus.SUCCEEDED),
        ("Failed", JobStatus.FAILED),
        ("Cancelled", JobStatus.CANCELLED),
        ("Cancelled - Ran too long", JobStatus.FAILED),
    ],
)
def test_a_status_has_one_meaning(word, status):
    assert report_of(job(word), {}).status is status


@pytest.mark.parametrize("shown", [job("Teleported"), {"id": "j"}, {"state": None}, {"state": {"status": None}}])
def test_nothing_is_concluded_from_a_status_that_is_not_known(shown):
    with pytest.raises(TransientProviderError):
        report_of(shown, {})


@pytest.mark.parametrize(
    ("state", "text", "code", "error_class"),
    [
        ({"reason": "x", "reason_code": 5203}, "", "5203", "TransientProviderError"),
        ({"reason": "x", "reasonCode": 1106}, "", "1106", "TargetMismatchError"),
        ({"reason": "Error code 6000; too many shots"}, "", "6000", "CapacityError"),
        ({"reason": "The job failed in 2026. Error code: 3458."}, "", "3458", "RateLimitedError"),
        ({}, "Traceback ...\nERR-1517 unsupported", "1517", "JobFailedError"),
        ({"reason": "no number 12345 here"}, "", None, "JobFailedError"),
        ({"reason": "x", "reason_code": 8765}, "", "8765", "JobFailedError"),
    ],
)
def test_a_code_is_found_wherever_it_stands_and_an_unknown_one_is_terminal(state, text, code, error_class):
    report = report_of(job("Failed", **state), METRICS, text=text)
    assert (report.error_code, report.error_class) == (code, error_class)


def test_a_job_cancelled_for_its_length_has_failed_with_the_code_of_that():
    for shown in (job("Cancelled", reason="x", reason_code=1305), job("Cancelled - Ran too long")):
        report = report_of(shown, METRICS)
        assert (report.status, report.error_code, report.error_class) == (JobStatus.FAILED, "1305", "CapacityError")


def test_a_person_s_cancellation_is_no_failure():
    report = report_of(job("Cancelled", reason="Job cancelled.", reason_code=5202), METRICS)
    assert (report.status, report.error_code, report.error_class) == (JobStatus.CANCELLED, None, None)


def test_times_and_bill_are_those_of_the_metrics():
    report = report_of(job("Completed"), METRICS)
    assert report.started_at == datetime(2026, 11, 24, 10, 1, 0, 500_000, tzinfo=UTC)
    assert report.finished_at == datetime(2026, 11, 24, 10, 2, tzinfo=UTC)
    assert report.billed_s == 3.0
    assert report_of(job("Running"), METRICS).finished_at is None


def test_a_long_reason_keeps_its_end_where_tracebacks_say_what_matters():
    message = report_of(job("Failed", reason="x" * 5000 + "the end"), METRICS).message
    assert (len(message), message[-7:]) == (1000, "the end")


@pytest.mark.parametrize(
    ("usage", "partial", "expected"),
    [
        ({"status": "pending", "qpu_charge_time_seconds": 0}, False, None),
        ({"status": "pending", "qpu_charge_time_seconds": 2}, True, 2.0),
        ({"status": "final", "qpu_charge_time_seconds": 2}, False, 2.0),
        ({"status": "final", "seconds": 4}, False, 4.0),
        ({"qpu_charge_time_seconds": 2}, False, None),
        ({"status": "final", "qpu_charge_time_seconds": None}, False, None),
        (None, True, None),
    ],
)
def test_a_bill_that_is_not_final_is_not_taken_for_one(usage, partial, expected):
    assert billed_s({"usage": usage}, partial=partial) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T10:00:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24T10:00:00+02:00", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("soon", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_times_are_utc_or_nothing(text, expected):
    assert moment(text) == expected
