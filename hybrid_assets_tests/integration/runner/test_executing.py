"""The stage `quantum_results` on an emulated QPU: asking twice, waiting with an end, failing by name, recalibration."""

from __future__ import annotations

from hybrid_assets.model.queue import BreakerState, KernelState
from hybrid_assets.runner import collecting
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import open_orders
from hybrid_assets_tests.integration.runner.nights import NIGHT, execute, open_night, reopen, rows, run_night


def jobs(project):
    return [row["outcome"] for row in project.provider("qpu").posts()]


def test_a_night_is_bought_once_however_often_it_is_asked_for(tmp_path):
    project = open_night(tmp_path)
    assert run_night(project).pending is None
    before = rows(project)
    assert run_night(reopen(tmp_path)).numbers["executed"] == 0
    assert run_night(project, "2026-11-21").numbers["reused"] == 2
    assert jobs(project) == ["accepted"]
    assert [row["expected_value"] for row in rows(project)] == [row["expected_value"] for row in before]


def test_no_step_waits_for_a_queue_and_asking_again_goes_on(tmp_path):
    project = open_night(tmp_path, backend="queue_median_s: 1000000, queue_sigma: 0, wait_s: 0.1", graphs=None)
    outcome = run_night(project)
    assert outcome.pending.startswith("maxcut/qpu: 2 kernels are pending (2 in QPU jobs).")
    assert not project.warehouse.published("quantum_results", night=NIGHT, workload="maxcut", backend="qpu")
    (order,) = open_orders(project)
    assert len(order.kernel_ids) == 2
    while execute(project).pending:
        pass
    assert (jobs(project), open_orders(project)) == (["accepted"], [])


def test_what_is_collected_can_be_finished_and_is_not_sent_again(tmp_path):
    project = open_night(tmp_path, backend="queue_median_s: 3000000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    (found,) = collecting.progress(project)
    assert found.num_waiting == 2
    assert collecting.collect(project, wait_s=5) == []
    (found,) = collecting.progress(project)
    assert found.num_waiting == 0
    assert execute(project).pending is None
    assert jobs(project) == ["accepted"]


def test_kernels_are_kept_while_the_backend_is_paused(tmp_path):
    project = open_night(tmp_path)
    project.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason="by hand", retry_at=None, now=utc_now())
    assert "2 kernels are pending" in run_night(project).pending
    assert (jobs(project), len(project.ledger.kernels(states=(KernelState.READY,)))) == ([], 2)
    project.ledger.set_breaker("qpu", state=BreakerState.CLOSED, reason="by hand", retry_at=None, now=utc_now())
    assert execute(project).pending is None


def test_a_poison_kernel_is_found_and_named_and_the_others_are_kept(tmp_path):
    """Half of all kernels cannot be executed, and the provider does not say which."""
    graphs = {f"path{n}": "source,target\n" + "".join(f"{k},{k + 1}\n" for k in range(n)) for n in range(2, 9)}
    project = open_night(
        tmp_path, backend="faults: {kernel_failures: {rate: 0.3, names_pub: false}}, wait_s: 60", graphs=graphs
    )
    outcome = run_night(project)
    assert outcome.pending is None
    found = {row["instance"]: row for row in rows(project)}
    failed = {name for name, row in found.items() if row["source"] == "failed"}
    assert 0 < len(failed) < len(found)
    assert all("The job cannot be executed" in found[name]["source_reason"] for name in failed)
    assert all(row["expected_value"] is None for row in found.values() if row["source"] == "failed")
    (check,) = [check for check in outcome.checks if check.name == "every_kernel_answered"]
    assert (check.passed, check.blocking, check.facts["failed"]) == (False, False, len(failed))


def test_a_lost_result_is_executed_again(tmp_path):
    project = open_night(tmp_path)
    run_night(project)
    for path in (tmp_path / "data" / "state" / "results").rglob("*.npz"):
        path.unlink()
    assert run_night(project).numbers["executed"] == 2
    assert {row["source"] for row in rows(project)} == {"backend"}


def test_a_budget_keeps_kernels_in_the_queue_by_name(tmp_path):
    project = open_night(tmp_path, top="budgets: [{team: research, qpu_s: 1}]\n")
    outcome = run_night(project)
    assert "research/2026-11-20/qpu_s" in outcome.pending or "budget has no room for it" in outcome.pending
    assert project.pending[f"{NIGHT}/maxcut/qpu"][0] == 5
    assert jobs(project) == []


def test_ages_of_inputs_and_calibration_at_execution_are_columns(tmp_path):
    project = open_night(tmp_path)
    run_night(project)
    for row in rows(project):
        assert 0 <= row["inputs_age_s"] < 60
        assert row["calibration_age_s"] > 0


def test_recalibration_while_kernels_wait_buys_nothing_twice(tmp_path):
    """Kernel ids hold the calibration: made again under a new one they would be other kernels."""
    project = open_night(tmp_path, backend="queue_median_s: 1500000, queue_sigma: 0, wait_s: 0, drift: {every_s: 1}")
    run_night(project)
    compiled = project.provider("qpu").target().calibration_id
    while execute(reopen(tmp_path)).pending:
        pass
    (row, _) = rows(project)
    assert project.provider("qpu").target().calibration_id != compiled
    assert row["executed_calibration_id"] != row["compiled_calibration_id"]
    assert jobs(project) == ["accepted"]
