"""Answers of an adapter -> our records, each checked. Put what an answer must look like here.

An adapter is somebody else's code: whatever is missing, superfluous or of another type is refused with its name.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import PermanentProviderError, ResultIntegrityError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    ExecutionKind,
    JobHandle,
    JobLimits,
    JobReport,
    JobResult,
    JobStatus,
    ProviderDescription,
    PubResult,
    RawCounts,
)
from hybrid_assets.providers._isolated_link import ERROR_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.providers.outside import PubCounts, Result

_T = TypeVar("_T")

NAME = "isolated"
_MOMENTS = ("submitted_at", "started_at", "finished_at")
_STATUSES = {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


def description(answer: Mapping[str, Any], *, backend: str, adapter: str, qiskit: str | None) -> ProviderDescription:
    """Return who the provider is; the adapter and its Qiskit are part of the identity.

    Raises:
        PermanentProviderError: The answer is malformed.
    """

    def build() -> ProviderDescription:
        if not answer["identity"]:
            raise ValueError("the identity is empty")
        if answer.get("job_overhead_money") is not None:
            raise ValueError("job_overhead_money: results of a worker have no bill in money")
        # A file's name, not its path: results stay known when the project moves.
        identity = f"{NAME}, {Path(adapter).name}, qiskit {qiskit}: {answer['identity']}"
        facts = {**answer, "identity": identity, "provider": NAME, "backend": backend}
        return _record(ProviderDescription, facts, "describe")

    return _understood(build, "describe")


def target(answer: Mapping[str, Any], *, backend: str) -> TargetDocument:
    """Return the target with its digests.

    Raises:
        PermanentProviderError: The answer is malformed.
        ConfigurationError: An operation is given twice or on a qubit the backend does not have.
    """

    def build() -> TargetDocument:
        moment = answer.get("calibrated_at")
        return build_target_document(
            backend=backend,
            num_qubits=answer["num_qubits"],
            operations=[
                TargetOperation(name=name, qubits=None if on is None else tuple(on), error=error, duration_s=duration_s)
                for name, on, error, duration_s in answer["operations"]
            ],
            dt_s=answer.get("dt_s"),
            readout=[(p10, p01) for p10, p01 in answer.get("readout", ())],
            t1_t2_s=[(t1, t2) for t1, t2 in answer.get("t1_t2_s", ())],
            faulty_qubits=answer.get("faulty_qubits", ()),
            calibrated_at=None if moment is None else _moment(moment),
        )

    return _understood(build, "target")


def status(answer: Mapping[str, Any]) -> BackendStatus:
    """Return whether the backend takes jobs, as of now.

    Raises:
        PermanentProviderError: The answer is malformed.
    """
    return _record(BackendStatus, {**answer, "observed_at": datetime.now(UTC)}, "status")


def limits(answer: Mapping[str, Any]) -> JobLimits:
    """Return what one job may hold.

    Raises:
        PermanentProviderError: The answer is malformed.
    """
    return _record(JobLimits, answer, "limits")


def estimate(answer: Mapping[str, Any]) -> CostEstimate:
    """Return what a job is expected to cost.

    Raises:
        PermanentProviderError: The answer is malformed.
    """
    return _record(CostEstimate, {**answer, "pubs_s": tuple(answer.get("pubs_s", ()))}, "estimate")


def report(answer: Mapping[str, Any]) -> JobReport:
    """Return where a job is.

    Raises:
        PermanentProviderError: The answer is malformed.
    """

    def build() -> JobReport:
        facts = {**answer, **{name: _moment(answer[name]) if answer.get(name) else None for name in _MOMENTS}}
        kind = facts.pop("error_kind", None)
        facts["status"] = JobStatus(facts["status"])
        if facts["status"] not in _STATUSES:
            raise ValueError(f"a submitted job cannot be {facts['status']}")
        facts["blamed_kernel_ids"] = tuple(facts.get("blamed_kernel_ids", ()))
        facts["error_class"] = ERROR_CLASSES[kind].__name__ if kind in ERROR_CLASSES else None
        return JobReport(**facts)

    return _understood(build, "poll")


def result(found: Result, *, handle: JobHandle, calibration_id: Callable[[datetime], str]) -> JobResult:
    """Return a job's result.

    Args:
        found: As it arrived.
        handle: The job.
        calibration_id: Returns the calibration in force at a time.

    Raises:
        ResultIntegrityError: It is malformed.
    """
    try:
        started_at, finished_at = _moment(found.started_at), _moment(found.finished_at)
        pubs, billed_s = tuple(_pub_result(pub) for pub in found.pubs), float(found.billed_s)
    except (TypeError, ValueError, AttributeError) as exc:
        raise ResultIntegrityError(f"The result of {handle.provider_job_id} is not understood: {exc}") from exc
    if not (billed_s >= 0.0 and started_at <= finished_at):
        raise ResultIntegrityError(f"The result of {handle.provider_job_id} has negative times.")
    return JobResult(
        handle=handle,
        pubs=pubs,
        calibration_id=calibration_id(started_at),
        started_at=started_at,
        finished_at=finished_at,
        billed_s=billed_s,
    )


def _pub_result(found: PubCounts) -> PubResult:
    arrays = {"outcomes": np.uint64, "counts": np.int64, "offsets": np.int64}
    for name, kind in arrays.items():
        array = getattr(found, name)
        if array.ndim != 1 or array.dtype != kind:
            raise ValueError(f"{name} of {found.kernel_id} must be a list of {kind.__name__}")
    if not isinstance(found.kernel_id, str) or type(found.num_bits) is not int or not 0 < found.num_bits <= 64:
        raise ValueError(f"{found.num_bits!r} bits an outcome")
    counts = RawCounts(num_bits=found.num_bits, outcomes=found.outcomes, counts=found.counts, offsets=found.offsets)
    return PubResult(kernel_id=found.kernel_id, counts=counts, execution=ExecutionKind(found.execution))


def _record(record: type[_T], answer: Mapping[str, Any], method: str) -> _T:
    def build() -> _T:
        built = record(**answer)
        for field in fields(cast("Any", record)):
            _check(field.name, str(field.type), getattr(built, field.name))
        return built

    return _understood(build, method)


def _check(name: str, kind: str, value: object) -> None:
    """Refuse a value whose type is not the one the record's annotation names."""
    if value is None:
        is_right = "None" in kind
    elif isinstance(value, bool) or kind == "bool":
        is_right = isinstance(value, bool) and kind == "bool"
    elif "float" in kind:
        is_right = isinstance(value, tuple) or (isinstance(value, int | float) and value == value)  # noqa: PLR0124 - NaN
    elif "int" in kind:
        is_right = isinstance(value, int)
    elif "str" in kind:
        is_right = isinstance(value, str)
    else:
        is_right = True
    if not is_right:
        raise TypeError(f"{name} must be {kind}, not {value!r}")


def _understood(build: Callable[[], _T], method: str) -> _T:
    try:
        return build()
    except (TypeError, ValueError, KeyError, AttributeError) as exc:
        raise PermanentProviderError(
            f"The adapter's answer to {method!r} is not understood ({type(exc).__name__}: {exc}). "
            "docs/howto/isolated_providers.md says what it must hold."
        ) from exc


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time {text!r} has no offset")
    return moment
