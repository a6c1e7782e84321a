"""Driving jobs to their end, against a scripted provider and stores on disk."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest

from hybrid_assets.control.batching import pack
from hybrid_assets.model.jobs import JobLimits, Pub
from hybrid_assets.runner.dispatch import Dispatch
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import Settings
from hybrid_assets.testing.fakes import FakeProvider, all_zero_counts

NIGHT = "2026-11-01"


@pytest.fixture
def project(tmp_path):
    settings = Settings(
        start=date(2026, 11, 1),
        workloads={"maxcut": {"inputs": "*.csv"}},
        backends={"fake": {"provider": "fake", "price_per_s": 2.0}},
        file=tmp_path / "sweep.yaml",
    )
    return Project.open(settings)


def pub(name):
    return Pub(
        kernel_id=name * 64,
        payload=b"",
        payload_sha="",
        artefact_fingerprint="",
        measured_qubits=(0, 1),
        expected_success=1.0,
        values=np.zeros((3, 1)),
        shots=10,
        seed=1,
    )


def drive(project, provider, names="abc", *, max_pubs=1, wait_s=5.0):
    dispatch = Dispatch(
        project=project,
        provider=provider,
        night=NIGHT,
        workload="maxcut",
        backend="fake",
        compiled_calibration={name * 64: "cal" for name in names},
    )
    batches = pack([pub(name) for name in names], limits=JobLimits(max_pubs=max_pubs))
    unfinished = dispatch.run(batches, slots=2, wait_s=wait_s)
    return dispatch, unfinished


def statuses(project):
    return [record["status"] for record in project.attempts.records(NIGHT)]


def test_every_kernel_comes_home_with_its_share_of_the_bill(project):
    dispatch, unfinished = drive(project, FakeProvider(billed_s=3.0), max_pubs=2)
    assert (unfinished, dispatch.failures) == (0, [])
    # two jobs: a+b share 3 s evenly, c has its own 3 s
    assert [project.results.get(name * 64).billed_s for name in "abc"] == [1.5, 1.5, 3.0]
    assert statuses(project) == ["SUCCEEDED"] * 2
    assert sorted(record["cost"] for record in project.attempts.records(NIGHT)) == [6.0, 6.0]


def test_a_failed_job_does_not_take_the_others_along(project):
    dispatch, unfinished = drive(project, FakeProvider(script={1: "fail"}))
    assert unfinished == 0
    assert [project.results.contains(name * 64) for name in "abc"] == [True, False, True]
    assert len(dispatch.failures) == 1
    assert "ended as FAILED: scripted" in dispatch.failures[0]


def test_a_refused_submission_is_recorded_and_the_queue_goes_on(project):
    dispatch, _ = drive(project, FakeProvider(script={0: "refuse"}))
    assert [project.results.contains(name * 64) for name in "abc"] == [False, True, True]
    assert "was not accepted: refused by script" in dispatch.failures[0]
    refused = [r for r in project.attempts.records(NIGHT) if r["status"] == "FAILED"]
    assert [r["error_class"] for r in refused] == ["PermanentProviderError"]


def _short(result):
    return dataclasses.replace(
        result, pubs=(dataclasses.replace(result.pubs[0], counts=all_zero_counts(3, 2, 9)), *result.pubs[1:])
    )


def _narrow(result):
    return dataclasses.replace(
        result, pubs=(dataclasses.replace(result.pubs[0], counts=all_zero_counts(3, 1, 10)), *result.pubs[1:])
    )


def _swapped(result):
    return dataclasses.replace(result, pubs=tuple(reversed(result.pubs)))


def _anothers(result):
    return dataclasses.replace(result, handle=dataclasses.replace(result.handle, request_id="other"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(_short, "Row 0 has 9 shots instead of 10.", id="short"),
        pytest.param(_narrow, "Expected 2 bits an outcome, got 1.", id="narrow"),
        pytest.param(_swapped, "answered other kernels than were asked for", id="swapped"),
        pytest.param(_anothers, "got other", id="another-job"),
    ],
)
def test_a_wrong_result_is_never_stored(project, spoil, message):
    dispatch, _ = drive(project, FakeProvider(script={0: spoil}), max_pubs=3)
    assert message in dispatch.failures[0]
    assert not any(project.results.contains(name * 64) for name in "abc")
    assert statuses(project) == ["FAILED"]


def test_a_failed_batch_is_tried_under_a_new_id(project):
    provider = FakeProvider(script={0: "fail"})
    drive(project, provider, "a")
    drive(project, provider, "a")
    first, second = (request.request_id for request in provider.submitted)
    assert first != second
    assert project.results.contains("a" * 64)
    assert sorted((r["attempt"], r["status"]) for r in project.attempts.records(NIGHT)) == [
        (0, "FAILED"),
        (1, "SUCCEEDED"),
    ]


def test_a_pending_job_is_asked_for_again_under_the_same_id(project):
    provider = FakeProvider(script={0: "never"})
    _, unfinished = drive(project, provider, "a", wait_s=0)
    assert unfinished == 1
    assert statuses(project) == ["QUEUED"]
    drive(project, provider, "a", wait_s=0)
    assert len({request.request_id for request in provider.submitted}) == 1


def test_never_more_jobs_in_flight_than_slots(project):
    """Two slots, and the first two jobs never end: the third is not submitted."""
    provider = FakeProvider(script={0: "never", 1: "never"})
    _, unfinished = drive(project, provider, wait_s=0)
    assert unfinished == 3
    assert len(provider.submitted) == 2


def test_a_job_whose_answer_was_lost_is_adopted_by_the_next_run(project):
    """The provider has it: a second submission would be paid twice."""
    provider = FakeProvider(script={0: "lose"})
    dispatch, _ = drive(project, provider, "a")
    assert "may have been accepted" in dispatch.failures[0]
    assert statuses(project) == ["UNKNOWN"]
    drive(project, provider, "a")
    assert len(provider.submitted) == 1
    assert statuses(project) == ["SUCCEEDED"]
    assert project.results.contains("a" * 64)
