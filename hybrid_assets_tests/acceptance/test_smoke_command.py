"""`run --smoke` as a pipeline runs it: its exit codes, its JSON, and an interrupt."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import KernelState
from hybrid_assets.runner.collecting import collect
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.acceptance.projects import command, environment, run
from hybrid_assets_tests.integration.cli.commands import until

QPU = "provider: emulator, device: fake_torino, slots: 2, density_matrix_qubits: 0, send_s: 0.2, retry_wait_s: 0.01"
SETTINGS = f"""
start: 2026-11-01
workloads:
  maxcut: {{inputs: "inputs/*.csv"}}
backends:
  qpu: {{{QPU}, speed: 1000000, queue_median_s: 0, metered: true}}
  busy: {{{QPU}, lease_s: 2, queue_median_s: 1000000000, queue_sigma: 0}}
  wrong: {{{QPU}, speed: 1000000, faults: {{wrong_results: {{rate: 1, kinds: [short], times: 1000}}}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of nothing but settings: the gate reads no inputs."""
    made = tmp_path_factory.mktemp("gate")
    (made / "sweep.yaml").write_text(SETTINGS)
    return made


def smoke(folder, backend, *words):
    return run(folder, "run", "--smoke", backend, "--max-qpu-s", "30", *words, timeout_s=120)


def test_a_metered_backend_passes_within_the_cap_and_says_so_in_json(folder):
    done = smoke(folder, "qpu", "--json", "--smoke-id", "release-42")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["smoke_id"], told["backend"], told["exit_code"]) == ("release-42", "qpu", 0)
    assert 0 < told["billed_s"] <= told["cap_s"] == 30
    assert {kernel["finding"] for kernel in told["kernels"]} == {"ok"}
    (job,) = told["jobs"]
    assert job["provider_job_id"]
    assert job["billed_s"] == told["billed_s"]


def test_wrong_answers_fail_the_gate(folder):
    done = smoke(folder, "wrong", "--wait", "20")
    assert done.returncode == 7, done.stderr
    assert "shots instead of 768" in done.stdout


def test_an_interrupt_takes_the_job_back_before_it_runs(folder):
    words = command("run", "--smoke", "busy", "--max-qpu-s", "30", "--smoke-id", "stopped")
    project = Project.open(load_settings(folder / "sweep.yaml"))
    with subprocess.Popen(words, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: [batch.status for batch in project.ledger.batches(backend="busy")] == [JobStatus.QUEUED])
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "--smoke-id stopped goes on with this run." in said
    (job,) = project.provider("busy").books()
    assert (job["status"], job["billed_s"]) == (JobStatus.CANCELLED, 0.0)
    until(lambda: collect(project, wait_s=1.0) == [] and _states(project) == {KernelState.CANCELLED})
    project.close()


def _states(project):
    return {kernel.state for kernel in project.ledger.kernels(backend="busy")}
