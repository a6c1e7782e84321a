"""Stage `quantum_results`: ask for kernels whose results are not known, wait a bounded time, publish or say why not.

No step waits for a queue: what is not over after the backend's ``wait_s`` stays in the ledger, and whoever asks again
goes on from there. Put the order of that here; what becomes of a finished kernel is `evaluating`'s.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import ApprovalRequiredError, BudgetExceededError
from hybrid_assets.model.queue import KernelState, Remedy
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import evaluating
from hybrid_assets.runner.answering import substitutes
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.gating import passage
from hybrid_assets.runner.orders import Cell, Order, close_order, keep_order, open_order
from hybrid_assets.runner.queueing import ask_for, wait_for
from hybrid_assets.runner.rounds import compiled_kernels, logical_kernels

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
            return _pending(project, cell, pending_sentence(cell, waiting), code=_code(waiting))
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


def _code(waiting: Sequence[QueuedKernel]) -> int:
    """Return the exit code that tells best why kernels wait: only money can help, or time can."""
    is_broke = all(kernel.error_class == BudgetExceededError.__name__ for kernel in waiting)
    return BudgetExceededError.exit_code if is_broke else 0


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
    _by_name: dict[tuple[str, str], Kernel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        target = self.project.provider(self.cell.backend).target()
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
            missing = [kernel for kernel in fresh if not self.project.results.contains(kernel.kernel_id)]
            missing = self._admitted(missing)
            if self.closed is not None:
                keep_order(self.project, self.order)  # so that whoever looks for unfinished partitions finds it
                return []
            if missing:
                names = {kernel.kernel_id for kernel in missing}
                self.executed |= names
                self.order = replace(self.order, kernel_ids=tuple(dict.fromkeys([*self.order.kernel_ids, *names])))
                keep_order(self.project, self.order)
                ask_for(self.project, self.order, missing)
                until = until or utc_now() + timedelta(seconds=wait_s)
                if waiting := wait_for(self.project, self.cell.backend, names, until=until):
                    return waiting
                if self._renew(missing):
                    continue
            if not fresh:
                return []
            over |= {kernel.kernel_id for kernel in fresh}

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

    def _renew(self, kernels: Sequence[Kernel]) -> bool:
        """Make kernels again that no longer fit the backend, for its present target; tell whether there are any."""
        present = self.project.provider(self.cell.backend).target().calibration_id
        failed = self.project.ledger.kernels(
            kernel_ids=[kernel.kernel_id for kernel in kernels], states=(KernelState.FAILED,)
        )
        names = {
            f"{kernel.instance}/{kernel.label}": present
            for kernel in failed
            if kernel.remedy is Remedy.RECOMPILE and self.order.calibration_of(kernel.instance, kernel.label) != present
        }
        for name in names:
            instance, _, label = name.partition("/")
            self._by_name.pop((instance, label), None)
        self.order = replace(self.order, renewed={**self.order.renewed, **names})
        return bool(names)
