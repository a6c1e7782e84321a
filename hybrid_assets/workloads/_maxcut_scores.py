"""From the samples of whole-instance kernels to scores: raw, descended, and the random-bits control.

Every control takes the same steps with as many samples as the depth that took most, all its rows; only the samples are
random bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.samples import Origin, best_row, random_outcomes, score_stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference, Score

    Results = Sequence[tuple[LogicalKernel, KernelResult]]

CONTROL = "random_bits"


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
    uphill = problem if descent else None
    scores: list[Score] = []
    for kernel, result in whole:
        row, facts = choose_row(problem, kernel, result.counts)
        origin = Origin(
            role=Role.QUANTUM,
            shots=result.shots * result.counts.num_rows,
            reference=reference,
            kernel_ids=(result.kernel_id,),
            facts={"depth": kernel.facts["depth"], **facts},
        )
        every = np.unique(result.counts.outcomes)
        sampled = result.counts.row(row)
        scores += score_stages(problem, origin, sampled, method=kernel.label, every=every, uphill=uphill)
    if whole:
        shots = max(result.shots * result.counts.num_rows for _, result in whole)
        drawn = random_outcomes(problem.num_variables, shots, seed_from(seed, CONTROL))
        origin = Origin(role=Role.CONTROL, shots=shots, reference=reference)
        scores += score_stages(problem, origin, drawn, method=CONTROL, every=drawn[0], uphill=uphill)
    return scores


def choose_row(problem: BinaryQuadratic, kernel: LogicalKernel, counts: RawCounts) -> tuple[int, dict[str, Any]]:
    """Return the row of the largest expected value, and facts about the choice."""
    row = best_row(problem, counts)
    facts = {"angle_policy": kernel.facts["angle_policy"], "rows": counts.num_rows, "best_row": row}
    return row, facts | {"best_setting": dict(kernel.settings[row])}
