"""The search: what a surrogate makes of noisy points, what it asks for next and when there is nothing left to gain."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_assets.workloads._angle_search import Measured, best_point, first_points, fit, next_step


def hill(points, top=(0.8, -0.4)):
    """A smooth hill of height 10 whose top is within the first round's radius."""
    return 10.0 - ((points - np.array(top)) ** 2).sum(axis=1)


def measured_of(points, error=0.0, seed=0, function=hill):
    noise = error * np.random.default_rng(seed).normal(size=len(points))
    return Measured(points=points, means=function(points) + noise, errors=np.full(len(points), error))


def searched(rounds, *, error, seed, size=8):
    measured = measured_of(first_points(size, 2, seed=seed), error, seed)
    for index in range(1, rounds):
        step = next_step(measured, round_index=index, size=size, seed=seed + index)
        new = measured_of(step.points, error, seed + 100 * index)
        measured = Measured(
            **{k: np.concatenate([getattr(measured, k), getattr(new, k)]) for k in ("points", "means", "errors")}
        )
    return measured


@pytest.mark.parametrize(("size", "dims"), [(4, 2), (8, 2), (8, 4), (32, 4)])
def test_first_points_are_the_start_and_a_spread_of_two_radii(size, dims):
    points = first_points(size, dims, seed=1)
    radii = np.linalg.norm(points, axis=1)
    assert points.shape == (size, dims)
    assert radii[0] == 0.0
    assert radii[1:] == pytest.approx(np.where((np.arange(1, size) - 1) // (2 * dims) % 2 == 0, 1.0, 0.5))
    assert np.linalg.matrix_rank(points[1 : 1 + dims]) == min(dims, size - 1)
    assert np.array_equal(points, first_points(size, dims, seed=1))
    assert not np.array_equal(points, first_points(size, dims, seed=2))


def test_surrogate_without_noise_passes_through_the_points_and_is_sure_there():
    measured = measured_of(first_points(12, 2, seed=3))
    mean, covariance = fit(measured).predict(measured.points)
    assert mean == pytest.approx(measured.means, abs=1e-3)
    assert np.diag(covariance).max() < 1e-4 < np.diag(fit(measured).predict(np.full((1, 2), 3.0))[1])


def test_best_point_is_not_a_lucky_one_among_poor_neighbors():
    """30 points on a slope of 1 a unit with errors of .5; a point at the low end is 2 too high, above all others."""
    x = np.linspace(-1, 1, 30)
    means = x.copy()
    means[2] += 2.0
    measured = Measured(points=np.column_stack([x, 0 * x]), means=means, errors=np.full(30, 0.5))
    assert means.argmax() == 2
    assert x[best_point(measured)] > 0.5


def test_search_without_noise_climbs_to_the_top():
    measured = searched(5, error=0.0, seed=1)
    assert hill(measured.points)[best_point(measured)] > 10.0 - 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_search_with_noise_gets_near_the_top(seed):
    """The start is at 10 - .64 - .16 = 9.2; noise is a quarter of the climb."""
    measured = searched(5, error=0.2, seed=seed)
    assert hill(measured.points)[best_point(measured)] > 10.0 - 0.2


def test_next_step_is_the_same_for_the_same_seed_only():
    measured = measured_of(first_points(8, 4, seed=1), function=lambda p: -(p**2).sum(axis=1))
    one, again, other = (next_step(measured, round_index=1, size=6, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(one.points, again.points)
    assert one.predicted_gain == again.predicted_gain
    assert not np.array_equal(one.points, other.points)
    assert one.points.shape == (6, 4)
    assert len(np.unique(one.points, axis=0)) == 6


def test_next_step_keeps_nearer_to_the_incumbent_in_later_rounds():
    measured = searched(3, error=0.05, seed=2)
    center = measured.points[best_point(measured)]
    far = [
        np.linalg.norm(next_step(measured, round_index=index, size=8, seed=1).points - center, axis=1).max()
        for index in (1, 6)
    ]
    assert far[1] < far[0] / 2


def test_predicted_gain_falls_as_the_top_is_found():
    gains = [next_step(searched(r, error=0.0, seed=1), round_index=r, size=8, seed=9).predicted_gain for r in (1, 3, 5)]
    assert gains[0] > 0.05
    assert gains[0] > 10 * max(gains[1:])


def test_predicted_gain_of_a_constant_is_rounding():
    measured = measured_of(first_points(8, 2, seed=1), function=lambda p: np.full(len(p), 7.0))
    assert next_step(measured, round_index=1, size=4, seed=1).predicted_gain < 1e-9
