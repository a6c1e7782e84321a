"""`run --smoke`: what is asked wrongly, and how a run is shown."""

from __future__ import annotations

import pytest

from hybrid_assets.cli.main import _run
from hybrid_assets.cli.smoke import render
from hybrid_assets.model.smoke import Finding, JobSeen, KernelCheck, RowCheck, SmokeReport


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--smoke", "qpu"], "Say what --smoke may spend: --max-qpu-s 30", id="no-cap"),
        pytest.param(["--smoke", "qpu", "--max-qpu-s", "1", "--night", "2026-11-20"], "runs no night", id="night"),
        pytest.param(["--smoke", "qpu", "--max-qpu-s", "1", "--yes"], "runs no night", id="yes"),
        pytest.param(["--max-qpu-s", "30"], "belong to --smoke BACKEND", id="cap-alone"),
        pytest.param(["--wait", "0"], "belong to --smoke BACKEND", id="wait-alone"),
        pytest.param(["--json"], "belong to --smoke BACKEND", id="json-alone"),
        pytest.param(["--smoke", "qpu", "--max-qpu-s", "-1"], "-1", id="negative"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(words, message, capsys):
    assert _run(["--config", "no-such-file.yaml", "run", *words]) == 2
    assert message in capsys.readouterr().err


def row(number, *, observed, is_inside=True):
    return RowCheck(row=number, ideal=0.5, low=0.4, high=0.6, observed=observed, is_inside=is_inside)


def kernel(label, finding, *rows, reason=None, code=0):
    return KernelCheck(
        label=label,
        kernel_id=f"id-{label}",
        finding=finding,
        expected_success=0.9,
        rows=rows,
        reason=reason,
        exit_code=code,
    )


def report(*kernels, code=0, jobs=(), notes=()):
    return SmokeReport(
        smoke_id="gate-1",
        night="2026-11-24",
        backend="qpu",
        shots=768,
        kernels=kernels,
        jobs=jobs,
        billed_s=8.0,
        cap_s=30.0,
        calibration_ids=["0123456789abcdef"],
        notes=notes,
        exit_code=code,
    )


def test_a_kernel_that_passed_shows_the_row_that_came_closest_to_the_edge():
    shown = render(report(kernel("bits", Finding.OK, row(0, observed=0.52), row(1, observed=0.42))))
    (line,) = [line for line in shown.splitlines() if "bits" in line]
    assert line.split() == ["bits", "1", "of", "2", "0.500", "0.400", "-", "0.600", "0.420", "ok"]
    assert "Billed 8.0 s of 30 s." in shown
    assert "Calibration 0123456789ab." in shown
    assert shown.endswith("Passed: 1 kernels, 2 rows.")


def test_a_kernel_that_is_off_shows_every_row_that_is():
    rows = row(0, observed=0.9, is_inside=False), row(1, observed=0.5), row(2, observed=0.1, is_inside=False)
    shown = render(report(kernel("bits", Finding.OFF, *rows, code=7), code=7))
    lines = [line.split() for line in shown.splitlines() if "bits" in line]
    assert [(line[1], line[-2], line[-1]) for line in lines] == [("0", "0.900", "off"), ("2", "0.100", "off")]
    assert shown.endswith("Not passed (1 off).")


def test_a_kernel_without_a_result_says_why_and_how_to_go_on():
    late = kernel("bits", Finding.NO_RESULT, reason="its job was not over in time", code=6)
    job = JobSeen(provider_job_id="j1", status="RUNNING", queue_s=1.25, run_s=None, billed_s=0.0)
    shown = render(report(late, code=6, jobs=[job], notes=["qpu: job j1 goes on."]))
    assert "no result: its job was not over in time" in shown
    assert "Job j1 RUNNING: queue 1.2 s, run unknown, billed 0.0 s." in shown
    assert "qpu: job j1 goes on." in shown
    assert "Not passed (1 no result). --smoke-id gate-1 goes on with this run; nothing is paid twice." in shown


def test_a_job_that_nobody_asked_for_is_named_as_such():
    made = JobSeen(provider_job_id="j2", status="SUCCEEDED", queue_s=None, run_s=None, billed_s=8.0, is_duplicate=True)
    shown = render(report(kernel("bits", Finding.OK, row(0, observed=0.5)), jobs=[made]))
    assert "Duplicate that nobody asked for, job j2 SUCCEEDED" in shown
