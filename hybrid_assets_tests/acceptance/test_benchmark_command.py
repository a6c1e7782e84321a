"""`run --benchmark` as a user runs it: killed in the middle, gone on with, shown and exported."""

from __future__ import annotations

import csv
import signal
import subprocess
from collections import Counter

import pytest

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.acceptance.projects import command, environment, run, sql
from hybrid_assets_tests.integration.cli.commands import until

NIGHT = "2026-11-02"
QPU = "provider: emulator, device: fake_torino, density_matrix_qubits: 0, send_s: 0.2, lease_s: 2, retry_wait_s: 0.01"
SETTINGS = f"""
start: 2026-11-01
workloads:
  maxcut: {{inputs: "inputs/*.csv"}}
backends:
  aer: {{provider: aer}}
  qpu: {{{QPU}, speed: 10, queue_median_s: 5, queue_sigma: 0, price_per_s: 1.5}}
benchmark: {{repetitions: 2, shots: [64], depths: [1, 2]}}
baseline_limit_s: 1
"""
WORDS = ("run", "--benchmark", "--night", NIGHT)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A project whose benchmark was killed while its first job on the QPU was in the queue."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "inputs").mkdir()
    (folder / "inputs" / "k4.csv").write_text("source,target\n0,1\n0,2\n0,3\n1,2\n1,3\n2,3\n")
    (folder / "sweep.yaml").write_text(SETTINGS)
    process = subprocess.Popen(
        command(*WORDS), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        project = Project.open(load_settings(folder / "sweep.yaml"))
        until(lambda: any(b.provider_job_id for b in project.ledger.batches(backend="qpu")), within_s=90)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, "it had ended by itself"
    return folder, project


@pytest.fixture(scope="module")
def finished(killed):
    """The same command once more."""
    folder, project = killed
    return folder, project, run(folder, *WORDS, timeout_s=120)


def test_a_killed_benchmark_goes_on_and_pays_nothing_twice(finished):
    folder, project, done = finished
    assert done.returncode == 0, done.stderr
    assert "is over" in done.stdout
    books = [job for job in project.provider("qpu").books() if job["status"] is JobStatus.SUCCEEDED]
    names = Counter(name for job in books for name in job["kernel_ids"])
    assert list(names.values()) == [1] * 4  # one graph, two depths, two repetitions
    (billed,) = sql(folder, "select billed_s from benchmark_summary where backend = 'qpu'")
    assert billed["billed_s"] == sum(job["billed_s"] for job in project.provider("qpu").books())
    sittings = sql(folder, "select trial, sittings from benchmark_trials where backend = 'qpu' order by trial")
    assert [row["sittings"] for row in sittings] == [2, 1, 1, 1]


def test_what_is_shown_names_kinds_of_times_and_claims_nothing(finished):
    _, _, done = finished
    assert "simulated: this machine's own time" in done.stdout
    assert "emulated: waits and runs of a modeled device" in done.stdout
    assert "None of them is a claim about run time" in done.stdout
    assert "advantage" not in done.stdout.replace("no_advantage", "")


def test_qoblib_rows_are_exported_once_per_file(finished, tmp_path):
    folder, _, _ = finished
    file = tmp_path / "qoblib.csv"
    made = run(folder, "export", "--night", NIGHT, "--qoblib", str(file))
    assert made.returncode == 0, made.stderr
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 2 * 2  # backends, depths, with and without descent
    assert {(row["Problem"], row["# Runs"], row["Paradigm"]) for row in rows} == {("k4", "2", "Quantum Simulator")}
    assert {row["Optimality Bound"] for row in rows} == {"4.0"}  # of K4's six edges four can be cut
    again = run(folder, "export", "--night", NIGHT, "--qoblib", str(file))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    other = run(folder, "export", "--night", "2026-11-03", "--qoblib", str(tmp_path / "other.csv"))
    assert "There is no benchmark of 2026-11-03" in other.stderr
