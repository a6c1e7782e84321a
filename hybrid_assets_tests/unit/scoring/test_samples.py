"""Samples to scores, and the descent: local optima, determinism, penalties."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.model.jobs import RawCounts
from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.model.results import Reference, ReferenceKind, Role
from hybrid_assets.scoring.samples import (
    Origin,
    best_row,
    descend,
    outcome_bits,
    penalized,
    random_outcomes,
    reaches,
    score_outcomes,
    score_stages,
)

#: x_0 + 2 x_1 - 4 x_0 x_1 over outcomes 0..3 (bit 0 is x_0): 0, 1, 2, -1.
SMALL = BinaryQuadratic(num_variables=2, linear=(1.0, 2.0), pairs=((0, 1),), weights=(-4.0,))


def random_problem(n: int, seed: int, *, integer: bool = False, cardinality: int | None = None) -> BinaryQuadratic:
    rng = np.random.default_rng(seed)
    pairs = tuple((i, j) for i in range(n) for j in range(i + 1, n) if rng.random() < 0.6)
    draw = (lambda size: rng.integers(-2, 3, size).astype(float)) if integer else (lambda size: rng.normal(size=size))
    return BinaryQuadratic(
        num_variables=n,
        linear=tuple(draw(n).tolist()),
        pairs=pairs,
        weights=tuple(draw(len(pairs)).tolist()),
        cardinality=cardinality,
    )


def test_outcome_bits_puts_bit_i_into_column_i():
    assert outcome_bits(np.array([0b110, 0b001], dtype=np.uint64), 3).tolist() == [[0, 1, 1], [1, 0, 0]]


def test_outcome_bits_of_the_widest_outcome():
    assert outcome_bits(np.array([1 << 63], dtype=np.uint64), 64)[0].nonzero()[0].tolist() == [63]


def test_random_outcomes_are_reproducible_and_sorted():
    outcomes, counts = random_outcomes(5, 1000, 11)
    again = random_outcomes(5, 1000, 11)
    assert outcomes.tolist() == again[0].tolist()
    assert counts.tolist() == again[1].tolist()
    assert outcomes.tolist() == sorted(set(outcomes.tolist()))
    assert counts.sum() == 1000
    assert random_outcomes(5, 1000, 12)[1].tolist() != counts.tolist()


def test_random_outcomes_are_uniform():
    """Each bit of 4,000 draws is 1 half the time: 2,000 +- 5 sqrt(1,000) = 158."""
    outcomes, counts = random_outcomes(10, 4000, 3)
    assert np.abs(counts @ outcome_bits(outcomes, 10) - 2000.0).max() < 158


def test_random_outcomes_of_64_bits():
    assert random_outcomes(64, 200, 1)[0].max() >= 1 << 63


def score(bits, counts, problem=SMALL, reference=None):
    return score_outcomes(
        problem, np.array(bits), np.array(counts), method="m", role=Role.CONTROL, reference=reference, shots=99
    )


def test_score_outcomes_is_the_weighted_mean_and_the_best():
    """Values 1 (3 times) and 2 (once): mean 5/4, variance (3/16 + 9/16)/3 = 1/4, t_3(.975) = 3.18245."""
    found = score([[1, 0], [0, 1]], [3, 1])
    half = 3.182446305 * 0.5 / 2
    assert (found.value, found.value_low, found.value_high) == pytest.approx((1.25, 1.25 - half, 1.25 + half))
    assert (found.best_value, found.shots, found.feasible_rate) == (2.0, 99, None)
    assert (found.successes, found.trials) == (None, None)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(ReferenceKind.PROVED, (1, 4)), (ReferenceKind.BOUND, (None, None)), (ReferenceKind.BEST_KNOWN, (None, None))],
)
def test_score_outcomes_counts_successes_against_a_proof_only(kind, expected):
    found = score([[1, 0], [0, 1]], [3, 1], reference=Reference(value=2.0, kind=kind))
    assert (found.successes, found.trials) == expected


def test_score_outcomes_averages_feasible_samples_only():
    """One of exactly one 1: values 1 (3 times) and 2 (once); the five others are infeasible, and failures."""
    problem = BinaryQuadratic(
        num_variables=2, linear=SMALL.linear, pairs=SMALL.pairs, weights=SMALL.weights, cardinality=1
    )
    reference = Reference(value=2.0, kind=ReferenceKind.PROVED)
    found = score([[1, 0], [0, 1], [0, 0], [1, 1]], [3, 1, 4, 1], problem, reference)
    assert (found.value, found.best_value) == (1.25, 2.0)
    assert found.feasible_rate == pytest.approx(4 / 9)
    assert (found.successes, found.trials) == (1, 9)


def test_score_outcomes_without_a_feasible_sample_has_no_value():
    problem = BinaryQuadratic(
        num_variables=2, linear=SMALL.linear, pairs=SMALL.pairs, weights=SMALL.weights, cardinality=1
    )
    found = score([[0, 0]], [5], problem, Reference(value=2.0, kind=ReferenceKind.PROVED))
    assert (found.value, found.value_low, found.best_value, found.feasible_rate) == (None, None, None, 0.0)
    assert (found.successes, found.trials) == (0, 5)


def stages(problem, outcomes, counts, *, every, uphill):
    origin = Origin(role=Role.QUANTUM, shots=99, reference=None, kernel_ids=("k",), facts={"depth": 1})
    sampled = np.array(outcomes, dtype=np.uint64), np.array(counts)
    return score_stages(problem, origin, sampled, method="m", every=np.array(every, dtype=np.uint64), uphill=uphill)


def test_score_stages_takes_value_from_the_samples_and_best_value_from_every_outcome():
    """Raw: 0 once, 1 three times. From outcome 0 the steepest flip leads to 2 of value 2; outcome 1 is an optimum."""
    scores = stages(SMALL, [0, 1], [1, 3], every=[0, 1, 2], uphill=SMALL)
    assert [(s.method, s.value, s.best_value) for s in scores] == [("m", 0.75, 2.0), ("m+descent", 1.25, 2.0)]
    assert {(s.role, s.shots, s.kernel_ids, s.facts["depth"]) for s in scores} == {(Role.QUANTUM, 99, ("k",), 1)}
    assert [s.method for s in stages(SMALL, [0], [1], every=[0], uphill=None)] == ["m"]


def test_score_stages_takes_feasible_points_only_into_the_best_value():
    """One of exactly one 1: nothing sampled is feasible, and the penalty leads from 0 and from 3 to 2, of value 2."""
    problem = replace(SMALL, cardinality=1)
    raw, descended = stages(problem, [0], [4], every=[0, 3], uphill=penalized(problem, 5.0))
    assert (raw.best_value, descended.value, descended.best_value) == (None, 2.0, 2.0)


def test_best_row_has_the_largest_mean():
    """Means 1 (of four samples) and 2 (of one): the sum would choose the other."""
    counts = RawCounts(
        num_bits=2,
        outcomes=np.array([1, 2], dtype=np.uint64),
        counts=np.array([4, 1]),
        offsets=np.array([0, 1, 2]),
    )
    assert best_row(SMALL, counts) == 1


def test_reaches_allows_for_rounding_only():
    assert reaches(np.array([0.1 + 0.2, 0.3 - 1e-6]), 0.3).tolist() == [True, False]


@given(st.integers(1, 10), st.integers(0, 10_000), st.booleans())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_descend_ends_in_local_optima_no_lower_than_their_starts(n, seed, integer):
    """Integer coefficients give many ties and plateaus."""
    problem = random_problem(n, seed, integer=integer)
    starts = np.random.default_rng(seed).integers(0, 2, (30, n))
    ends = descend(problem, starts)
    values = problem.values(ends)
    assert (values >= problem.values(starts) - 1e-9).all()
    for i in range(n):
        flipped = ends.copy()
        flipped[:, i] ^= 1
        assert (problem.values(flipped) <= values + 1e-6).all()


def test_descend_takes_the_steepest_flip_first():
    """From 00 the gains are 1 and 2, so x_1 is set; then x_0 would cost 3. A first-found descent would end in 10."""
    assert descend(SMALL, np.array([[0, 0]])).tolist() == [[0, 1]]


def test_descend_treats_each_point_alone_and_leaves_the_starts():
    problem = random_problem(8, 5)
    starts = np.random.default_rng(2).integers(0, 2, (50, 8)).astype(np.uint8)
    before = starts.copy()
    together = descend(problem, starts)
    alone = np.vstack([descend(problem, start[None]) for start in starts])
    assert together.tolist() == alone.tolist()
    assert starts.tolist() == before.tolist()


def test_descend_never_beats_enumeration_and_finds_it():
    problem = random_problem(10, 4)
    optimum = problem.value_table().max()
    values = problem.values(descend(problem, np.random.default_rng(0).integers(0, 2, (200, 10))))
    assert values.max() == pytest.approx(optimum, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_descend_works_in_any_unit(scale):
    unit = random_problem(9, 8)
    scaled = BinaryQuadratic(
        num_variables=9,
        linear=tuple(scale * c for c in unit.linear),
        pairs=unit.pairs,
        weights=tuple(scale * w for w in unit.weights),
    )
    starts = np.random.default_rng(2).integers(0, 2, (50, 9))
    assert descend(scaled, starts).tolist() == descend(unit, starts).tolist()


def test_descend_of_a_constant_stays():
    flat = BinaryQuadratic(num_variables=2, linear=(0.0, 0.0), pairs=(), weights=())
    assert descend(flat, np.array([[0, 1]])).tolist() == [[0, 1]]


def test_descend_of_many_points_is_one_batch():
    """4,096 starts of 16 variables take 6 ms; a Python loop over them takes seconds."""
    problem = random_problem(16, 1)
    starts = np.random.default_rng(2).integers(0, 2, (4096, 16))
    began = time.process_time()
    descend(problem, starts)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("cardinality", [0, 2, 5])
def test_penalized_subtracts_the_squared_excess(cardinality):
    problem = random_problem(5, 3, cardinality=cardinality)
    folded = penalized(problem, 7.5)
    bits = outcome_bits(np.arange(32, dtype=np.uint64), 5)
    excess = bits.sum(axis=1).astype(float) - cardinality
    np.testing.assert_allclose(folded.values(bits), problem.values(bits) - 7.5 * excess**2, atol=1e-9)
    assert folded.cardinality is None


def test_penalized_without_a_cardinality_is_the_problem():
    assert penalized(SMALL, 3.0) is SMALL
