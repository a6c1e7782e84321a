"""Scores of one portfolio instance: QAOA samples, the same after descent, and the controls.

Put what is done to samples here; keep circuits (`portfolio`) and the penalty's size (`_portfolio_objective`) out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.samples import descend, outcome_bits, random_outcomes, score_outcomes

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference, Score

RANDOM_BITS, RANDOM_FEASIBLE = "random_bits", "random_feasible"
#: Suffix of a method whose samples went through a one-flip descent.
DESCENT = "+descent"


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
        return self._scores(
            kernel.label,
            result.counts.row(row),
            every=np.unique(result.counts.outcomes),
            role=Role.QUANTUM,
            shots=result.shots * result.counts.num_rows,
            kernel_ids=(result.kernel_id,),
            facts={
                **kernel.facts,
                "penalty": self.penalty,
                "rows": result.counts.num_rows,
                "best_row": row,
                "best_setting": dict(kernel.settings[row]),
            },
        )

    def controls(self, *, samples: int, fingerprint: str) -> list[Score]:
        """Score ``samples`` random points: any, the same after descent, and feasible ones."""
        bits = random_outcomes(self.problem.num_variables, samples, seed_from(RANDOM_BITS, fingerprint))
        feasible = random_feasible_outcomes(self.problem, samples, seed_from(RANDOM_FEASIBLE, fingerprint))
        about: dict[str, Any] = {"role": Role.CONTROL, "shots": samples, "facts": {"penalty": self.penalty}}
        return [
            *self._scores(RANDOM_BITS, bits, every=bits[0], **about),
            *self._scores(RANDOM_FEASIBLE, feasible, every=feasible[0], **about)[:1],
        ]

    def _scores(
        self, method: str, sampled: tuple[np.ndarray, np.ndarray], *, every: np.ndarray, **about: Any
    ) -> list[Score]:
        """Score samples raw and descended; the best value is over ``every`` outcome (sorted), other rows' included."""
        outcomes, times = sampled
        place = np.searchsorted(every, outcomes)
        points = {method: outcome_bits(every, self.problem.num_variables)}
        if self.descent:
            points[method + DESCENT] = descend(self.qubo, points[method])
        return [
            replace(
                score_outcomes(self.problem, bits[place], times, method=name, reference=self.reference, **about),
                best_value=self._best(bits),
            )
            for name, bits in points.items()
        ]

    def _best(self, bits: np.ndarray) -> float | None:
        feasible = self.problem.feasible(bits)
        return float(self.problem.values(bits[feasible]).max()) if feasible.any() else None


def controls_of(method: str) -> tuple[str, ...]:
    """Return the controls of a QAOA method: random bits with the same post-processing, and uniform feasible points."""
    if not method.startswith("qaoa_p"):
        return ()
    return RANDOM_BITS + (DESCENT if method.endswith(DESCENT) else ""), RANDOM_FEASIBLE


def best_row(qubo: BinaryQuadratic, counts: RawCounts) -> int:
    """Return the row with the largest mean of an objective over all samples; the first of equals."""
    means = []
    for row in range(counts.num_rows):
        outcomes, times = counts.row(row)
        means.append(float(qubo.values(outcome_bits(outcomes, qubo.num_variables)) @ times / times.sum()))
    return int(np.argmax(means))


def random_feasible_outcomes(problem: BinaryQuadratic, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw feasible outcomes uniformly, with replacement, from the table of all of them.

    Returns:
        Distinct outcomes in increasing order and how often each was drawn (int64), as a row of `RawCounts`.
    """
    feasible = np.flatnonzero(problem.feasible_table())
    drawn = np.random.default_rng(seed).integers(0, feasible.size, size=samples)
    places, times = np.unique(drawn, return_counts=True)
    return feasible[places], times.astype(np.int64)
