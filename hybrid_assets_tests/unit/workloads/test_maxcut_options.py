"""The options of `maxcut`: defaults, and refusals that name the key."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.workloads._maxcut_options import MaxCutOptions
from hybrid_assets.workloads._options import Training
from hybrid_assets.workloads.maxcut import MaxCut


def test_options_have_defaults():
    assert MaxCut().parse_options({}) == MaxCutOptions(depths=(1,), policy="fixed", grid_size=5, descent=True)


def test_options_are_read():
    raw = {"depths": [1, 2, 8], "angles": {"policy": "grid", "size": 3}, "descent": False}
    assert MaxCut().parse_options(raw) == MaxCutOptions(depths=(1, 2, 8), policy="grid", grid_size=3, descent=False)


def test_options_of_training_are_read_and_have_defaults():
    angles = {"policy": "optimize", "rounds": 3, "size": 6, "shots": 100}
    options = MaxCut().parse_options({"depths": [6], "angles": angles})
    assert (options.policy, options.training) == ("optimize", Training(rounds=3, size=6, shots=100))
    assert MaxCut().parse_options({"angles": {"policy": "optimize"}}).training == Training(rounds=5, size=8, shots=None)
    assert MaxCut().parse_options({}).training is None


@pytest.mark.parametrize(
    ("given", "shots", "expected"),
    [(None, 4096, 512), (None, 100, 13), (None, 1, 1), (200, 4096, 200), (200, 100, 100)],
)
def test_shots_of_a_setting_in_training(given, shots, expected):
    """Left out, the workload's are divided among 8 settings and rounded up; never more than the workload's."""
    assert Training(shots=given).shots_of(shots) == expected


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
            "maxcut.depths: 0 is wrong; expected a whole number from 1 to 5 (deeper: policy ramp, grid or optimize).",
        ),
        (
            {"depths": [6]},
            "maxcut.depths: 6 is wrong; expected a whole number from 1 to 5 (deeper: policy ramp, grid or optimize).",
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
            "maxcut.angles.polcy: unknown key. Did you mean 'policy'? Known: policy, size, rounds, shots.",
        ),
        (
            {"angles": {"policy": "best"}},
            "maxcut.angles.policy: 'best' is wrong; expected fixed, ramp, grid or optimize.",
        ),
        (
            {"angles": {"policy": ["grid"]}},
            "maxcut.angles.policy: ['grid'] is wrong; expected fixed, ramp, grid or optimize.",
        ),
        (
            {"angles": {"policy": "ramp", "size": 5}},
            "maxcut.angles.size: 5 is wrong; expected left out unless angles.policy is grid or optimize.",
        ),
        (
            {"angles": {"policy": "grid", "size": 33}},
            "maxcut.angles.size: 33 is wrong; expected a whole number from 1 to 32.",
        ),
        (
            {"angles": {"policy": "grid", "rounds": 3}},
            "maxcut.angles.rounds: 3 is wrong; expected left out unless angles.policy is optimize.",
        ),
        (
            {"angles": {"policy": "optimize", "rounds": 11}},
            "maxcut.angles.rounds: 11 is wrong; expected a whole number from 1 to 10.",
        ),
        (
            {"angles": {"policy": "optimize", "size": 3}},
            "maxcut.angles.size: 3 is wrong; expected a whole number from 4 to 32.",
        ),
        (
            {"angles": {"policy": "optimize", "shots": 0}},
            "maxcut.angles.shots: 0 is wrong; expected a whole number from 1 to 1000000.",
        ),
        ({"descent": "yes"}, "maxcut.descent: 'yes' is wrong; expected true or false."),
    ],
)
def test_options_are_refused_by_name(raw, message):
    with pytest.raises(ConfigurationError) as refusal:
        MaxCut().parse_options(raw)
    assert str(refusal.value) == message
