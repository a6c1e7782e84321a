"""A project that `init` made needs nothing of this repository: the command, the UI and plain Dagster run it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hybrid_assets_tests.acceptance.projects import command, dagster_dev, free_port, run


def test_a_new_project_passes_its_examination(tmp_path):
    assert run(tmp_path, "init", "mine").returncode == 0
    doctor = run(tmp_path / "mine", "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "ok    workload maxcut: 1 inputs" in doctor.stdout


def test_the_ui_opens_an_own_project_and_knows_its_assets(own_project):
    port = free_port()
    with dagster_dev(own_project.folder, command("ui", "--port", str(port)), port) as dagster:
        nodes = dagster.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
    keys = {"/".join(node["assetKey"]["path"]) for node in nodes}
    assert {"maxcut/normalized_inputs", "maxcut/emulator/quantum_results", "maxcut/decisions"} <= keys


@pytest.mark.slow
def test_plain_dagster_dev_opens_an_own_project_too(own_project):
    port = free_port()
    words = [str(Path(sys.executable).with_name("dagster")), "dev", "--port", str(port)]
    home = {"DAGSTER_HOME": str(own_project.folder)}
    with dagster_dev(own_project.folder, words, port, {**home, "PATH": own_project.env["PATH"]}) as dagster:
        names = dagster.ask("{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }")
    assert names["workspaceOrError"]["locationEntries"] == [{"name": "hybrid_assets", "loadStatus": "LOADED"}]
