"""Classical results, scores and references, before any statistics. Put intervals and verdicts in `scoring`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What an interval must be worth to be shown as one.
CONFIDENCE: Final = 0.95


class Role(StrEnum):
    """What a method is in a comparison."""

    QUANTUM = "quantum"  # needs the backend
    CONTROL = "control"  # the same pipeline around random bits or an unentangled kernel
    CLASSICAL = "classical"  # a rival in its own right


class ReferenceKind(StrEnum):
    """How much a reference value can be trusted."""

    PROVED = "proved"  # proved optimal
    BOUND = "bound"  # a proved upper bound, not known to be reached
    BEST_KNOWN = "best_known"  # the best any method found


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineResult:
    """One classical baseline on one instance.

    Optimization: ``value`` is the best feasible objective found (None: none found), ``bound`` a proved upper bound.
    Classification: ``value`` is the mean test accuracy over the folds, ``fold_values`` the accuracies.
    """

    baseline: str
    version: str
    value: float | None
    bound: float | None
    #: Whether ``value`` is proved optimal.
    proved: bool
    wall_s: float
    cpu_s: float
    seed: int
    role: Role = Role.CLASSICAL
    fold_values: tuple[float, ...] = ()
    #: Best point found (0/1 a variable), empty where there is none to give.
    solution: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What values of an instance are measured against."""

    value: float
    kind: ReferenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What one method did on one instance, in the objective's own unit (larger is better).

    ``value`` is the mean over samples (optimization: expected objective of one sample, feasible ones only;
    classification: mean test accuracy over folds); ``value_low``/``value_high`` its 95 % interval.
    """

    method: str
    role: Role
    value: float | None
    value_low: float | None
    value_high: float | None
    #: Best objective among the samples; equals ``value`` where there is no sampling.
    best_value: float | None
    #: Samples that reach the reference (kind ``proved``), out of ``trials``; None where that has no meaning.
    successes: int | None = None
    trials: int | None = None
    #: Share of samples that are feasible; None where everything is.
    feasible_rate: float | None = None
    #: All shots the method needed, training included; 0 for a classical method.
    shots: int = 0
    #: Kernels the method's samples came from.
    kernel_ids: tuple[str, ...] = ()
    fold_values: tuple[float, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
