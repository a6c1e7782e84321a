"""One question to one backend, outside of any night's sweep: an instance with its kernels, asked for and remembered.

A question is an order of its own (see `orders`), kept apart from those of the nights: the sweep does not publish it,
and whoever asks it again finds the kernels it has asked for already, under the same calibration. Put what a question is
here; answering it by a deadline is `evaluation`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hybrid_assets.control.budgets import expected_money
from hybrid_assets.control.gates import NightUse
from hybrid_assets.errors import ProblemError, UsageError
from hybrid_assets.model.fingerprint import canonical_json, fingerprint
from hybrid_assets.model.problem import ProblemInstance
from hybrid_assets.model.text import nearest
from hybrid_assets.runner.backends import dispatch_policy
from hybrid_assets.runner.gating import passage
from hybrid_assets.runner.orders import Cell, keep_order
from hybrid_assets.runner.planning import plan_kernels
from hybrid_assets.runner.queueing import ask_for
from hybrid_assets.runner.spending import cost_of
from hybrid_assets.settings import WorkloadSettings
from hybrid_assets.storage.records import RecordLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What is asked."""

    #: The project with the question's own options and orders.
    project: Project
    cell: Cell
    instance: ProblemInstance
    #: The kernels of the first round.
    kernels: Sequence[LogicalKernel]

    @property
    def correlation_id(self) -> str:
        """What names it from the caller to the provider's job, before the kernel's label."""
        return f"{self.cell.night}/{self.cell}/{self.instance.name}"


def cell_of(project: Project, *, workload: str, backend: str, night: str | None) -> Cell:
    """Return what a question is asked of, in a night that is today where none is given.

    Raises:
        UsageError: There is no such workload, backend or night.
    """
    settings = project.settings
    for kind, name, known in (("workload", workload, settings.workloads), ("backend", backend, settings.backends)):
        if name not in known:
            raise UsageError(f"No {kind} {name!r} in {settings.file}. {nearest(name, known)}Known: {', '.join(known)}.")
    chosen = night or datetime.now(UTC).date().isoformat()
    try:
        is_day = date.fromisoformat(chosen).isoformat() == chosen
    except ValueError:
        is_day = False
    if not is_day:
        raise UsageError(f"{chosen!r} is no night; write it as 2026-11-23.")
    return Cell(night=chosen, workload=workload, backend=backend)


def question_of(
    project: Project, cell: Cell, instance: str | ProblemInstance, *, options: Mapping[str, Any] | None
) -> Question:
    """Return a question.

    Args:
        project: The project.
        cell: Who is asked.
        instance: A problem instance, or the name of one among the workload's inputs.
        options: Keys of the workload's section in `sweep.yaml`, in place of what stands there.

    Raises:
        UsageError: There is no such instance, or an option is wrong.
        ConfigurationError: An option of the workload's own is wrong.
        ProblemError: The input is refused.
        CapacityError: It is too large.
    """
    project = _with_options(project, cell.workload, options or {})
    plugin, own, common = project.workload(cell.workload)
    found = instance if isinstance(instance, ProblemInstance) else _instance_named(project, cell.workload, instance)
    name = fingerprint([str(cell), found.fingerprint, canonical_json(dict(options or {}))])[:16]
    return Question(
        project=replace(project, orders=RecordLog(project.home / "records" / "questions" / name)),
        cell=cell,
        instance=found,
        kernels=plugin.kernels(found, options=own, max_qubits=common.max_qubits, shots=common.shots),
    )


def _with_options(project: Project, workload: str, options: Mapping[str, Any]) -> Project:
    """Return the project with a workload's section changed: a question is always of the class production."""
    settings = project.settings
    section = {**settings.workloads[workload].model_dump(by_alias=True), **options, "class": "production"}
    try:
        common = WorkloadSettings.model_validate(section)
    except ValidationError as exc:
        place = ".".join(str(part) for part in exc.errors()[0]["loc"])
        raise UsageError(f"Option {place!r} of {workload} is wrong: {exc.errors()[0]['msg']}.") from exc
    workloads = {**settings.workloads, workload: common}
    return replace(project, settings=settings.model_copy(update={"workloads": workloads}))


def _instance_named(project: Project, workload: str, name: str) -> ProblemInstance:
    """Return the input whose instance has a name: usually the file's, so that these are read first."""
    plugin, options, _ = project.workload(workload)
    files = sorted(project.settings.input_files(workload), key=lambda file: file[0].stem != name)
    known = []
    for file, source in files:
        try:
            instance = plugin.load(file, source=source, options=options)
        except ProblemError:
            if file.stem == name:
                raise
            continue
        if instance.name == name:
            return instance
        known.append(instance.name)
    raise UsageError(f"No instance {name!r} of {workload}. {nearest(name, known)}Known: {', '.join(sorted(known))}.")


def ask(question: Question, order: Order, kernels: Sequence[Kernel]) -> str | None:
    """Put kernels into the backend's queue, if its gate lets all of them through; return why it does not."""
    project, cell = question.project, question.cell
    names = tuple(kernel.kernel_id for kernel in kernels)
    if project.provider(cell.backend).describe().is_metered:
        used = used_before(project, cell, names)
        answer = passage(project, cell, kernels, planned=[plan_kernels(project, order, kernels)], used=used)
        if refusal := answer.closed or next(iter(answer.withheld.values()), None):
            return refusal
    order = replace(order, kernel_ids=tuple(dict.fromkeys([*order.kernel_ids, *names])))
    keep_order(project, order)
    ask_for(project, order, kernels)
    return None


def used_before(project: Project, cell: Cell, besides: Iterable[str]) -> NightUse:
    """Return what other questions and the sweep of the same night have bought of the workload on this backend.

    What is over counts by its bill, what is not by the most that it may be billed.
    """
    policy, own = dispatch_policy(project, cell.backend), set(besides)
    kernels = project.ledger.kernels(backend=cell.backend, night=cell.night, workload=cell.workload)
    others = [kernel for kernel in kernels if kernel.kernel_id not in own]
    batch_ids = {kernel.batch_id for kernel in others if kernel.batch_id}
    batches = {b.batch_id: b for b in project.ledger.batches(batch_ids=batch_ids)} if batch_ids else {}
    seconds = money = 0.0
    for kernel in others:
        batch = batches.get(kernel.batch_id or "")
        if kernel.state.is_final and batch is not None:
            seconds += batch.billed_s / len(batch.kernel_ids)
            money += cost_of(project, batch, planned_price_per_s=batch.price_per_s) / len(batch.kernel_ids)
        elif not kernel.state.is_final:
            seconds += policy.retry.max_attempts * (policy.overhead_s + kernel.expected_s)
            money += policy.retry.max_attempts * expected_money(
                [kernel],
                overhead_s=policy.overhead_s,
                overhead_money=policy.overhead_money,
                price_per_s=policy.price_per_s,
            )
    return NightUse(kernels=len(others), qpu_s=seconds, money=money)
