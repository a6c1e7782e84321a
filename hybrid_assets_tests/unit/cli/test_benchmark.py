"""`run --benchmark`: what is asked wrongly."""

from __future__ import annotations

import pytest

from hybrid_assets.cli.benchmark import MEANING, render
from hybrid_assets.cli.main import _run
from hybrid_assets.runner.benchmarking_rows import EMULATED, MEASURED, SIMULATED


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["run", "--repetitions", "2"], "--repetitions belongs to --benchmark", id="repetitions-alone"),
        pytest.param(["run", "--benchmark", "--until", "comparisons"], "neither --smoke nor --until", id="until"),
        pytest.param(["run", "--benchmark", "--smoke", "aer"], "neither --smoke nor --until", id="smoke"),
        pytest.param(["run", "--benchmark", "--repetitions", "0"], "0", id="none"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(words, message, capsys):
    assert _run(["--config", "no-such-file.yaml", *words]) == 2
    assert message in capsys.readouterr().err


def test_every_kind_of_time_is_explained():
    assert set(MEANING) == {SIMULATED, EMULATED, MEASURED}


def test_a_benchmark_of_nothing_says_so(tmp_path):
    assert render(tmp_path, "2026-11-20") == "No trial of the benchmark of 2026-11-20 is over."
