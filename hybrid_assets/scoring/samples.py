"""What happens to sampled points of a binary quadratic problem: scores, one-flip descent, the random-bits control.

Put steps from samples to a `Score` here; keep intervals in `hybrid_assets.scoring.statistics`, and anything that needs
to know where the samples came from in the workloads.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.problem import MAX_TABLE_VARIABLES
from hybrid_assets.model.results import Reference, ReferenceKind, Role, Score
from hybrid_assets.scoring.local_search import coupling_matrix
from hybrid_assets.scoring.statistics import weighted_mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.jobs import RawCounts
    from hybrid_assets.model.problem import BinaryQuadratic

    #: Distinct outcomes in increasing order, and how often each was seen: a row of `RawCounts`.
    Sampled = tuple[np.ndarray, np.ndarray]

#: A value within this share of a reference has reached it, and a gain below it is rounding: sums of float64 terms.
RELATIVE_TOLERANCE = 1e-9
#: Suffix of a method whose samples went through a one-flip descent.
DESCENT = "+descent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the scores of some samples tell about where these came from."""

    role: Role
    #: All shots the samples needed, those of other settings included.
    shots: int
    #: Value to reach.
    reference: Reference | None
    kernel_ids: tuple[str, ...] = ()
    #: Number of rows the samples are the best of, by their own mean.
    chosen_from: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)

    def score(self, problem: BinaryQuadratic, bits: np.ndarray, counts: np.ndarray, *, method: str) -> Score:
        """Score points of shape (entries, n) that were seen ``counts`` times, as `score_outcomes` does."""
        return score_outcomes(
            problem,
            bits,
            counts,
            method=method,
            role=self.role,
            reference=self.reference,
            shots=self.shots,
            kernel_ids=self.kernel_ids,
            chosen_from=self.chosen_from,
            facts=self.facts,
        )


def outcome_bits(outcomes: np.ndarray, n: int) -> np.ndarray:
    """Return the bits of integer outcomes, shape (outcomes, n), uint8; column i is bit i, the variable i."""
    shifted = np.asarray(outcomes, dtype=np.uint64)[:, None] >> np.arange(n, dtype=np.uint64)
    return (shifted & np.uint64(1)).astype(np.uint8)


def outcome_values(problem: BinaryQuadratic, outcomes: np.ndarray) -> np.ndarray:
    """Return the objective of integer outcomes, from the whole table where that is the smaller work."""
    if problem.num_variables <= MAX_TABLE_VARIABLES and outcomes.size >= 1 << problem.num_variables:
        return np.asarray(problem.value_table()[outcomes])
    return problem.values(outcome_bits(outcomes, problem.num_variables))


def best_row(problem: BinaryQuadratic, counts: RawCounts) -> int:
    """Return the row with the largest mean of an objective over all its samples.

    The choice is made on the samples that are scored, which flatters their value: the number of rows belongs in the
    `Origin` of a score, whose interval is corrected for it, and in its facts.
    """
    return int((counts.row_sums(outcome_values(problem, counts.outcomes)) / counts.row_sums()).argmax())


def random_outcomes(n: int, shots: int, seed: int) -> Sampled:
    """Draw uniform random outcomes of n <= 64 bits (uint64): the control of every sampling method."""
    drawn = np.random.default_rng(seed).integers(0, 1 << n, size=shots, dtype=np.uint64)
    outcomes, counts = np.unique(drawn, return_counts=True)
    return outcomes, counts.astype(np.int64)


def reaches(values: np.ndarray, reference: float) -> np.ndarray:
    """Tell which values are as good as a reference, up to rounding; same shape as ``values``."""
    return np.asarray(values >= reference - RELATIVE_TOLERANCE * max(1.0, abs(reference)))


def score_outcomes(  # noqa: PLR0913 - a score has that many facts, all named at the call
    problem: BinaryQuadratic,
    bits: np.ndarray,
    counts: np.ndarray,
    *,
    method: str,
    role: Role,
    reference: Reference | None,
    shots: int,
    kernel_ids: tuple[str, ...] = (),
    chosen_from: int = 1,
    facts: Mapping[str, Any] | None = None,
) -> Score:
    """Score sampled points of a problem, raw or after a step that maps each sample to another point.

    Args:
        problem: The objective (the original one, not a penalized one).
        bits: Points, shape (entries, n), 0/1.
        counts: Samples of each point, shape (entries,).
        method: Name of the method.
        role: Its role.
        reference: Value to reach; successes are counted only where it is proved.
        shots: All shots the method needed.
        kernel_ids: Kernels the samples came from.
        chosen_from: Number of rows the samples are the best of.
        facts: More facts for the record.

    Returns:
        Mean, 95 % interval and best over the *feasible* samples (None when there are none); successes and the feasible
        rate over *all* samples.
    """
    values, feasible = problem.values(bits), problem.feasible(bits)
    value = low = high = best = successes = trials = None
    total = int(counts.sum())
    if feasible.any():
        value, low, high = weighted_mean_interval(values[feasible], counts[feasible], chosen_from=chosen_from)
        best = float(values[feasible].max())
    if reference is not None and reference.kind is ReferenceKind.PROVED:
        successes, trials = int(counts[feasible & reaches(values, reference.value)].sum()), total
    return Score(
        method=method,
        role=role,
        value=value,
        value_low=low,
        value_high=high,
        best_value=best,
        successes=successes,
        trials=trials,
        feasible_rate=None if problem.cardinality is None else float(counts[feasible].sum() / total),
        shots=shots,
        kernel_ids=kernel_ids,
        facts=facts or {},
    )


def score_stages(
    problem: BinaryQuadratic,
    origin: Origin,
    sampled: Sampled,
    *,
    method: str,
    every: np.ndarray,
    uphill: BinaryQuadratic | None,
) -> list[Score]:
    """Score samples as they are and, as ``method`` + `DESCENT`, after a one-flip descent of each.

    Args:
        problem: The objective.
        origin: Where the samples came from.
        sampled: What is scored.
        method: Name of the method without descent.
        every: Outcomes the best value is over, in increasing order: those of ``sampled`` and of other rows.
        uphill: Objective without a cardinality that leads the descent; None: no descent.
    """
    position = np.searchsorted(every, sampled[0])
    points = {method: outcome_bits(every, problem.num_variables)}
    if uphill is not None:
        points[method + DESCENT] = descend(uphill, points[method])
    scores = []
    for name, bits in points.items():
        values = problem.values(bits[problem.feasible(bits)])
        score = origin.score(problem, bits[position], sampled[1], method=name)
        scores.append(replace(score, best_value=float(values.max()) if values.size else None))
    return scores


def descend(problem: BinaryQuadratic, bits: np.ndarray) -> np.ndarray:
    """Walk every point uphill by its best single flip until no flip helps.

    Steepest ascent of the objective (a "descent" of the cost), all points at once; ties go to the lowest variable, so
    the result is a function of the point. The cardinality is ignored: fold it in with `penalized` first.

    Args:
        problem: The objective.
        bits: Start points, shape (points, n), 0/1.

    Returns:
        Local optima, shape (points, n), uint8.
    """
    matrix = coupling_matrix(problem)
    x = np.array(bits, dtype=float)
    slope = x @ matrix + np.asarray(problem.linear, dtype=float)
    least = RELATIVE_TOLERANCE * max(1e-300, np.abs(matrix).max(initial=0.0), np.abs(problem.linear).max(initial=0.0))
    active = np.arange(x.shape[0])
    while active.size:
        gain = (1 - 2 * x[active]) * slope[active]
        flip = gain.argmax(axis=1)
        helps = gain[np.arange(active.size), flip] > least
        active, flip = active[helps], flip[helps]
        change = 1 - 2 * x[active, flip]
        x[active, flip] += change
        slope[active] += change[:, None] * matrix[flip]
    return x.astype(np.uint8)


def penalized(problem: BinaryQuadratic, penalty: float) -> BinaryQuadratic:
    """Fold the cardinality B into the objective as ``-penalty * (sum x - B)^2``; without one, return the problem."""
    if problem.cardinality is None:
        return problem
    n, b = problem.num_variables, problem.cardinality
    old = dict(zip(problem.pairs, problem.weights, strict=True))
    pairs = tuple((i, j) for i in range(n) for j in range(i + 1, n))
    return replace(
        problem,
        # (sum x)^2 = sum x_i + 2 sum_{i<j} x_i x_j, because x^2 = x
        linear=tuple(c - penalty * (1 - 2 * b) for c in problem.linear),
        pairs=pairs,
        weights=tuple(old.get(pair, 0.0) - 2 * penalty for pair in pairs),
        offset=problem.offset - penalty * b * b,
        cardinality=None,
    )
