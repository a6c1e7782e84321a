"""Whether a compiled circuit still stands under a new calibration. Put the rule here; scores come from `circuits`.

A circuit is held against the score it had when it was last decided about (its base), never against the snapshot before:
so many small steps add up, and noise around the threshold does not flap. Whoever acts on a decision makes the present
score of the circuit that then stands the new base; whoever keeps leaves the base as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Scores that differ by no more than this part are the same: sums of floats in another order differ by less.
TIE = 1e-9


class Action(StrEnum):
    """What to do about a circuit."""

    #: It still stands.
    KEEP = "keep"
    #: It lost too much: compile it anew, and let the best of old and new stand.
    RECOMPILE = "recompile"
    #: It cannot run any more: one of its qubits is faulty, or an operation is gone or always fails.
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitScore:
    """A circuit's expected success when it was last decided about, and now; both from 0 to 1."""

    compile_key: str
    base_score: float
    present_score: float
    #: Whether it uses a faulty qubit or an operation that is gone or always fails; its present score is then 0.
    uses_faulty: bool

    def __post_init__(self) -> None:
        for name, score in (("base", self.base_score), ("present", self.present_score)):
            if not 0.0 <= score <= 1.0 + TIE:
                raise ConfigurationError(
                    f"The {name} score of the circuit {self.compile_key[:12]} is {score}, but an expected success is "
                    "from 0 to 1. Check the errors that its provider reports."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRules:
    """How much a circuit may lose, and how hard to look for a better one."""

    #: It stands while its present score is at least this part of its base.
    keep_ratio: float = 0.95
    #: Seeds to compile it with anew.
    seeds: int = 4

    def __post_init__(self) -> None:
        if not 0.0 < self.keep_ratio <= 1.0:
            raise ConfigurationError(f"keep_ratio is {self.keep_ratio}; it must be above 0 and at most 1.")
        if self.seeds < 1:
            raise ConfigurationError(f"seeds is {self.seeds}; at least one compile is needed to look for a better one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do about one circuit, and why."""

    compile_key: str
    action: Action
    #: Present score over base; None where the base is 0.
    ratio: float | None
    #: One sentence with the figures.
    reason: str


def decide(score: CircuitScore, rules: CalibrationRules) -> Decision:
    """Return what one circuit's scores ask for."""
    base, present = score.base_score, score.present_score
    ratio = present / base if base > 0.0 else None
    if score.uses_faulty:
        action = Action.MOVE
        reason = (
            f"It cannot run: a qubit it uses is faulty, or an operation is gone or always fails. "
            f"Expected success was {base:.4g} and is {present:.4g}."
        )
    elif ratio is not None and ratio < rules.keep_ratio:
        action = Action.RECOMPILE
        reason = f"Expected success fell from {base:.4g} to {present:.4g}: {ratio:.4g} of it, below {rules.keep_ratio}."
    elif ratio is None:
        action = Action.KEEP
        reason = f"Expected success is {present:.4g}; it was 0 when it was decided."
    else:
        action = Action.KEEP
        reason = (
            f"Expected success was {base:.4g} and is {present:.4g}: {ratio:.4g} of it, at least {rules.keep_ratio}."
        )
    return Decision(compile_key=score.compile_key, action=action, ratio=ratio, reason=reason)


def decide_all(scores: Iterable[CircuitScore], rules: CalibrationRules) -> Sequence[Decision]:
    """Return the decision of each circuit, in their order."""
    return [decide(score, rules) for score in scores]


def choose(candidates: Mapping[str, float], cached: str) -> str:
    """Return the compile key with the best expected success; the cached one where it is as good as the best.

    Args:
        candidates: Expected success under the present calibration by compile key, the cached one's too.
        cached: The key that stands now. Of others that are equally good the first in order of keys is taken.

    Raises:
        ConfigurationError: There is no candidate, or a score is not a number.
    """
    if not candidates or any(math.isnan(score) for score in candidates.values()):
        raise ConfigurationError(
            f"There is nothing to choose from in place of the circuit {cached[:12]}: {candidates}."
        )
    best = max(sorted(candidates), key=candidates.__getitem__)
    if cached in candidates and candidates[cached] >= candidates[best] * (1.0 - TIE):
        return cached
    return best
