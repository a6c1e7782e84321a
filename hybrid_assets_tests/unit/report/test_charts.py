"""Charts of any data: no text leaves the drawing or covers another one, every value is where its axis says."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.report.cards.physics import LEAST_NIGHTS, drift_words, rank_interval
from hybrid_assets.report.plots import Axes, Point, Series, draw_plot
from hybrid_assets.report.strips import COVERAGE, Bar, Lane, draw_coverage, draw_lanes, draw_waterfall
from hybrid_assets_tests.unit.report.geometry import flaws

NAMES = st.one_of(
    st.sampled_from(["aer", "emulator", "W" * 40, "<b>&", "kernel_classification on emulator", ""]),
    st.text(st.characters(min_codepoint=32, max_codepoint=400), max_size=90),
)
VALUES = st.one_of(st.just(1.0), st.just(0.0), st.floats(-1e5, 1e5), st.floats(-1, 1), st.floats(0.004, 0.0045))
WIDTHS = st.sampled_from([360.0, 540.0, 1120.0])
START = date(2026, 11, 1)
_LENGTH = re.compile(r"h([\d.]+)")


@st.composite
def plots(draw):
    nights = draw(st.integers(1, 60))
    series = []
    for index in range(draw(st.integers(0, 6))):
        points = []
        for position in draw(st.lists(st.integers(0, nights - 1), max_size=nights, unique=True)):
            low, middle, high = sorted(draw(st.tuples(VALUES, VALUES, VALUES)))
            has_interval = draw(st.booleans())
            points.append(Point(x=position, y=middle, low=low if has_interval else None,
                                high=high if has_interval else None, title="t"))  # fmt: skip
        series.append(Series(name=draw(NAMES), points=points, color=index))
    names = [f"{START + timedelta(days=day):%m-%d}" for day in range(nights)]
    axes = Axes(label=draw(NAMES), x_title=draw(NAMES), y_title=draw(NAMES), names=names if draw(st.booleans()) else (),
                lines=[(draw(VALUES), draw(NAMES))] if draw(st.booleans()) else ())  # fmt: skip
    return draw_plot(axes, series, width=draw(WIDTHS))


@given(plots())
@settings(max_examples=80, deadline=None)
def test_no_text_of_a_plot_is_clipped_or_covered(svg):
    assert flaws(svg) == []


@given(st.lists(st.floats(1e-6, 1e6), max_size=20), WIDTHS, NAMES)
@settings(max_examples=40, deadline=None)
def test_no_text_of_a_logarithmic_plot_is_clipped_or_covered(values, width, name):
    points = [Point(x=value, y=value, title="t", is_marked=True) for value in values]
    axes = Axes(label="l", x_title=name, y_title="y", is_x_log=True)
    assert flaws(draw_plot(axes, [Series(name=name, points=points, color=0)], width=width)) == []


@given(st.lists(st.tuples(NAMES, st.floats(0, 1e5), st.floats(0, 1e5), NAMES), min_size=1, max_size=30), WIDTHS)
@settings(max_examples=40, deadline=None)
def test_no_text_of_a_waterfall_is_clipped_or_covered(rows, width):
    bars = [Bar(name=name, start_s=at, parts=(("queue", length), ("bar s1", 1.0)), note=note, title="t")
            for name, at, length, note in rows]  # fmt: skip
    assert (
        flaws(draw_waterfall(bars, label="l", legend=(("queue", "in the queue"), ("bar s1", "runs")), width=width))
        == []
    )


@given(
    st.lists(st.tuples(NAMES, st.lists(st.tuples(st.floats(0, 1e5), st.integers(1, 10**6)), max_size=20)), max_size=6),
    WIDTHS,
)
@settings(max_examples=40, deadline=None)
def test_no_text_of_the_batches_is_clipped_or_covered(rows, width):
    lanes = [Lane(name=name, batches=[(at, size, "t") for at, size in made], states=[(0.0, 1.0, "open", "t")])
             for name, made in rows]  # fmt: skip
    assert flaws(draw_lanes(lanes, label="l", legend=(("bar s0", "kernels"),), width=width)) == []


@given(
    st.lists(NAMES, min_size=1, max_size=12, unique=True),
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.integers(1, 60),
    st.randoms(),
)
@settings(max_examples=40, deadline=None)
def test_the_coverage_is_legible_and_draws_each_cell_once(rows, columns, number, chance):
    nights = [START + timedelta(days=day) for day in range(number)]
    states = [*COVERAGE][:-1]
    cells = {
        (row, column): {night: chance.choice(states) for night in nights if chance.random() < 0.8}
        for row in rows
        for column in columns
    }
    svg = draw_coverage(cells, rows=rows, columns=columns, nights=nights, width=1120, label="l")
    assert flaws(svg) == []
    drawn = {
        path.attrib["class"].removeprefix("cover-"): [float(n) + 0.8 for n in _LENGTH.findall(path.attrib["d"])]
        for path in ET.fromstring(svg).iter("path")  # noqa: S314 - made by the code under test
    }
    wanted = dict.fromkeys(COVERAGE, 0)
    for row in rows:
        for column in columns:
            for night in nights:
                wanted[cells[row, column].get(night, "absent")] += 1
    cell = sum(map(sum, drawn.values())) / (len(rows) * len(columns) * number)
    counted = {state: round(sum(lengths) / cell) for state, lengths in drawn.items()}
    assert counted == {state: count for state, count in wanted.items() if count}


def test_a_value_is_drawn_where_the_axis_says():
    values = [0.71, 0.8, 0.93, 0.65]
    axes = Axes(label="l", x_title="x", y_title="y", names=["a", "b", "c", "d"])
    points = [Point(x=i, y=v, title="t") for i, v in enumerate(values)]
    svg = draw_plot(axes, [Series(name="s", color=0, points=points)], width=540)
    root = ET.fromstring(svg)  # noqa: S314 - made by the code under test
    ticks = {float(n.text): float(n.attrib["y"]) - 4 for n in root.iter("text") if n.attrib.get("text-anchor") == "end"
             and re.fullmatch(r"[\d.]+", n.text)}  # fmt: skip
    (low, y_low), (high, y_high) = min(ticks.items()), max(ticks.items())
    drawn = [float(circle.attrib["cy"]) for circle in root.iter("circle")]
    for value, y in zip(values, drawn, strict=True):
        assert abs(y - (y_low + (value - low) / (high - low) * (y_high - y_low))) < 0.2


def test_a_line_joins_only_neighbors_of_the_same_kind():
    points = [Point(x=k, y=0.1 * k, title="t", kind=kind) for k, kind in enumerate("aabbab")]
    svg = draw_plot(Axes(label="l", x_title="x", y_title="y"), [Series(name="s", color=0, points=points)], width=540)
    lines = [p.attrib["d"] for p in ET.fromstring(svg).iter("path") if p.attrib["class"].startswith("join")]  # noqa: S314
    assert [line.count("L") for line in lines] == [1, 1]  # aa and bb; a and b alone are points


def test_few_nights_are_no_relation_whatever_their_slope():
    (said,) = drift_words([{"workload": "w", "backend": "b", "nights": LEAST_NIGHTS - 1, "rank_correlation": -1.0}])
    assert "too few" in said
    assert "shown" in said
    assert "correlation" not in said


def test_a_chance_slope_is_no_finding_and_many_pairs_widen_its_interval():
    pair = {"workload": "w", "backend": "b", "nights": 12, "rank_correlation": -0.6}
    # atanh(.6) = .693; 1.96 x sqrt(1.06 / 9) = .673 for one pair, 2.77 x .343 = .951 for nine (z of 1 - .025 / 9)
    assert "a relation, not its cause, is shown" in drift_words([pair])[0]
    assert all("no relation is shown" in said for said in drift_words([pair] * 9))
    low, high = rank_interval(-0.6, 12, pairs=1)
    assert (round(low, 2), round(high, 2)) == (-0.88, -0.02)


def test_what_did_not_change_has_no_correlation():
    rows = [
        {"workload": "w", "backend": "b", "nights": 20, "rank_correlation": value} for value in (None, float("nan"))
    ]
    assert all("did not change in 20 nights" in said for said in drift_words(rows))
