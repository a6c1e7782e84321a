"""Sampling and operations on distributions, against theory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.providers._sampling import mixed_with_uniform, sample, with_readout_error


def _distribution(num_bits: int, seed: int) -> np.ndarray:
    weights = np.random.default_rng(seed).random(1 << num_bits) ** 3
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("num_bits", "shots"),
    [pytest.param(3, 200_000, id="multinomial"), pytest.param(14, 4000, id="inverse-cdf")],
)
def test_sample_follows_distribution(num_bits, shots):
    """Chi-square over the outcomes (rare ones pooled to 8 bins) stays under the 1 - 1e-6 quantile."""
    p = _distribution(num_bits, 5)
    counts = sample([p[None, :]], num_bits=num_bits, shots=shots, seed=11)
    seen = np.zeros(1 << num_bits)
    seen[counts.outcomes.astype(int)] = counts.counts
    bins = np.arange(1 << num_bits) % 8
    expected = shots * np.bincount(bins, weights=p)
    statistic = float(((np.bincount(bins, weights=seen) - expected) ** 2 / expected).sum())
    assert statistic < chi2.ppf(1 - 1e-6, df=7)


@pytest.mark.parametrize("num_bits", [2, 14])
def test_sample_gives_valid_counts_in_outcome_order(num_bits):
    rows = np.stack([_distribution(num_bits, seed) for seed in range(3)])
    counts = sample([rows], num_bits=num_bits, shots=500, seed=1)
    counts.verify(num_bits=num_bits, rows=3, shots=500)
    assert counts.outcomes.dtype == np.uint64
    assert all(np.all(np.diff(counts.row(r)[0].astype(int)) > 0) for r in range(3))


def test_sample_does_not_depend_on_chunks():
    rows = np.stack([_distribution(6, seed) for seed in range(5)])
    whole = sample([rows], num_bits=6, shots=100, seed=9)
    split = sample([rows[:2], rows[2:]], num_bits=6, shots=100, seed=9)
    assert np.array_equal(whole.outcomes, split.outcomes)
    assert np.array_equal(whole.counts, split.counts)


def test_sample_depends_on_seed():
    rows = _distribution(6, 1)[None, :]
    first, second = (sample([rows], num_bits=6, shots=100, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.counts, second.counts)


def test_sample_of_certain_outcome_is_that_outcome():
    """An outcome of probability 0 is never drawn, at either end of the table."""
    for num_bits in (2, 14):
        row = np.zeros((1, 1 << num_bits))
        row[0, 2] = 1.0
        counts = sample([row], num_bits=num_bits, shots=300, seed=0)
        assert (counts.outcomes.tolist(), counts.counts.tolist()) == ([2], [300])


@pytest.mark.parametrize("row", [[0.5, 0.4], [np.nan, 1.0], [2.0, 2.0]])
def test_sample_refuses_what_is_no_distribution(row):
    with pytest.raises(ResultIntegrityError, match="instead of 1"):
        sample([np.array([row])], num_bits=1, shots=10, seed=0)


def test_readout_error_of_one_bit():
    """P(1|0) = .1 and P(0|1) = .2 turn (.5, .5) into (.5 x .9 + .5 x .2, .5 x .1 + .5 x .8) = (.55, .45)."""
    assert with_readout_error(np.array([[0.5, 0.5]]), [(0.1, 0.2)])[0] == pytest.approx([0.55, 0.45])


def test_readout_error_acts_on_its_own_bit():
    """Only bit 1 errs, so outcome 0 (00) leaks to outcome 2 (10)."""
    rows = np.array([[1.0, 0.0, 0.0, 0.0]])
    assert with_readout_error(rows, [(0.0, 0.0), (0.3, 0.0)])[0] == pytest.approx([0.7, 0.0, 0.3, 0.0])


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_readout_error_equals_kronecker_product_of_confusion_matrices(num_bits, seed):
    generator = np.random.default_rng(seed)
    errors = [tuple(generator.random(2)) for _ in range(num_bits)]
    rows = generator.dirichlet(np.ones(1 << num_bits), size=2)
    matrix = np.ones((1, 1))
    for up, down in errors:  # bit 0 is the last factor
        matrix = np.kron(np.array([[1 - up, down], [up, 1 - down]]), matrix)
    assert with_readout_error(rows, errors) == pytest.approx(rows @ matrix.T)


def test_mixture_keeps_the_sum_and_moves_to_uniform():
    """.6 x (1, 0, 0, 0) + .4 / 4 = (.7, .1, .1, .1)."""
    assert mixed_with_uniform(np.array([[1.0, 0, 0, 0]]), 0.6)[0] == pytest.approx([0.7, 0.1, 0.1, 0.1])
