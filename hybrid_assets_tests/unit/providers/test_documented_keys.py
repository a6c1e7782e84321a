"""Every key of a real QPU's backend is on the page that tells how to use one, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybrid_assets.providers import _braket_options, _ibm_options

PAGE = (Path(__file__).parents[3] / "docs" / "howto" / "use_a_qpu.md").read_text()


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("## IBM", set(_ibm_options.KEYS)),
        ("## Amazon Braket", {*_braket_options._LOCAL_KEYS, *_braket_options._AWS_KEYS}),
    ],
)
def test_the_page_has_exactly_the_keys(title, keys):
    section = PAGE.partition(title)[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert {key for cell in cells for key in re.findall(r"`(\w+)`", cell)} == keys
