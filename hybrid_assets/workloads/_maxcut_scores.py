"""From the samples of whole-instance kernels to scores: raw, descended, and the random-bits control.

Every control takes the same steps with as many samples as the depth that took most, all its rows; only the samples are
random bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.problem import MAX_TABLE_VARIABLES
from hybrid_assets.model.results import Role, Score
from hybrid_assets.scoring.samples import descend, outcome_bits, random_outcomes, score_outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference

    Results = Sequence[tuple[LogicalKernel, KernelResult]]
    #: Distinct outcomes in increasing order, and how often each was seen.
    Sampled = tuple[np.ndarray, np.ndarray]

CONTROL = "random_bits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the scores of some samples tell about where these came from."""

    role: Role
    #: All shots the samples needed, those of other settings included.
    shots: int
    reference: Reference | None
    kernel_ids: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def score(self, problem: BinaryQuadratic, bits: np.ndarray, counts: np.ndarray, *, method: str) -> Score:
        """Score points of shape (entries, n) that were seen ``counts`` times."""
        return score_outcomes(
            problem,
            bits,
            counts,
            method=method,
            role=self.role,
            reference=self.reference,
            shots=self.shots,
            kernel_ids=self.kernel_ids,
            facts=self.facts,
        )


def score_whole(
    problem: BinaryQuadratic, results: Results, *, seed: str, descent: bool, reference: Reference | None
) -> list[Score]:
    """Score the kernels that solve the whole problem, and their controls; kernels of parts are left out.

    Value, interval and successes are those of the row with the largest expected cut, the best value is over all rows.

    Args:
        problem: The whole problem.
        results: Finished kernels.
        seed: Fixes the random bits.
        descent: Whether descended samples are scored too.
        reference: Value to reach.
    """
    whole = [(kernel, result) for kernel, result in results if "nodes" not in kernel.facts]
    scores: list[Score] = []
    for kernel, result in whole:
        row, facts = best_row(problem, kernel, result)
        origin = Origin(
            role=Role.QUANTUM,
            shots=result.shots * result.counts.num_rows,
            reference=reference,
            kernel_ids=(result.kernel_id,),
            facts={"depth": kernel.facts["depth"], **facts},
        )
        every = np.unique(result.counts.outcomes)
        scores += _stages(problem, origin, kernel.label, result.counts.row(row), every=every, descent=descent)
    if whole:
        shots = max(result.shots * result.counts.num_rows for _, result in whole)
        drawn = random_outcomes(problem.num_variables, shots, seed_from(seed, CONTROL))
        origin = Origin(role=Role.CONTROL, shots=shots, reference=reference)
        scores += _stages(problem, origin, CONTROL, drawn, every=drawn[0], descent=descent)
    return scores


def outcome_values(problem: BinaryQuadratic, outcomes: np.ndarray) -> np.ndarray:
    """Return the objective of integer outcomes, from the whole table where that is the smaller work."""
    if problem.num_variables <= MAX_TABLE_VARIABLES and outcomes.size >= 1 << problem.num_variables:
        return np.asarray(problem.value_table()[outcomes])
    return problem.values(outcome_bits(outcomes, problem.num_variables))


def best_row(problem: BinaryQuadratic, kernel: LogicalKernel, result: KernelResult) -> tuple[int, dict[str, Any]]:
    """Return the row of the largest expected value, and facts about the choice.

    The choice is made on the samples that are scored: with many rows the value is slightly flattered, so that the
    number of rows is part of the facts.
    """
    totals = result.counts.row_sums(outcome_values(problem, result.counts.outcomes))
    best = int(totals.argmax())
    facts = {"angle_policy": kernel.facts["angle_policy"], "rows": result.counts.num_rows, "best_row": best}
    return best, facts | {"best_setting": dict(kernel.settings[best])}


def _stages(
    problem: BinaryQuadratic, origin: Origin, label: str, sampled: Sampled, *, every: np.ndarray, descent: bool
) -> list[Score]:
    """Score samples raw and descended; the best value is over ``every`` outcome (sorted), other rows' included."""
    position = np.searchsorted(every, sampled[0])
    points = {label: outcome_bits(every, problem.num_variables)}
    if descent:
        points[f"{label}+descent"] = descend(problem, points[label])
    return [
        replace(
            origin.score(problem, bits[position], sampled[1], method=method),
            best_value=float(problem.values(bits).max()),
        )
        for method, bits in points.items()
    ]
