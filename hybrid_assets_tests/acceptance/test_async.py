"""Asynchronous execution from a real `dagster dev`: no step waits for the queue, the sensor has the night finished."""

from __future__ import annotations

import json
import time

import pytest

from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.acceptance.projects import NIGHT, command, dagster_dev, free_port, make_project, run, sql

SETTINGS = """
start: 2026-11-01
workloads:
  maxcut: {inputs: "inputs/maxcut/petersen.csv", depths: [1], shots: 256}
backends:
  aer: {provider: aer, slots: 2, wait_s: 600}
  qpu: {provider: emulator, slots: 1, wait_s: 0, queue_median_s: 20, queue_sigma: 0, send_s: 1}
"""


@pytest.fixture
def folder(tmp_path):
    return make_project(tmp_path, SETTINGS)


def posts(folder):
    """Return the submissions the emulated QPU has seen."""
    return Project.open(load_settings(folder / "sweep.yaml")).provider("qpu").posts()


def decided(folder):
    """Return the reason of the night's decision, empty while there is none."""
    return "".join(row["reason"] for row in sql(folder, "select reason from decisions"))


def test_the_sensor_finishes_what_no_step_waited_for(folder):
    """Materializing twice at once while the job is queued buys nothing twice."""
    port = free_port()
    with dagster_dev(folder, command("ui", "--port", str(port)), port) as dagster:
        runs = [dagster.launch("nightly_sweep_job", NIGHT) for _ in range(2)]
        assert [dagster.wait_for(run_id) for run_id in runs] == ["SUCCESS", "SUCCESS"]
        assert sql(folder, "select backend from verdicts") == [{"backend": "aer"}]
        deadline = time.monotonic() + 180
        # The decision is published last.
        while "Still missing" in (reason := decided(folder)) or not reason:
            assert time.monotonic() < deadline, (reason, dagster.runs())
            time.sleep(2)
        assert len(sql(folder, "select backend from verdicts")) == 2
        by_sensor = {"key": "dagster/sensor_name", "value": "qpu_jobs_sensor"}
        assert any(by_sensor in found["tags"] for found in dagster.runs())
    assert [post["outcome"] for post in posts(folder)] == ["accepted"]
    assert json.loads(run(folder, "status", "--json").stdout)
