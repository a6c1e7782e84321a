"""Scales and ticks, for any numbers."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.report.scales import linear_scale, log_scale, nice_ticks, tick_texts

NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(st.lists(NUMBERS, max_size=20), st.integers(2, 8))
def test_a_linear_scale_holds_all_values_and_keeps_their_order(values, count):
    scale = linear_scale(values, start=200, end=10, count=count)
    assert scale.low < scale.high
    assert all(scale.low <= value <= scale.high for value in values)
    pixels = [scale(value) for value in sorted(values)]
    assert all(10 <= pixel <= 200 for pixel in pixels)
    assert all(a >= b for a, b in pairwise(pixels))


@given(st.lists(NUMBERS, max_size=20), st.integers(2, 8))
def test_ticks_are_few_inside_the_scale_and_told_apart(values, count):
    scale = linear_scale(values, start=200, end=10, count=count)
    assert 1 <= len(scale.ticks) <= 2 * count + 1
    assert all(a < b for a, b in pairwise(scale.ticks))
    assert all(10 - 1e-6 <= scale(tick) <= 200 + 1e-6 for tick in scale.ticks)
    assert len(set(scale.tick_texts())) == len(scale.ticks)


@given(NUMBERS, st.integers(1, 30))
def test_values_without_any_variance_are_drawn_inside(value, number):
    scale = linear_scale([value] * number, start=0, end=100)
    assert 0 < scale(value) < 100


@given(st.lists(NUMBERS.filter(lambda value: value >= 0), min_size=1))
def test_what_must_be_on_a_scale_has_no_margin(values):
    scale = linear_scale(values, start=100, end=0, include=(0.0,))
    assert scale.low == 0
    assert scale(0.0) == 100


@given(st.lists(st.floats(1e-6, 1e6), max_size=20))
def test_a_log_scale_holds_all_values_between_powers_of_ten(values):
    scale = log_scale(values, start=0, end=300)
    assert all(scale.low <= value * (1 + 1e-6) and value <= scale.high * (1 + 1e-6) for value in values)
    assert len(scale.ticks) <= 7
    assert all(math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9) for tick in scale.ticks)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(0, 10, [0, 2, 4, 6, 8, 10], id="tens"),
        pytest.param(0.7, 1.0, [0.7, 0.8, 0.9, 1.0], id="tenths"),
        pytest.param(-1, 1, [-1, -0.5, 0, 0.5, 1], id="around zero"),
        pytest.param(0, 23, [0, 5, 10, 15, 20], id="fives"),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert nice_ticks(low, high) == pytest.approx(expected)


def test_ticks_have_as_many_digits_as_tell_them_apart_and_no_negative_zero():
    assert tick_texts([-0.5, -0.0, 0.5]) == ["-0.5", "0.0", "0.5"]
    assert tick_texts([0.0042, 0.0043]) == ["0.0042", "0.0043"]
    assert tick_texts([0, 100, 200]) == ["0", "100", "200"]
