"""Upper bounds that stay upper bounds: rounding outward, and down to what integer coefficients allow.

Put what makes a computed bound safe here; keep the computation of bounds in the baselines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hybrid_assets.baselines._measurement import coefficient_bound

if TYPE_CHECKING:
    from hybrid_assets.model.problem import BinaryQuadratic


def value_step(problem: BinaryQuadratic) -> int:
    """Return a step of which every value is a multiple, counted from the offset; 0 where no integer step is known."""
    coefficients = [c for c in (*problem.linear, *problem.weights) if c]
    if any(not float(c).is_integer() for c in coefficients):
        return 0
    return math.gcd(*(int(c) for c in coefficients))


def safe_bound(problem: BinaryQuadratic, computed: float, *, margin: float) -> float:
    """Turn a computed upper bound into one that holds.

    Args:
        problem: Objective to maximize.
        computed: What an algorithm in floating point gave; may be infinite.
        margin: How far ``computed`` may lie below a true bound, in the objective's unit.

    Returns:
        ``computed + margin``, or less where the sum of the positive coefficients is, or where integer coefficients
        allow only smaller values.
    """
    bound = min(computed + margin, coefficient_bound(problem) + margin)
    step = value_step(problem)
    if step and math.isfinite(bound):
        bound = problem.offset + step * math.floor((bound - problem.offset) / step)
    return bound
