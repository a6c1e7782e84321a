"""Text of the report: nothing in it is markup, nothing is wider than it may be."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.model.text import plural
from hybrid_assets.report.words import escape, fitted, interval, number, seconds, width_of
from hybrid_assets_tests.unit.report.geometry import width


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@given(st.text())
def test_no_text_becomes_markup(text):
    parser = _Tags()
    parser.feed(f'<p title="{escape(text)}">{escape(text)}</p>')
    parser.close()
    assert [tag for tag, _ in parser.tags] == ["p"]
    assert list(parser.tags[0][1]) == ["title"]


@given(st.text())
def test_an_escaped_text_can_be_written_and_holds_no_invisible_character(text):
    shown = escape(text)
    assert shown.encode().decode() == shown
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_a_direction_override_is_shown_not_obeyed():
    assert escape("a\u202eb\x00") == "a\\x202eb\\x00"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_a_text_is_never_wider_than_it_is_taken_for(text):
    assert width(text, 11) <= width_of(text, 11) + 1e-9


@given(st.text(st.characters(min_codepoint=32, max_codepoint=500), max_size=120), st.floats(0, 400))
def test_a_fitted_text_fits(text, room):
    assert width_of(fitted(text, 11, room), 11) <= room or fitted(text, 11, room) == ""


def test_a_cut_text_keeps_its_beginning_and_its_end():
    short = fitted("kernel_classification/emulator/compiled_circuits", 11, 200)
    assert short.startswith("kernel_cl")
    assert short.endswith("circuits")
    assert "…" in short


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, "\u2013", id="missing"),
        pytest.param(math.nan, "\u2013", id="nan"),
        pytest.param(math.inf, "\u2013", id="infinite"),
        pytest.param(0.123456, "0.1235", id="four digits"),
        pytest.param(-0.0, "0", id="no negative zero"),
        pytest.param(1234567, "1,234,567", id="integer"),
        pytest.param(123456.7, "123,457", id="large"),
        pytest.param("text", "text", id="text"),
    ],
)
def test_numbers(value, expected):
    assert number(value) == expected


def test_intervals_durations_and_plurals():
    assert interval(0.1, -0.25, 1.0, 0.95) == "+0.1 [-0.25, +1]"
    assert interval(0.1, -0.25, 1.0, 0.97, sign=False) == "0.1 [-0.25, 1]"
    assert [interval(0.1, -0.25, 1.0, worth) for worth in (0.9375, None)] == ["+0.1 (too few instances)"] * 2
    assert interval(None, None, None, None) == "\u2013"
    assert [seconds(None), seconds(0.0123), seconds(12.5), seconds(0)] == ["\u2013", "12.3 ms", "12.5 s", "0 s"]
    assert [plural(1, "night"), plural(2, "night"), plural(0, "entry", "entries")] == [
        "1 night",
        "2 nights",
        "0 entries",
    ]
