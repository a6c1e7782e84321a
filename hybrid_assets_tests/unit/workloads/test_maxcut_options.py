"""The options of `maxcut`: defaults, and refusals that name the key."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.workloads._maxcut_options import MaxCutOptions
from hybrid_assets.workloads.maxcut import MaxCut


def test_options_have_defaults():
    assert MaxCut().parse_options({}) == MaxCutOptions(depths=(1,), policy="fixed", grid_size=5, descent=True)


def test_options_are_read():
    raw = {"depths": [1, 2, 8], "angles": {"policy": "grid", "size": 3}, "descent": False}
    assert MaxCut().parse_options(raw) == MaxCutOptions(depths=(1, 2, 8), policy="grid", grid_size=3, descent=False)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"depth": [1]}, "maxcut.depth: unknown key. Did you mean 'depths'? Known: depths, angles, descent."),
        ({"colour": 1}, "maxcut.colour: unknown key. Known: depths, angles, descent."),
        ({"depths": 1}, "maxcut.depths: 1 is wrong; expected a list such as [1, 2, 3]."),
        ({"depths": []}, "maxcut.depths: [] is wrong; expected a list such as [1, 2, 3]."),
        ({"depths": "12"}, "maxcut.depths: '12' is wrong; expected a list such as [1, 2, 3]."),
        ({"depths": [2, 2]}, "maxcut.depths: [2, 2] is wrong; expected a list of different numbers."),
        (
            {"depths": [0]},
            "maxcut.depths: 0 is wrong; expected a whole number from 1 to 5 (deeper: policy ramp or grid).",
        ),
        (
            {"depths": [6]},
            "maxcut.depths: 6 is wrong; expected a whole number from 1 to 5 (deeper: policy ramp or grid).",
        ),
        (
            {"depths": [51], "angles": {"policy": "ramp"}},
            "maxcut.depths: 51 is wrong; expected a whole number from 1 to 50.",
        ),
        (
            {"depths": [True], "angles": {"policy": "ramp"}},
            "maxcut.depths: True is wrong; expected a whole number from 1 to 50.",
        ),
        (
            {"angles": "fixed"},
            "maxcut.angles: 'fixed' is wrong; expected a mapping such as {policy: fixed} or {policy: grid, size: 5}.",
        ),
        (
            {"angles": {"polcy": "ramp"}},
            "maxcut.angles.polcy: unknown key. Did you mean 'policy'? Known: policy, size.",
        ),
        ({"angles": {"policy": "best"}}, "maxcut.angles.policy: 'best' is wrong; expected fixed, ramp or grid."),
        ({"angles": {"policy": ["grid"]}}, "maxcut.angles.policy: ['grid'] is wrong; expected fixed, ramp or grid."),
        (
            {"angles": {"policy": "ramp", "size": 5}},
            "maxcut.angles.size: 5 is wrong; expected left out unless angles.policy is grid.",
        ),
        (
            {"angles": {"policy": "grid", "size": 33}},
            "maxcut.angles.size: 33 is wrong; expected a whole number from 1 to 32.",
        ),
        ({"descent": "yes"}, "maxcut.descent: 'yes' is wrong; expected true or false."),
    ],
)
def test_options_are_refused_by_name(raw, message):
    with pytest.raises(ConfigurationError) as refusal:
        MaxCut().parse_options(raw)
    assert str(refusal.value) == message
