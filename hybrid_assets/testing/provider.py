"""The promises every provider must keep, as one suite.

Put what `Provider` promises here; keep tests of one provider out.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.errors import HybridAssetsError, PermanentProviderError
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    ExecutionKind,
    JobHandle,
    JobLimits,
    JobReport,
    JobStatus,
    ProviderDescription,
)
from hybrid_assets.protocols import Provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets.model.jobs import JobRequest, JobResult

#: Longest pause between two polls, in seconds.
PAUSE_S = 0.05


def assert_provider_api(
    make_provider: Callable[[], Provider],
    request: JobRequest,
    *,
    wait: Callable[[float], None] = time.sleep,
    bound_s: float = 60.0,
    is_idempotent: bool = True,
) -> JobResult:
    """Check that a provider keeps the promises of `hybrid_assets.protocols.Provider`.

    Args:
        make_provider: Returns a new provider object of the same backend each time, over the same state, as a second
            process would make it.
        request: A request the backend can execute, not submitted before; at least one PUB.
        wait: Waits this many seconds, or moves a fake clock by them.
        bound_s: Seconds after which the job must have ended.
        is_idempotent: Whether submitting an equal request again must give the same job. False leaves that out, for a
            service that makes a second job and bills it.

    Returns:
        The job's result, for further checks.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    provider = make_provider()
    assert isinstance(provider, Provider), "The object lacks a method of Provider."
    _assert_facts(provider, request)
    assert_unknown_job_is_refused(provider, request)
    before = datetime.now(UTC) - timedelta(minutes=5)  # a provider's clock may differ from ours
    handle = _assert_submission(provider, request, is_idempotent=is_idempotent)
    _assert_found(make_provider(), handle, since=before, is_supported=provider.describe().supports_find)
    report = _assert_ends(provider, handle, wait=wait, bound_s=bound_s)
    assert report.status is JobStatus.SUCCEEDED, f"The job ended as {report.status}: {report.message}"
    result = provider.fetch(handle)
    assert_result(result, request, handle)
    _assert_billed(provider, request, report, result)
    _assert_same(result, provider.fetch(handle), "fetched twice")
    fresh = make_provider()
    assert fresh.poll(handle).status is JobStatus.SUCCEEDED, "Another provider object does not see the job's end."
    _assert_same(result, fresh.fetch(handle), "fetched through another provider object")
    assert fresh.cancel(handle).status is JobStatus.SUCCEEDED, "Cancelling a job that has ended changed it."
    _assert_same(result, provider.fetch(handle), "fetched after a late cancellation")
    return result


def assert_result(result: JobResult, request: JobRequest, handle: JobHandle) -> None:
    """Check that a result is what was asked for: PUBs in order, rows, bits, shots, ordered outcomes, times."""
    assert result.handle == handle, "The result carries another handle."
    assert [pub.kernel_id for pub in result.pubs] == [pub.kernel_id for pub in request.pubs], "PUBs differ or moved."
    for asked, got in zip(request.pubs, result.pubs, strict=True):
        counts = got.counts
        counts.verify(num_bits=len(asked.measured_qubits), rows=asked.values.shape[0], shots=asked.shots)
        assert counts.outcomes.dtype == np.dtype(np.uint64), "Outcomes must be uint64."
        assert counts.counts.dtype == np.dtype(np.int64), "Counts must be int64."
        for row in range(counts.num_rows):
            outcomes, _ = counts.row(row)
            assert bool(np.all(outcomes[1:] > outcomes[:-1])), f"Outcomes of row {row} repeat or are not in order."
        assert isinstance(got.execution, ExecutionKind), "The kind of execution is missing."
    assert len(result.calibration_id) == 64, "The calibration id is not 64 hex digits."
    assert _is_aware(result.started_at), "Times must be aware."
    assert _is_aware(result.finished_at), "Times must be aware."
    assert result.started_at <= result.finished_at, "The job finished before it started."
    assert result.billed_s >= 0.0, "Billed seconds are negative."


def _assert_billed(provider: Provider, request: JobRequest, report: JobReport, result: JobResult) -> None:
    """Check that the bill is in money everywhere or nowhere: a budget in money rests on it."""
    is_priced, estimate = provider.describe().job_overhead_money is not None, provider.estimate(request)
    assert (result.billed_money is not None) == is_priced, "Results are billed in money just where a job has a price."
    assert is_priced or report.billed_money is None, "A report is billed in money, though no job has a price."
    if is_priced:
        assert (result.billed_money or 0.0) >= 0.0, "Billed money is negative."
        assert report.billed_money == result.billed_money, "Report and result tell other bills."
        assert len(estimate.pubs_money) in {0, len(request.pubs)}, "A price of each PUB, or of none."


def assert_unknown_job_is_refused(provider: Provider, request: JobRequest) -> None:
    """Check that a job the provider never saw is an error for poll, fetch and cancel, and is not found."""
    name = f"{request.request_id}-unknown"
    handle = JobHandle(
        provider=provider.describe().provider, backend=request.backend, request_id=name, provider_job_id=name
    )
    assert list(provider.find(name)) == [], "A job was found that nobody submitted."
    for method in (provider.poll, provider.fetch, provider.cancel):
        try:
            method(handle)
        except PermanentProviderError:
            continue
        except HybridAssetsError as exc:
            raise AssertionError(f"{method.__name__} of an unknown job raised {type(exc).__name__}.") from exc
        raise AssertionError(f"{method.__name__} of an unknown job must raise PermanentProviderError.")


def _assert_facts(provider: Provider, request: JobRequest) -> None:
    description, target = provider.describe(), provider.target()
    assert isinstance(description, ProviderDescription), "describe() must return a ProviderDescription."
    assert description == provider.describe(), "describe() must not change."
    assert description.backend == request.backend == target.backend, "The backend's name differs between answers."
    assert description.identity, "The identity is empty, so results of different backends would be mixed up."
    assert target == provider.target(), "target() changed between two calls."
    assert (len(target.structure_sha), len(target.calibration_id)) == (64, 64), "Digests must be 64 hex digits."
    names = {op.name for op in target.operations}
    assert "measure" in names, "The target has no measurement."
    assert len(names) > 1, "The target has no gate."
    if target.num_qubits is not None:
        highest = max(q for op in target.operations for q in op.qubits or (0,))
        assert highest < target.num_qubits, "An operation is on a qubit that the target does not have."
        assert len(target.readout) in {0, target.num_qubits}, "Readout errors must be one a qubit."
    for error in (op.error for op in target.operations if op.error is not None):
        assert 0.0 <= error <= 1.0, f"The error {error} is not a probability."
    limits, cost, status = provider.limits(), provider.estimate(request), provider.status()
    assert isinstance(limits, JobLimits), "limits() must return JobLimits."
    assert all(v is None or v > 0 for v in asdict(limits).values()), "A limit is not positive."
    assert isinstance(cost, CostEstimate), "estimate() must return a CostEstimate."
    assert cost.qpu_s >= 0.0, "The estimate is negative."
    assert isinstance(status, BackendStatus), "status() must return a BackendStatus."
    assert _is_aware(status.observed_at), "Times must be aware."


def _assert_submission(provider: Provider, request: JobRequest, *, is_idempotent: bool) -> JobHandle:
    handle = provider.submit(request)
    assert isinstance(handle, JobHandle), "submit() must return a JobHandle."
    assert JobHandle(**json.loads(json.dumps(asdict(handle)))) == handle, "A handle must survive JSON."
    assert (handle.backend, handle.request_id) == (request.backend, request.request_id), "The handle is another's."
    if is_idempotent and provider.describe().supports_find:
        again = replace(request, pubs=request.pubs)
        assert provider.submit(again) == handle, "An equal request gave a second job."
    return handle


def _assert_found(provider: Provider, handle: JobHandle, *, since: datetime, is_supported: bool) -> None:
    if not is_supported:
        return
    assert list(provider.find(handle.request_id)) == [handle], "The job is not found by its request id."
    assert list(provider.find(handle.request_id, since=since)) == [handle], "The job is not found since a time before."
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert list(provider.find(handle.request_id, since=tomorrow)) == [], "A job was found that is older than asked."


def _assert_ends(provider: Provider, handle: JobHandle, *, wait: Callable[[float], None], bound_s: float) -> JobReport:
    report = provider.poll(handle)
    for _ in range(int(bound_s / PAUSE_S)):
        assert isinstance(report, JobReport), "poll() must return a JobReport."
        assert report.status not in {JobStatus.PLANNED, JobStatus.SUBMITTING}, "A submitted job cannot be planned."
        if report.status.is_final:
            break
        wait(PAUSE_S)
        report = provider.poll(handle)
    assert report.status.is_final, f"The job is still {report.status} after {bound_s} s."
    assert report == provider.poll(handle), "A job that has ended changed."
    return report


def _assert_same(first: JobResult, second: JobResult, how: str) -> None:
    assert (first.handle, first.calibration_id) == (second.handle, second.calibration_id), f"A result differs {how}."
    for one, other in zip(first.pubs, second.pubs, strict=True):
        assert (one.kernel_id, one.execution) == (other.kernel_id, other.execution), f"A PUB differs {how}."
        for name in ("outcomes", "counts", "offsets"):
            equal = np.array_equal(getattr(one.counts, name), getattr(other.counts, name))
            assert equal, f"The {name} of {one.kernel_id} differ {how}."


def _is_aware(moment: datetime) -> bool:
    return moment.tzinfo is not None and moment.utcoffset() is not None
