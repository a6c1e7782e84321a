"""One night on three providers side by side, by the real command; and a secret that must not be found afterwards."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from hybrid_assets_tests.acceptance.loopback_nights import backend_of, token_env
from hybrid_assets_tests.acceptance.projects import NIGHT, command, environment, make_project, sql
from hybrid_assets_tests.loopback import Fault, LoopbackService

SETTINGS = """
start: 2026-11-01
workloads:
  maxcut: {{inputs: "inputs/maxcut/petersen.csv", depths: [1], shots: 512}}
backends:
  emulated: {{provider: emulator, device: fake_torino, speed: 1000, wait_s: 120}}
  real: {{provider: ibm, {ibm}, price_per_s: 1.6}}
  simulated: {{provider: braket, wait_s: 120}}
budgets: [{{team: research, per: night, qpu_s: 100}}]
"""


@pytest.fixture(scope="module")
def service():
    with LoopbackService(device="fake_torino", name="ibm_loopback") as running:
        yield running


@pytest.fixture(scope="module")
def night(service, tmp_path_factory):
    """A project whose night ran, after a first try that met a service without tokens; return all that was said."""
    folder = make_project(tmp_path_factory.mktemp("mixed"), SETTINGS.format(ibm=backend_of(service, deadline_s=30.0)))
    first = (("--debug", "run", "--night", NIGHT, "--yes", "--backend", "real"), ("--debug", "doctor"))
    then = (("run", "--night", NIGHT, "--yes"), ("doctor",), ("plan",), ("status", "--json"))
    fault = service.inject(Fault(where="token", what="error", times=100))
    said = [spoken(service, folder, *words) for words in first]
    fault.lift()
    return folder, [*said, *(spoken(service, folder, *words) for words in then)]


def spoken(service, folder, *words):
    """Run a verb; return its exit code, all that it printed, and every command line of the machine meanwhile."""
    here, seen = {**environment(), token_env(service): service.token}, set()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command(*words), cwd=folder, env=here, stdout=output, stderr=output)
        while process.poll() is None:
            seen |= {line for path in Path("/proc").glob("[0-9]*/cmdline") if (line := read(path))}
            time.sleep(0.05)
        output.seek(0)
        return process.returncode, output.read(), seen


def read(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:  # the process has ended
        return ""


@pytest.mark.slow
def test_three_providers_end_in_one_comparison_table(service, night):
    folder, said = night
    code, output, _ = said[2]
    assert code == 0, output
    rows = sql(folder, "select backend, method, value from comparisons where role = 'quantum'")
    assert {row["backend"] for row in rows} == {"emulated", "real", "simulated"}
    verdicts = sql(folder, "select distinct verdict from verdicts")
    assert [row["verdict"] for row in verdicts] == ["no_advantage"]
    for backend in ("emulated", "real", "simulated"):
        assert backend in output
    jobs = sql(folder, "select provider_job_id, billed_s from job_attempts where backend = 'real'")
    assert {(job["provider_job_id"], job["billed_s"]) for job in jobs} == {(j.id, j.billed_s) for j in service.book}


@pytest.mark.slow
def test_doctor_looks_at_the_service_and_the_budgets(night):
    _, said = night
    code, output, _ = said[3]
    assert code == 0, output
    for words in ("credentials: the environment variable", "clock: the service's clock", "limits: jobs submitted"):
        assert words in output
    assert "budget: team research" in output
    (wrong_code, wrong, _) = said[1]
    assert (wrong_code, "WRONG backend real" in wrong) == (6, True)  # nothing is wrong but the service


@pytest.mark.slow
def test_the_token_is_in_no_file_output_or_command_line(service, night):
    folder, said = night
    for _, output, command_lines in said:
        assert service.token not in output
        assert not [line for line in command_lines if service.token in line]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert not [path for path in files if service.token.encode() in path.read_bytes()]
