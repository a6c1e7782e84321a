"""What the asset of the report shows in Dagster's UI."""

from __future__ import annotations

import dagster as dg
import pytest

from hybrid_assets.defs.metadata import REPORTS_URL_VARIABLE, outcome_metadata
from hybrid_assets.model.stages import StageOutcome

OUTCOME = StageOutcome(
    rows=1,
    data_version="v",
    numbers={"ratio": 0.8, "billed_s": 12.0},
    headline="ratio",
    links={"report": "/reports/2026-11-20.html"},
    paths={"report_file": "/state/reports/2026-11-20.html"},
    markdown={"tonight": "| a |\n| --- |\n| 1 |"},
)


@pytest.mark.parametrize("base", ["", "http://127.0.0.1:3001"])
def test_a_report_is_a_link_a_path_charted_numbers_a_table_and_a_short_line(monkeypatch, base):
    monkeypatch.setenv(REPORTS_URL_VARIABLE, base)
    found = outcome_metadata(OUTCOME, [0.7 + 0.001 * night for night in range(60)])
    assert found["report"] == dg.MetadataValue.url(f"{base}/reports/2026-11-20.html")
    assert found["report_file"] == dg.MetadataValue.path("/state/reports/2026-11-20.html")
    assert found["tonight"] == dg.MetadataValue.md("| a |\n| --- |\n| 1 |")
    assert found["ratio"] == dg.MetadataValue.float(0.8)
    assert found["ratio_by_night"].md_str.startswith("![trend](data:image/svg+xml;base64,")
    assert len(found["ratio_by_night"].md_str) < 1_000
