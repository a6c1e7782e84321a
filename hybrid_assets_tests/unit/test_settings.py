"""`sweep.yaml`: defaults, plug-in keys and refusals."""

from __future__ import annotations

from datetime import date

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.settings import load_settings

GOOD = """
start: 2026-11-01
workloads:
  maxcut: {inputs: "in/*.csv", depths: [1, 2], class: exploratory, backends: [aer]}
backends:
  aer: {provider: aer, slots: 4}
  torino: {provider: aer, device: fake_torino}
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    monkeypatch.delenv("HYBRID_ASSETS_HOME", raising=False)
    monkeypatch.delenv("HYBRID_ASSETS_CONFIG", raising=False)


def write(folder, text):
    file = folder / "sweep.yaml"
    file.write_text(text)
    return file


def test_settings_separate_common_keys_from_a_plug_ins_own(tmp_path):
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.start == date(2026, 11, 1)
    assert settings.workloads["maxcut"].options == {"depths": [1, 2]}
    assert settings.workloads["maxcut"].class_ == "exploratory"
    assert settings.backends["torino"].options == {"device": "fake_torino"}
    assert settings.backends_of("maxcut") == ("aer",)


def test_state_lives_beside_the_settings_file_unless_moved(tmp_path, monkeypatch):
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.home == tmp_path / "data" / "state"
    monkeypatch.setenv("HYBRID_ASSETS_HOME", str(tmp_path / "elsewhere"))
    assert settings.home == tmp_path / "elsewhere"


def test_settings_file_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HYBRID_ASSETS_CONFIG", str(write(tmp_path, GOOD)))
    assert list(load_settings().backends) == ["aer", "torino"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            ("start:", "strat:"),
            "strat: unknown key. Did you mean 'start'? "
            "Known: start, cron, workloads, backends, budgets, approvals, benchmark, alerts, baseline_limit_s, seed.",
            id="unknown-key",
        ),
        pytest.param(
            ("backends: [aer]", "backends: [are]"),
            "workload 'maxcut' names backend 'are', which is not under backends. Did you mean 'aer'? "
            "Known: aer, torino.",
            id="unknown-backend",
        ),
        pytest.param(
            ("slots: 4", "slots: 0"), "backends.aer.slots: 0 is wrong; expected a number of at least 1.", id="range"
        ),
        pytest.param(("2026-11-01", "soon"), "start: 'soon' is wrong; expected a date, YYYY-MM-DD.", id="date"),
        pytest.param(
            ("aer: {provider", "../x: {provider"), "name '../x' is wrong; expected a small letter, then", id="name"
        ),
        pytest.param(("{provider: aer, slots: 4}", "&a [1]\n  b: *a"), "aliases are not allowed", id="alias"),
        pytest.param((GOOD, "- 1\n- 2\n"), "must hold a mapping with the keys start, cron", id="list"),
        pytest.param((GOOD, "a: [1\n"), "is not readable as YAML", id="yaml"),
        pytest.param((GOOD, "#" * 300_000), "is larger than 262144 bytes", id="huge"),
    ],
)
def test_wrong_settings_are_refused_with_the_remedy(tmp_path, change, message):
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(write(tmp_path, GOOD.replace(*change)))
    assert message in str(refusal.value)


def test_missing_settings_say_where_to_look(tmp_path):
    with pytest.raises(ConfigurationError, match=r"There is no settings file .*HYBRID_ASSETS_CONFIG"):
        load_settings(tmp_path / "none.yaml")


def test_secrets_come_from_a_dotenv_file_beside_the_settings(tmp_path, monkeypatch):
    monkeypatch.delenv("HYBRID_ASSETS_CANARY", raising=False)
    (tmp_path / ".env").write_text("HYBRID_ASSETS_CANARY=1\n")
    load_settings(write(tmp_path, GOOD))
    import os

    assert os.environ.pop("HYBRID_ASSETS_CANARY") == "1"


@pytest.mark.parametrize("is_absolute", [False, True])
def test_input_files_are_relative_to_the_settings_file_or_absolute(tmp_path, is_absolute):
    elsewhere = tmp_path / "elsewhere" if is_absolute else tmp_path / "in"
    elsewhere.mkdir()
    for name in ("b.csv", "a.csv", "README.md"):
        (elsewhere / name).write_text("")
    project = tmp_path / "project" if is_absolute else tmp_path
    project.mkdir(exist_ok=True)
    pattern = f"{elsewhere}/*.csv" if is_absolute else "in/*.csv"
    settings = load_settings(write(project, GOOD.replace("in/*.csv", pattern)))
    shown = [f"{elsewhere}/a.csv", f"{elsewhere}/b.csv"] if is_absolute else ["in/a.csv", "in/b.csv"]
    assert settings.input_files("maxcut") == [(elsewhere / "a.csv", shown[0]), (elsewhere / "b.csv", shown[1])]


def test_a_pattern_without_files_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"workloads\.maxcut\.inputs: no file matches 'in/\*\.csv' under"):
        load_settings(write(tmp_path, GOOD)).input_files("maxcut")
