"""What an unanswered kernel, or a QPU that tells no errors, means for the smoke gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BatchRecord, KernelState, QueuedKernel, Remedy, WorkClass
from hybrid_assets.runner.smoke_report import _code_of, _most_telling, with_assumed_errors
from hybrid_assets_tests.unit.circuits.samples import line_target

AT = datetime(2026, 11, 24, tzinfo=UTC)
KERNEL = QueuedKernel(
    kernel_id="k",
    backend="qpu",
    night="2026-11-24",
    workload="smoke-test",
    instance="reference",
    label="bits",
    correlation_id="c",
    team="t",
    work_class=WorkClass.PRODUCTION,
    group="g",
    rows=1,
    shots=1,
    payload_bytes=1,
    expected_s=1.0,
    state=KernelState.READY,
    enqueued_at=AT,
    inputs_at=AT,
)
BATCH = BatchRecord(
    batch_id="b",
    backend="qpu",
    kernel_ids=("k",),
    status=JobStatus.FAILED,
    attempt=0,
    request_id="r",
    planned_at=AT,
    fence=1,
    lease_owner=None,
    lease_until=None,
    error_class="ResultIntegrityError",
)


@pytest.mark.parametrize(
    ("changes", "batches", "code"),
    [
        pytest.param({}, [], 6, id="waits"),
        pytest.param({"error_class": "BackendUnavailableError"}, [], 6, id="down"),
        pytest.param({"error_class": "BudgetExceededError"}, [], 5, id="cap"),
        pytest.param({"state": KernelState.CANCELLED, "error_class": "JobCancelledError"}, [], 6, id="cancelled"),
        pytest.param({"state": KernelState.FAILED, "error_class": "RateLimitedError"}, [], 6, id="throttled"),
        pytest.param({"state": KernelState.FAILED, "error_class": "SubmissionUnknownError"}, [], 6, id="unknown"),
        pytest.param({"state": KernelState.FAILED, "error_class": "PermanentProviderError"}, [], 7, id="refused"),
        pytest.param({"state": KernelState.FAILED, "error_class": "CapacityError"}, [], 7, id="too-large"),
        pytest.param(
            {"state": KernelState.FAILED, "error_class": "TargetMismatchError", "remedy": Remedy.RECOMPILE},
            [],
            6,
            id="target-changed",
        ),
        pytest.param({"error_class": "ResultIntegrityError"}, [], 7, id="wrong-answer"),
        pytest.param({"error_class": "BudgetExceededError"}, [BATCH], 7, id="wrong-answer-then-cap"),
        pytest.param({"error_class": "NoSuchError"}, [], 6, id="unheard-of"),
    ],
)
def test_an_unanswered_kernel_tells_the_backend_from_the_cap_from_what_is_wrong(changes, batches, code):
    assert _code_of(replace(KERNEL, **changes), batches) == code


@pytest.mark.parametrize(
    ("codes", "code"), [(set(), 0), ({0}, 0), ({0, 6}, 6), ({0, 5, 6}, 5), ({0, 5, 6, 7}, 7), ({0, 7}, 7)]
)
def test_what_is_wrong_counts_before_the_cap_before_the_backend(codes, code):
    assert _most_telling(codes) == code


def test_a_target_that_tells_no_errors_is_not_taken_for_perfect():
    """One sx, one cz, two readouts: 0.998 x 0.98 x 0.97^2 = 0.9202."""
    target = line_target(2)
    silent = replace(target, operations=tuple(replace(op, error=None) for op in target.operations))
    exposure = [("sx", (0,), 1), ("cz", (0, 1), 1), ("measure", (0,), 1), ("measure", (1,), 1)]
    assert expected_success(exposure, silent) == 1.0
    assert expected_success(exposure, with_assumed_errors(silent)) == pytest.approx(0.998 * 0.98 * 0.97**2)


def test_a_target_that_tells_errors_is_believed():
    target = line_target(2)
    assert with_assumed_errors(target) is target
