"""What a smoke run found: each reference kernel's values beside what is known of them, its jobs and its bill.

Put what is read out of results and ledger here; nothing is asked of a backend but its calibration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid_assets import errors
from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.errors import (
    BudgetExceededError,
    CheckFailedError,
    JobCancelledError,
    ProviderError,
    ResultError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.model.queue import KernelState, Remedy
from hybrid_assets.model.smoke import Finding, JobSeen, KernelCheck, RowCheck, SmokeReport
from hybrid_assets.scoring.tolerance import Moments, readout_bias, tolerance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hybrid_assets.circuits.reference import ReferenceKernel
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.queue import BatchRecord, Budget, QueuedKernel
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project

#: Errors of one-qubit gates, larger gates and readouts of a QPU that publishes none: those of a poor device of today.
ASSUMED_ERRORS = {"one": 0.002, "more": 0.02, "measure": 0.03}
#: Sums of bills differ from the cap in their last digits.
TOLERANCE_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What a run asked for."""

    smoke_id: str
    order: Order
    references: Sequence[ReferenceKernel]
    #: One for each reference.
    kernels: Sequence[Kernel]


def report_of(
    project: Project,
    asked: Asked,
    *,
    waiting: Sequence[QueuedKernel],
    budget: Budget | None,
    cap_s: float,
    notes: Sequence[str],
) -> SmokeReport:
    """Return what a run found.

    Args:
        project: The project.
        asked: What was asked for.
        waiting: Kernels that were not over in time, as they were then.
        budget: The run's budget.
        cap_s: The most it was allowed.
        notes: What became of what was not over.
    """
    names = [kernel.kernel_id for kernel in asked.kernels]
    queued = {kernel.kernel_id: kernel for kernel in [*project.ledger.kernels(kernel_ids=names), *waiting]}
    batches = {name: project.ledger.batches_of(name) for name in names}
    results = {name: result for name in names if (result := project.results.get(name)) is not None}
    targets = _targets(project, asked.order.cell.backend, results.values())
    checks = [
        check(reference, kernel, result, targets[result.executed_calibration_id])
        if (result := results.get(kernel.kernel_id))
        else _unanswered(kernel, queued.get(kernel.kernel_id), batches[kernel.kernel_id])
        for reference, kernel in zip(asked.references, asked.kernels, strict=True)
    ]
    billed_s, codes = budget.spent if budget else 0.0, {each.exit_code for each in checks}
    said = [*notes, *_remarks(asked, results)]
    if billed_s > cap_s + TOLERANCE_S:
        codes.add(BudgetExceededError.exit_code)
        said.append(f"{billed_s:g} s were billed, more than was estimated, set aside and allowed.")
    return SmokeReport(
        smoke_id=asked.smoke_id,
        night=asked.order.cell.night,
        backend=asked.order.cell.backend,
        shots=asked.references[0].logical.shots,
        kernels=checks,
        jobs=list(_jobs(project, batches.values())),
        billed_s=billed_s,
        cap_s=cap_s,
        calibration_ids=sorted({result.executed_calibration_id for result in results.values()}),
        notes=said,
        exit_code=_most_telling(codes),
    )


def _targets(project: Project, backend: str, results: Iterable[KernelResult]) -> dict[str, TargetDocument]:
    """Return the target under each calibration that results were executed under, as well as the backend knows it."""
    provider, found = project.provider(backend), {}
    for result in results:
        if result.executed_calibration_id not in found:
            target = provider.target(result.executed_at)
            is_real = not provider.describe().is_simulator
            found[result.executed_calibration_id] = with_assumed_errors(target) if is_real else target
    return found


def check(reference: ReferenceKernel, kernel: Kernel, result: KernelResult, target: TargetDocument) -> KernelCheck:
    """Hold a result against what is known, under the errors of the calibration it ran under."""
    success = expected_success(kernel.facts.exposure, target)
    readout = [target.readout[qubit] for qubit in kernel.facts.measured_qubits] if target.readout else ()
    explained = tolerance(
        Moments(mean=reference.ideal, square=reference.ideal_square),
        Moments(mean=reference.uniform, square=reference.uniform_square),
        success=success,
        bias=readout_bias(reference.influence, readout),
        shots=result.shots,
    )
    observed = reference.observed(result.counts)
    is_inside = explained.holds(observed)
    columns = zip(reference.ideal, explained.low, explained.high, observed, is_inside, strict=True)
    rows = [
        RowCheck(
            row=row, ideal=float(ideal), low=float(low), high=float(high), observed=float(seen), is_inside=bool(inside)
        )
        for row, (ideal, low, high, seen, inside) in enumerate(columns)
    ]
    finding = Finding.OFF if not is_inside.all() else Finding.OK if explained.has_power else Finding.NO_POWER
    return KernelCheck(
        label=reference.logical.label,
        kernel_id=kernel.kernel_id,
        finding=finding,
        expected_success=success,
        rows=rows,
        exit_code=0 if finding is Finding.OK else CheckFailedError.exit_code,
    )


def with_assumed_errors(target: TargetDocument) -> TargetDocument:
    """Return a target with `ASSUMED_ERRORS` if it tells none at all: a QPU without errors does not exist."""
    if any(op.error is not None for op in target.operations):
        return target

    def assumed(name: str, qubits: tuple[int, ...] | None) -> float:
        kind = "measure" if name == "measure" else "one" if qubits is not None and len(qubits) == 1 else "more"
        return ASSUMED_ERRORS[kind]

    return replace(target, operations=tuple(replace(op, error=assumed(op.name, op.qubits)) for op in target.operations))


def _unanswered(kernel: Kernel, queued: QueuedKernel | None, batches: Sequence[BatchRecord]) -> KernelCheck:
    """Return the check of a kernel without a result."""
    reason, code = "it was not asked for", ProviderError.exit_code
    if queued is not None:
        late = (
            "its job was not over in time" if queued.state is KernelState.BATCHED else "its turn did not come in time"
        )
        reason, code = (queued.error_message or late).rstrip("."), _code_of(queued, batches)
    return KernelCheck(
        label=kernel.template.logical.label,
        kernel_id=kernel.kernel_id,
        finding=Finding.NO_RESULT,
        expected_success=None,
        rows=(),
        reason=reason,
        exit_code=code,
    )


def _code_of(kernel: QueuedKernel, batches: Sequence[BatchRecord]) -> int:
    """Return what an unanswered kernel says: something is wrong, the cap, or a backend that may answer another time.

    An answer that is not what was asked for is wrong whatever kept the kernel from being tried again.
    """
    if any(_is_a(name, (ResultError,)) for name in (kernel.error_class, *(batch.error_class for batch in batches))):
        return CheckFailedError.exit_code
    if kernel.error_class == BudgetExceededError.__name__:
        return BudgetExceededError.exit_code
    passing = (TransientProviderError, SubmissionUnknownError, JobCancelledError)
    may_pass = _is_a(kernel.error_class, passing) or kernel.remedy is Remedy.RECOMPILE
    is_failed = kernel.state is KernelState.FAILED and not may_pass
    return CheckFailedError.exit_code if is_failed else ProviderError.exit_code


def _is_a(error_class: str | None, kinds: tuple[type[Exception], ...]) -> bool:
    """Tell whether the name of an error's class is that of one of some kinds."""
    found = getattr(errors, error_class or "", None)
    return isinstance(found, type) and issubclass(found, kinds)


def _most_telling(codes: set[int]) -> int:
    """Return the exit code of a run: something wrong before the cap before the backend."""
    order = (CheckFailedError, BudgetExceededError, ProviderError)
    return next((error.exit_code for error in order if error.exit_code in codes), 0)


def _remarks(asked: Asked, results: Mapping[str, KernelResult]) -> Iterator[str]:
    """Yield what is odd about the run and no kernel's fault."""
    moved = [
        kernel.template.logical.label
        for kernel in asked.kernels
        if (result := results.get(kernel.kernel_id)) and result.executed_calibration_id != kernel.calibration_id
    ]
    if moved:
        yield f"The calibration changed after {', '.join(moved)} were compiled; the errors at execution count."


def _jobs(project: Project, found: Iterable[Sequence[BatchRecord]]) -> Iterator[JobSeen]:
    """Yield the run's jobs in order, those that nobody asked for after them; what was never taken is no job."""
    batches = {batch.batch_id: batch for each in found for batch in each}
    for batch in sorted(batches.values(), key=lambda batch: (batch.planned_at, batch.batch_id)):
        if batch.provider_job_id is not None or not batch.status.is_final:
            yield _job(batch)
    for made in project.ledger.duplicates():
        if made.batch_id in batches:
            yield JobSeen(
                provider_job_id=made.provider_job_id,
                status=made.status.value,
                queue_s=None,
                run_s=None,
                billed_s=made.billed_s,
                is_duplicate=True,
            )


def _job(batch: BatchRecord) -> JobSeen:
    submitted, started, finished = batch.submitted_at, batch.started_at, batch.finished_at
    return JobSeen(
        provider_job_id=batch.provider_job_id,
        status=batch.status.value,
        # A provider's clock may be a little behind ours.
        queue_s=max((started - submitted).total_seconds(), 0.0) if submitted and started else None,
        run_s=max((finished - started).total_seconds(), 0.0) if started and finished else None,
        billed_s=batch.billed_s,
    )
