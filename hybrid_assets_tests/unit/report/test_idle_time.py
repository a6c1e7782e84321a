"""The waterfall of a night that was run again: in order, without the hours between."""

from __future__ import annotations

import pytest

from hybrid_assets.report.cards.operations import without_idle_time
from hybrid_assets.report.strips import Bar


def bar(name, start_s, *lengths):
    return Bar(name=name, start_s=start_s, parts=[("queue", length) for length in lengths], note="", title="")


@pytest.mark.parametrize(
    ("bars", "expected", "idle_s"),
    [
        pytest.param([], [], 0, id="nothing"),
        pytest.param([bar("b", 105, 1), bar("a", 100, 2, 3)], [("a", 0), ("b", 5)], 0, id="by their beginning"),
        pytest.param([bar("b", 100, 1), bar("a", 100, 1)], [("a", 0), ("b", 0)], 0, id="together: by name"),
        # a ends at 105; nothing is under way until 7305
        pytest.param([bar("stage", 7305, 1), bar("a", 100, 5)], [("a", 0), ("stage", 5)], 7200, id="run again"),
        # the long one is under way until 8100
        pytest.param(
            [bar("long", 100, 8000), bar("a", 101, 1), bar("b", 8000, 1)],
            [("long", 0), ("a", 1), ("b", 7900)], 0, id="a long queue is no idle time",
        ),
        pytest.param([bar("a", 100, 1), bar("b", 161, 1)], [("a", 0), ("b", 61)], 0, id="a minute stays"),
    ],
)  # fmt: skip
def test_long_idle_time_is_left_out_and_bars_are_in_order(bars, expected, idle_s):
    moved, found_s = without_idle_time(bars)
    assert [(one.name, one.start_s) for one in moved] == expected
    assert found_s == idle_s
