"""Who answers for a kernel where its backend does not: the workload's ladder, climbed for all such kernels at once.

Put asking a rung here; which rung is next is `control.fallback`'s, what the rows say is `evaluating`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybrid_assets.control.fallback import (
    SOURCE_FAILED,
    Available,
    FallbackStep,
    RungKind,
    Trouble,
    TroubleKind,
    next_rung,
    trouble_of,
)
from hybrid_assets.model.queue import BreakerState
from hybrid_assets.model.results import Role
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.elsewhere import ask_elsewhere
from hybrid_assets.runner.simulating import simulate
from hybrid_assets.runner.solving import baseline_results
from hybrid_assets.storage.variants import variant_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.control.fallback import Rung
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.queue import QueuedKernel
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Substitute:
    """What stands in a kernel's rows where its backend gave no result."""

    #: Columns ``source`` and ``source_reason``.
    source: str
    reason: str
    #: The result that the rows show; None: there is none.
    result: KernelResult | None = None
    #: With CLASSICAL: the best value a baseline found, in the objective's unit.
    value: float | None = None
    #: Whether the backend will not answer any more.
    is_final: bool = True

    @property
    def is_answer(self) -> bool:
        """Whether it says anything but that nobody answered."""
        return self.source != SOURCE_FAILED


def substitutes(
    project: Project,
    order: Order,
    kernels: Sequence[Kernel],
    *,
    withheld: Mapping[str, str],
    waiting: Sequence[QueuedKernel],
) -> Mapping[str, Substitute] | None:
    """Return, by kernel id, what stands for every kernel without a result of its backend; None: it is waited for.

    It is waited for as long as one kernel may still be answered in time, or is late and nobody answers for it either:
    late is not failed. Without a ladder only what is over has a substitute, and that says that it failed.

    Args:
        project: The project.
        order: The partition's order.
        kernels: All kernels of the partition.
        withheld: Kernels that a gate kept out, each with the reason.
        waiting: Kernels that are not over.
    """
    ladder = project.settings.ladder(order.cell.workload)
    if waiting and not ladder:
        return None
    troubles = troubles_of(project, order, kernels, withheld=withheld)
    if any(kernel.kernel_id not in troubles for kernel in waiting):
        return None
    if not ladder:
        return {name: _failed(trouble) for name, trouble in troubles.items()}
    climb = Climb(project=project, order=order, ladder=ladder)
    found = climb.up([kernel for kernel in kernels if kernel.kernel_id in troubles], troubles)
    is_stuck = any(not substitute.is_final and not substitute.is_answer for substitute in found.values())
    return None if is_stuck else found


def troubles_of(
    project: Project, order: Order, kernels: Sequence[Kernel], *, withheld: Mapping[str, str]
) -> dict[str, Trouble]:
    """Return why kernels without a result are not waited for; the ones that are, and unknown ones, are left out."""
    found = {name: Trouble(kind=TroubleKind.WITHHELD, detail=reason.rstrip(".")) for name, reason in withheld.items()}
    missing = [kernel.kernel_id for kernel in kernels if not project.results.contains(kernel.kernel_id)]
    return {**_in_trouble(project, order, project.ledger.kernels(kernel_ids=missing) if missing else ()), **found}


def may_be_substituted(project: Project, order: Order, waiting: Sequence[QueuedKernel]) -> bool:
    """Tell whether the ladder may answer for all that an unpublished partition waits for."""
    if not waiting or not project.settings.ladder(order.cell.workload):
        return False
    if project.warehouse.published("quantum_results", **order.cell.partition):
        return False
    return len(_in_trouble(project, order, waiting)) == len(waiting)


def _in_trouble(project: Project, order: Order, kernels: Sequence[QueuedKernel]) -> dict[str, Trouble]:
    turnaround_s = project.settings.objectives(order.cell.workload).turnaround_s
    breaker, now = project.ledger.breaker(order.cell.backend), utc_now()
    found: dict[str, Trouble] = {}
    for kernel in kernels:
        trouble = trouble_of(
            kernel,
            now=now,
            asked_at=max(kernel.enqueued_at, order.ordered_at),
            turnaround_s=turnaround_s,
            breaker=breaker,
        )
        if trouble is not None:
            found[kernel.kernel_id] = trouble
    return found


@dataclass(slots=True, kw_only=True)
class Climb:
    """One walk up a ladder, rung by rung, with everybody who still needs an answer."""

    project: Project
    order: Order
    ladder: Sequence[Rung]
    #: When to stop waiting for a rung; None: every rung has its own limit.
    until: datetime | None = None
    #: Rungs that were asked and did not answer, by kernel id.
    tried: dict[str, dict[str, str]] = field(default_factory=dict)
    _earlier: dict[str, KernelResult | None] = field(default_factory=dict)
    _values: Mapping[str, float] = field(default_factory=dict)
    _takers: Sequence[str] = ()

    def up(self, kernels: Sequence[Kernel], troubles: Mapping[str, Trouble]) -> dict[str, Substitute]:
        """Return what stands for each of some kernels in trouble."""
        self._look(kernels)
        found: dict[str, Substitute] = {}
        left = {kernel.kernel_id: kernel for kernel in kernels}
        while left:
            steps = {name: self._step(kernel, troubles[name]) for name, kernel in left.items()}
            rung = next((r for r in self.ladder if any(step.rung == r for step in steps.values())), None)
            asked = [left[name] for name, step in steps.items() if step.rung == rung]
            answers = self._ask(rung, asked) if rung is not None else {}
            for kernel in asked:
                name, step = kernel.kernel_id, steps[kernel.kernel_id]
                is_final = not troubles[name].may_still_answer
                if rung is None:
                    found[name] = Substitute(source=step.source, reason=step.reason, is_final=is_final)
                elif isinstance(answer := answers[name], str):
                    self.tried.setdefault(name, {})[rung.source] = answer
                    continue
                else:
                    result, value = (None, answer) if isinstance(answer, float) else (answer, None)
                    found[name] = Substitute(
                        source=step.source, reason=step.reason, result=result, value=value, is_final=is_final
                    )
                left.pop(name)
        return found

    def _step(self, kernel: Kernel, trouble: Trouble) -> FallbackStep:
        return next_rung(
            self.ladder,
            trouble=trouble,
            backend=self.order.cell.backend,
            available=self._available(kernel),
            tried=self.tried.get(kernel.kernel_id),
        )

    def _look(self, kernels: Sequence[Kernel]) -> None:
        """See once who could answer."""
        kinds, cell = {rung.kind for rung in self.ladder}, self.order.cell
        if RungKind.CACHED in kinds:
            self._earlier = {k.kernel_id: earlier_result(self.project, self.order, k) for k in kernels}
        if RungKind.CLASSICAL in kinds:
            self._values = classical_values(self.project, night=cell.night, workload=cell.workload)
        others = [rung.backend for rung in self.ladder if rung.backend is not None]
        self._takers = [b for b in others if self.project.ledger.breaker(b).state is BreakerState.CLOSED]

    def _available(self, kernel: Kernel) -> Available:
        result = self._earlier.get(kernel.kernel_id)
        return Available(
            backends=self._takers,
            cached_age_s=(utc_now() - result.executed_at).total_seconds() if result else None,
            can_simulate=True,
            has_classical=kernel.instance.name in self._values,
        )

    def _ask(self, rung: Rung, kernels: Sequence[Kernel]) -> Mapping[str, KernelResult | float | str]:
        """Ask a rung; return for each kernel a result, a value, or why there is none in words without a period."""
        match rung.kind:
            case RungKind.CACHED:
                found = {kernel.kernel_id: self._earlier[kernel.kernel_id] for kernel in kernels}
                return {name: result for name, result in found.items() if result is not None}
            case RungKind.SIMULATION:
                done = simulate(self.project, self.order.cell.backend, kernels, until=self.until)
                return {**done.results, **done.lacking}
            case RungKind.CLASSICAL:
                return {kernel.kernel_id: self._values[kernel.instance.name] for kernel in kernels}
            case RungKind.OTHER_BACKEND:
                self.order, answers = ask_elsewhere(
                    self.project, self.order, kernels, backend=str(rung.backend), until=self.until
                )
                return answers


def earlier_result(project: Project, order: Order, kernel: Kernel) -> KernelResult | None:
    """Return the newest stored result of the same kernel under another calibration or repetition."""
    variant = variant_of(
        backend=project.provider(order.cell.backend).describe().identity,
        artefact_fingerprint=kernel.facts.artefact_fingerprint,
        values=kernel.template.slot_values,
        shots=kernel.template.logical.shots,
    )
    for name, _ in project.variants.newest(variant):
        if (result := project.results.get(name)) is not None:
            return result
    return None


def classical_values(project: Project, *, night: str, workload: str) -> Mapping[str, float]:
    """Return the best value that a classical baseline found on each instance, as far as the night's are published."""
    found: dict[str, float] = {}
    for instance, results in baseline_results(project, night=night, workload=workload).items():
        values = [float(r.value) for r in results if r.role is Role.CLASSICAL and r.value is not None]
        if values:
            found[instance] = max(values)
    return found


def _failed(trouble: Trouble) -> Substitute:
    """Return the row of a kernel whose workload has no ladder."""
    return Substitute(source=SOURCE_FAILED, reason=f"{trouble.detail[0].upper()}{trouble.detail[1:]}.")
