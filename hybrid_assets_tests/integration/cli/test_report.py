"""`report` over a real small night: what it writes, says and records."""

from __future__ import annotations

import json
import webbrowser
from dataclasses import replace
from datetime import timedelta

import pytest

from hybrid_assets.model.queue import BreakerState, BudgetUnit
from hybrid_assets.report import recording
from hybrid_assets.report.nightly import MOST_MARKDOWN, publish_report, verdict_table
from hybrid_assets.report.publishing import write_report
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.exporting import export_attempts, export_timings
from hybrid_assets.runner.spending import set_limit
from hybrid_assets_tests.integration.report.reading import Page, says, text_of
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night
from hybrid_assets_tests.unit.report.geometry import drawings, flaws


@pytest.fixture
def exported(night):
    """The project of a finished night whose jobs and timings are published."""
    export_attempts(night, night=NIGHT)
    export_timings(night, night=NIGHT)
    return night


def test_the_numbers_of_a_real_night_are_those_of_its_sql(exported, call):
    answer = call("report")
    assert answer.code == 0, answer.err
    home = exported.settings.home
    page = Page((home / "reports" / f"{NIGHT}.html").read_text())
    told = 0
    for table in page.tables:
        for cells, row in zip(table.rows, page.ask(home, table.question), strict=True):
            for column, cell in zip(table.columns, cells, strict=True):
                if column not in {"wins", "most_qubits", "most_shots"}:
                    assert says(cell, row[column]), (table.question, column, cell, row[column])
                    told += isinstance(row[column], int | float)
    assert told > 80
    assert [flaw for svg in drawings(page.html) for flaw in flaws(svg)] == []
    rows = json.loads(call("sql", page.sql["tiles"], "--json").out)
    assert all(says(text, rows[0][column]) for _, column, text in page.marks)


def test_the_command_says_where_it_is_and_the_key_numbers(exported, call):
    (line,) = call("report", "--night", NIGHT).out.splitlines()
    assert line.startswith(
        f"{exported.settings.home / 'reports' / NIGHT}.html: 1 verdict, 0 advantage candidates, lowest ratio 0."
    )
    assert "s billed, cost 0" in line
    assert (exported.settings.home / "reports" / "index.html").exists()


def test_all_writes_every_night_and_open_opens_the_last(exported, call, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    answer = call("report", "--all", "--open")
    assert len(answer.out.splitlines()) == 1
    assert opened == [(exported.settings.home / "reports" / f"{NIGHT}.html").resolve().as_uri()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--night", "tonight"], "'tonight' is no night", id="no date"),
        pytest.param(["--night", "2026-11-21"], "Nothing of 2026-11-21 is published.", id="not run"),
        pytest.param(["--night", NIGHT, "--all"], "Give --night or --all, not both.", id="both"),
    ],
)
def test_what_cannot_be_reported_is_refused(night, call, words, message):
    answer = call("report", *words)
    assert (answer.code, message in answer.err) == (2, True)


def test_without_any_night_there_is_no_report(folder, call):
    open_night(folder)
    answer = call("report")
    assert answer.code == 2
    assert "No night is published yet" in answer.err


def test_the_stage_tells_address_numbers_and_a_short_table(exported):
    outcome = publish_report(exported, night=NIGHT)
    assert outcome.links == {"report": f"/reports/{NIGHT}.html"}
    assert outcome.paths["report_file"].endswith(f"/reports/{NIGHT}.html")
    assert set(outcome.numbers) == {"ratio", "effect", "billed_s", "cost"}
    assert all(isinstance(value, float) for value in outcome.numbers.values())
    assert outcome.headline == "ratio"
    assert "| maxcut | qpu | no_advantage |" in outcome.markdown["tonight"]
    (row,) = exported.warehouse.read_rows("nightly_report", night=NIGHT)
    assert row["bytes"] == (exported.settings.home / row["file"]).stat().st_size
    assert publish_report(exported, night=NIGHT).data_version == outcome.data_version


def test_a_table_of_many_verdicts_stays_short_and_counts_the_rest(exported):
    report = write_report(exported.settings, NIGHT)
    (row,) = report.evidence["compared"]
    many = replace(report.evidence, answers={**report.evidence.answers, "compared": [row] * 40})
    table = verdict_table(replace(report, evidence=many))
    assert len(table) < MOST_MARKDOWN
    shown = table.count("| maxcut |")
    assert table.endswith(f"and {40 - shown} more")


# --- what is recorded


def test_versions_are_recorded_once_and_later_ones_added(night, monkeypatch):
    recording.record_environment(night, NIGHT)
    first = night.warehouse.read_rows("environments", night=NIGHT)
    found = {row["name"]: row["value"] for row in first}
    assert {"python", "qiskit", "qiskit-aer", "dagster", "duckdb", "qpu"} <= set(found)
    assert found["qpu"].startswith("emulator ")
    assert "not metered" in found["qpu"]
    monkeypatch.setattr(recording, "version", lambda name: "99")
    recording.record_environment(night, NIGHT)
    recording.record_environment(night, NIGHT)
    later = night.warehouse.read_rows("environments", night=NIGHT)
    assert later[: len(first)] == [{**row, "materialized_at": later[0]["materialized_at"]} for row in first]
    assert {row["value"] for row in later[len(first) :]} == {"99"}
    assert [row["name"] for row in later].count("qiskit") == 2


def test_a_months_budget_stays_as_it_was_once_a_later_night_is_recorded(night):
    set_limit(night, team="research", window=NIGHT[:7], unit=BudgetUnit.QPU_S, limit=100)
    set_limit(night, team="research", window=NIGHT, unit=BudgetUnit.QPU_S, limit=10)
    set_limit(night, team="research", window="2025-01", unit=BudgetUnit.QPU_S, limit=1)
    recording.record_night(night, NIGHT)
    recording.record_night(night, "2026-11-21")
    set_limit(night, team="research", window=NIGHT[:7], unit=BudgetUnit.QPU_S, limit=777)
    set_limit(night, team="research", window=NIGHT, unit=BudgetUnit.QPU_S, limit=77)
    recording.record_night(night, NIGHT)
    limits = {row["period"]: row["limit"] for row in night.warehouse.read_rows("budgets", night=NIGHT)}
    assert limits == {NIGHT[:7]: 100, NIGHT: 77}


def test_a_breaker_opened_during_a_night_is_seen_and_its_reason_is_no_markup(exported):
    batches = exported.ledger.batches(night=NIGHT)
    during = min(batch.planned_at for batch in batches) + timedelta(microseconds=1)
    exported.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason="<b>x</b>", retry_at=None, now=during)
    exported.ledger.set_breaker("qpu", state=BreakerState.CLOSED, reason="later", retry_at=None, now=utc_now())
    recording.record_night(exported, NIGHT)
    rows = exported.warehouse.read_rows("breaker_events", night=NIGHT)
    assert [(row["kind"], row["state"], row["reason"]) for row in rows] == [
        ("change", "open", "<b>x</b>"),
        ("end", "open", "<b>x</b>"),  # what came after its jobs is not the night's
    ]
    page = Page(write_report(exported.settings, NIGHT).path.read_text())
    assert "<b>x</b>" not in page.html
    assert "qpu open: <b>x</b>" in text_of(page.card("batches"))
    assert any(node.attrib["class"] == "state-open" for node in page.card("batches").iter("rect"))


def test_a_breaker_opened_after_a_night_is_not_the_nights(exported):
    exported.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason="later", retry_at=None, now=utc_now())
    recording.record_night(exported, NIGHT)
    rows = exported.warehouse.read_rows("breaker_events", night=NIGHT)
    assert [(row["kind"], row["state"]) for row in rows] == [("end", "closed")]
