"""The examples of a verb are lines to copy; Click would run them together into a paragraph."""

from __future__ import annotations

import pytest

from hybrid_assets.cli.main import VERBS, _run


@pytest.mark.parametrize("words", [[verb] for verb in VERBS] + [["budget", "set"], ["calibration", "diff"]])
def test_every_example_stands_on_its_own_line(words, capsys):
    assert _run([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert "\\b" not in text
    line = next(line for line in text.splitlines() if line.startswith("  Example"))
    assert line in {"  Example:", "  Examples:"}
