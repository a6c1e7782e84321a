"""Drift on the emulated QPU leads, with no hand on it, to new results and comparisons: a real `dagster dev`."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg
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
#: When everything is killed: so long after a recompile run is first seen with this status. A run that died is marked
#: as failed at a sensor's tick, and Dagster's daemon runs it again.
MOMENTS = (("QUEUED", 0.0), ("STARTED", 0.0), ("STARTED", 0.7), ("STARTED", 1.5))
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
    """Sensors, daemon and recompile run die together by SIGKILL, each time somewhat later in the run's life."""
    folder = make_project(tmp_path, SETTINGS.format(at=LATER, qubits="[0]"))
    with ui(folder) as dagster:
        before, affected = drifted_night(folder, dagster)
    deaths = []
    for status, delay_s in MOMENTS:
        with ui(folder) as dagster:
            wait_for_recalibration(dagster, {status, "SUCCESS"})
            time.sleep(delay_s)
            os.killpg(dagster.pid, signal.SIGKILL)
        deaths.append(left_behind(folder))
    with ui(folder) as dagster:
        wait_until_rerun(folder, before, affected)
        wait_for_recalibration(dagster, {"SUCCESS"})
    with capsys.disabled():
        print(f"\nwhat each kill left of the recompile run: {deaths}")  # noqa: T201 - what a person wants to know
    assert deaths.count("STARTED") > 1
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


def wait_for_recalibration(dagster, statuses):
    """Wait until the newest run that acts on a calibration change has one of these statuses."""
    deadline = time.monotonic() + 180
    while not (found := recalibrations(dagster)) or found[0]["status"] not in statuses:
        assert time.monotonic() < deadline, dagster.runs()
        time.sleep(0.1)


def left_behind(folder):
    """Return the status of the newest such run, as it stands in the database of a Dagster that is gone."""
    with dg.DagsterInstance.from_config(str(folder / "data" / "state" / "dagster")) as instance:
        runs = instance.get_runs(filters=dg.RunsFilter(job_name="recompile_job"))
    return next(run.status.value for run in runs if "hybrid_assets/circuits" in run.tags)


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
