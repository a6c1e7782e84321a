"""The ten questions of the documentation, asked on a real night."""

from __future__ import annotations

import pytest

from hybrid_assets.storage.snapshot import query
from hybrid_assets_tests.bench.year import make_year
from hybrid_assets_tests.documents import questions

QUESTIONS = questions()
#: A good night has no failed attempt.
MAY_BE_EMPTY = {"6. What failed, and why?"}


def test_there_are_ten():
    assert [block.heading.split(".")[0] for block in QUESTIONS] == [str(k) for k in range(1, 11)]


@pytest.mark.parametrize("block", QUESTIONS, ids=lambda block: block.heading.split(".")[0])
def test_a_question_is_answered_by_a_real_night(first_hour, block):
    columns, rows = query(first_hour.folder / "data" / "state", block.text)
    assert rows or block.heading in MAY_BE_EMPTY
    assert len(set(columns)) == len(columns)


def test_the_verdicts_are_those_of_the_night_and_the_costs_those_of_its_jobs(first_hour):
    home = first_hour.folder / "data" / "state"
    _, verdicts = query(home, QUESTIONS[0].text)
    assert [row[:2] for row in verdicts] == [("maxcut", "aer"), ("maxcut", "emulator")]
    columns, costs = query(home, QUESTIONS[3].text)
    told = {row[columns.index("backend")]: row[columns.index("money")] for row in costs}
    assert told["aer"] == 0
    assert told["emulator"] == pytest.approx(query(home, "select sum(cost) from job_attempts")[1][0][0])


def test_every_question_has_rows_on_made_up_nights(tmp_path):
    """So that the benchmark of a year does not measure empty answers."""
    make_year(tmp_path, nights=2)
    assert [block.heading for block in QUESTIONS if not query(tmp_path, block.text)[1]] == []
