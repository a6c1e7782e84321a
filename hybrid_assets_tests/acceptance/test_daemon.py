"""The same night from a real `dagster dev`: GraphQL, daemon, schedule."""

from __future__ import annotations

import sys
import time

import pytest

from hybrid_assets.storage.tables import TABLES
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.acceptance.projects import NIGHT, command, dagster_dev, free_port, make_project, run

#: Tables whose rows say what came out, not when or how fast.
OUTCOMES = (
    "normalized_inputs",
    "compiled_circuits",
    "quantum_results",
    "classical_baselines",
    "comparisons",
    "verdicts",
)


def outcome(folder, table):
    """Return a night's rows of a table without its volatile columns."""
    stable = [c for c in TABLES[table].schema.names if c not in TABLES[table].volatile]
    return [
        {key: value for key, value in row.items() if key in stable}
        for row in Warehouse(folder / "data" / "state").read_rows(table)
        if row["night"].isoformat() == NIGHT
    ]


@pytest.fixture(scope="module")
def in_process(tmp_path_factory):
    """A project whose night was run by the command."""
    folder = make_project(tmp_path_factory.mktemp("in-process"))
    done = run(folder, "run", "--night", NIGHT)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_a_night_from_the_ui_has_the_same_rows_and_the_schedule_runs(in_process, tmp_path):
    """`hybrid-assets ui` in another, empty project; its daemon and GraphQL API make the same night."""
    folder = make_project(tmp_path)
    port = free_port()
    with dagster_dev(folder, command("ui", "--port", str(port)), port) as dagster:
        run_id = dagster.launch("nightly_sweep_job", NIGHT)
        assert dagster.wait_for(run_id) == "SUCCESS"
        for table in OUTCOMES:
            rows = outcome(folder, table)
            assert rows, table
            assert rows == outcome(in_process, table), table
        pools = dagster.ask(
            "{ instance { poolConfig { defaultPoolLimit } concurrencyLimits { concurrencyKey slotCount } } }"
        )
        limits = {p["concurrencyKey"]: p["slotCount"] for p in pools["instance"]["concurrencyLimits"]}
        assert (limits["qpu_aer"], limits["qpu_torino"]) == (2, 1)
        assert _scheduled_run(dagster) == "SUCCESS"


def _scheduled_run(dagster):
    """Switch the schedule on (its cron is every minute), wait for its run and return how it ended."""
    started = dagster.ask(
        "mutation($s: ScheduleSelector!) { startSchedule(scheduleSelector: $s) { __typename"
        " ... on ScheduleStateResult { scheduleState { status } } } }",
        s={"scheduleName": "nightly_sweep_schedule", **dagster.REPOSITORY},
    )["startSchedule"]
    assert started["scheduleState"]["status"] == "RUNNING", started
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for found in dagster.runs():
            if {"key": "dagster/schedule_name", "value": "nightly_sweep_schedule"} in found["tags"]:
                return dagster.wait_for(found["runId"])
        time.sleep(2)
    raise TimeoutError("the schedule made no run within two minutes")


@pytest.mark.slow
def test_plain_dagster_dev_works_from_the_projects_root(tmp_path):
    folder = make_project(tmp_path)
    port = free_port()
    words = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)]
    with dagster_dev(folder, words, port, {"DAGSTER_HOME": str(folder)}) as dagster:
        assert dagster.wait_for(dagster.launch("nightly_sweep_job", NIGHT)) == "SUCCESS"
    assert outcome(folder, "verdicts")
