"""How often each interval of the product holds the truth, by simulation.

Put a new interval, or a population it may meet, into `studies`; the populations themselves are in
`statistics_populations`, claims in `statistics_claims`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.report.cards.physics import ALPHA, rank_interval
from hybrid_assets.scoring.statistics import (
    corrected_resampled_interval,
    median_interval,
    paired_test,
    t_interval,
    time_to_solution,
    weighted_mean_interval,
    wilson_interval,
)
from hybrid_assets.scoring.tolerance import chance_bounds
from hybrid_assets_tests.bench import statistics_populations as populations

if TYPE_CHECKING:
    from collections.abc import Callable

    #: (generator, draws) -> (low, high, truth), shape (draws,) each.
    Drawing = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray, np.ndarray]]

NOMINAL = 0.95
#: Distance from the nominal level up to which an interval counts as exact.
POINT = 0.01
#: Standard errors between what is measured and what is stated: 5 of normal law are exceeded in one of 1.7 million.
SIGMAS = 5.0
#: Stated coverages are rounded to this.
ROUNDED = 0.0005
#: Shots of which the values of `weighted_mean_interval` are drawn.
SHOTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """An interval on a population of which the truth is known."""

    interval: str
    drawn: str
    #: Values an interval is made of.
    n: int
    draw: Drawing
    #: Coverage that docs/statistics.md states.
    stated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was measured of a study."""

    study: Study
    share: float
    #: Monte-Carlo standard error of the share, if the stated coverage is right.
    error: float
    #: Mean over the intervals that have two ends.
    width: float

    @property
    def holds(self) -> bool:
        """Whether the measured coverage is the stated one, up to chance."""
        return abs(self.share - self.study.stated) <= SIGMAS * self.error + ROUNDED

    @property
    def words(self) -> str:
        """What the stated coverage is called, or that it is not met."""
        if not self.holds:
            return f"NOT AS STATED ({100 * self.study.stated:.1f})"
        over = 100 * (self.study.stated - NOMINAL)
        if abs(over) <= 100 * POINT + 1e-9:
            return "within 1 point"
        return f"conservative by {over:.1f}" if over > 0 else f"short by {-over:.1f}"


def measure(study: Study, *, draws: int, seed: int) -> Coverage:
    """Draw a study's intervals and count how many hold the truth."""
    low, high, truth = study.draw(np.random.default_rng(seed), draws)
    widths = (high - low)[np.isfinite(high - low)]
    # 1/draws keeps a tolerance where 0 or 1 is stated
    error = math.sqrt(max(study.stated * (1 - study.stated), 1 / draws) / draws)
    return Coverage(
        study=study,
        share=float(np.mean((low <= truth) & (truth <= high))),
        error=error,
        width=float(widths.mean()) if widths.size else math.inf,
    )


def table(found: list[Coverage], *, draws: int) -> str:
    """Return the coverages as a text table."""
    lines = [
        f"Coverage of nominal 95 % intervals, {draws:,} draws each",
        f"{'interval':24} {'drawn':50} {'n':>5} {'stated %':>9} {'measured %':>16} {'mean width':>11}  verdict",
    ]
    lines += [
        f"{c.study.interval:24} {c.study.drawn:50} {c.study.n:5} {100 * c.study.stated:9.1f} "
        f"{100 * c.share:9.2f} ± {100 * c.error:4.2f} {c.width:11.4g}  {c.words}"
        for c in found
    ]
    return "\n".join(lines)


def studies() -> list[Study]:
    """Return every interval of the product on the populations it meets."""
    return [*_of_shares(), *_of_sample_means(), *_of_means(), *_of_medians(), *_of_ranks(), *_of_chance()]


def _of_shares() -> list[Study]:
    def wilson(p: float, n: int, stated: float, note: str = "") -> Study:
        return Study(
            interval="wilson", drawn=f"successes, p = {p:g}{note}", n=n, stated=stated, draw=partial(_wilson, p, n)
        )

    def seconds(p: float, n: int, stated: float) -> Study:
        return Study(
            interval="time to solution",
            drawn=f"seconds for 99 %, p = {p:g}",
            n=n,
            stated=stated,
            draw=partial(_time_to_solution, p, n),
        )

    return [
        wilson(0.0, 4096, 1.0),
        wilson(1.0, 4096, 1.0),
        wilson(0.176 / 4096, 4096, 0.9862, " (0.18 successes)"),
        wilson(1.02 / 4096, 4096, 0.9160, " (1.02, the worst)"),
        wilson(0.002, 4096, 0.9482),
        wilson(0.05, 4096, 0.9515),
        wilson(0.5, 4096, 0.9492),
        wilson(0.3, 16, 0.9482, " (batches)"),
        Study(
            interval="wilson", drawn="successes, log p uniform, 1e-5 to 1", n=4096, stated=0.9597, draw=_wilson_mixed
        ),
        seconds(0.0, 4096, 1.0),
        seconds(0.002, 4096, 0.9482),
        seconds(0.3, 4096, 0.9501),
    ]


def _wilson(p: float, n: int, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    return *_each_once(rng.binomial(n, p, size=draws), lambda k: wilson_interval(k, n)), np.full(draws, p)


def _wilson_mixed(rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    p = 10 ** rng.uniform(-5, 0, size=draws)
    return *_each_once(rng.binomial(4096, p), lambda k: wilson_interval(k, 4096)), p


def _time_to_solution(p: float, n: int, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    def seconds(successes: int) -> tuple[float, float]:
        low, high = time_to_solution(*wilson_interval(successes, n), 1.0)
        return low, math.inf if high is None else high

    truth = math.log(0.01) / math.log1p(-p) if p else math.inf
    return *_each_once(rng.binomial(n, p, size=draws), seconds), np.full(draws, truth)


def _each_once(successes: np.ndarray, interval: Callable[[int], tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends for every number of successes; equal numbers have equal intervals."""
    distinct, place = np.unique(successes, return_inverse=True)
    ends = np.array([interval(int(k)) for k in distinct])[place]
    return ends[:, 0], ends[:, 1]


def _of_sample_means() -> list[Study]:
    def sampled(name: str, shots: int, stated: float, *, rows: int = 1) -> Study:
        law = populations.SAMPLED[name]
        return Study(
            interval="mean of samples",
            drawn=name + (f", best of {rows} equal settings" if rows > 1 else ""),
            n=shots,
            stated=stated,
            draw=partial(_weighted, law, shots, rows),
        )

    return [
        sampled("cuts of a shallow circuit", 4096, 0.9494),
        sampled("cuts of a shallow circuit", 16, 0.9475),
        sampled("cuts of a shallow circuit", 4, 0.9411),
        sampled("optimum .7, next .3", SHOTS, 0.9504),
        sampled("optimum .99, next .01", SHOTS, 0.9270),
        sampled("optimum .999, next .001", SHOTS, 0.6317),
        sampled("optimum always", SHOTS, 1.0),
        sampled("cuts of a shallow circuit", SHOTS, 0.9727, rows=25),
    ]


def _weighted(
    law: tuple[np.ndarray, np.ndarray], shots: int, rows: int, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, ...]:
    values, chances = law
    counts = rng.multinomial(shots, chances, size=(draws, rows))
    best = counts[np.arange(draws), (counts @ values).argmax(axis=1)]
    ends = [weighted_mean_interval(values, row, chosen_from=rows)[1:] for row in best]
    low, high = np.array(ends, dtype=float).T
    return low, high, np.full(draws, values @ chances)


def _of_means() -> list[Study]:
    def mean(name: str, n: int, stated: float) -> Study:
        population = populations.EFFECTS[name]
        return Study(interval="mean (Student)", drawn=name, n=n, stated=stated, draw=partial(_student, population, n))

    def folds(rows: int, k: int, stated: float) -> Study:
        return Study(
            interval="mean over folds",
            drawn=f"{k} folds of {rows} rows, two normal classes",
            n=k,
            stated=stated,
            draw=partial(_folds, rows, k),
        )

    return [
        mean("normal", 4, 0.95),
        mean("normal", 10, 0.95),
        mean("normal", 30, 0.95),
        mean("ratios (1 - beta), bounded", 10, 0.9366),
        mean("exponential", 10, 0.9000),
        folds(60, 3, 0.9696),
        folds(60, 5, 0.9813),
        folds(200, 5, 0.9853),
    ]


def _student(
    population: populations.Population, n: int, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, ...]:
    ends = np.array([t_interval(row) for row in population.draw(rng, (draws, n))])
    return ends[:, 0], ends[:, 1], np.full(draws, population.mean)


def _folds(rows: int, k: int, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    accuracies, truth = populations.cross_validated(rng, draws, rows=rows, folds=k)
    ends = np.array([corrected_resampled_interval(row, test_share=1 / k) for row in accuracies])
    return ends[:, 0], ends[:, 1], np.full(draws, truth)


def _of_medians() -> list[Study]:
    def median(name: str, n: int, stated: float) -> Study:
        population = populations.EFFECTS[name]
        return Study(interval="median of effects", drawn=name, n=n, stated=stated, draw=partial(_median, population, n))

    return [
        *(median("normal", n, stated) for n, stated in EXACT_MEDIANS.items()),
        median("exponential", 12, EXACT_MEDIANS[12]),
        median("heavy tails (t with 1.5 degrees)", 12, EXACT_MEDIANS[12]),
        median("ratios (1 - beta), bounded", 12, EXACT_MEDIANS[12]),
        median("6 in 10 are ties, else normal", 12, 1.0),
        median("ties, or a loss of 1 (failed), half each", 12, EXACT_MEDIANS[12]),
        Study(interval="median of effects", drawn="normal, the best of 6 methods", n=12, stated=0.9800,
              draw=partial(_best_median, 6, 12)),
    ]  # fmt: skip


#: 1 - 2 P(B < k) with k as in `median_interval`: of any continuous distribution.
EXACT_MEDIANS = {
    4: 0.875,
    6: 0.96875,
    8: 0.9921875,
    10: 0.978515625,
    12: 0.96142578125,
    15: 0.96484375,
    30: 0.9572260547,
}


def _median(population: populations.Population, n: int, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    ends = np.array([median_interval(row)[:2] for row in population.draw(rng, (draws, n))])
    return ends[:, 0], ends[:, 1], np.full(draws, population.median)


def _best_median(methods: int, n: int, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    """The interval of the method with the least p-value, as a verdict publishes it; all have median 0."""
    best = [min(night, key=paired_test) for night in rng.normal(size=(draws, methods, n))]
    ends = np.array([median_interval(row, chosen_from=methods)[:2] for row in best])
    return ends[:, 0], ends[:, 1], np.zeros(draws)


def _of_ranks() -> list[Study]:
    def ranks(nights: int, correlation: float, stated: float, *, memory: float = 0.0) -> Study:
        note = f", each night .{10 * memory:.0f} of the last" if memory else ""
        return Study(
            interval="rank correlation",
            drawn=f"normal, r = {correlation:g}{note}",
            n=nights,
            stated=stated,
            draw=partial(_ranks, nights, correlation, memory, 1),
        )

    return [
        ranks(10, 0.0, 0.9507),
        ranks(30, 0.0, 0.9536),
        ranks(30, 0.5, 0.9506),
        ranks(30, 0.9, 0.9251),
        ranks(30, 0.0, 0.7238, memory=0.8),
        Study(interval="rank correlation", drawn="normal, r = 0, all of 4 pairs", n=20, stated=0.9511,
              draw=partial(_ranks, 20, 0.0, 0.0, 4)),
    ]  # fmt: skip


def _ranks(
    nights: int, correlation: float, memory: float, pairs: int, rng: np.random.Generator, draws: int
) -> tuple[np.ndarray, ...]:
    found = populations.rank_correlations(rng, draws * pairs, nights=nights, correlation=correlation, memory=memory)
    ends = np.array([rank_interval(r, nights, pairs=pairs) for r in found]).reshape(draws, pairs, 2)
    truth = 6 / math.pi * math.asin(correlation / 2)  # Spearman's rho of a normal pair
    # all pairs hold it or not: the worst of each draw stands for them
    return ends[:, :, 0].max(axis=1), ends[:, :, 1].min(axis=1), np.full(draws, truth)


def _of_chance() -> list[Study]:
    def chance(p: float, shots: int, stated: float) -> Study:
        return Study(
            interval="smoke tolerance (chance)",
            drawn=f"share of {shots} shots, p = {p:g}, known",
            n=shots,
            stated=stated,
            draw=partial(_chance, p, shots),
        )

    return [chance(0.5, 400, 0.9941), chance(0.02, 400, 0.9938), chance(1.0, 400, 1.0)]


def _chance(p: float, shots: int, rng: np.random.Generator, draws: int) -> tuple[np.ndarray, ...]:
    """The product asks for 5.7e-7, which no 10,000 draws can see: the same bounds at 5 %."""
    low, high = chance_bounds(p, p * (1 - p), shots, probability=ALPHA)
    return np.full(draws, low - 1e-12), np.full(draws, high + 1e-12), rng.binomial(shots, p, size=draws) / shots
