"""What is drawn beside each other can be compared: kernels with themselves, bars with what they are called."""

from __future__ import annotations

import math
import random
import re

import pytest

from hybrid_assets.cli.table import render_night
from hybrid_assets.report.publishing import write_report
from hybrid_assets.scoring.statistics import median_interval
from hybrid_assets.storage import files
from hybrid_assets.storage.report_questions import REPORT_QUESTIONS
from hybrid_assets.storage.snapshot import query
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.integration.report.histories import LAST, nights_of, write_history
from hybrid_assets_tests.integration.report.reading import Page, text_of

NIGHT = LAST.isoformat()
INSTANCES = ("petersen", "frucht", "karate-club", "refused")
CELL = {"night": NIGHT, "workload": "maxcut", "backend": "emulator"}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """Made-up histories need not outlive a power failure."""
    monkeypatch.setattr(files.os, "fsync", lambda _descriptor: None)


def ask(home, question):
    """Return the rows of a question of the report about the last night."""
    columns, rows = query(home, REPORT_QUESTIONS[question], parameters=[NIGHT])
    return [dict(zip(columns, row, strict=True)) for row in rows]


def page_of(settings):
    return Page(write_report(settings, NIGHT).path.read_text())


def results_again(home, change):
    """Publish the last night's results of the emulator again, each as ``change`` has it; None leaves one out."""
    warehouse = Warehouse(home)
    rows = [change(row) for row in warehouse.read_rows("quantum_results", **CELL)]
    kept = [{k: v for k, v in row.items() if k not in {"schema_version", "materialized_at"}} for row in rows if row]
    warehouse.publish("quantum_results", kept, partition=CELL)


# --- parts of instances


def test_kernels_of_parts_are_not_measured_by_the_reference_of_the_whole(tmp_path):
    """Two whole instances and a divided one, two labels: four rows a night, two labels in the depth chart."""
    home = write_history(tmp_path, nights=nights_of(4), instances=INSTANCES, divided=("karate-club",)).home
    depths = ask(home, "depths")
    assert {row["label"] for row in depths} == {"qaoa_p1", "qaoa_p2"}
    assert {(row["instances"], row["rows"]) for row in depths} == {(2, 2)}
    assert min(row["ratio_q25"] for row in depths) > 0.6  # half a value, of a part, would be below .43
    assert {row["rows"] for row in ask(home, "drift")} == {2 * 2}
    assert {row["rows"] for row in ask(home, "shots")} == {2 * 2 * 2}  # two of four nights with either number
    assert sum(row["rows"] for row in ask(home, "queues") if row["backend"] == "aer") == 2 * 2 * 4


def test_cards_say_which_parts_they_left_out(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(4), instances=INSTANCES, divided=("karate-club", "frucht"))
    page = page_of(settings)
    told = "left out, for they have no reference of their own: 4 of maxcut (frucht and 1 more)."
    assert told in text_of(page.card("drift"))
    assert told in text_of(page.card("sensitivity"))


def test_nothing_but_parts_leaves_nothing_to_draw(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(4), divided=INSTANCES)
    assert [ask(settings.home, name) for name in ("depths", "drift", "shots", "queues")] == [[]] * 4
    page = page_of(settings)
    assert [list(page.card(key).iter("svg")) for key in ("drift", "sensitivity")] == [[], []]


# --- labels


def test_a_night_with_other_labels_is_no_drift(tmp_path):
    """Every row is the same on all nights; the last one lacks the label with the lower values."""
    settings = write_history(tmp_path, nights=nights_of(4), varies=False)
    results_again(settings.home, lambda row: row if row["label"] == "qaoa_p2" else None)
    rows = ask(settings.home, "drift")
    assert [row["rows"] for row in rows] == [4, 4, 4, 2]
    assert all(math.isclose(row["deviation"], 0, abs_tol=1e-12) for row in rows)
    assert all(math.isclose(row["deviation"], 0, abs_tol=1e-12) for row in ask(settings.home, "shots"))


def test_other_angles_are_another_row(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(2), varies=False)
    results_again(settings.home, lambda row: {**row, "parameters": '{"gamma":[0.5]}'})
    assert ask(settings.home, "drift") == []


def test_a_result_that_a_later_night_reuses_is_one_execution(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(4))
    before = nights_of(2)[0].isoformat()
    results_again(settings.home, lambda row: {**row, "kernel_id": row["kernel_id"].replace(NIGHT, before)})
    assert [row["night"] for row in ask(settings.home, "drift")] == nights_of(4)[:3]


def test_no_line_joins_labels_of_different_depths(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(4))
    page = page_of(settings)
    depth = next(
        svg for svg in page.card("sensitivity").iter("svg") if "by depth of its circuit" in svg.attrib["aria-label"]
    )
    assert [path for path in depth.iter("path") if path.attrib["class"].startswith("join")] == []
    rows = ask(settings.home, "depths")
    points = [circle.find("title").text for circle in depth.iter("circle")]
    assert len(points) == len(rows) == 2 * 2
    assert sum(point.startswith("qaoa_p1, 2 instances") for point in points) == 2


# --- intervals


def test_the_interval_of_a_nights_ratio_is_that_of_the_sign_test(tmp_path):
    """By SQL and by the function whose coverage is proved, for few and many instances."""
    warehouse, chance = Warehouse(tmp_path), random.Random(5)  # noqa: S311 - made-up numbers
    drawn = {n: [chance.random() for _ in range(n)] for n in (1, 2, 5, 6, 8, 9, 10, 14, 25, 60, 301)}
    for n, ratios in drawn.items():
        cell = {"night": NIGHT, "workload": f"w{n}", "backend": "aer"}
        rows = [{**cell, "instance": f"g{k}", "fingerprint": "f", "method": "q", "role": "quantum", "ratio": ratio}
                for k, ratio in enumerate(ratios)]  # fmt: skip
        warehouse.publish("comparisons", rows, partition=cell)
        verdict = {**cell, "metric": "m", "verdict": "no_advantage", "method": "q", "num_instances": n}
        warehouse.publish("verdicts", [verdict], partition=cell)
    found = {row["workload"]: row for row in ask(tmp_path, "compared")}
    assert len(found) == len(drawn)
    for n, ratios in drawn.items():
        row, wanted = found[f"w{n}"], median_interval(ratios)
        if n == 1:
            assert (row["ratio_low"], row["ratio_confidence"]) == (None, None)
            continue
        assert (row["ratio_low"], row["ratio_high"]) == (wanted.low, wanted.high)
        assert row["ratio_confidence"] == pytest.approx(1 - wanted.low_risk - wanted.high_risk)
        assert (row["ratio_confidence"] >= 0.95) == (n >= 6)


@pytest.mark.parametrize(
    ("confidence", "look", "legend"),
    [
        pytest.param(0.97, "span s0", "95 % interval of the median", id="enough instances"),
        pytest.param(0.9375, "span s0 dashed", "least to largest: too few for an interval", id="a spread"),
        pytest.param(None, None, None, id="one instance, or a night that did not record it"),
    ],
)
def test_an_effect_has_an_interval_where_it_is_worth_the_name(tmp_path, confidence, look, legend):
    settings = write_history(tmp_path, nights=nights_of(2), confidence=confidence)
    page, table = page_of(settings), render_night(settings.home, NIGHT)
    effects = [row[page_table(page).columns.index("effect")] for row in page_table(page).rows]
    told = re.compile(r"[-+][\d.]+ \[.*, .*\]" if confidence == 0.97 else r"[-+][\d.]+ \(too few instances\)")
    assert [bool(told.fullmatch(text)) for text in effects] == [True, True]
    assert ("too few instances" in table) == (confidence != 0.97)
    drawing = list(page.card("quality").iter("svg"))[1]
    bars = {path.attrib["class"] for path in drawing.iter("path") if path.attrib["class"].startswith("span s0")}
    assert bars == ({look} if look else set())
    said = text_of(drawing)
    assert [text in said for text in ("95 % interval of the median", "least to largest")] == [
        legend is not None and legend.startswith(start) for start in ("95", "least")
    ]


def page_table(page):
    return next(table for table in page.tables if table.question == "compared")


# --- cards and tiles


def test_the_tiles_tell_of_one_cell_each(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(2), workloads=("maxcut", "portfolio"))
    (found,) = ask(settings.home, "tiles")
    cells = {f"{row['workload']} on {row['backend']}": row for row in ask(settings.home, "compared")}
    assert len(cells) == 4
    assert found["ratio"] == cells[found["ratio_cell"]]["ratio"] == min(row["ratio"] for row in cells.values())
    assert found["effect"] == cells[found["effect_cell"]]["effect"] == max(row["effect"] for row in cells.values())
    assert found["ratio_cell"] in text_of(page_of(settings).body)


def test_one_recorded_night_is_no_burn_down(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(1))
    card = page_of(settings).card("spending")
    assert [svg.attrib["aria-label"] for svg in card.iter("svg")] == ["Billed seconds by night and backend"]
    assert "There is no forecast yet" in text_of(card)
