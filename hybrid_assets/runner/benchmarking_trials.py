"""Executing one trial of a benchmark: its kernels asked for once, waited for with an end, gone on with after a death.

Put the order of effects here; what the results are worth is `benchmarking_rows`'.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ApprovalRequiredError
from hybrid_assets.runner.benchmarking_cases import project_of, records, terms_of
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.executing import LEAST_WAIT_S
from hybrid_assets.runner.gating import passage
from hybrid_assets.runner.orders import Pin, keep_order, open_order
from hybrid_assets.runner.planning import plan_kernels
from hybrid_assets.runner.questions import used_before
from hybrid_assets.runner.queueing import ask_for, wait_for
from hybrid_assets.runner.rounds import compiled_kernels, logical_kernels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.costs import Range
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.queue import QueuedKernel
    from hybrid_assets.runner.benchmarking_cases import Frozen, Trial
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project

#: Column of the rows -> package whose version may change a number or a time.
PACKAGES = {
    "hybrid_assets_version": "hybrid-assets",
    "qiskit_version": "qiskit",
    "aer_version": "qiskit-aer",
    "runtime_version": "qiskit-ibm-runtime",
    "dagster_version": "dagster",
}
#: Between several values of one annotation: a trial that two processes worked at may have been made with two versions.
AND = " / "


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was executed for a trial."""

    trial: Trial
    #: The project with the trial's settings and orders.
    project: Project
    instances: Sequence[ProblemInstance]
    #: Of all rounds, instance after instance.
    kernels: Sequence[Kernel]
    #: Keys of the circuits that were compiled for it.
    compiled: frozenset[str]
    began_at: datetime
    #: When its last result was at home.
    executed_at: datetime
    #: Times that a process worked at it; figures of time mean little unless it is 1.
    sittings: int
    environment: Mapping[str, str]


def environment() -> dict[str, str]:
    """Return what this process runs on, by column."""
    found = {
        "python_version": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
    }
    for column, package in PACKAGES.items():
        try:
            found[column] = version(package)
        except PackageNotFoundError:
            continue
    return found


def execute_trial(project: Project, trial: Trial, frozen: Frozen) -> Done | list[QueuedKernel]:
    """Execute a trial for at most the backend's ``wait_s``; return it, or the kernels that are still on their way.

    Called again it goes on: what was asked for is neither asked nor paid for again.

    Raises:
        ApprovalRequiredError: The gate of a metered backend does not let all of it through.
    """
    sitting = _sit_down(project, trial)
    asked = _Asked(project=project_of(project, trial), trial=trial, frozen=frozen)
    if waiting := asked.run(wait_s=max(project.backend(trial.backend).wait_s, LEAST_WAIT_S)):
        return waiting
    compiled = frozenset(_note_compiled(project, trial, asked.compiled))
    environments = sitting["environments"]
    columns = dict.fromkeys(name for each in environments for name in each)
    return Done(
        trial=trial,
        project=asked.project,
        instances=frozen.instances,
        kernels=asked.kernels,
        compiled=compiled,
        began_at=datetime.fromisoformat(sitting["began_at"]),
        executed_at=utc_now(),
        sittings=sitting["sittings"],
        environment={c: AND.join(dict.fromkeys(each[c] for each in environments if c in each)) for c in columns},
    )


def most_money(project: Project, trial: Trial, frozen: Frozen) -> Range | None:
    """Return what a trial may cost on a metered backend as far as it is not bought yet; None: that is not known."""
    asked = _Asked(project=project_of(project, trial), trial=trial, frozen=frozen)
    planned = plan_kernels(asked.project, replace(asked.order, cell=trial.cell), asked.collect(set()))
    return planned.plan.money


@dataclass(slots=True, kw_only=True)
class _Asked:
    """The kernels of one trial, asked for round after round."""

    project: Project
    trial: Trial
    frozen: Frozen
    order: Order = field(init=False)
    kernels: list[Kernel] = field(default_factory=list)
    compiled: set[str] = field(default_factory=set)
    _by_name: dict[tuple[str, str], Kernel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        calibration_id = self.project.target(self.trial.backend).calibration_id
        self.order = open_order(
            self.project,
            self.trial.asked,
            calibration_id=calibration_id,
            now=utc_now(),
            inputs_at=self.frozen.frozen_at,
        )

    def run(self, *, wait_s: float) -> list[QueuedKernel]:
        """Ask, wait, and ask for the next round, until none follows or it waited so long in all; return what waits."""
        over: set[str] = set()
        until: datetime | None = None
        while fresh := [kernel for kernel in self.collect(over) if kernel.kernel_id not in over]:
            missing = [kernel for kernel in fresh if not self.project.results.contains(kernel.kernel_id)]
            if missing:  # those that failed for good among them: they are not sent again
                self._pass_gate(missing)
                self._pin(fresh)
                ask_for(self.project, self.order, missing, terms=terms_of(self.project, self.trial))
                until = until or utc_now() + timedelta(seconds=wait_s)
                names = [kernel.kernel_id for kernel in missing]
                if waiting := wait_for(self.project, self.trial.backend, names, until=until):
                    return waiting
            over |= {kernel.kernel_id for kernel in fresh}
        return []

    def collect(self, over: set[str]) -> list[Kernel]:
        """Walk through all rounds as far as kernels are over; return all kernels found."""

        def is_asked(logical: LogicalKernel) -> bool:
            kernel = self._by_name.get((logical.instance, logical.label))
            return kernel is not None and kernel.kernel_id in over

        self.kernels = []
        repetition = f"benchmark:{self.trial.night}:{self.trial.name}"
        for instance in self.frozen.instances:
            found = list(logical_kernels(self.project, self.trial.workload, instance, self._result, is_asked))
            new = [logical for logical in found if (logical.instance, logical.label) not in self._by_name]
            for kernel in compiled_kernels(
                self.project, self.order, instance, new, compiled=self.compiled, repetition=repetition
            ):
                self._by_name[instance.name, kernel.template.logical.label] = kernel
            self.kernels += [self._by_name[instance.name, logical.label] for logical in found]
        return self.kernels

    def _result(self, logical: LogicalKernel) -> KernelResult | None:
        return self.project.results.get(self._by_name[logical.instance, logical.label].kernel_id)

    def _pass_gate(self, missing: Sequence[Kernel]) -> None:
        """Let all of a trial's kernels through, or none: with a part of them it would be another trial."""
        if not self.project.provider(self.trial.backend).describe().is_metered:
            return
        names = [kernel.kernel_id for kernel in missing]
        planned = [plan_kernels(self.project, replace(self.order, cell=self.trial.cell), missing)]
        used = used_before(self.project, self.trial.asked, names)
        answer = passage(self.project, self.trial.cell, missing, planned=planned, used=used)
        if refusal := answer.closed or next(iter(answer.withheld.values()), None):
            raise ApprovalRequiredError(
                f"{self.trial}: {refusal} A benchmark is not approved trial by trial: raise the limit under approvals, "
                "or lower benchmark in the settings."
            )

    def _pin(self, kernels: Sequence[Kernel]) -> None:
        """Keep what the ids of kernels are made with, before any of them is in the queue."""
        pins = {
            f"{kernel.instance.name}/{kernel.template.logical.label}": Pin(
                compile_key=kernel.facts.compile_key, calibration_id=kernel.calibration_id
            )
            for kernel in kernels
        }
        kernel_ids = dict.fromkeys([*self.order.kernel_ids, *(kernel.kernel_id for kernel in kernels)])
        self.order = replace(self.order, pins={**self.order.pins, **pins}, kernel_ids=tuple(kernel_ids))
        keep_order(self.project, self.order)
        _note_compiled(self.project, self.trial, self.compiled)


def _scope(trial: Trial) -> str:
    return f"{trial.workload}.{trial.backend}"


def _sit_down(project: Project, trial: Trial) -> dict[str, Any]:
    """Write that a process works at a trial, and with what."""
    log, present = records(project), environment()
    known = log.get(trial.night, _scope(trial), trial.name)
    known = known or {"began_at": utc_now().isoformat(), "sittings": 0, "environments": [], "compiled": []}
    environments = known["environments"] if present in known["environments"] else [*known["environments"], present]
    record = {**known, "sittings": known["sittings"] + 1, "environments": environments}
    log.put(trial.night, _scope(trial), trial.name, record)
    return record


def _note_compiled(project: Project, trial: Trial, keys: set[str]) -> Sequence[str]:
    """Add circuits to those that were compiled for a trial; return all of them."""
    log = records(project)
    record = log.get(trial.night, _scope(trial), trial.name) or {}
    known: list[str] = record.get("compiled", [])
    if keys - set(known):
        known = sorted({*known, *keys})
        log.put(trial.night, _scope(trial), trial.name, {**record, "compiled": known})
    return known
