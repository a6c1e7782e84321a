"""The real command beside itself: killed and started again, and twice at once in a new project."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.acceptance.projects import NIGHT, command, environment, make_project, run, sql

SETTINGS = """
start: 2026-11-01
workloads:
  maxcut: {inputs: "inputs/maxcut/*.csv", depths: [1], shots: 128, max_qubits: 10}
backends:
  qpu: {provider: emulator, slots: 1, wait_s: 60, queue_median_s: 3, queue_sigma: 0, send_s: 0.5, lease_s: 1, speed: 1}
"""


@pytest.fixture
def folder(tmp_path):
    return make_project(tmp_path, SETTINGS)


def start(folder, name):
    with (folder / name).open("w") as output:
        return subprocess.Popen(
            command("run", "--night", NIGHT), cwd=folder, env=environment(), stdout=output, stderr=output
        )


def posts(folder):
    project = Project.open(load_settings(folder / "sweep.yaml"))
    try:
        return [post["outcome"] for post in project.provider("qpu").posts()]
    finally:
        project.close()


def test_a_command_that_was_killed_is_started_again_and_nothing_waits_for_the_dead(folder):
    """Its Dagster run held a pool slot, which nobody frees; there is only one."""
    process = start(folder, "killed.txt")
    deadline = time.monotonic() + 60
    while "submitted" not in (folder / "killed.txt").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = run(folder, "run", "--night", NIGHT, timeout_s=60)
    assert done.returncode == 0, done.stderr
    assert posts(folder) == ["accepted"]
    assert {row["source"] for row in sql(folder, "select distinct source from quantum_results")} == {"backend"}


@pytest.mark.slow
def test_two_first_commands_at_once_leave_one_sound_project(folder):
    processes = [start(folder, f"first-{number}.txt") for number in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert posts(folder) == ["accepted"]
    assert run(folder, "run", "--night", NIGHT, timeout_s=60).returncode == 0
