"""Repair and swap descent."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings

from hybrid_assets.scoring import local_search
from hybrid_assets.scoring.local_search import coupling_matrix, descend_by_swaps, random_points, restore_cardinality
from hybrid_assets_tests.unit.baselines.quadratics import portfolio, problems, quadratic


def swap_neighbors(point):
    for i, j in product(np.flatnonzero(point == 1), np.flatnonzero(point == 0)):
        neighbor = point.copy()
        neighbor[i], neighbor[j] = 0, 1
        yield neighbor


def test_coupling_matrix_is_symmetric():
    matrix = coupling_matrix(quadratic(3, {(0, 2): 5.0}))
    assert matrix.tolist() == [[0, 0, 5.0], [0, 0, 0], [5.0, 0, 0]]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_repaired_points_are_feasible_and_feasible_points_stay(problem):
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, size=(20, problem.num_variables), dtype=np.uint8)
    repaired = restore_cardinality(problem, bits)
    assert problem.feasible(repaired).all()
    assert set(np.unique(repaired)) <= {0, 1}
    kept = problem.feasible(bits)
    assert (repaired[kept] == bits[kept]).all()


def test_repair_takes_the_cheapest_flips():
    """From nothing to two ones: 2 is worth 5, then 0 is worth 3 + 1 with it, 1 only 3.5."""
    problem = quadratic(3, {(0, 2): 1.0}, linear=(3.0, 3.5, 5.0), cardinality=2)
    assert restore_cardinality(problem, np.zeros((1, 3), dtype=int)).tolist() == [[1, 0, 1]]
    # From all ones, dropping 1 costs 3.5, dropping 0 costs 4, dropping 2 costs 6.
    assert restore_cardinality(problem, np.ones((1, 3), dtype=int)).tolist() == [[1, 0, 1]]


def test_repair_of_an_impossible_cardinality_ends_with_all_ones():
    problem = quadratic(3, {}, cardinality=5)
    assert restore_cardinality(problem, np.zeros((2, 3), dtype=int)).tolist() == [[1, 1, 1]] * 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problem=problems())
def test_swap_descent_keeps_the_ones_and_ends_where_no_swap_helps(problem):
    starts = np.random.default_rng(2).integers(0, 2, size=(6, problem.num_variables), dtype=np.uint8)
    ends = descend_by_swaps(problem, starts)
    assert (ends.sum(axis=1) == starts.sum(axis=1)).all()
    assert (problem.values(ends) >= problem.values(starts) - 1e-9).all()
    for end in ends:
        value = problem.values(end[None, :])[0]
        assert all(problem.values(near[None, :])[0] <= value + 1e-9 for near in swap_neighbors(end))


def test_swap_descent_in_blocks_gives_the_same_points(monkeypatch):
    problem = portfolio(9, 4)
    starts = random_points(problem, num_points=50, rng=np.random.default_rng(3))
    whole = descend_by_swaps(problem, starts)
    monkeypatch.setattr(local_search, "BLOCK_ENTRIES", 7 * 81)
    assert (descend_by_swaps(problem, starts) == whole).all()


def test_random_points_are_uniform_among_the_feasible():
    """4 choose 2 = 6 points, 6000 draws: 1000 each, standard error sqrt(6000 * 1/6 * 5/6) = 28.9, five sigma 145."""
    problem = quadratic(4, {}, cardinality=2)
    points = random_points(problem, num_points=6000, rng=np.random.default_rng(4))
    counts = np.unique(points @ (1 << np.arange(4)), return_counts=True)[1]
    assert problem.feasible(points).all()
    assert counts.size == 6
    assert np.abs(counts - 1000).max() < 145
