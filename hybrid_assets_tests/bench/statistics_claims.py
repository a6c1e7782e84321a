"""How often the verdict claims an advantage: where there is none, night after night, and where one is planted.

Every night goes through `hybrid_assets.scoring.verdict.decide`, with all its gates. Put what a night may look like
here; intervals are in `statistics_coverage`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.scoring.gates import ClaimRules
from hybrid_assets.scoring.statistics import holm, paired_test
from hybrid_assets.scoring.verdict import Verdict, decide
from hybrid_assets_tests.bench.statistics_coverage import ROUNDED, SIGMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    #: (generator, nights) -> best values, shape (nights, instances, methods); NaN is a failure.
    Drawing = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray, np.ndarray]]

ALPHA = 0.05
#: Value around which quantum, classical and control values lie; the reference is 100.
LEVEL = 90.0
#: Nights of a month, each looked at.
MONTH = 30
#: Planted effects, in standard deviations of the paired difference.
PLANTED = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
INSTANCES = (10, 12, 15, 20, 30, 50)
#: Power from which an effect counts as within reach.
REACH = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """Nights, or tests, without a positive median effect."""

    name: str
    #: (generator, number) -> which of them claim one all the same.
    claimed: Callable[[np.random.Generator, int], np.ndarray]
    #: Rate that docs/statistics.md states.
    stated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Share of nights with a claim."""

    share: float
    nights: int
    stated: float

    @property
    def error(self) -> float:
        """Monte-Carlo standard error, if the stated rate is right."""
        return math.sqrt(max(self.stated * (1 - self.stated), 1 / self.nights) / self.nights)

    @property
    def holds(self) -> bool:
        """Whether the stated rate is at most the level, and the measured one that, up to chance."""
        return self.stated <= ALPHA and abs(self.share - self.stated) <= SIGMAS * self.error + ROUNDED

    @property
    def words(self) -> str:
        """Whether all is well."""
        return "at most 5" if self.holds else f"NOT AS STATED ({100 * self.stated:.2f})"


class Nights:
    """Judges nights of one shape; the rows are made once and only their values change."""

    def __init__(self, *, instances: int, quantum: int, classical: int, control: int) -> None:
        """Make the rows of nights with so many instances, methods, baselines and controls."""
        groups = {"quantum": quantum, "classical": classical, "control": control}
        names = [(f"{role}_{k}", role) for role, number in groups.items() for k in range(number)]
        self._rows = [[_row(f"g{i:02}", name, role) for name, role in names] for i in range(instances)]
        self._flat = [row for of_instance in self._rows for row in of_instance]
        self._instances = {f"g{i:02}": 12 for i in range(instances)}
        self._rules = ClaimRules(
            metric="approximation_ratio",
            declared_metric="approximation_ratio",
            controls_of={"*": tuple(f"control_{k}" for k in range(control))},
            execution_kinds=("statevector",),
            required_baselines=tuple(f"classical_{k}" for k in range(classical)),
            alpha=ALPHA,
        )

    def claims(self, values: np.ndarray) -> bool:
        """Return whether a night is an `advantage_candidate`; values of shape (instances, methods), NaN: failed."""
        for rows, of_instance in zip(self._rows, values.tolist(), strict=True):
            for row, value in zip(rows, of_instance, strict=True):
                row["value"] = row["best_value"] = None if math.isnan(value) else value
        verdict = decide(self._flat, instances=self._instances, rules=self._rules)["verdict"]
        return bool(verdict == Verdict.ADVANTAGE_CANDIDATE)


def _row(instance: str, method: str, role: str) -> dict[str, Any]:
    """Return a row of ``comparisons`` with a bound of 100 that nobody reaches, and no value yet."""
    return {
        "instance": instance,
        "fingerprint": instance,
        "method": method,
        "role": role,
        "source": "backend" if role == "quantum" else None,
        "reference_value": 100.0,
        "reference_kind": "bound",
        "trials": 1000,
        "shots": 1000,
    }


def claims_of(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Return which nights claim an advantage, shape (nights,)."""
    quantum, classical, control = drawn
    nights = Nights(
        instances=quantum.shape[1], quantum=quantum.shape[2], classical=classical.shape[2], control=control.shape[2]
    )
    return np.array([nights.claims(night) for night in np.concatenate(drawn, axis=2)])


def false_claims(null: Null, *, nights: int, seed: int) -> Rate:
    """Judge nights without an effect."""
    claimed = null.claimed(np.random.default_rng(seed), nights)
    return Rate(share=float(claimed.mean()), nights=nights, stated=null.stated)


def nulls() -> list[Null]:
    """Return what has no effect: the tests by themselves, then nights that are alike, worse, tied, failed, skewed."""

    def night(name: str, stated: float, draw: Drawing) -> Null:
        return Null(name=name, stated=stated, claimed=lambda rng, nights: claims_of(draw(rng, nights)))

    return [
        Null(name="signed-rank p alone, 12 instances", claimed=partial(_significant, 1, 12), stated=0.0461),
        Null(name="the least of 6 Holm-adjusted p, 12 instances", claimed=partial(_significant, 6, 12), stated=0.0475),
        night("alike, 1 method, 10 instances", 0.0107, partial(_alike, (10, 1, 1))),
        night("alike, 1 method, 12 instances", 0.0151, partial(_alike, (12, 1, 1))),
        night("alike, 1 method, 30 instances", 0.0174, partial(_alike, (30, 1, 1))),
        night("alike, 6 methods, 12 instances", 0.0118, partial(_alike, (12, 6, 1))),
        night("alike, 6 methods, 3 baselines, 12 instances", 0.0, partial(_alike, (12, 6, 3))),
        night("worse by 0.3 sd, 1 method, 12 instances", 0.0026, partial(_alike, (12, 1, 1), worse=0.3)),
        night("alike with ties (5 levels), 1 method, 20 instances", 0.0006, partial(_alike, (20, 1, 1), levels=1.0)),
        night("alike, 1 in 10 failed, 1 method, 20 instances", 0.0046, partial(_alike, (20, 1, 1), lost=0.1)),
        night("only as good as the control, 12 instances", 0.0151, _as_the_control),
        night("median 0, skewed, 1 method, 30 instances", 0.0214, partial(_skewed, (30, 1))),
        night("median 0, skewed, 4 methods, 15 instances", 0.0147, partial(_skewed, (15, 4))),
    ]


def _significant(methods: int, instances: int, rng: np.random.Generator, nights: int) -> np.ndarray:
    """Return where any of the methods, whose effects are independent here, has an adjusted p below the level."""
    effects = rng.normal(size=(nights, methods, instances))
    return np.array([min(holm([paired_test(row) for row in night])) < ALPHA for night in effects])


def _alike(
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    nights: int,
    *,
    worse: float = 0.0,
    levels: float = 0.0,
    lost: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw methods and baselines from one law; the control is far behind, so that one rival decides."""
    instances, methods, baselines = shape
    values = rng.normal(LEVEL, 1.0, size=(nights, instances, methods + baselines))
    if levels:
        values = np.round(values / levels) * levels
    quantum, classical = values[:, :, :methods] - worse, values[:, :, methods:]
    quantum = np.where(rng.uniform(size=quantum.shape) < lost, np.nan, quantum)
    return quantum, classical, np.full((nights, instances, 1), LEVEL - 20)


def _as_the_control(rng: np.random.Generator, nights: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw method and control from one law, ahead of the baseline: the descent did it, not the circuit."""
    values = rng.normal(LEVEL, 1.0, size=(nights, 12, 2))
    return values[:, :, :1], np.full((nights, 12, 1), LEVEL - 20), values[:, :, 1:]


def _skewed(shape: tuple[int, int], rng: np.random.Generator, nights: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw effects with median 0, small losses and large wins: the signed-rank test alone takes them for an effect."""
    effects = (np.exp(2 * rng.normal(size=(nights, *shape))) - 1) / 100
    rival = np.full((nights, shape[0], 1), LEVEL)
    return LEVEL + effects, rival, rival - 20


def month(*, months: int, seed: int, kept: float) -> dict[int, float]:
    """Judge every night of months without an effect; return the share of months with a claim by a night.

    Args:
        months: How many.
        seed: Of the draws.
        kept: Share of an effect's variance that belongs to the instance and stays all month (0: new instances every
            night); the rest is drawn anew every night.
    """
    rng = np.random.default_rng(seed)
    stays, changes = rng.normal(size=(months, 1, 12, 1)), rng.normal(size=(months, MONTH, 12, 1))
    effects = (math.sqrt(kept) * stays + math.sqrt(1 - kept) * changes).reshape(-1, 12, 1)
    rival = np.full_like(effects, LEVEL)
    claimed = claims_of((LEVEL + effects, rival, rival - 20)).reshape(months, MONTH)
    return {night: float(claimed[:, :night].any(axis=1).mean()) for night in (1, 7, 14, MONTH)}


def power(effect: float, *, instances: int, methods: int = 1, nights: int, seed: int) -> float:
    """Return the share of nights with a claim where one method is ahead.

    Args:
        effect: How far, in standard deviations of the paired difference.
        instances: Instances of a night.
        methods: Quantum methods; all but one are far behind, and cost the correction for their number.
        nights: How many.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    quantum = np.full((nights, instances, methods), LEVEL - 10)
    quantum[:, :, 0] = LEVEL + rng.normal(effect, 1.0, size=(nights, instances))
    rival = np.full((nights, instances, 1), LEVEL)
    return float(claims_of((quantum, rival, rival - 20)).mean())
