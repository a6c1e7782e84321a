"""Intervals and tests: textbook values, properties, and coverage by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.scoring.statistics import (
    MAX_EXACT_PAIRS,
    corrected_resampled_interval,
    holm,
    median_interval,
    paired_test,
    t_interval,
    time_to_solution,
    weighted_mean_interval,
    wilson_interval,
)

numbers = st.integers(-1000, 1000).map(lambda k: k / 8)  # exact in binary, so that order cannot change a sum
samples = st.lists(numbers, min_size=2, max_size=30)
confidences = st.floats(0.05, 0.995)


def test_wilson_interval_equals_the_reference_value():
    """With z = 1.959964, p = .03, n = 100: center (.03 + z2/200)/(1 + z2/100), half-width as in the formula."""
    assert wilson_interval(3, 100) == pytest.approx((0.0102545240, 0.0845193643), abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [
        pytest.param(0, 0, (0.0, 1.0), id="no trials say nothing"),
        pytest.param(0, 10, (0.0, 3.841459 / 13.841459), id="none: z2/(n+z2)"),
        pytest.param(10, 10, (10 / 13.841459, 1.0), id="all: n/(n+z2)"),
    ],
)
def test_wilson_interval_at_its_edges(successes, trials, expected):
    assert wilson_interval(successes, trials) == pytest.approx(expected, abs=1e-7)


def test_wilson_interval_of_rare_events_begins_where_they_have_5_percent():
    """1 - (1 - p)^100 = .05 at p = .000512801; of two, p = .00357 gives 1 - (1 - p)^100 - 100 p (1 - p)^99 = .05."""
    assert wilson_interval(1, 100)[0] == pytest.approx(1 - 0.95**0.01, rel=1e-9)
    p = wilson_interval(2, 100)[0]
    assert 1 - (1 - p) ** 100 - 100 * p * (1 - p) ** 99 == pytest.approx(0.05, rel=1e-9)
    for seen in (1, 2):
        low, high = wilson_interval(seen, 100)
        assert wilson_interval(100 - seen, 100) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-4, 0.9999), st.integers(1, 300))
@example(p=0.001767, n=100)
@example(p=0.2, n=1)
@example(p=0.48990, n=4)
def test_wilson_interval_never_covers_less_than_stated(p, n):
    """Exactly, by summing the binomial: 87.4 % at n = 4; without the modification 83.8 % at n = 100, 80 % at n = 1."""
    weight = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    ends = [wilson_interval(k, n) for k in range(n + 1)]
    assert sum(w for w, (low, high) in zip(weight, ends, strict=True) if low <= p <= high) > 0.87


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3), (0, -1)])
def test_wilson_interval_refuses_impossible_counts(successes, trials):
    with pytest.raises(ResultIntegrityError, match=f"{successes} successes in {trials} trials"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_interval_refuses_a_confidence_outside_0_and_1(confidence):
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        wilson_interval(1, 2, confidence=confidence)


@settings(deadline=None)
@given(trials=st.integers(1, 500), data=st.data(), confidence=confidences)
def test_wilson_interval_holds_the_share_and_grows_with_confidence(trials, data, confidence):
    successes = data.draw(st.integers(0, trials))
    low, high = wilson_interval(successes, trials, confidence=confidence)
    wide_low, wide_high = wilson_interval(successes, trials, confidence=0.999)
    assert 0 <= wide_low <= low <= successes / trials <= high <= wide_high <= 1


@pytest.mark.parametrize("p", [0.02, 0.3, 0.9])
def test_wilson_interval_covers_the_truth(p):
    """Exactly, by summing the binomial: the coverage at n=60 stays within 3 points of 95 %."""
    n = 60
    weight = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    covered = sum(w for k, w in enumerate(weight) if wilson_interval(k, n)[0] <= p <= wilson_interval(k, n)[1])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_t_interval_equals_the_textbook():
    """Values 1..5: mean 3, s^2 2.5, t(4; .975) = 2.776445; half-width 2.776445 sqrt(2.5/5) = 1.963243."""
    assert t_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-6)


def test_t_interval_covers_the_truth():
    """2,000 normal samples of 8: sigma of the share is .0049, so 4 sigma."""
    draws = np.random.default_rng(11).normal(3.0, 2.0, size=(2000, 8))
    hits = [low <= 3.0 <= high for low, high in map(t_interval, draws)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_intervals_of_fewer_than_two_values_are_unknown(values):
    assert t_interval(values) == (None, None)
    assert corrected_resampled_interval(values, test_share=0.2) == (None, None)


def test_intervals_refuse_values_that_are_not_finite():
    for interval in (t_interval, paired_test, median_interval):
        with pytest.raises(ResultIntegrityError, match="not finite"):
            interval([1.0, math.nan, 2.0])


def test_corrected_resampled_interval_equals_the_formula():
    """Five folds (test/train = .2/.8 = 1/4): variance factor 1/5 + 1/4 = .45 in place of 1/5."""
    folds = [0.90, 0.92, 0.94, 0.96, 0.98]  # mean .94, s^2 = .001
    half = 2.776445 * math.sqrt(0.001 * 0.45)
    assert corrected_resampled_interval(folds, test_share=0.2) == pytest.approx((0.94 - half, 0.94 + half), abs=1e-7)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2])
def test_corrected_resampled_interval_refuses_a_share_outside_0_and_1(share):
    with pytest.raises(ConfigurationError, match="test_share"):
        corrected_resampled_interval([0.9, 0.8], test_share=share)


@settings(deadline=None)
@given(samples, confidences)
def test_mean_intervals_hold_the_mean_and_grow_with_confidence(values, confidence):
    for interval in (t_interval, lambda v, **kw: corrected_resampled_interval(v, test_share=0.2, **kw)):
        low, high = interval(values, confidence=confidence)
        wide_low, wide_high = interval(values, confidence=0.999)
        assert wide_low <= low <= np.mean(values) <= high <= wide_high


@settings(deadline=None)
@given(samples, st.randoms(use_true_random=False))
def test_statistics_do_not_depend_on_the_order_of_instances(values, random):
    shuffled = random.sample(values, len(values))
    assert t_interval(shuffled) == pytest.approx(t_interval(values))
    assert paired_test(shuffled) == paired_test(values)
    assert median_interval(shuffled) == median_interval(values)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, st.integers(0, 5)), min_size=1, max_size=8))
def test_weighted_mean_interval_equals_the_interval_of_the_unfolded_sample(entries):
    values, counts = zip(*entries, strict=True)
    unfolded = np.repeat(values, counts)
    mean, low, high = weighted_mean_interval(values, counts)
    if unfolded.size:
        assert mean == pytest.approx(unfolded.mean())
    assert (low, high) == (t_interval(unfolded) if unfolded.size < 2 else pytest.approx(t_interval(unfolded), abs=1e-9))


def test_weighted_mean_interval_of_the_best_of_many_begins_lower():
    """Values 1..5, t(4; 1 - .025/5 = .995) = 4.604095 below and t(4; .975) = 2.776445 above, times sqrt(2.5/5)."""
    expected = (3, 3 - 4.604095 * math.sqrt(0.5), 3 + 2.776445 * math.sqrt(0.5))
    assert weighted_mean_interval([1, 2, 3, 4, 5], [1] * 5, chosen_from=5) == pytest.approx(expected, abs=1e-6)


def test_weighted_mean_interval_knows_what_it_cannot_know():
    assert weighted_mean_interval([], []) == (None, None, None)
    assert weighted_mean_interval([7.0, math.nan], [1, 0]) == (7.0, None, None)


@pytest.mark.parametrize(
    ("values", "counts", "message"),
    [
        pytest.param([1.0], [1, 2], "do not match", id="shape"),
        pytest.param([1.0, 2.0], [1, -1], "negative", id="negative"),
        pytest.param([math.inf, 2.0], [1, 1], "not finite", id="seen infinity"),
    ],
)
def test_weighted_mean_interval_refuses_what_is_no_sample(values, counts, message):
    with pytest.raises(ResultIntegrityError, match=message):
        weighted_mean_interval(values, counts)


@settings(deadline=None)
@given(samples, confidences, st.integers(1, 20))
def test_median_interval_holds_the_median_and_grows_with_confidence_and_choice(values, confidence, chosen_from):
    low, high, low_risk, high_risk = median_interval(values, confidence=confidence)
    wide = median_interval(values, confidence=0.999)
    chosen = median_interval(values, confidence=confidence, chosen_from=chosen_from)
    assert min(values) <= wide.low <= low <= np.median(values) <= high <= wide.high <= max(values)
    assert (chosen.low <= low, chosen.high) == (True, high)
    assert 0 < wide.low_risk <= low_risk == high_risk < 1


@pytest.mark.parametrize(
    ("size", "low", "risk"),
    [
        pytest.param(2, 1, 1 / 4, id="too few: the extremes hold the median with 1/2"),
        pytest.param(5, 1, 1 / 32, id="too few: 93.75 %"),
        pytest.param(6, 1, 1 / 64, id="1/64 < .025: the extremes"),
        pytest.param(8, 1, 1 / 256, id="9/256 > .025: still the extremes"),
        pytest.param(10, 2, 11 / 1024, id="11/1024 < .025 < 56/1024"),
        pytest.param(12, 3, 79 / 4096, id="79/4096 < .025 < 299/4096"),
    ],
)
def test_median_interval_is_a_known_pair_of_order_statistics(size, low, risk):
    """Values 1..n: the k-th least has value k, its risk is the sum of C(n, j) for j < k over 2^n."""
    assert median_interval(range(1, size + 1)) == pytest.approx((low, size + 1 - low, risk, risk))


def test_median_interval_of_the_best_of_many_begins_lower():
    """Of 12 values, 13/4096 = .0032 is at most .025 / 7 = .0036, 1/4096 at most .025 / 100."""
    values = range(1, 13)
    ends = [tuple(median_interval(values, chosen_from=number)[:2]) for number in (1, 7, 8, 100)]
    assert ends == [(3, 10), (2, 10), (1, 10), (1, 10)]
    assert median_interval(values, chosen_from=200).low_risk == pytest.approx(1 / 4096)  # above .025 / 200


def test_median_interval_of_one_instance_is_all_that_is_possible():
    assert median_interval([0.3], possible_range=(-1.0, 0.4)) == (-1.0, 0.4, 0.0, 0.0)
    assert median_interval([]) == (-math.inf, math.inf, 0.0, 0.0)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        pytest.param([], 1.0, id="nothing"),
        pytest.param([0.0] * 12, 1.0, id="ties only"),
        pytest.param([1.0] * 5, 1 / 32, id="five wins: one of 2^5 sign patterns"),
        pytest.param([-1.0] * 5, 1.0, id="five losses"),
        pytest.param([1.0, 2.0, 3.0, -1.5, 0.0, 0.0], 3 / 16, id="Pratt ranks 3 5 6 -4: negative sum <= 4 in 3 of 16"),
        pytest.param([1.0, 1.0, -1.0], 4 / 8, id="shared ranks: at most one negative in 4 of 8"),
    ],
)
def test_paired_test_counts_sign_patterns(differences, expected):
    assert paired_test(differences) == pytest.approx(expected, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_paired_test_equals_brute_force_over_all_signs(differences):
    """Every sign pattern of the ranked non-zero magnitudes, ties and zeros included."""
    size = [abs(d) for d in differences]
    rank = [sum(s < t for s in size) + (size.count(t) + 1) / 2 for t in size]
    used = [(r, d) for r, d in zip(rank, differences, strict=True) if d]
    observed = sum(r for r, d in used if d > 0)
    patterns = [
        sum(r for (r, _), sign in zip(used, signs, strict=True) if sign)
        for signs in itertools.product([0, 1], repeat=len(used))
    ]
    assert paired_test(differences) == pytest.approx(np.mean([total >= observed for total in patterns]))


def test_paired_test_is_continuous_where_counting_ends():
    """The exact and the normal tail agree to 1e-3 at the size where one replaces the other."""
    values = np.random.default_rng(2).normal(0.08, 1.0, size=MAX_EXACT_PAIRS)
    exact = paired_test(values)
    approximate = paired_test([*values, 1e-9])  # one more pair, of the lowest rank
    assert 0.01 < exact < 0.5
    assert approximate == pytest.approx(exact, abs=2e-3)


def test_paired_test_keeps_its_level():
    """2,000 null samples of 12: at most 5 % are significant, up to 3 sigma (.0146)."""
    draws = np.random.default_rng(31).standard_t(3, size=(2000, 12))
    assert np.mean([paired_test(d) < 0.05 for d in draws]) < 0.05 + 0.0146


def test_holm_adjusts_step_by_step():
    """Sorted .01 .02 .04 .05 times 4 3 2 1: .04 .06 .08 .08 (never decreasing)."""
    assert holm([0.04, 0.01, 0.05, 0.02]) == pytest.approx((0.08, 0.04, 0.08, 0.06))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == ()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_holm_never_lowers_a_p_value_and_follows_the_order_given(p_values, random):
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = random.sample(range(len(p_values)), len(p_values))
    assert holm([p_values[k] for k in order]) == tuple(adjusted[k] for k in order)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_holm_refuses_what_is_no_p_value(p):
    with pytest.raises(ResultIntegrityError, match="not between 0 and 1"):
        holm([0.5, p])


def test_time_to_solution_equals_the_formula():
    """At p = .5, ln .01 / ln .5 = 6.643856 samples of 2 s; one sample where p >= .99."""
    assert time_to_solution(0.5, 0.995, 2.0) == pytest.approx((2.0, 13.287712), abs=1e-6)


def test_time_to_solution_without_success_is_a_lower_bound_only():
    """0 of 100: upper Wilson end 3.841459/103.841459 = .036993, so at least ln .01 / ln(1 - .036993) = 122.17 s."""
    low, high = time_to_solution(*wilson_interval(0, 100), 1.0)
    assert low == pytest.approx(122.17, abs=0.01)
    assert high is None
    assert time_to_solution(5e-324, 0.5, 1.0)[1] is None  # a smallest float would overflow to infinity


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0.001, 1), st.floats(0, 1e6))
def test_time_to_solution_is_ordered_and_finite(a, b, seconds):
    p_low, p_high = sorted((a, b))
    low, high = time_to_solution(p_low, p_high, seconds)
    assert seconds <= low < math.inf
    assert high is None or low <= high < math.inf


@pytest.mark.parametrize(
    ("p_low", "p_high", "seconds"),
    [(0.0, 0.0, 1.0), (0.5, 0.4, 1.0), (0.1, 1.1, 1.0), (0.1, 0.2, -1.0), (0.1, 0.2, math.inf)],
)
def test_time_to_solution_refuses_what_is_no_measurement(p_low, p_high, seconds):
    with pytest.raises(ResultIntegrityError):
        time_to_solution(p_low, p_high, seconds)
