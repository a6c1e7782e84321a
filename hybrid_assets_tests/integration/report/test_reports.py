"""Whole reports: their numbers are the SQL's, their drawings legible, names harmless, gaps and failures visible."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree as ET

import pytest

from hybrid_assets.report.publishing import write_report
from hybrid_assets.storage import files
from hybrid_assets.storage.report_questions import REPORT_QUESTIONS
from hybrid_assets_tests.integration.report.histories import LAST, nights_of, write_history
from hybrid_assets_tests.integration.report.reading import MISSING, Page, says, text_of
from hybrid_assets_tests.unit.report.geometry import drawings, flaws

NIGHT = LAST.isoformat()
LONG = "a-very-long-name-of-an-instance-that-somebody-took-from-a-file-name-of-their-own-" * 2
HOSTILE = ('<script>alert("1")</script>', "x' onload='y", "]]></svg>", "\u202egnp.exe", "a&b<c")


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk():
    """Made-up histories need not outlive a power failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "fsync", lambda _descriptor: None)
        yield


def report_of(folder, **differs):
    settings = write_history(folder, **{"nights": nights_of(4, without=(1,)), **differs})
    written = write_report(settings, NIGHT)
    return settings, Page(written.path.read_text())


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The report of a small history: an ideal and a noisy backend, a gap, a fallback, a refused input."""
    return report_of(tmp_path_factory.mktemp("usual"), fate="simulation")


# --- numbers


def test_every_question_is_shown_as_it_can_be_asked(usual):
    _, page = usual
    assert set(page.sql) == set(REPORT_QUESTIONS) - {"nights"}
    assert not any("$1" in text for text in page.sql.values())


def test_every_number_of_every_table_is_that_of_its_sql(usual):
    settings, page = usual
    checked = 0
    for table in page.tables:
        rows = page.ask(settings.home, table.question)
        assert len(table.rows) == len(rows) > 0, table.question
        for cells, row in zip(table.rows, rows, strict=True):
            for column, cell in zip(table.columns, cells, strict=True):
                if column not in {"wins", "most_qubits", "most_shots"}:  # several numbers in a cell
                    assert says(cell, row[column]), (table.question, column, cell, row[column])
                    checked += isinstance(row[column], int | float)
    assert checked > 150
    assert {"compared", "methods", "kernels", "baselines", "jobs", "budgets"} <= {
        table.question for table in page.tables
    }


def test_the_tiles_are_rows_of_their_sql(usual):
    settings, page = usual
    assert {column for _, column, _ in page.marks} == {"candidates", "ratio", "effect", "billed_s"}
    for question, column, text in page.marks:
        (row,) = page.ask(settings.home, question)
        assert says(text, row[column]), (column, text, row[column])


def test_the_points_of_the_effect_are_those_of_the_sql_and_where_their_axis_says(usual):
    settings, page = usual
    rows = page.ask(settings.home, "quality_by_night")
    drawing = list(page.card("quality").iter("svg"))[1]
    points = list(drawing.iter("circle"))
    assert len(points) == len(rows) == 6
    numbers = {
        float(node.text): float(node.attrib["y"]) - 4
        for node in drawing.iter("text")
        if node.attrib.get("text-anchor") == "end" and re.fullmatch(r"-?[\d.]+", node.text)
    }
    (low, y_low), (high, y_high) = min(numbers.items()), max(numbers.items())
    for point, row in zip(points, rows, strict=True):
        assert says(point.find("title").text.split()[1], row["effect"])
        assert point.find("title").text.startswith(f"{row['night']:%m-%d} ")
        wanted = y_low + (row["effect"] - low) / (high - low) * (y_high - y_low)
        assert abs(float(point.attrib["cy"]) - wanted) < 0.2


def test_the_forecast_says_how_it_was_made(usual):
    settings, page = usual
    (row,) = page.ask(settings.home, "forecast")
    # 10 s a night were spent; two differences are known of three nights; 900 - 30 are left
    assert (row["per_night"], row["nights"], row["left_over"], row["nights_left"]) == (10.0, 2, 870.0, 87.0)
    said = text_of(page.card("spending"))
    assert "mean spending of the last nights, continued" in said
    assert "10 a night over 2 nights (10 to 10), enough for 87 more" in said


# --- honesty


def test_a_night_on_which_nothing_ran_is_a_gap(usual):
    _, page = usual
    shown = text_of(page.card("coverage"))
    # nights 27, (28), 29, 30; petersen, frucht and a refused one, on two backends
    assert "cells answered by the backend" in shown
    absent = [p for p in page.card("coverage").iter("path") if p.attrib["class"] == "cover-absent"]
    assert sum(path.attrib["d"].count("M") for path in absent) == 3 * 2


def test_fallback_rows_failures_and_refused_inputs_are_told(usual):
    _, page = usual
    said = text_of(page.card("troubles"))
    assert "petersen did not work" in said
    assert "1 job FAILED" in said
    assert "karate-club: no number" in said
    assert "2 fallback rows" in text_of(page.card("tonight")) or "1 fallback row" in text_of(page.card("tonight"))


def test_simulated_results_and_emulated_bills_are_called_so(usual):
    _, page = usual
    assert text_of(page.card("tonight")).count("simulated") >= 2
    assert "The bills of emulator are emulated: nothing was paid." in text_of(page.card("spending"))
    assert "no QPU: simulated or emulated" in text_of(page.body)


def test_kernels_that_failed_stay_in(tmp_path):
    _, page = report_of(tmp_path, fate="failed")
    assert "failed" in text_of(page.card("troubles"))
    assert any(path.attrib["class"] == "cover-failed" for path in page.card("coverage").iter("path"))


def test_a_secret_in_a_plugin_option_is_not_shown(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(1))
    text = (tmp_path / "sweep.yaml").read_text().replace("provider: aer,", "provider: aer, api_token: hush-hush,", 1)
    (tmp_path / "sweep.yaml").write_text(text)
    settings = type(settings).model_validate({**__import__("yaml").safe_load(text), "file": tmp_path / "sweep.yaml"})
    page = write_report(settings, NIGHT).path.read_text()
    assert "hush-hush" not in page
    assert "api_token (set, not shown)" in page


# --- form


def test_the_page_is_one_file_without_scripts_or_addresses(usual):
    _, page = usual
    assert not re.search(r"<script|javascript:|@import|url\(|src=|https?://", page.html)
    links = [node.attrib["href"] for node in page.body.iter("a")]
    assert links == ["index.html"]
    assert "prefers-color-scheme:dark" in page.html
    assert "@media print" in page.html


def test_every_drawing_has_a_role_and_a_label(usual):
    _, page = usual
    found = list(page.body.iter("svg"))
    assert len(found) > 8
    assert all(node.attrib["role"] == "img" and len(node.attrib["aria-label"]) > 10 for node in found)


@pytest.mark.parametrize(
    "differs",
    [
        pytest.param({}, id="usual"),
        pytest.param({"nights": nights_of(1)}, id="one night"),
        pytest.param({"varies": False}, id="no variance"),
        pytest.param({"backends": ("aer",), "budgets": False}, id="nothing but an ideal simulator"),
        pytest.param(
            {"nights": nights_of(2), "instances": tuple(f"{LONG}{n}" for n in range(8)),
             "workloads": ("w" * 40, "m" * 40), "backends": ("b" * 40, "w" * 39, "m_" * 20)},
            id="long names",
        ),
        pytest.param({"instances": (*HOSTILE, "last")}, id="hostile names"),
    ],
)  # fmt: skip
def test_no_text_of_any_drawing_is_clipped_or_covered(tmp_path, differs):
    _, page = report_of(tmp_path, **differs)
    assert [flaw for svg in drawings(page.html) for flaw in flaws(svg)] == []
    assert len(page.html.encode()) < 200_000


def test_hostile_names_stay_text(tmp_path):
    _, page = report_of(tmp_path, instances=(*HOSTILE, "last"), nights=nights_of(2))
    tags = {node.tag for node in page.body.iter()}
    assert "script" not in tags
    assert not any(name.startswith("on") for node in page.body.iter() for name in node.attrib)
    assert HOSTILE[0] in text_of(page.card("record"))
    assert "\u202e" not in page.html


def test_a_card_without_data_says_what_would_fill_it(tmp_path):
    """Nothing but the inputs of one night is there."""
    settings = write_history(tmp_path, nights=())
    page = Page(write_report(settings, NIGHT).path.read_text())
    every = "tonight quality pareto spending calibration batches drift sensitivity waterfall coverage record"
    for key in every.split():
        said = [text_of(node) for node in page.card(key).iter("p") if node.attrib["class"] == "missing"]
        assert said, key
        assert all(len(text) > 40 for text in said), key
    assert list(page.body.iter("svg")) == []
    assert [text for _, _, text in page.marks] == ["0", MISSING, MISSING, "0 s"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "differs",
    [
        pytest.param(
            {"nights": nights_of(60), "backends": ("aer", "emulator", "heron"),
             "instances": tuple(f"cubic-n{n}-seed{n}" for n in range(40))},
            id="40 instances, 3 backends, 60 nights",
        ),
        pytest.param(
            {"nights": nights_of(60), "backends": ("aer", "emulator", "heron"), "workloads": ("maxcut", "mis", "svm"),
             "instances": tuple(f"cubic-n{n}-seed{n}" for n in range(14))},
            id="3 workloads",
        ),
    ],
)  # fmt: skip
def test_a_long_history_stays_small_and_legible(tmp_path, differs):
    _, page = report_of(tmp_path, **differs)
    assert len(page.html.encode()) < 200_000
    assert [flaw for svg in drawings(page.html) for flaw in flaws(svg)] == []


# --- files


def test_the_index_lists_every_report_the_last_first_and_a_report_knows_the_one_before(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(3))
    names = ["2026-11-28", "2026-11-29", "2026-11-30"]
    for name in names:
        write_report(settings, name)
    folder = settings.home / "reports"
    index = re.findall(r'href="([\d-]+)\.html"', (folder / "index.html").read_text())
    assert index == names[::-1]
    assert 'href="2026-11-29.html"' in (folder / "2026-11-30.html").read_text()
    assert sorted(path.name for path in folder.iterdir()) == [*(f"{name}.html" for name in names), "index.html"]
    before = (folder / "index.html").read_text()
    write_report(settings, names[0])
    assert (folder / "index.html").read_text() == before


def test_a_report_made_again_is_the_same_to_the_byte(usual):
    settings, page = usual
    assert write_report(settings, NIGHT).path.read_text() == page.html


def test_a_report_of_an_earlier_night_knows_nothing_of_later_ones(tmp_path):
    settings = write_history(tmp_path, nights=nights_of(3))
    written = write_report(settings, "2026-11-29")
    found = Page(written.path.read_text())
    assert max(row["night"] for row in found.ask(settings.home, "quality_by_night")) == date(2026, 11, 29)
    assert "11-30" not in text_of(found.card("quality"))


def test_the_drawings_are_well_formed(usual):
    _, page = usual
    for svg in drawings(page.html):
        assert ET.fromstring(svg).tag == "svg"  # noqa: S314 - made by the code under test
