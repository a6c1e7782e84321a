"""Plans of a night: what each cell would run and cost, and the fingerprint that an approval is bound to.

Put what a plan says here; who may let it through is `control.gates`'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import UsageError
from hybrid_assets.model.costs import total
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hybrid_assets.model.costs import Range

#: Hexadecimal fingerprints are shown by their first digits.
_FINGERPRINT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{5,}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCell:
    """A workload on a backend in one night."""

    night: str
    workload: str
    backend: str
    instances: int
    kernels: int
    #: Kernels whose results are known: they are not bought again.
    cached_kernels: int
    new_kernels: int
    #: Fingerprint of the ids of the new kernels.
    kernels_hash: str
    #: Circuits found in the compile cache, and those still to compile.
    compile_hits: int
    compile_misses: int
    #: Executions of the new kernels: rows times shots.
    shots: int
    #: Billed seconds of the new kernels; None: not known.
    qpu_s: Range | None
    #: In the currency of the backend's prices; None: not known.
    money: Range | None
    #: Why this cell runs or does not, in one plain sentence.
    reason: str
    calibration_id: str
    #: Data version of the normalized inputs.
    inputs_version: str
    #: Whether using the backend costs anything.
    is_metered: bool
    #: The workload's, see `control.gates.Phase`.
    phase: str
    #: Those of the new kernels whose results are there: they stay in the plan of their night, and are not bought again.
    done_kernels: int = 0

    @property
    def buys(self) -> bool:
        """Whether it spends anything; what is not known counts as spending."""
        costs = (self.qpu_s, self.money)
        return self.is_metered and (self.new_kernels > 0 or any(cost is None or cost.high > 0 for cost in costs))


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """What a night would run, cell by cell.

    An approval is bound to the hash of one workload's part. The hash is taken of the named parts, so whatever makes it
    another one can be told by name. It leaves out when the plan was made, and the likely cost, which moves with the
    adaptive size.
    """

    night: str
    #: One a workload and backend.
    cells: tuple[PlanCell, ...]
    made_at: datetime

    @property
    def workloads(self) -> tuple[str, ...]:
        """Names of the workloads in order of their first cell."""
        return tuple(dict.fromkeys(cell.workload for cell in self.cells))

    @property
    def plan_hash(self) -> str:
        """Fingerprint of the plans of all workloads."""
        return fingerprint(["sweep plan", self.night, {name: self.hash_of(name) for name in self.workloads}])

    @property
    def parts(self) -> Mapping[str, str]:
        """Parts of all workloads, each as ``workload: part``."""
        return {
            f"{workload}: {part}": value
            for workload in self.workloads
            for part, value in self.parts_of(workload).items()
        }

    def cells_of(self, workload: str) -> tuple[PlanCell, ...]:
        """Return the cells of one workload, by name of the backend.

        Raises:
            UsageError: The plan has no such workload.
        """
        found = tuple(sorted((c for c in self.cells if c.workload == workload), key=lambda cell: cell.backend))
        if not found:
            known = ", ".join(self.workloads) or "none"
            raise UsageError(
                f"The plan of {self.night} has no workload {workload!r}. {nearest(workload, self.workloads)}"
                f"Known: {known}."
            )
        return found

    def hash_of(self, workload: str) -> str:
        """Return the fingerprint that an approval of this workload's night is bound to."""
        return fingerprint(["plan", self.night, workload, dict(self.parts_of(workload))])

    def parts_of(self, workload: str) -> Mapping[str, str]:
        """Return what a workload's plan rests on, in words: backends and their calibrations, inputs, kernels, cost."""
        cells = self.cells_of(workload)
        return {
            **{f"calibration of {cell.backend}": cell.calibration_id for cell in cells},
            "inputs": "; ".join(sorted({cell.inputs_version for cell in cells})),
            "kernels": "; ".join(
                f"{c.backend}: {c.new_kernels} new, {c.shots} executions, {c.kernels_hash}" for c in cells
            ),
            "cost": "; ".join(f"{cell.backend}: {cost_in_words(cell)}" for cell in cells),
        }

    def total(self, workload: str) -> tuple[Range | None, Range | None]:
        """Return billed seconds and money of a workload's cells that spend; None where one of them is not known."""
        spending = [cell for cell in self.cells_of(workload) if cell.buys]
        return total(cell.qpu_s for cell in spending), total(cell.money for cell in spending)


def cost_in_words(cell: PlanCell) -> str:
    """Return the most a cell may cost, for people and for the plan's hash."""
    if not cell.is_metered:
        return "free"
    seconds = "an unknown number of" if cell.qpu_s is None else f"at most {_figure(cell.qpu_s.high)}"
    money = "an unknown amount of" if cell.money is None else f"at most {_figure(cell.money.high)} of"
    return f"{seconds} QPU s, {money} money"


def shortened(text: str) -> str:
    """Return a text with long fingerprints cut to their first 12 digits, for people."""
    return _FINGERPRINT.sub(r"\1", text)


def _figure(amount: float) -> str:
    """Return a figure to a millionth: finer differences of sums of floats make no other plan."""
    return f"{amount:.6f}".rstrip("0").rstrip(".")
