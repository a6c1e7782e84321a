"""The ways to an answer that `evaluation` walks at once: the backend itself, a simulation, the known rivals.

Put a way here. Each runs in a thread that nobody waits for longer than the deadline, and says what it found or why not.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.control.fallback import Trouble, TroubleKind, trouble_of
from hybrid_assets.errors import CompilationError, ProviderError, ResultError
from hybrid_assets.model.results import Role
from hybrid_assets.runner.answering import earlier_result
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import close_order, open_order
from hybrid_assets.runner.questions import ask
from hybrid_assets.runner.queueing import wait_for
from hybrid_assets.runner.rounds import compiled_kernels
from hybrid_assets.runner.simulating import simulate, simulator_kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.questions import Question

#: The compile workers of a process answer one thread at a time.
_COMPILING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one way found."""

    value: float | None
    best_value: float | None
    method: str | None
    calibration_id: str | None = None
    #: When the oldest part of it was executed.
    executed_at: datetime | None = None


class Lane:
    """One way: what it has found so far, for the thread that waits."""

    def __init__(self, news: threading.Condition, name: str) -> None:
        self._news, self._name = news, name
        self.found: Found | None = None
        #: Why it found nothing, in words without a period.
        self.why = "it has not begun"
        #: Why the backend is not waited for any more.
        self.trouble: Trouble | None = None
        #: Kernels the backend was asked for.
        self.kernel_ids: tuple[str, ...] = ()
        self.is_over = False
        #: What the caller has to be told, as if it had been raised in its own thread.
        self.error: Exception | None = None

    def start(self, walk: Callable[[], None]) -> None:
        """Walk it in a thread that does not keep the process alive."""
        thread = threading.Thread(target=self._run, args=(walk,), name=f"evaluate-{self._name}", daemon=True)
        thread.start()

    def _run(self, walk: Callable[[], None]) -> None:
        try:
            walk()
        except Exception as exc:  # noqa: BLE001 - the waiting thread raises it
            self.tell(error=exc)
        finally:
            self.tell(is_over=True)

    def tell(self, **news: object) -> None:
        """Note something and wake who waits."""
        with self._news:
            for name, value in news.items():
                setattr(self, name, value)
            self._news.notify_all()


def ask_backend(question: Question, lane: Lane, cached: Lane, *, until: datetime) -> None:
    """Find, or buy and wait for, the backend's own results; and look for earlier ones on the way."""
    project, cell = question.project, question.cell
    try:
        calibration_id = project.target(cell.backend).calibration_id
        order = open_order(project, cell, calibration_id=calibration_id, now=utc_now())
        with _COMPILING:
            kernels = compiled_kernels(project, order, question.instance, question.kernels)
        missing = [kernel for kernel in kernels if not project.results.contains(kernel.kernel_id)]
        if missing:
            _look_back(question, kernels, cached, calibration_id)
            if (refusal := ask(question, order, missing)) is not None:
                lane.tell(trouble=Trouble(kind=TroubleKind.WITHHELD, detail=refusal.rstrip(".")))
                return
            names = tuple(kernel.kernel_id for kernel in kernels)
            lane.tell(kernel_ids=names)
            wait_for(project, cell.backend, [kernel.kernel_id for kernel in missing], until=until)
        _take_home(question, lane, kernels)
    except (ProviderError, CompilationError) as exc:
        is_passing = isinstance(exc, ProviderError)
        kind = TroubleKind.UNAVAILABLE if is_passing else TroubleKind.FAILED
        lane.tell(trouble=Trouble(kind=kind, detail=f"{cell.backend}: {str(exc).rstrip('.')}"))
    finally:
        if not cached.is_over:
            cached.tell(why="there is no earlier result", is_over=True)


def _look_back(question: Question, kernels: Sequence[Kernel], cached: Lane, calibration_id: str) -> None:
    """Look for earlier results of the same kernels, which may stand in for those that are asked for now."""
    order = open_order(question.project, question.cell, calibration_id=calibration_id, now=utc_now())
    found = {
        kernel.template.logical.label: question.project.results.get(kernel.kernel_id)
        or earlier_result(question.project, order, kernel)
        for kernel in kernels
    }
    if all(found.values()):
        cached.tell(found=scored(question, found))
    cached.tell(why="there is no earlier result", is_over=True)


def _take_home(question: Question, lane: Lane, kernels: Sequence[Kernel]) -> None:
    """Tell the results, or why there are none."""
    project, names = question.project, tuple(kernel.kernel_id for kernel in kernels)
    results = {kernel.template.logical.label: project.results.get(kernel.kernel_id) for kernel in kernels}
    if all(results.values()):
        lane.tell(kernel_ids=names, found=scored(question, results))
        close_order(project, question.cell)
        return
    breaker, now = project.ledger.breaker(question.cell.backend), utc_now()
    queued = project.ledger.kernels(kernel_ids=names)
    troubles = [trouble_of(kernel, now=now, breaker=breaker, patience_s=0.0) for kernel in queued]
    held = next((kernel.error_message for kernel in queued if kernel.error_message), None)
    detail = f"{question.cell.backend} will not answer by the deadline" + (f" ({held.rstrip('.')})" if held else "")
    waits = Trouble(kind=TroubleKind.UNAVAILABLE, detail=detail)
    lane.tell(trouble=next((trouble for trouble in troubles if trouble is not None), waits))


def simulate_question(question: Question, lane: Lane, *, until: datetime) -> None:
    """Simulate the kernels without any noise, and without the backend."""
    project, backend = question.project, question.cell.backend
    try:
        with _COMPILING:
            kernels = simulator_kernels(project, backend, question.instance, question.kernels)
        done = simulate(project, backend, kernels, until=until)
    except (ProviderError, CompilationError) as exc:
        lane.tell(why=str(exc).rstrip("."))
        return
    if done.lacking:
        lane.tell(why=next(iter(done.lacking.values())))
        return
    results = {kernel.template.logical.label: done.results[kernel.kernel_id] for kernel in kernels}
    lane.tell(found=scored(question, results, is_backend=False))


def look_up_rivals(question: Question, lane: Lane) -> None:
    """Find the best value that a published classical baseline has for this very instance."""
    warehouse, workload = question.project.warehouse, question.cell.workload
    nights = [part["night"] for part in warehouse.partitions("classical_baselines") if part["workload"] == workload]
    for night in sorted(nights, reverse=True):
        rows = warehouse.read_rows("classical_baselines", night=night, workload=workload)
        values = [
            (row["value"], row["baseline"])
            for row in rows
            if row["fingerprint"] == question.instance.fingerprint
            and row["role"] == Role.CLASSICAL
            and row["value"] is not None
        ]
        if values:
            value, baseline = max(values)
            lane.tell(found=Found(value=value, best_value=value, method=baseline))
            return
    lane.tell(why="no classical baseline of this instance is published")


def scored(question: Question, results: Mapping[str, KernelResult | None], *, is_backend: bool = True) -> Found:
    """Score results by label as ``comparisons`` would, and return the best quantum method.

    Raises:
        ResultError: One is missing.
    """
    plugin, options, _ = question.project.workload(question.cell.workload)
    pairs: list[tuple[LogicalKernel, KernelResult]] = []
    for logical in question.kernels:
        result = results[logical.label]
        if result is None:
            raise ResultError(f"The stored result of {question.correlation_id}/{logical.label} is corrupt. Ask again.")
        pairs.append((logical, result))
    scores = plugin.score(question.instance, options=options, results=pairs, reference=None)
    quantum = [score for score in scores if score.role is Role.QUANTUM and score.value is not None]
    best = max(quantum, key=lambda score: score.value or 0.0, default=None)
    calibrations = {result.executed_calibration_id for _, result in pairs}
    return Found(
        value=best.value if best else None,
        best_value=best.best_value if best else None,
        method=best.method if best else None,
        calibration_id=calibrations.pop() if is_backend and len(calibrations) == 1 else None,
        executed_at=min((result.executed_at for _, result in pairs), default=None),
    )
