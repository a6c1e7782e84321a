"""Alarms through the commands and the sensor that people run."""

from __future__ import annotations

from hybrid_assets_tests.acceptance.projects import NIGHT, run
from hybrid_assets_tests.acceptance.test_sensors import requests
from hybrid_assets_tests.integration.runner.hooks import command, told
from hybrid_assets_tests.integration.runner.nights import SQUARE, open_night
from hybrid_assets_tests.integration.runner.test_alerting import open_breaker


def test_a_night_tells_its_failed_check_and_a_broken_hook_does_not_fail_it(tmp_path):
    """The input that is refused ends `run` with 3, as it would without alerts; the hook's failure changes nothing."""
    top = command(tmp_path, "import sys\nsys.exit('no such channel')", more=", on: [check]")
    open_night(tmp_path, top=top, graphs={"square": SQUARE, "broken": "source,target\n0,0\n"})
    done = run(tmp_path, "run", "--night", NIGHT, "--until", "normalized_inputs")
    assert done.returncode == 3, done.stderr
    waits = f"- Alert not delivered yet: check {NIGHT}/maxcut/normalized_inputs/no_input_refused (1 failed, again from "
    assert waits in done.stderr
    assert "The command ended with code 1: no such channel." in done.stderr
    status = run(tmp_path, "status", "--night", NIGHT)
    assert waits.removeprefix("- ") in status.stdout
    doctor = run(tmp_path, "doctor")
    assert "ok    alerts: command " in doctor.stdout
    assert "on check; 1 wait" in doctor.stdout


def test_collect_delivers_what_there_is_to_tell(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path))
    open_breaker(project)
    done = run(tmp_path, "collect", "--wait", "0")
    assert done.returncode == 0, done.stderr
    assert [alarm["subject"] for alarm in told(tmp_path)] == ["qpu"]


def test_a_tick_of_the_sensor_that_is_always_on_delivers_once(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path))
    open_breaker(project)
    requests("qpu_jobs_sensor", project, ticks=3)
    assert [alarm["subject"] for alarm in told(tmp_path)] == ["qpu"]


def test_doctor_finds_a_hook_that_cannot_be_reached(tmp_path):
    open_night(tmp_path, top="alerts: {webhook_env: ALERTS_URL_THAT_NOBODY_SET}\n")
    doctor = run(tmp_path, "doctor")
    assert doctor.returncode == 3
    assert "WRONG alerts: The variable ALERTS_URL_THAT_NOBODY_SET is not set." in doctor.stdout
