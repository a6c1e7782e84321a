"""The policy ``optimize``: QAOA angles trained on the backend itself, round after round.

Each depth (of each part) is trained on its own, all of them in the same rounds. Round 0 measures the start (fixed
angles where there are any, else the ramp) and a spread around it; each further round measures the settings that a
surrogate of all results so far finds most promising, in a shrinking region around the incumbent (`_angle_search`). A
last round measures the incumbent alone with all the workload's shots: only these fresh counts give its value, its
interval and its successes, because a setting chosen by its counts is flattered by them. Every shot counts in the cost.

Put which settings a round measures, and when to stop, here; scores of the rounds are in `_maxcut_effort`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.circuits.angles import num_shifts, shifted_angles, shifts_between
from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.scoring.samples import RELATIVE_TOLERANCE, outcome_values
from hybrid_assets.workloads._angle_search import Measured, Step, first_points, next_step
from hybrid_assets.workloads._maxcut_kernels import start_of
from hybrid_assets.workloads._options import TRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import RawCounts
    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.workloads._maxcut_kernels import Ansatz
    from hybrid_assets.workloads._options import Training

    Counted = tuple[LogicalKernel, RawCounts]

#: Values of the fact ``purpose``, which only kernels of this policy have.
TRAINING, CONFIRMATION = "training", "confirmation"


def first_kernel(ansatz: Ansatz, training: Training, *, shots: int) -> LogicalKernel:
    """Return the kernel of round 0; its row 0 is the start."""
    points = first_points(training.size, num_shifts(ansatz.depth), seed=_seed(ansatz, 0))
    return _training_kernel(ansatz, points, training, shots=shots, index=0)


def next_kernel(
    ansatz: Ansatz, training: Training, earlier: Sequence[Counted], *, shots: int, index: int
) -> LogicalKernel | None:
    """Return what a depth measures in the next round: more settings, or the incumbent for confirmation.

    Stopping rule: training ends when its rounds are used up, or when the greatest expected improvement on the incumbent
    (see `next_step`) is at most the standard error of the incumbent's mean in the confirmation, that is the pooled
    standard deviation of the samples over the square root of the workload's shots. A smaller gain would not show in the
    number that is published (the principle of arXiv:2104.08166: stop when the improvement that is left falls below the
    statistical error of what is measured).

    Args:
        ansatz: The template.
        training: Rounds and their size.
        earlier: Its finished training kernels and their counts, in order.
        shots: The workload's shots.
        index: Number of the next round.

    Returns:
        None when nothing was measured.
    """
    places, measured, deviation = measurements(ansatz, earlier)
    if not places:
        return None
    step = next_step(measured, round_index=index, size=training.size, seed=_seed(ansatz, index))
    resolution = deviation / math.sqrt(shots)
    rounding = RELATIVE_TOLERANCE * max(1.0, float(np.abs(measured.means).max()))
    if index < training.rounds and step.predicted_gain > max(resolution, rounding):
        return _training_kernel(ansatz, step.points, training, shots=shots, index=index)
    number, row = places[step.incumbent]
    return _confirming_kernel(ansatz, earlier[number][0].settings[row], step, resolution, shots=shots, index=index)


def measurements(ansatz: Ansatz, pairs: Sequence[Counted]) -> tuple[list[tuple[int, int]], Measured, float]:
    """Return where each measured setting stands (pair, row), what was measured, and the deviation of a sample.

    The standard deviation is pooled over all rows: it changes little from setting to setting, while that of a single
    row may come from few shots. Rows without samples are left out.
    """
    places: list[tuple[int, int]] = []
    rows: list[tuple[float, float, float]] = []
    for number, (_, counts) in enumerate(pairs):
        seen, mean, square = row_moments(ansatz.problem, counts)
        places += [(number, row) for row in np.flatnonzero(seen).tolist()]
        rows += [(seen[row], mean[row], square[row]) for row in np.flatnonzero(seen)]
    shots, means, squares = np.array(rows).reshape(-1, 3).T
    freedom = float((shots - 1).sum())
    # With one shot a setting nothing tells noise from differences; all of it then counts as noise.
    deviation = math.sqrt(squares.sum() / freedom if freedom else means.var()) if rows else 0.0
    settings = [pairs[number][0].settings[row] for number, row in places]
    gammas, betas = (np.array([s[key] for s in settings]).reshape(-1, ansatz.depth) for key in ("gamma", "beta"))
    points = shifts_between(start_of(ansatz)[0], gammas, betas)
    return places, Measured(points=points, means=means, errors=deviation / np.sqrt(shots)), deviation


def row_moments(problem: BinaryQuadratic, counts: RawCounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (samples, mean, sum of squared deviations) of each row, shape (rows,) each; zeros without samples."""
    values = outcome_values(problem, counts.outcomes)
    seen = counts.row_sums().astype(float)
    mean = counts.row_sums(values) / np.maximum(seen, 1.0)
    apart = values - np.repeat(mean, np.diff(counts.offsets))
    return seen, mean, counts.row_sums(apart**2)


def _training_kernel(
    ansatz: Ansatz, points: np.ndarray, training: Training, *, shots: int, index: int
) -> LogicalKernel:
    start, scale, policy = start_of(ansatz)
    return ansatz.kernel(
        shifted_angles(start, points),
        scale=scale,
        shots=training.shots_of(shots),
        facts={"angle_policy": TRAINED, "angle_policy_asked": TRAINED, "start_policy": policy, "purpose": TRAINING},
        round_name=f"round{index}",
        index=index,
    )


def _confirming_kernel(
    ansatz: Ansatz, setting: Mapping[str, Any], step: Step, resolution: float, *, shots: int, index: int
) -> LogicalKernel:
    _, scale, policy = start_of(ansatz)
    return ansatz.kernel(
        (np.array([setting["gamma"]]), np.array([setting["beta"]])),
        scale=scale,
        shots=shots,
        facts={
            "angle_policy": TRAINED,
            "angle_policy_asked": TRAINED,
            "start_policy": policy,
            "purpose": CONFIRMATION,
            "predicted_gain": step.predicted_gain,
            "resolution": resolution,
        },
        round_name="confirm",
        index=index,
    )


def _seed(ansatz: Ansatz, index: int) -> int:
    return seed_from(ansatz.instance.fingerprint, TRAINED, ansatz.label, str(index))
