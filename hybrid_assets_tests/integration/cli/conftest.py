"""Folders in which circuits are compiled, or a night is done, already: that takes seconds, and no verb is about it."""

from __future__ import annotations

import shutil

import pytest

from hybrid_assets.cli import main as entry
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets_tests.integration.cli.commands import caller, finish_night
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night, reopen, run_night


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """The cache of circuits of the two small graphs."""
    folder = tmp_path_factory.mktemp("compiled")
    project = open_night(folder)
    normalize_inputs(project, night=NIGHT, workload="maxcut")
    compile_circuits(project, night=NIGHT, workload="maxcut", backend="qpu")
    project.compile_pool.close()
    return folder / "data" / "state" / "circuits"


@pytest.fixture
def folder(tmp_path, compiled):
    """A folder for a project whose circuits are known."""
    shutil.copytree(compiled, tmp_path / "data" / "state" / "circuits")
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory, compiled):
    """The folder of a finished night."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(compiled, folder / "data" / "state" / "circuits")
    project = open_night(folder)
    run_night(project)
    finish_night(project)
    project.ledger.close()
    return folder


@pytest.fixture
def night(folder, finished):
    """The project of a finished night."""
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    return reopen(folder)


@pytest.fixture
def call(folder, capsys):
    """Run a verb in the folder's project."""
    return caller(folder, capsys)


@pytest.fixture
def say(tmp_path, capsys, monkeypatch):
    """Return what calls the command as its console script does; its answer is (exit code, output, errors)."""
    for name in ("HYBRID_ASSETS_HOME", "HYBRID_ASSETS_CONFIG", "HYBRID_ASSETS_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry.main(words)
        printed = capsys.readouterr()
        assert ("Traceback" in printed.err) is ("--debug" in words)
        return ended.value.code, printed.out, printed.err

    return call
