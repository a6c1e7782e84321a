"""Rules that keep rows from being published."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import CheckFailedError
from hybrid_assets.runner import checks


def ratio_row(ratio, best_ratio, kind="proved"):
    return {"method": "m", "instance": "i", "ratio": ratio, "best_ratio": best_ratio, "reference_kind": kind}


def test_row_count_notices_a_missing_row():
    assert checks.row_count([{}, {}], expected=2, of="rows").passed
    missing = checks.row_count([{}], expected=2, of="kernel rows")
    assert not missing.passed
    assert missing.description == "1 rows for 2 kernel rows."


def test_unique_notices_a_repeated_key():
    rows = [{"a": 1, "b": 1}, {"a": 1, "b": 2}]
    assert checks.unique(rows, key=("a", "b")).passed
    assert not checks.unique(rows, key=("a",)).passed


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        pytest.param(ratio_row(1.0, 1.0), True, id="at-the-optimum"),
        pytest.param(ratio_row(1.0 + 1e-12, 1.0), True, id="rounding"),
        pytest.param(ratio_row(0.7, 1.001), False, id="best-above"),
        pytest.param(ratio_row(1.001, None), False, id="mean-above"),
        pytest.param(ratio_row(1.2, 1.2, "best_known"), True, id="nothing-proved"),
        pytest.param(ratio_row(1.2, 1.2, "bound"), False, id="above-a-bound"),
        pytest.param(ratio_row(None, None), True, id="no-ratio"),
    ],
)
def test_nothing_may_beat_a_proof(row, passed):
    assert checks.no_ratio_above_one([row]).passed is passed


def test_what_scoring_refused_fails_the_check_too():
    outcome = checks.no_ratio_above_one([], ["'qaoa' reports 7, above the proved 6."])
    assert not outcome.passed
    assert outcome.description == "'qaoa' reports 7, above the proved 6."


def test_require_names_what_failed_and_keeps_all_outcomes():
    outcomes = (
        checks.row_count([], expected=1, of="files"),
        checks.unique([], key=("a",)),
        checks.shots_add_up(["i/k"]),
    )
    with pytest.raises(CheckFailedError, match=r"x was not published\. row_count: 0 rows for 1 files\.") as failure:
        checks.require(outcomes, what="x")
    assert failure.value.checks == outcomes
    assert failure.value.exit_code == 7


def test_require_lets_a_warning_pass():
    import dataclasses

    warning = dataclasses.replace(checks.row_count([], expected=1, of="files"), blocking=False)
    checks.require([warning], what="x")
