"""Stage `quantum_results`: ask for kernels whose results are not known, wait a bounded time, publish or say why not.

No step waits for a queue: what is not over after the backend's ``wait_s`` stays in the ledger, and whoever asks again
goes on from there. Put the order of that here; what becomes of a finished kernel is `evaluating`'s.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import ApprovalRequiredError, BackendUnavailableError, BudgetExceededError
from hybrid_assets.model.queue import BreakerState, KernelState, Remedy
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import evaluating
from hybrid_assets.runner.answering import substitutes
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.gating import passage
from hybrid_assets.runner.kernels import template_of
from hybrid_assets.runner.orders import Cell, Order, Pin, close_order, keep_order, open_order
from hybrid_assets.runner.placing import place
from hybrid_assets.runner.queueing import ask_for, wait_for
from hybrid_assets.runner.rounds import compiled_kernels, is_overtaken, logical_kernels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.queue import QueuedKernel
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.project import Project


#: Even who does not want to wait sends what can be sent.
LEAST_WAIT_S = 1.0


def execute_kernels(project: Project, *, night: str, workload: str, backend: str) -> StageOutcome:
    """Execute what is not known yet, for at most the backend's ``wait_s``, and publish one row a parameter setting.

    Known results are reused by kernel id. A kernel that failed for good is a row of the rung of the workload's ladder
    that answered for it, or says that none did; so is one that is late, see `answering`. While another is still waiting
    or on its way, nothing is published.

    Raises:
        CheckFailedError: Raw counts do not add up.
    """
    cell = Cell(night=night, workload=workload, backend=backend)
    with project.timed(night, workload, "quantum_results", backend):
        asked = _Asked(project=project, cell=cell, instances=project.accepted(night, workload))
        waiting = asked.run(wait_s=max(project.backend(backend).wait_s, LEAST_WAIT_S))
        if asked.closed is not None:
            return _pending(project, cell, f"{cell}: {asked.closed}", code=ApprovalRequiredError.exit_code)
        stand_ins = substitutes(project, asked.order, asked.kernels, withheld=asked.withheld, waiting=waiting)
        if stand_ins is None:
            return _pending(project, cell, pending_sentence(cell, waiting), code=_code(project, cell, waiting))
        outcome = evaluating.publish(
            project, asked.order, asked.kernels, executed=len(asked.executed), substitutes=stand_ins
        )
        if not waiting:  # else the order stays open: what is still on its way is collected, and takes its place
            close_order(project, cell)
    project.pending.pop(cell.name, None)
    return outcome


def _pending(project: Project, cell: Cell, sentence: str, *, code: int) -> StageOutcome:
    project.pending[cell.name] = (code, sentence)
    return StageOutcome(rows=0, data_version="", pending=sentence)


def _code(project: Project, cell: Cell, waiting: Sequence[QueuedKernel]) -> int:
    """Return the exit code that tells best why kernels wait: for money, for the backend, or just for their turn."""
    if all(kernel.error_class == BudgetExceededError.__name__ for kernel in waiting):
        return BudgetExceededError.exit_code
    is_shut = project.ledger.breaker(cell.backend).state is not BreakerState.CLOSED
    is_down = any(kernel.error_class == BackendUnavailableError.__name__ for kernel in waiting)
    return BackendUnavailableError.exit_code if is_shut or is_down else 0


def pending_sentence(cell: Cell, waiting: Sequence[QueuedKernel]) -> str:
    """Return what a partition waits for, in figures, and what to do."""
    on_their_way = sum(kernel.state is KernelState.BATCHED for kernel in waiting)
    why = Counter(kernel.error_message or "in the queue" for kernel in waiting if kernel.state is KernelState.READY)
    parts = [f"{on_their_way} in QPU jobs"] if on_their_way else []
    parts += [f"{number} {reason.rstrip('.')}" for reason, number in why.most_common(3)]
    return (
        f"{cell}: {len(waiting)} kernels are pending ({'; '.join(parts)}). `hybrid-assets collect` goes on with them."
    )


@dataclass(slots=True, kw_only=True)
class _Asked:
    """The kernels of one partition, asked for round after round."""

    project: Project
    cell: Cell
    instances: Sequence[ProblemInstance]
    order: Order = field(init=False)
    #: Of all rounds so far, in the order of instances, then rounds.
    kernels: list[Kernel] = field(default_factory=list)
    #: Ids of those whose results were not known.
    executed: set[str] = field(default_factory=set)
    #: Why a gate lets nothing through before a person has acted; None: it does.
    closed: str | None = None
    #: Kernels that a gate keeps out for tonight, each with the reason.
    withheld: dict[str, str] = field(default_factory=dict)
    _renewed: set[str] = field(default_factory=set)
    _by_name: dict[tuple[str, str], Kernel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        target = self.project.target(self.cell.backend)
        self.order = open_order(self.project, self.cell, calibration_id=target.calibration_id, now=utc_now())

    def run(self, *, wait_s: float) -> list[QueuedKernel]:
        """Ask, wait, and ask for the next round, until no round follows or it waited so long in all.

        Returns:
            What is unfinished then.
        """
        over: set[str] = set()
        until: datetime | None = None
        while True:
            fresh = self._collect(over)
            self._reject(fresh)
            missing = [kernel for kernel in fresh if not self.project.results.contains(kernel.kernel_id)]
            missing = self._admitted(missing)
            if self.closed is not None:
                keep_order(self.project, self.order)  # so that whoever looks for unfinished partitions finds it
                return []
            if missing:
                names = {kernel.kernel_id for kernel in missing}
                self.executed |= names
                self._pin(fresh)
                keep_order(self.project, self.order)
                ask_for(self.project, self.order, missing)
                until = until or utc_now() + timedelta(seconds=wait_s)
                if waiting := wait_for(self.project, self.cell.backend, names, until=until):
                    return waiting
                self._reject(missing)
                if self._renew(missing):
                    continue
            if not fresh:
                return []
            over |= {kernel.kernel_id for kernel in fresh}

    def _pin(self, kernels: Sequence[Kernel]) -> None:
        """Keep what the ids of these kernels are made with."""
        pins = {_name(k): Pin(compile_key=k.facts.compile_key, calibration_id=k.calibration_id) for k in kernels}
        kernel_ids = dict.fromkeys([*self.order.kernel_ids, *(kernel.kernel_id for kernel in kernels)])
        self.order = replace(self.order, kernel_ids=tuple(kernel_ids), pins={**self.order.pins, **pins})

    def _admitted(self, missing: Sequence[Kernel]) -> list[Kernel]:
        """Ask the gate about kernels; return those that may be bought."""
        answer = passage(self.project, self.cell, missing)
        self.closed = answer.closed
        self.withheld |= answer.withheld
        return [kernel for kernel in missing if kernel.kernel_id not in answer.withheld]

    def _collect(self, over: set[str]) -> list[Kernel]:
        """Walk through all rounds; return the kernels that are not over yet."""

        def is_asked(logical: LogicalKernel) -> bool:
            kernel = self._by_name.get((logical.instance, logical.label))
            return kernel is not None and kernel.kernel_id in over

        self.kernels = []
        for instance in self.instances:
            found = list(logical_kernels(self.project, self.cell.workload, instance, self._result, is_asked))
            new = [logical for logical in found if (logical.instance, logical.label) not in self._by_name]
            for kernel in compiled_kernels(self.project, self.order, instance, new):
                self._by_name[instance.name, kernel.template.logical.label] = kernel
            self.kernels += [self._by_name[instance.name, logical.label] for logical in found]
        return [kernel for kernel in self.kernels if kernel.kernel_id not in over]

    def _result(self, logical: LogicalKernel) -> KernelResult | None:
        return self.project.results.get(self._by_name[logical.instance, logical.label].kernel_id)

    def _reject(self, kernels: Sequence[Kernel]) -> None:
        """Keep results out, by policy, that ran under another calibration than they were asked for."""
        if self.project.backend(self.cell.backend).on_recalibration == "reject":
            reason = "It ran under another calibration than it was asked for, and on_recalibration is reject."
            self.withheld |= {k.kernel_id: reason for k in kernels if is_overtaken(self.project, k)}

    def _renew(self, kernels: Sequence[Kernel]) -> bool:
        """Make kernels again, once each, that another calibration has overtaken; tell whether there are any."""
        overtaken = [kernel for kernel in self._overtaken(kernels) if _name(kernel) not in self._renewed]
        if not overtaken:
            return False
        backend = self.cell.backend
        target, options = self.project.target(backend), self.project.compile_options(backend)
        templates = [template_of(k.template.logical, target=target, options=options) for k in overtaken]
        place(self.project, backend, templates, target=target, options=options, decides=True)
        names = {_name(kernel) for kernel in overtaken}
        self._renewed |= names
        for kernel in overtaken:
            self._by_name.pop((kernel.instance.name, kernel.template.logical.label))
        self.order = replace(self.order, pins={name: pin for name, pin in self.order.pins.items() if name not in names})
        return True

    def _overtaken(self, kernels: Sequence[Kernel]) -> list[Kernel]:
        """Return kernels that do not fit the backend any more, or that are to run again by policy."""
        states = (KernelState.FAILED,)
        failed = self.project.ledger.kernels(kernel_ids=[kernel.kernel_id for kernel in kernels], states=states)
        unfit = {kernel.kernel_id for kernel in failed if kernel.remedy is Remedy.RECOMPILE}
        reruns = self.project.backend(self.cell.backend).on_recalibration == "rerun"
        return [k for k in kernels if k.kernel_id in unfit or (reruns and is_overtaken(self.project, k))]


def _name(kernel: Kernel) -> str:
    return f"{kernel.instance.name}/{kernel.template.logical.label}"
