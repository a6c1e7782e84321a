"""What a backend's present calibration means for the latest nights: which circuits fell too far, and what to run again.

Put the question here; the rule is `calibration.deciding`'s, compiling and executing are the stages'. Nothing is kept
between two looks but the placements: asking twice, or after a crash, gives the same answer until a stage has acted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.runner.orders import Cell
from hybrid_assets.runner.placing import overtaking, rules_of, scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.placements import Placement
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """A published partition some of whose circuits the present calibration asks to act upon."""

    cell: Cell
    #: Why, by compile key of the circuit.
    reasons: Mapping[str, str]
    #: The same for as long as the calibration and the standing decisions are.
    epoch: str


def overtaken(project: Project, backend: str, target: TargetDocument) -> Iterator[Overtaken]:
    """Yield the latest partition of each workload on a backend that has circuits to act upon."""
    acted = _acted_upon(project, backend, target)
    if not acted:
        return
    for cell in latest_cells(project, backend, "quantum_results"):
        rows = project.warehouse.read_rows("compiled_circuits", columns=["compile_key"], **cell.partition)
        used = {row["compile_key"] for row in rows} & acted.keys()
        if used:
            standing = sorted([acted[key][0].base_key, acted[key][0].calibration_id] for key in used)
            yield Overtaken(
                cell=cell,
                reasons={key: acted[key][1] for key in sorted(used)},
                epoch=fingerprint([target.calibration_id, standing])[:16],
            )


def _acted_upon(project: Project, backend: str, target: TargetDocument) -> dict[str, tuple[Placement, str]]:
    """Return the standing circuits that are not kept, with the reason, by compile key."""
    rules = rules_of(project, backend)
    found = {}
    for placement, present in scores(project, backend, target):
        if decision := overtaking(placement, present, rules=rules, target=target):
            found[placement.compile_key] = (placement, decision.reason)
    return found


def latest_cells(project: Project, backend: str, table: str) -> Iterator[Cell]:
    """Yield each workload's latest published partition of a table on a backend, by workload."""
    latest: dict[str, str] = {}
    for partition in project.warehouse.partitions(table):
        if partition["backend"] == backend and partition["workload"] in project.settings.workloads:
            workload = partition["workload"]
            latest[workload] = max(latest.get(workload, ""), partition["night"])
    for workload, night in sorted(latest.items()):
        yield Cell(night=night, workload=workload, backend=backend)
