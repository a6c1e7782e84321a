"""What errors and chance explain: a sound backend is hardly ever outside, a wrong one is not inside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from hybrid_assets.circuits.reference import reference_kernels
from hybrid_assets.scoring import tolerance as rule
from hybrid_assets.scoring.tolerance import FALSE_ALARM, Moments, chance_bounds, readout_bias, tolerance

SHOTS = 768
KERNELS = {kernel.logical.label: kernel for kernel in reference_kernels(SHOTS)}
#: Expected success of each kernel's circuit on a device of today (ibm_torino's snapshot, rounded down).
SUCCESS = {"bits": 0.96, "bell": 0.97, "ghz4": 0.94, "rotation": 0.99, "phase": 0.99, "ring_qaoa": 0.83}


def explained(kernel, *, success, bias=0.0, shots=SHOTS):
    """Return what is explained of a reference kernel."""
    return tolerance(
        Moments(mean=kernel.ideal, square=kernel.ideal_square),
        Moments(mean=kernel.uniform, square=kernel.uniform_square),
        success=success,
        bias=bias,
        shots=shots,
    )


def two_valued(*means):
    return Moments(mean=np.array(means), square=np.array(means))


# --- chance


@given(mean=st.floats(0, 1), shots=st.integers(1, 3000))
@settings(deadline=None)
def test_an_average_of_bits_is_outside_its_bounds_as_rarely_as_promised(mean, shots):
    """Exactly, by the binomial law: no simulation, no luck."""
    low, high = chance_bounds(mean, mean * (1 - mean), shots)
    below = binom.cdf(math.ceil(low * shots - 1e-6) - 1, shots, mean)
    above = binom.sf(math.floor(high * shots + 1e-6), shots, mean)
    assert below <= FALSE_ALARM / 2 * 1.0001
    assert above <= FALSE_ALARM / 2 * 1.0001


def test_bounds_of_bits_are_where_the_divergence_reaches_the_exponent():
    """Mean 1/2, 768 shots: x ln 2x + (1 - x) ln 2(1 - x) = ln(2/5.73e-7)/768 = 0.01961 at x = 0.5988."""
    assert pytest.approx(5.733e-7, rel=1e-3) == FALSE_ALARM
    low, high = chance_bounds(0.5, 0.25, SHOTS)
    assert (low, high) == pytest.approx((1 - 0.5988, 0.5988), abs=1e-4)
    assert high * math.log(2 * high) + (1 - high) * math.log(2 * (1 - high)) == pytest.approx(
        math.log(2 / FALSE_ALARM) / SHOTS
    )


@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0])
def test_what_is_certain_must_be_seen(mean):
    assert chance_bounds(mean, 0.0, SHOTS) == (mean, mean)


@pytest.mark.parametrize("weight", [1.0, 0.6, 0.0])
def test_values_between_0_and_1_are_outside_as_rarely_as_promised(weight):
    """The share of cut edges is 0, 1/3, 2/3 or 1; its sum over 768 shots has an exact law, by convolution."""
    kernel = KERNELS["ring_qaoa"]
    law = _law_of_share(kernel, weight)
    shares = np.arange(4) / 3
    mean = float(law @ shares)
    low, high = chance_bounds(mean, float(law @ shares**2) - mean**2, SHOTS)
    total = _convolved(law, SHOTS)
    thirds = np.arange(total.size) / (3 * SHOTS)
    assert total[thirds < low - 1e-12].sum() <= FALSE_ALARM / 2
    assert total[thirds > high + 1e-12].sum() <= FALSE_ALARM / 2
    assert high - low < np.subtract(*chance_bounds(mean, mean * (1 - mean), SHOTS)[::-1])  # knowing the variance pays


def _law_of_share(kernel, weight):
    """Return the law of the share of cut edges of row 0 with errors that leave ``weight`` of it: P(0), P(1/3) ..."""
    from hybrid_assets.testing.fake_execution import exact_probabilities

    outcomes = weight * exact_probabilities(kernel.logical)[0] + (1 - weight) / 64
    return np.bincount(np.rint(3 * kernel.values[0]).astype(int), weights=outcomes, minlength=4)


def _convolved(law, times):
    """Return the law of the sum of so many draws."""
    size = 1 << (3 * times).bit_length()
    power = np.fft.rfft(law, size) ** times
    return np.clip(np.fft.irfft(power, size)[: 3 * times + 1], 0.0, None)


# --- errors


@given(label=st.sampled_from(sorted(set(KERNELS) - {"ring_qaoa"})), success=st.floats(0, 1), part=st.floats(0, 1))
@settings(deadline=None)
def test_a_backend_with_errors_as_expected_passes(label, success, part):
    """Any weight from s^3 to 1: the false alarm of each row is what is promised, exactly."""
    kernel = KERNELS[label]
    found = explained(kernel, success=success)
    weight = success**3 + part * (1 - success**3)
    mean = np.clip(kernel.uniform + weight * (kernel.ideal - kernel.uniform), 0.0, 1.0)
    below = binom.cdf(np.ceil(found.low * SHOTS - 1e-6) - 1, SHOTS, mean)
    above = binom.sf(np.floor(found.high * SHOTS + 1e-6), SHOTS, mean)
    # The weights looked at are nine; between two of them the chance may be a little more than at both.
    assert (below + above).max() <= 2 * FALSE_ALARM


@pytest.mark.parametrize("success", [0.0, 0.5, 0.83, 0.97])
def test_nine_strengths_of_errors_are_as_good_as_three_hundred(success, monkeypatch):
    kernel = KERNELS["ring_qaoa"]
    found = explained(kernel, success=success)
    monkeypatch.setattr(rule, "_STRENGTHS", 300)
    finely = explained(kernel, success=success)
    assert found.low == pytest.approx(finely.low, abs=1e-3)
    assert found.high == pytest.approx(finely.high, abs=1e-3)


def test_more_errors_explain_more():
    kernel = KERNELS["ring_qaoa"]
    widths = [(f.high - f.low)[0] for f in (explained(kernel, success=s) for s in (1.0, 0.9, 0.8, 0.5))]
    assert widths == sorted(widths)


@given(p=st.floats(0, 1), a=st.floats(0, 0.2), b=st.floats(0, 0.2))
@settings(deadline=None)
def test_a_readout_that_errs_more_often_one_way_is_explained(p, a, b):
    """P(1) is read as p (1 - b) + (1 - p) a, exactly; success is that of the target's ``measure``, 1 - (a + b)/2."""
    bias = readout_bias(np.ones((1, 1)), [(a, b)])
    found = tolerance(two_valued(p), two_valued(0.5), success=1 - (a + b) / 2, bias=bias, shots=10**12)
    assert found.holds(np.array([p * (1 - b) + (1 - p) * a])).all()


def test_the_bias_adds_up_over_bits_by_their_influence():
    """1.5 x (0.02/2 x 1 + 0.04/2 x 0.5) = 0.03; a readout that is not known has none."""
    assert readout_bias(np.array([[1.0, 0.5]]), [(0.01, 0.03), (0.05, 0.01)]) == pytest.approx([0.03])
    assert readout_bias(np.array([[1.0, 0.5]]), []) == pytest.approx([0.0])


# --- power


@pytest.mark.parametrize("label", KERNELS)
def test_random_bits_are_noticed_on_a_device_of_today(label):
    kernel = KERNELS[label]
    assert explained(kernel, success=SUCCESS[label]).has_power
    assert not explained(kernel, success=0.3).has_power


def _swapped_bits(outcomes, n):
    return sum((outcomes >> bit & 1) << (n - 1 - bit) for bit in range(n))


@pytest.mark.parametrize(
    ("label", "mistake"),
    [
        *((label, "uniform") for label in KERNELS),
        *((label, "rows") for label in ("bits", "ghz4", "rotation", "phase", "ring_qaoa")),
        *((label, "zeros") for label in KERNELS),
        ("bits", "reversed bits"),
    ],
)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_mistake_is_noticed_on_a_device_of_today(label, mistake, seed):
    """Whatever the shots: the mistaken value lies further out than chance reaches."""
    from hybrid_assets.testing.fake_execution import exact_probabilities

    kernel = KERNELS[label]
    exact, n = exact_probabilities(kernel.logical), kernel.logical.circuit.num_qubits
    laws = {
        "uniform": np.full_like(exact, 1 / exact.shape[1]),
        "rows": exact[::-1],
        "zeros": np.eye(1, exact.shape[1]).repeat(len(exact), axis=0),
        "reversed bits": exact[:, _swapped_bits(np.arange(exact.shape[1]), n)],
    }
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.multinomial(SHOTS, law / law.sum()) for law in laws[mistake]]) / SHOTS
    observed = (drawn * kernel.values).sum(axis=1)
    assert not explained(kernel, success=SUCCESS[label], bias=0.015).holds(observed).all()
