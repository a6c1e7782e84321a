"""`run --smoke` in this process: its table and its exit codes."""

from __future__ import annotations

import pytest

from hybrid_assets_tests.integration.cli.commands import caller

QPU = "provider: emulator, device: fake_torino, slots: 2, density_matrix_qubits: 0, send_s: 0.2, retry_wait_s: 0.01"
SETTINGS = f"""
start: 2026-11-01
workloads:
  maxcut: {{inputs: "inputs/*.csv"}}
backends:
  aer: {{provider: aer}}
  qpu: {{{QPU}, speed: 1000000}}
  down: {{{QPU}, breaker_pause_s: 3600, faults: {{outages: [{{after_s: 0, for_s: 100000}}]}}}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with nothing but settings: the gate reads no inputs, and its circuits are compiled once."""
    made = tmp_path_factory.mktemp("gate")
    (made / "sweep.yaml").write_text(SETTINGS)
    return made


@pytest.fixture
def smoke(project, capsys):
    call = caller(project, capsys)
    return lambda backend, *words, cap="30": call("run", "--smoke", backend, "--max-qpu-s", cap, *words)


def test_a_sound_backend_passes_with_a_table(smoke):
    done = smoke("aer", cap="0")
    assert done.code == 0, done.err
    for word in ("bits", "bell", "ghz4", "rotation", "phase", "ring_qaoa", "Passed: 6 kernels, 29 rows."):
        assert word in done.out


@pytest.mark.parametrize(
    ("backend", "cap", "code", "message"),
    [
        pytest.param("qpv", "30", 2, "Did you mean 'qpu'?", id="unknown"),
        pytest.param("qpu", "2", 5, "Nothing was sent. Allow at least 9.", id="cap"),
        pytest.param("down", "30", 6, "Not passed (6 no result).", id="down"),
    ],
)
def test_what_does_not_pass_ends_with_a_code_of_its_own(smoke, backend, cap, code, message):
    done = smoke(backend, "--wait", "20", cap=cap)
    assert (done.code, message in done.out + done.err) == (code, True), done.err


def test_json_holds_every_row_and_the_bill(smoke):
    told = smoke("qpu", "--json", "--smoke-id", "release-42").document
    assert (told["smoke_id"], told["backend"], told["exit_code"]) == ("release-42", "qpu", 0)
    assert sum(len(kernel["rows"]) for kernel in told["kernels"]) == 29
    assert told["billed_s"] == told["jobs"][0]["billed_s"] == 8.0
