"""Sensors asked again and again: the same requests under the same run keys, which Dagster takes once."""

from __future__ import annotations

import dagster as dg

from hybrid_assets.definitions import build_defs
from hybrid_assets.defs import sensors
from hybrid_assets.defs.instance import fill_pools
from hybrid_assets.runner import collecting
from hybrid_assets.runner.collecting import Progress
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets.runner.orders import Cell
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night, run_night
from hybrid_assets_tests.integration.runner.test_recalibration import calibrated, circuits

TICKS = 50


def requests(name, project, *, ticks=1):
    """Return, for each tick, the run keys with the assets they ask for; every context is a new one, without cursor."""
    defs = build_defs(settings=project.settings, project=project)
    sensor, found = defs.resolve_sensor_def(name), []
    with dg.instance_for_test() as instance:
        for _ in range(ticks):
            context = dg.build_sensor_context(instance=instance, definitions=defs, resources={"project": project})
            asked = sensor.evaluate_tick(context).run_requests or ()
            found.append({one.run_key: sorted(key.to_user_string() for key in one.asset_selection) for one in asked})
    return found


def test_fifty_ticks_ask_for_one_run_of_what_a_change_affects(tmp_path):
    """A reset cursor asks for nothing else: the decisions are in the ledger."""
    run_night(calibrated(tmp_path))
    used = {row["instance"]: set(row["used_qubits"]) for row in circuits(calibrated(tmp_path))}
    project = calibrated(tmp_path, (min(used["prism"] - used["square"]), 20))
    ticks = requests("calibration_sensor", project, ticks=TICKS)
    assert all(tick == ticks[0] for tick in ticks)
    assert sorted(key.split("/")[0] for key in ticks[0]) == ["recalibrate", "snapshot"]
    (assets,) = [assets for key, assets in ticks[0].items() if key.startswith("recalibrate")]
    assert [name for name in assets if not name.startswith(("control/", "report/"))] == [
        "maxcut/decisions",
        "maxcut/qpu/comparisons",
        "maxcut/qpu/compiled_circuits",
        "maxcut/qpu/quantum_results",
    ]
    cell = {"night": NIGHT, "workload": "maxcut", "backend": "qpu"}
    compile_circuits(project, **cell)
    execute_kernels(project, **cell)
    (after,) = requests("calibration_sensor", project)
    assert [key.split("/")[0] for key in after] == ["snapshot"]


def test_a_partition_whose_kernels_are_over_is_collected_once(tmp_path):
    project = open_night(tmp_path, backend="queue_median_s: 3000000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    first, second = requests("qpu_jobs_sensor", project, ticks=2)  # the first follows the job to its end
    assert first == second
    assert [key.split("/")[0] for key in first] == ["collect"]
    execute_kernels(project, night=NIGHT, workload="maxcut", backend="qpu")
    assert requests("qpu_jobs_sensor", project) == [{}]
    assert [post["outcome"] for post in project.provider("qpu").posts()] == ["accepted"]


def test_what_a_dead_process_did_not_compare_is_compared_after_a_while(tmp_path, monkeypatch):
    project = open_night(tmp_path)
    run_night(project)
    assert requests("qpu_jobs_sensor", project) == [{}]  # its rivals were not solved: nobody asked for more
    solve_baselines(project, night=NIGHT, workload="maxcut")
    assert requests("qpu_jobs_sensor", project) == [{}]  # it may be compared just now
    monkeypatch.setattr(sensors, "LEFT_BEHIND_S", 0.0)
    first, second = requests("qpu_jobs_sensor", project, ticks=2)
    assert first == second
    (assets,) = first.values()
    assert [name for name in assets if name.startswith("maxcut/")] == ["maxcut/decisions", "maxcut/qpu/comparisons"]


def test_an_order_of_a_workload_that_left_its_backend_stops_no_tick(tmp_path):
    slow = "queue_median_s: 3000000, queue_sigma: 0, wait_s: 0"
    run_night(open_night(tmp_path, backend=slow))
    project = open_night(tmp_path, backend=slow, workload="backends: [other]", top="  other: {provider: aer}")
    assert requests("qpu_jobs_sensor", project) == [{}]


def test_what_still_waits_does_not_hold_up_what_is_over(tmp_path, monkeypatch):
    """Dagster refuses a tick that asks for runs and says why there are none."""
    project = open_night(tmp_path)
    over, waiting = (
        Progress(
            cell=Cell(night=night, workload="maxcut", backend="qpu"), num_waiting=number, is_late=False, order_id="x"
        )
        for night, number in ((NIGHT, 0), ("2026-11-21", 3))
    )
    monkeypatch.setattr(collecting, "progress", lambda _: iter((over, waiting)))
    (asked,) = requests("qpu_jobs_sensor", project)
    assert list(asked) == [f"collect/{NIGHT}/maxcut/qpu/x"]


def test_a_step_passed_over_as_a_slot_was_freed_gets_it(tmp_path):
    """Dagster sees the slot taken, it is freed, then the step joins the queue: nobody would ever look again."""
    project = open_night(tmp_path, backend="slots: 1")
    with dg.instance_for_test() as instance:
        storage = instance.event_log_storage
        storage.set_concurrency_slots("qpu_qpu", 1)
        assert storage.claim_concurrency_slot("qpu_qpu", "first", "step").is_claimed
        seen = storage.has_unassigned_slots("qpu_qpu")
        storage.free_concurrency_slot_for_step("first", "step")
        for run in ("second", "third"):
            storage.add_pending_step("qpu_qpu", run, "step", should_assign=seen)
            assert not storage.claim_concurrency_slot("qpu_qpu", run, "step").is_claimed
        for _ in range(2):  # the slot goes to one, and stays with it
            fill_pools(instance, project.settings)
            claims = [storage.claim_concurrency_slot("qpu_qpu", run, "step").is_claimed for run in ("second", "third")]
            assert claims == [True, False]
