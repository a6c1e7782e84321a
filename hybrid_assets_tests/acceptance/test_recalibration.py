"""Drift on the emulated QPU leads, with no hand on it, to new results and comparisons: a real `dagster dev`."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from hybrid_assets_tests.acceptance.projects import NIGHT, command, dagster_dev, free_port, make_project, sql

SETTINGS = """
start: 2026-11-01
workloads:
  maxcut: {{inputs: "inputs/maxcut/*.csv", depths: [1], shots: 256, max_qubits: 10}}
backends:
  qpu:
    provider: emulator
    slots: 1
    wait_s: 60
    speed: 1000000
    send_s: 1
    drift: {{sigma: 0, events: [{{from_at: "{at}", qubits: {qubits}, factor: 30}}]}}
"""
#: From the web server's answering to the kill; the sensor first ticks within a minute.
DELAYS_S = (3, 8, 12, 16, 20, 25, 30, 35)
LATER = (datetime.now(UTC) + timedelta(days=300)).isoformat()


@pytest.mark.slow
def test_drift_leads_to_new_results_of_the_affected_kernels(tmp_path):
    folder = make_project(tmp_path, SETTINGS.format(at=LATER, qubits="[0]"))
    with ui(folder) as dagster:
        before, affected = drifted_night(folder, dagster)
        wait_until_rerun(folder, before, affected)
        time.sleep(90)  # more ticks change nothing
        (recalibrated,) = recalibrations(dagster)
        assert dagster.wait_for(recalibrated["runId"]) == "SUCCESS"
    assert_only_rerun(folder, affected)


@pytest.mark.slow
def test_killing_everything_again_and_again_converges_to_the_same_state(tmp_path, capsys):
    """Sensor, daemon, recompile and collect run die together by SIGKILL, each time somewhat later after the start."""
    folder = make_project(tmp_path, SETTINGS.format(at=LATER, qubits="[0]"))
    with ui(folder) as dagster:
        before, affected = drifted_night(folder, dagster)
    states = []
    for delay_s in DELAYS_S:
        with ui(folder) as dagster:
            time.sleep(delay_s)
            states += [sorted(run["status"] for run in recalibrations(dagster))]
            os.killpg(dagster.pid, signal.SIGKILL)
    with ui(folder) as dagster:
        wait_until_rerun(folder, before, affected)
        deadline = time.monotonic() + 240
        while "SUCCESS" not in [run["status"] for run in recalibrations(dagster)]:
            assert time.monotonic() < deadline, dagster.runs()
            time.sleep(2)
    with capsys.disabled():
        print(f"\nkilled while the recompile runs were {states}")  # noqa: T201 - what a person wants to know
    assert_only_rerun(folder, affected)


@contextmanager
def ui(folder):
    """Run `hybrid-assets ui` until the block ends."""
    port = free_port()
    with dagster_dev(folder, command("ui", "--port", str(port)), port) as dagster:
        yield dagster


def drifted_night(folder, dagster):
    """Run a night, let a qubit that some circuits use fail, switch the sensor on; return what was and who uses it."""
    assert dagster.wait_for(dagster.launch("nightly_sweep_job", NIGHT)) == "SUCCESS"
    before = kernels(folder)
    (qubit, affected) = a_qubit_of_some(folder)
    # the device changes while everything runs
    changed = SETTINGS.format(at="2026-11-01T00:00:00+00:00", qubits=f"[{qubit}]")
    (folder / "sweep.yaml").write_text(changed)
    started = dagster.ask(
        "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }",
        s={"sensorName": "calibration_sensor", **dagster.REPOSITORY},
    )["startSensor"]
    assert started["__typename"] == "Sensor", started
    return before, affected


def recalibrations(dagster):
    """Return the runs that act on a calibration change, newest first."""
    return [run for run in dagster.runs() if any(tag["key"] == "hybrid_assets/circuits" for tag in run["tags"])]


def wait_until_rerun(folder, before, affected):
    """Wait until exactly the affected kernels are others than before."""
    deadline = time.monotonic() + 240
    while {name for name, kernel in kernels(folder).items() if kernel != before[name]} != affected:
        assert time.monotonic() < deadline, (affected, kernels(folder), before)
        time.sleep(3)


def assert_only_rerun(folder, affected):
    """Check that the affected kernels, and no others, were executed once more, and that the verdict is about them."""
    jobs = sql(folder, "select num_pubs from job_attempts order by submitted_at")
    assert sum(job["num_pubs"] for job in jobs[1:]) == len(affected)
    (verdict,) = sql(folder, "select materialized_at from verdicts")
    (compiled,) = sql(folder, "select max(materialized_at) as at from compiled_circuits")
    assert verdict["materialized_at"] > compiled["at"]


def kernels(folder):
    """Return the kernel id of each instance and label."""
    rows = sql(folder, "select distinct instance || '/' || label as name, kernel_id from quantum_results")
    return {row["name"]: row["kernel_id"] for row in rows}


def a_qubit_of_some(folder):
    """Return a qubit that some circuits use and others do not, and the kernels that use it."""
    rows = sql(folder, "select instance || '/' || label as name, used_qubits from compiled_circuits")
    for qubit in range(133):
        users = {row["name"] for row in rows if qubit in row["used_qubits"]}
        if users and len(users) < len(rows):
            return qubit, users
    raise AssertionError("every circuit uses the same qubits")
