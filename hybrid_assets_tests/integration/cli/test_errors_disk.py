"""A state's folder that cannot be made, and a disk that is full: refused with what to do, never as a bug."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

import pytest

from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night

MEND = "Mend the disk, or the rights on that file or folder, and run it again."
#: How each verb is called.
VERBS_WITH_STATE = (("plan",), ("run",), ("show", NIGHT), ("sql", "show tables"), ("doctor",), ("ui",), ("status",))


@pytest.mark.parametrize("words", VERBS_WITH_STATE, ids=" ".join)
def test_a_state_below_a_file_is_refused_by_every_verb(tmp_path, say, monkeypatch, words):
    open_night(tmp_path)
    monkeypatch.setenv("HYBRID_ASSETS_HOME", "sweep.yaml/state")
    code, _, error = say(*words)
    place = f"{tmp_path}/sweep.yaml"
    text = f"The state's folder {place}/state cannot be made: {place} is no folder. Set HYBRID_ASSETS_HOME to another"
    assert (code, error) == (3, f"Error: {text} place.\n")


@pytest.mark.parametrize("words", [words for words in VERBS_WITH_STATE if words[0] != "sql"], ids=" ".join)
def test_a_state_that_the_system_does_not_let_be_made_is_refused(tmp_path, say, monkeypatch, words):
    """`sql` reads only: to it a state that is not there is an empty one."""
    open_night(tmp_path)
    monkeypatch.setenv("HYBRID_ASSETS_HOME", "/proc/nowhere/state")
    code, _, error = say(*words)
    text = (
        "The state's folder /proc/nowhere/state cannot be made: No such file or directory. Mend the disk or the rights"
    )
    assert (code, error) == (
        3,
        f"Error: {text} on the folder above it, or set HYBRID_ASSETS_HOME to another place.\n",
    )


@pytest.mark.parametrize("place", ["/proc/nowhere", "sweep.yaml/below"])
def test_a_project_that_cannot_be_made_is_refused(tmp_path, say, place):
    open_night(tmp_path)
    code, out, error = say("init", place)
    assert (code, out) == (3, "")
    assert error.startswith(f"Error: {place} cannot be made: ")
    assert error.endswith(". Nothing was made. Name a folder where you may write, on a disk that has room.\n")


def test_a_disk_that_is_full_for_a_database_is_no_bug(tmp_path, say, monkeypatch):
    """Dagster's databases fail deep inside of it, and its own errors are wrapped around SQLite's."""

    def fail(*_):
        with contextlib.closing(sqlite3.connect(":memory:")) as full:
            full.execute("pragma max_page_count = 1")
            try:
                full.execute("create table t (x)")
            except sqlite3.OperationalError as exc:
                raise RuntimeError("wrapped") from exc

    open_night(tmp_path)
    monkeypatch.setattr("hybrid_assets.runner.project.Project.open", fail)
    code, _, error = say("budget")
    assert (code, error) == (
        3,
        f"Error: A database could not be written: database or disk is full. {MEND}\n",
    )


def test_a_ui_needs_room_on_its_disk(tmp_path, say, monkeypatch):
    open_night(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=2**20))
    code, _, error = say("ui")
    assert code == 3
    assert "has less than 16 MiB left, and Dagster writes all the time. Make room, or set HYBRID_ASSETS_HOME" in error
