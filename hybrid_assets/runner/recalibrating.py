"""What a backend's present calibration means for the latest nights: which circuits fell too far, and what to run again.

Put the question here; the rule is `calibration.deciding`'s, compiling and executing are the stages'. Nothing is kept
between two looks but the placements and what is published: asking twice, or after a crash at any point, gives the same
answer until a stage has acted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.control.fallback import SOURCE_BACKEND
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.runner.orders import Cell, open_orders
from hybrid_assets.runner.standing import Causes, overtaking, rules_of, scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.placements import Placement
    from hybrid_assets.runner.project import Project

#: What a published partition follows from, one after the other.
_CHAIN = ("compiled_circuits", "quantum_results")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """A published partition that the present calibration, or an earlier decision about its circuits, has overtaken."""

    cell: Cell
    #: Why, by instance and label of the circuit.
    reasons: Mapping[str, str]
    #: The same for as long as the calibration, the standing decisions and what is published are.
    epoch: str


def overtaken(project: Project, backend: str, target: TargetDocument) -> Iterator[Overtaken]:
    """Yield the latest partition of each workload on a backend that is to be run again.

    While it, or a later night's, is on its way, it is not: who collects that publishes what stands.
    """
    acted = _acted_upon(project, backend, target)
    standing = {placement.base_key: placement for placement in project.ledger.placements(backend)}
    on_their_way = {order.cell.workload for order in open_orders(project) if order.cell.backend == backend}
    for cell in latest_cells(project, backend, "quantum_results"):
        if cell.workload in on_their_way:
            continue
        if reasons := _reasons(project, cell, acted, standing):
            versions = [project.warehouse.data_version(table, **cell.partition) for table in _CHAIN]
            yield Overtaken(
                cell=cell, reasons=reasons, epoch=fingerprint([target.calibration_id, reasons, versions])[:16]
            )


def _reasons(
    project: Project, cell: Cell, acted: Mapping[str, str], standing: Mapping[str, Placement]
) -> dict[str, str]:
    """Return why circuits of a partition are to be run again: their own score, or that another one stands by now."""
    columns = ["instance", "label", "compile_key", "template_key", "basis_calibration_id"]
    executed = {
        (row["instance"], row["label"]): row["basis_calibration_id"]
        for row in project.warehouse.read_rows(
            "quantum_results", columns=["instance", "label", "basis_calibration_id", "source"], **cell.partition
        )
        if row["source"] == SOURCE_BACKEND
    }
    found = {}
    for row in project.warehouse.read_rows("compiled_circuits", columns=columns, **cell.partition):
        name = f"{row['instance']}/{row['label']}"
        placement = standing.get(row["template_key"])
        ran_under = executed.get((row["instance"], row["label"]), row["basis_calibration_id"])
        if row["compile_key"] in acted:
            found[name] = acted[row["compile_key"]]
        elif placement is not None and placement.compile_key != row["compile_key"]:
            found[name] = (
                f"Another circuit stands for it since {placement.decided_at:%Y-%m-%d %H:%M}. {placement.reason}"
            )
        elif placement is not None and placement.calibration_id != ran_under:
            found[name] = f"It was decided anew at {placement.decided_at:%Y-%m-%d %H:%M}. {placement.reason}"
    return found


def _acted_upon(project: Project, backend: str, target: TargetDocument) -> dict[str, str]:
    """Return why standing circuits are not kept, by compile key."""
    rules, why = rules_of(project, backend), Causes(project, target)
    found = {}
    for placement, present in scores(project, backend, target):
        if decision := overtaking(placement, present, rules=rules, target=target):
            found[placement.compile_key] = why.reason(placement, decision)
    return found


def latest_cells(project: Project, backend: str | None, table: str) -> Iterator[Cell]:
    """Yield each workload's latest published partition of a table on a backend, or on each of them, by workload."""
    latest: dict[tuple[str, str], str] = {}
    for partition in project.warehouse.partitions(table):
        workload, found = partition["workload"], partition["backend"]
        is_wanted = workload in project.settings.workloads and found in project.settings.backends_of(workload)
        if is_wanted and backend in {None, found}:
            latest[workload, found] = max(latest.get((workload, found), ""), partition["night"])
    for (workload, found), night in sorted(latest.items()):
        yield Cell(night=night, workload=workload, backend=found)
