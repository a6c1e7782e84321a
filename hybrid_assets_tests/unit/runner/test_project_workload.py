"""A workload's keys in the settings: its own and those that every workload has."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings


def _project(folder, keys):
    (folder / "sweep.yaml").write_text(
        f'start: 2026-11-01\nworkloads:\n  maxcut: {{inputs: "*.csv", {keys}}}\nbackends:\n  aer: {{provider: aer}}\n'
    )
    return Project.open(load_settings(str(folder / "sweep.yaml")))


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ("shotz: 100", "Did you mean 'shots'? "),
        ("temas: x", "Did you mean 'team'? "),
        ("clas: exploratory", "Did you mean 'class'? "),
        ("deptsh: [1]", "Did you mean 'depths'? "),
    ],
)
def test_mistyped_key_is_answered_with_the_nearest_common_or_own_one(tmp_path, keys, hint):
    with pytest.raises(ConfigurationError) as caught:
        _project(tmp_path, keys).workload("maxcut")
    assert keys.split(":")[0] in str(caught.value)
    assert hint in str(caught.value)
    assert "depths" in str(caught.value)


def test_wrong_value_of_an_own_key_is_not_taken_for_a_mistyped_common_one(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        _project(tmp_path, "depths: [0]").workload("maxcut")
    assert "Keys of every workload" not in str(caught.value)
