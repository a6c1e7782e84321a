"""What a turnaround is counted from and to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hybrid_assets.control.objectives import Objectives
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BatchRecord, KernelState
from hybrid_assets.runner.orders import Cell, Order
from hybrid_assets.runner.promises import service_check_names, turnaround_s
from hybrid_assets_tests.unit.control.queues import NOW, ago, kernel

CELL = Cell(night="2026-11-20", workload="maxcut", backend="qpu")


def order(*, asked_s):
    return Order(cell=CELL, calibration_id="c", ordered_at=ago(asked_s), inputs_at=ago(1000))


def batch(*, finished_s):
    return BatchRecord(
        batch_id="b", backend="qpu", kernel_ids=("k",), status=JobStatus.SUCCEEDED, attempt=0, request_id="r",
        planned_at=ago(500), fence=1, lease_owner=None, lease_until=None, finished_at=ago(finished_s),
    )  # fmt: skip


def queued(state, *, enqueued_s):
    return kernel("k", state=state, enqueued_at=NOW - timedelta(seconds=enqueued_s))


@pytest.mark.parametrize(
    ("state", "enqueued_s", "asked_s", "finished_s", "expected"),
    [
        pytest.param(KernelState.DONE, 100, 100, 40, 60, id="answered"),
        pytest.param(KernelState.DONE, 100, 70, 40, 30, id="another-night-asked-first"),
        pytest.param(KernelState.DONE, 100, 20, 40, 0, id="answered-before-it-was-asked-for"),
        pytest.param(KernelState.FAILED, 100, 100, 90, 10, id="failed"),
        pytest.param(KernelState.READY, 100, 200, 90, 100, id="sent-back-and-waiting"),
        pytest.param(KernelState.BATCHED, 100, 30, None, 30, id="on-its-way"),
    ],
)
def test_turnaround_is_counted_from_this_nights_asking_to_the_end(state, enqueued_s, asked_s, finished_s, expected):
    ended = batch(finished_s=finished_s) if finished_s is not None else None
    found = turnaround_s(order(asked_s=asked_s), queued(state, enqueued_s=enqueued_s), ended, now=NOW)
    assert found == expected


def test_a_kernel_that_was_never_queued_took_no_time():
    assert turnaround_s(order(asked_s=100), None, None, now=NOW) == 0.0


def test_only_what_is_promised_is_checked():
    assert service_check_names(Objectives()) == ()
    assert service_check_names(Objectives(turnaround_s=1, max_calibration_age_s=1)) == ("turnaround", "calibration_age")
