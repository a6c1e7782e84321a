"""From the samples of whole-instance kernels to scores: raw, descended, and the random-bits control.

Every control takes the same steps with as many samples as the depth that took most, all its rows and rounds; only the
samples are random bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.results import Role, Score
from hybrid_assets.scoring.samples import DESCENT, Origin, random_outcomes, score_stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference
    from hybrid_assets.workloads._maxcut_effort import Effort

CONTROL = "random_bits"


def score_whole(
    problem: BinaryQuadratic, efforts: Sequence[Effort], *, seed: str, descent: bool, reference: Reference | None
) -> list[Score]:
    """Score the depths that solve the whole problem, and their controls.

    Value, interval and successes are those of the chosen samples (`_maxcut_effort`), the best value is over all.

    Args:
        problem: The whole problem.
        efforts: Its depths.
        seed: Fixes the random bits.
        descent: Whether descended samples are scored too.
        reference: Value to reach.
    """
    uphill = problem if descent else None
    scores: list[Score] = []
    for effort in efforts:
        method = f"qaoa_p{effort.depth}"
        if effort.sampled is None:
            scores += failed_scores(method, [effort], descent=descent)
            continue
        origin = Origin(
            role=Role.QUANTUM,
            shots=effort.shots,
            reference=reference,
            kernel_ids=effort.kernel_ids,
            chosen_from=effort.chosen_from,
            facts={"depth": effort.depth, **effort.choice, **missing_fact([effort])},
        )
        scores += score_stages(problem, origin, effort.sampled, method=method, every=effort.every, uphill=uphill)
    if shots := max((effort.samples_for_control for effort in efforts), default=0):
        drawn = random_outcomes(problem.num_variables, shots, seed_from(seed, CONTROL))
        origin = Origin(role=Role.CONTROL, shots=shots, reference=reference)
        scores += score_stages(problem, origin, drawn, method=CONTROL, every=drawn[0], uphill=uphill)
    return scores


def failed_scores(method: str, efforts: Sequence[Effort], *, descent: bool) -> list[Score]:
    """Return the scores of a method without samples to score: no value, but what was spent."""
    names = [method, method + DESCENT] if descent else [method]
    return [
        Score(
            method=name,
            role=Role.QUANTUM,
            value=None,
            value_low=None,
            value_high=None,
            best_value=None,
            shots=sum(effort.shots for effort in efforts),
            kernel_ids=tuple(kernel_id for effort in efforts for kernel_id in effort.kernel_ids),
            facts={"depth": efforts[0].depth, **missing_fact(efforts)},
        )
        for name in names
    ]


def missing_fact(efforts: Sequence[Effort]) -> dict[str, int]:
    """Return how many kernels ended without a result, if any did."""
    missing = sum(len(effort.missing) for effort in efforts)
    return {"missing_kernels": missing} if missing else {}
