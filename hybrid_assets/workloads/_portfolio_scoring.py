"""Scores of one portfolio instance: QAOA samples, the same after descent, and the controls.

Put what is done to samples here; keep circuits (`portfolio`) and the penalty's size (`_portfolio_objective`) out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.results import Role, Score
from hybrid_assets.scoring.samples import DESCENT, Origin, best_row, random_outcomes, score_stages

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference
    from hybrid_assets.scoring.samples import Sampled

RANDOM_BITS, RANDOM_FEASIBLE = "random_bits", "random_feasible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What all methods of one instance are scored with, so that they differ in nothing but their samples."""

    #: The objective with its cardinality: every published value is its.
    problem: BinaryQuadratic
    #: The penalized objective: chooses a grid's row and leads the descent.
    qubo: BinaryQuadratic
    penalty: float
    reference: Reference | None
    #: Whether samples are also scored after a one-flip descent.
    descent: bool

    def quantum(self, kernel: LogicalKernel, result: KernelResult) -> list[Score]:
        """Score a kernel's best row by mean penalized objective; best value and shots are those of all its rows."""
        row = best_row(self.qubo, result.counts)
        origin = Origin(
            role=Role.QUANTUM,
            shots=result.shots * result.counts.num_rows,
            reference=self.reference,
            kernel_ids=(result.kernel_id,),
            chosen_from=result.counts.num_rows,
            facts={
                **kernel.facts,
                "penalty": self.penalty,
                "rows": result.counts.num_rows,
                "best_row": row,
                "best_setting": dict(kernel.settings[row]),
            },
        )
        return score_stages(
            self.problem,
            origin,
            result.counts.row(row),
            method=kernel.label,
            every=np.unique(result.counts.outcomes),
            uphill=self._uphill,
        )

    def failed(self, kernel: LogicalKernel) -> list[Score]:
        """Return the scores of a kernel without a result: no value."""
        methods = [kernel.label, kernel.label + DESCENT] if self.descent else [kernel.label]
        return [
            Score(
                method=method,
                role=Role.QUANTUM,
                value=None,
                value_low=None,
                value_high=None,
                best_value=None,
                facts={**kernel.facts, "penalty": self.penalty, "missing_kernels": 1},
            )
            for method in methods
        ]

    def controls(self, *, samples: int, fingerprint: str) -> list[Score]:
        """Score ``samples`` random points: any, the same after descent, and feasible ones."""
        bits = random_outcomes(self.problem.num_variables, samples, seed_from(RANDOM_BITS, fingerprint))
        feasible = random_feasible_outcomes(self.problem, samples, seed_from(RANDOM_FEASIBLE, fingerprint))
        origin = Origin(role=Role.CONTROL, shots=samples, reference=self.reference, facts={"penalty": self.penalty})
        return [
            *score_stages(self.problem, origin, bits, method=RANDOM_BITS, every=bits[0], uphill=self._uphill),
            *score_stages(self.problem, origin, feasible, method=RANDOM_FEASIBLE, every=feasible[0], uphill=None),
        ]

    @property
    def _uphill(self) -> BinaryQuadratic | None:
        return self.qubo if self.descent else None


def controls_of(method: str) -> tuple[str, ...]:
    """Return the controls of a QAOA method: random bits with the same post-processing, and uniform feasible points."""
    if not method.startswith("qaoa_p"):
        return ()
    return RANDOM_BITS + (DESCENT if method.endswith(DESCENT) else ""), RANDOM_FEASIBLE


def random_feasible_outcomes(problem: BinaryQuadratic, samples: int, seed: int) -> Sampled:
    """Draw feasible outcomes uniformly, with replacement, from the table of all of them."""
    feasible = np.flatnonzero(problem.feasible_table())
    drawn = np.random.default_rng(seed).integers(0, feasible.size, size=samples)
    places, times = np.unique(drawn, return_counts=True)
    return feasible[places], times.astype(np.int64)
