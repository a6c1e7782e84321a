"""The smoke gate: reference kernels on one backend, through the whole control plane, under a cap of billed seconds.

A smoke run is an order of its own (see `orders`) under a name of its own: no night publishes it, no earlier result is
taken for it, and asking again under the same name goes on where it ended. Its kernels have a team, a budget and jobs of
their own, so that the cap is the ledger's: every process reserves under it before anything is sent. Put the order of
effects here; what results are worth is `smoke_report`'s.
"""

from __future__ import annotations

import math
import re
import uuid
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.circuits.reference import INSTANCE, reference_kernels
from hybrid_assets.control.plans import PlanRules
from hybrid_assets.errors import BudgetExceededError, UsageError
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.problem import OpaqueProblem, ProblemInstance
from hybrid_assets.model.queue import BudgetUnit, KernelState, WorkClass
from hybrid_assets.runner.backends import dispatch_policy
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.kernels import template_of
from hybrid_assets.runner.orders import OPEN, Cell, Pin, keep_order, open_order
from hybrid_assets.runner.placing import place
from hybrid_assets.runner.pricing import next_size
from hybrid_assets.runner.queueing import Terms, ask_for, budget_id, estimates, unfinished, wait_for
from hybrid_assets.runner.rounds import compiled_kernels
from hybrid_assets.runner.smoke_report import Asked, report_of
from hybrid_assets.runner.spending import set_limit
from hybrid_assets.runner.steering import cancel
from hybrid_assets.storage.records import RecordLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.circuits.reference import ReferenceKernel
    from hybrid_assets.model.queue import Budget, QueuedKernel
    from hybrid_assets.model.smoke import SmokeReport
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project

#: What the ledger calls the workload; no workload of the settings may have a hyphen in its name.
WORKLOAD = "smoke-test"
#: Shots of each row: 29 rows take 6 s at the usual 250 us each, and one kernel less than the 2 s up to which kernels
#: share a job whatever their length.
SHOTS = 768
#: Longest time to wait by default: the queue of a busy QPU.
WAIT_S = 3600.0
MAX_WAIT_S = 7 * 86_400.0
#: A cancelled job is booked within so long, or left to `collect`; and one that was just being sent is cancelled then.
STOP_WAIT_S, STOP_ROUNDS = 5.0, 2
#: A name is part of a path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """One smoke run."""

    #: The project with the run's own orders.
    project: Project
    smoke_id: str
    order: Order
    references: Sequence[ReferenceKernel]
    #: One for each reference.
    kernels: Sequence[Kernel]

    @property
    def backend(self) -> str:
        return self.order.cell.backend

    @property
    def terms(self) -> Terms:
        team = f"smoke/{self.backend}/{self.smoke_id}"
        return Terms(team=team, work_class=WorkClass.PRODUCTION, apart=team)

    @property
    def budget(self) -> Budget | None:
        name = budget_id(self.terms.team, self.order.cell.night, BudgetUnit.QPU_S)
        found = self.project.ledger.budgets(team=self.terms.team)
        return next((budget for budget in found if budget.budget_id == name), None)


def run_smoke(
    project: Project, *, backend: str, max_qpu_s: float, wait_s: float = WAIT_S, smoke_id: str | None = None
) -> SmokeReport:
    """Execute the reference kernels on a backend and hold the results against what is known.

    Whatever is unfinished after ``wait_s``, or at an interrupt, is taken back: kernels leave the queue, and a job that
    does not run yet is cancelled. One that runs goes on. The same ``smoke_id`` takes its results home and tries again
    what has none, under what is left of the cap; a result that is there is never bought again.

    Args:
        project: The project.
        backend: Name of a backend in the settings.
        max_qpu_s: Most seconds that all jobs of this run together may be billed.
        wait_s: Seconds to wait for the results.
        smoke_id: Name of a run, new or to go on with; by default a new one.

    Raises:
        UsageError: The name is no word of letters, digits and hyphens, the cap or the wait is no such number, or the
            backend is billed in money, so that no cap in seconds holds.
        BudgetExceededError: The kernels are estimated above the cap; nothing was sent.
        ProviderError: The backend could not be asked at all.
        CompilationError: A reference kernel does not fit the backend.
    """
    if not (0 <= max_qpu_s < math.inf and 0 <= wait_s <= MAX_WAIT_S):
        raise UsageError(
            f"A cap is a finite number of seconds, a wait at most {MAX_WAIT_S:g} s; not {max_qpu_s:g} and {wait_s:g}."
        )
    if project.provider(backend).describe().job_overhead_money is not None:
        raise UsageError(
            f"{backend} is billed in money, not in seconds: a cap of {max_qpu_s:g} QPU s would let anything through. "
            "Nothing was sent. Run a workload on it under a budget in money (`budgets` in sweep.yaml)."
        )
    run = _open(project, backend, smoke_id)
    wanted = [kernel for kernel in run.kernels if not project.results.contains(kernel.kernel_id)]
    waiting: Sequence[QueuedKernel] = ()
    notes: Sequence[str] = ()
    if wanted:
        _agree(run, wanted, max_qpu_s=max_qpu_s)
        names = [kernel.kernel_id for kernel in wanted]
        try:
            until = utc_now() + timedelta(seconds=wait_s)
            for job in _jobs(run, wanted):  # one after the other: each may use up what the cap leaves over
                sent = [kernel for kernel, _ in job]
                _ask(run, sent)
                sent_ids = [kernel.kernel_id for kernel in sent]
                if waiting := wait_for(run.project, backend, sent_ids, until=until, is_vain=_is_broke):
                    break
        except KeyboardInterrupt:  # who sent it may not wait: what can be cancelled is, `collect` books it
            said = cancel(run.project, unfinished(run.project, names)).jobs
            project.report(" ".join([*said, f"--smoke-id {run.smoke_id} goes on with this run."]))
            raise
        if waiting:
            notes = _take_back(run, names)
    asked = Asked(smoke_id=run.smoke_id, order=run.order, references=run.references, kernels=run.kernels)
    return report_of(project, asked, waiting=waiting, budget=run.budget, cap_s=max_qpu_s, notes=notes)


def _open(project: Project, backend: str, smoke_id: str | None) -> _Run:
    """Return a run with its compiled kernels: the same ones for the same name, whatever the calibration is by now."""
    name = smoke_id or f"{utc_now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a smoke run: take up to 40 letters, digits and hyphens.")
    project = replace(project, orders=RecordLog(project.home / "records" / "smoke" / name))
    provider = project.provider(backend)
    target, limits = provider.target(), provider.limits()
    known = [record["night"] for record in project.orders.history(f"{WORKLOAD}.{backend}", OPEN)]
    cell = Cell(night=(known or [utc_now().date().isoformat()])[0], workload=WORKLOAD, backend=backend)
    order = open_order(project, cell, calibration_id=target.calibration_id, now=utc_now())
    references = reference_kernels(min(SHOTS, limits.max_shots or SHOTS))
    found = [reference.logical for reference in references]
    if not known:  # a circuit that suits today's errors, as a night would compile it
        options = project.compile_options(backend)
        templates = [template_of(logical, target=target, options=options) for logical in found]
        place(project, backend, templates, target=target, options=options, decides=True)
    instance = ProblemInstance(
        workload=WORKLOAD,
        name=INSTANCE,
        fingerprint=fingerprint([WORKLOAD, INSTANCE]),
        num_variables=max(logical.circuit.num_qubits for logical in found),
        source="",
        problem=OpaqueProblem(document={}),
    )
    kernels = compiled_kernels(project, order, instance, found, repetition=f"smoke:{name}")
    return _Run(project=project, smoke_id=name, order=order, references=references, kernels=kernels)


def _agree(run: _Run, wanted: Sequence[Kernel], *, max_qpu_s: float) -> None:
    """Open the run's budget, or set it anew, and refuse kernels that would not all find room in it.

    Raises:
        BudgetExceededError: They would not.
    """
    night, unit = run.order.cell.night, BudgetUnit.QPU_S
    budget, _ = set_limit(run.project, team=run.terms.team, window=night, unit=unit, limit=max_qpu_s)
    ids = [kernel.kernel_id for kernel in wanted]
    on_their_way = run.project.ledger.kernels(kernel_ids=ids, states=(KernelState.BATCHED,))
    to_send = {*ids} - {kernel.kernel_id for kernel in on_their_way}
    needed_s = _most_s(run, [kernel for kernel in wanted if kernel.kernel_id in to_send])
    used_s = budget.spent + max(budget.reserved, 0.0)
    run.project.report(f"{run.backend}: smoke run {run.smoke_id}, {len(wanted)} kernels, up to {needed_s:.1f} s")
    if needed_s + used_s > max_qpu_s:
        before = f" and {used_s:.1f} s of it are used" if used_s else ""
        raise BudgetExceededError(
            f"The reference kernels may be billed {needed_s:.1f} s on {run.backend}, --max-qpu-s is {max_qpu_s:g}"
            f"{before}. Nothing was sent. Allow at least {math.ceil(needed_s + used_s)}."
        )


def _most_s(run: _Run, kernels: Sequence[Kernel]) -> float:
    """Return what the ledger will set aside for kernels, as the dispatcher would put them into jobs now."""
    if not kernels:
        return 0.0
    overhead_s = dispatch_policy(run.project, run.backend).reserved_overhead_s
    jobs = _jobs(run, kernels)
    return len(jobs) * overhead_s + math.fsum(expected_s for job in jobs for _, expected_s in job)


def _jobs(run: _Run, kernels: Sequence[Kernel]) -> list[list[tuple[Kernel, float]]]:
    """Return kernels as the dispatcher would put them into jobs now, each with its expected seconds."""
    alike: defaultdict[int, list[tuple[Kernel, float]]] = defaultdict(list)
    for kernel, cost in zip(kernels, estimates(run.project, run.backend, kernels), strict=True):
        alike[PlanRules().time_class(cost.expected_s)].append((kernel, cost.expected_s))
    jobs: list[list[tuple[Kernel, float]]] = []
    for each in alike.values():
        size = next_size(run.project, run.backend, [expected_s for _, expected_s in each])
        jobs += [each[start : start + size] for start in range(0, len(each), size)]
    return jobs


def _ask(run: _Run, wanted: Sequence[Kernel]) -> None:
    """Keep the order, send back what ended without a result under this name, and enqueue what is new."""
    pins = {
        f"{INSTANCE}/{kernel.template.logical.label}": Pin(
            compile_key=kernel.facts.compile_key, calibration_id=kernel.calibration_id
        )
        for kernel in run.kernels
    }
    kernel_ids = tuple(kernel.kernel_id for kernel in run.kernels)
    keep_order(run.project, replace(run.order, pins=pins, kernel_ids=kernel_ids))
    ended = run.project.ledger.kernels(
        kernel_ids=[kernel.kernel_id for kernel in wanted], states=(KernelState.CANCELLED, KernelState.FAILED)
    )
    run.project.ledger.requeue([kernel.kernel_id for kernel in ended], now=utc_now())
    ask_for(run.project, run.order, wanted, terms=run.terms)


def _is_broke(waiting: Sequence[QueuedKernel]) -> bool:
    """Tell whether only the cap keeps kernels, which nothing but a person will raise."""
    return all(
        kernel.state is KernelState.READY and kernel.error_class == BudgetExceededError.__name__ for kernel in waiting
    )


def _take_back(run: _Run, names: Sequence[str]) -> Sequence[str]:
    """Take kernels out of the queue and cancel jobs that do not run yet; return a sentence a job."""
    sentences: Sequence[str] = ()
    for _ in range(STOP_ROUNDS):
        if not (kernels := unfinished(run.project, names)):
            break
        sentences = cancel(run.project, kernels).jobs
        wait_for(run.project, run.backend, names, until=utc_now() + timedelta(seconds=STOP_WAIT_S))
    return sentences
