"""What becomes of a job, decided from its content, the seed and the faults when it is accepted. Pure rules only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import CompilationError, PermanentProviderError, TargetMismatchError
from hybrid_assets.providers._emulator_faults import chance
from hybrid_assets.providers._emulator_queue import billed_s
from hybrid_assets.providers._error_codes import NOT_FOR_THIS_TARGET, REFUSED_CIRCUIT, TOO_LARGE, TOO_LONG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.jobs import JobLimits, JobRequest, Pub
    from hybrid_assets.providers._emulator_faults import Failures
    from hybrid_assets.providers._emulator_machine import Machine
    from hybrid_assets.providers._emulator_options import EmulatorOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What executing a request means."""

    #: Device seconds it takes, the job's overhead included.
    run_s: float
    #: Why the device does not take it: code, sentence, kernel; None when it does.
    refusal: tuple[str, str, str] | None = None
    #: What each PUB adds to the overhead; empty when it is refused.
    pubs_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How a job will end unless it is cancelled."""

    run_s: float
    billed_s: float
    error_code: str | None = None
    message: str | None = None
    blamed: tuple[str, ...] = ()
    never_ends: bool = False
    #: Seconds after its end in which its result is not there yet.
    late_s: float = 0.0
    wrong: str | None = None


def check_limits(request: JobRequest, limits: JobLimits) -> None:
    """Refuse a request beyond a limit.

    Raises:
        PermanentProviderError: It is; the message says which, fact ``code`` is of class ``split``.
    """
    pubs = request.pubs
    for what, size, limit in (
        ("PUBs", len(pubs), limits.max_pubs),
        ("executions", sum(map(executions, pubs)), limits.max_executions),
        ("payload bytes", sum(len(pub.payload) + int(pub.values.nbytes) for pub in pubs), limits.max_payload_bytes),
        ("shots a row", max(pub.shots for pub in pubs), limits.max_shots),
    ):
        if limit is not None and size > limit:
            raise PermanentProviderError(
                f"Request {request.request_id} has {size} {what}; a job may have {limit}. Submit smaller ones.",
                code=TOO_LARGE,
            )


def work(request: JobRequest, machine: Machine, options: EmulatorOptions) -> Work:
    """Return how long a request runs: overhead + executions x (repetition delay + circuit).

    Raises:
        ResultIntegrityError: A payload was altered on its way.
    """
    pubs_s: list[float] = []
    for pub in request.pubs:
        try:
            each_s = options.rep_delay_s + machine.duration_s(pub)
        except (CompilationError, PermanentProviderError) as exc:
            code = NOT_FOR_THIS_TARGET if isinstance(exc, TargetMismatchError) else REFUSED_CIRCUIT
            return Work(run_s=options.overhead_s, refusal=(code, str(exc), pub.kernel_id))
        pubs_s.append(executions(pub) * each_s)
    return Work(run_s=options.overhead_s + sum(pubs_s), pubs_s=tuple(pubs_s))


def executions(pub: Pub) -> int:
    """Return rows times shots."""
    return int(pub.values.shape[0]) * pub.shots


def decide(job_id: str, kernel_ids: Sequence[str], todo: Work, options: EmulatorOptions) -> Fate:
    """Return how a job ends; the same arguments always give the same answer."""
    faults, seed = options.faults, options.seed
    if todo.refusal is not None:
        code, message, kernel_id = todo.refusal
        return Fate(run_s=todo.run_s, billed_s=0.0, error_code=code, message=message, blamed=(kernel_id,))
    if poisons := faults.poisons(kernel_ids, seed):
        named = poisons if faults.kernel_failures.names_pub else ()
        words = f"Kernels {', '.join(named)} cannot be executed." if named else "The job cannot be executed."
        return _failure(faults.kernel_failures, f"Emulated fault: {words}", named, todo, options)
    if chance(seed, "job_failures", job_id) < faults.job_failures.rate:
        return _failure(faults.job_failures, "Emulated fault: internal error.", (), todo, options)
    if todo.run_s > options.max_run_s:
        message = f"The job would run {todo.run_s:.1f} s; a job may run {options.max_run_s:g} s. Submit smaller ones."
        limit_s = options.max_run_s
        return Fate(
            run_s=limit_s,
            billed_s=billed_s(limit_s, options.bill_step_s),
            error_code=TOO_LONG,
            message=message,
        )
    kinds, is_wrong = faults.wrong_results.kinds, chance(seed, "wrong", job_id) < faults.wrong_results.rate
    return Fate(
        run_s=todo.run_s,
        billed_s=billed_s(todo.run_s, options.bill_step_s),
        never_ends=chance(seed, "never", job_id) < faults.never_finishes,
        late_s=faults.late_for_s if chance(seed, "late", job_id) < faults.late_rate else 0.0,
        wrong=kinds[int(chance(seed, "how wrong", job_id) * len(kinds))] if is_wrong else None,
    )


def _failure(kind: Failures, message: str, blamed: tuple[str, ...], todo: Work, options: EmulatorOptions) -> Fate:
    run_s = min(todo.run_s, options.max_run_s) if kind.is_billed else options.overhead_s
    billed = billed_s(run_s, options.bill_step_s) if kind.is_billed else 0.0
    return Fate(run_s=run_s, billed_s=billed, error_code=kind.code, message=message, blamed=blamed)
