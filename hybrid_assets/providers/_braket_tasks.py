"""Requests -> tasks, and tasks -> reports. Put the shape of a task and its statuses here; keep calls to AWS out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import (
    CapacityError,
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobReport, JobStatus
from hybrid_assets.providers import _braket_circuits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hybrid_assets.model.jobs import JobRequest
    from hybrid_assets.providers._braket_device import Device
    from hybrid_assets.providers._braket_options import AwsOptions

#: Status of a task -> ours. One being cancelled has not ended, and may have begun.
STATUSES: Mapping[str, JobStatus] = {
    "CREATED": JobStatus.QUEUED,
    "QUEUED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "COMPLETED": JobStatus.SUCCEEDED,
    "FAILED": JobStatus.FAILED,
    "CANCELLING": JobStatus.RUNNING,
    "CANCELLED": JobStatus.CANCELLED,
}


def total_shots(request: JobRequest) -> int:
    """Return the shots of all rows of all PUBs."""
    return sum(int(pub.values.shape[0]) * pub.shots for pub in request.pubs)


def action(request: JobRequest, device: Device) -> str:
    """Return the action of the one task that a request becomes: a program, or a set of programs with their rows.

    Raises:
        CapacityError: It does not fit into a task of this device.
        PermanentProviderError: A circuit was altered, or has gates Braket does not know.
    """
    _check(request, device)
    try:
        programs = [
            _braket_circuits.program(
                _braket_circuits.load(pub), pub.values, has_physical_qubits=device.has_physical_qubits
            )
            for pub in request.pubs
        ]
    except ResultIntegrityError as exc:
        raise PermanentProviderError(f"Request {request.request_id} was altered on its way: {exc}") from exc
    if len(programs) == 1 and request.pubs[0].values.shape[0] == 1:
        return str(programs[0].json())
    from braket.ir.openqasm import ProgramSet  # noqa: PLC0415 - the SDK takes two seconds

    for program in programs:  # in a set all inputs are lists, of one value where there is one row
        program.inputs = {name: v if isinstance(v, list) else [v] for name, v in program.inputs.items()}
    return str(ProgramSet(programs=programs).json())


def _check(request: JobRequest, device: Device) -> None:
    if not request.pubs:
        raise PermanentProviderError(f"Request {request.request_id} holds no PUB; there is nothing to execute.")
    rows, shots = sum(int(pub.values.shape[0]) for pub in request.pubs), total_shots(request)
    if rows > 1 and device.max_executables is None:
        raise CapacityError(
            f"Request {request.request_id} has {rows} rows. This device takes no program sets, so a task is one row."
        )
    if rows > (device.max_executables or 1):
        raise CapacityError(f"Request {request.request_id} has {rows} rows; a task takes {device.max_executables}.")
    if len({pub.shots for pub in request.pubs}) > 1:
        raise CapacityError(f"Request {request.request_id} has PUBs of different shots; a task has one number of them.")
    if not device.min_shots <= request.pubs[0].shots <= device.max_shots:
        raise CapacityError(
            f"Request {request.request_id} has {request.pubs[0].shots} shots a row; the device takes "
            f"{device.min_shots} to {device.max_shots}."
        )
    if rows > 1 and not device.min_total_shots <= shots <= device.max_total_shots:
        raise CapacityError(
            f"Request {request.request_id} has {shots} shots in all; a program set takes {device.min_total_shots} to "
            f"{device.max_total_shots}."
        )


def report(task: Mapping[str, Any], options: AwsOptions, *, started_at: datetime | None) -> JobReport:
    """Return where a task is, as ``GetQuantumTask`` tells it.

    A completed task is billed, in money, for the task and all its shots, one that failed or was cancelled not at all:
    the same rule as in the SDK's own cost tracker. AWS tells no seconds of a QPU, so none are billed.

    Args:
        task: The answer.
        options: The prices.
        started_at: When it was seen running for the first time; AWS does not tell.
    """
    status = STATUSES.get(task["status"], JobStatus.UNKNOWN)
    billed_money = None
    if status.is_final:
        is_billed = status is JobStatus.SUCCEEDED
        billed_money = options.price(tasks=1, shots=int(task["shots"])) if is_billed else 0.0
    return JobReport(
        status=status,
        error_code="FAILED" if status is JobStatus.FAILED else None,
        message=task.get("failureReason"),
        billed_s=0.0 if status.is_final else None,
        billed_money=billed_money,
        submitted_at=task["createdAt"],
        started_at=started_at,
        finished_at=task.get("endedAt") if status.is_final else None,
        queue_position=_position(task.get("queueInfo") or {}),
    )


def require_success(told: JobReport, arn: str) -> None:
    """Let only a completed task pass.

    Raises:
        JobFailedError: It failed.
        JobCancelledError: It was cancelled.
        TransientProviderError: It has not ended.
    """
    match told.status:
        case JobStatus.SUCCEEDED:
            return
        case JobStatus.FAILED:
            raise JobFailedError(f"Task {arn} failed: {told.message}", code=told.error_code)
        case JobStatus.CANCELLED:
            raise JobCancelledError(f"Task {arn} was cancelled.")
        case _:
            raise TransientProviderError(f"Task {arn} is {told.status}; its result is not there yet.")


def _position(queue: Mapping[str, Any]) -> int | None:
    """Return a position; ``>2000`` stands for at least 2001, and a task that no longer waits has none."""
    text = str(queue.get("position", ""))
    if text.startswith(">") and text[1:].isdigit():
        return int(text[1:]) + 1
    return int(text) if text.isdigit() else None
