"""`collect`: going on with what is under way until it is published; the ledger decides what can be."""

from __future__ import annotations

import pytest

from hybrid_assets.model.queue import KernelState
from hybrid_assets.runner import finishing
from hybrid_assets.runner.comparing import compare
from hybrid_assets.runner.deciding import decide
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets.runner.finishing import Materialized, Scope, finish
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night, reopen, run_night

CELL = {"night": NIGHT, "workload": "maxcut", "backend": "qpu"}
RESULTS, COMPARISONS, DECISIONS = (f"maxcut/{name}" for name in ("qpu/quantum_results", "qpu/comparisons", "decisions"))


def materializer(project, log=None):
    """Return what stands for Dagster: the stages behind the assets, in order."""
    stages = {
        "quantum_results": lambda night: execute_kernels(project, night=night, workload="maxcut", backend="qpu"),
        "comparisons": lambda night: compare(project, night=night, workload="maxcut", backend="qpu"),
        "decisions": lambda night: decide(project, night=night, workload="maxcut"),
    }

    def materialize(night, keys):
        published = []
        for key in keys:
            stage = stages.get(key[-1])
            if stage is None:
                continue
            if stage(night).pending:
                break
            published.append("/".join(key))
        if log is not None:
            log.append((night, published))
        return Materialized(published=published, failures=(), exit_code=0)

    return materialize


def collected(project, *, wait_s=20.0, log=None, **scope):
    return finish(project, scope=Scope(**scope), wait_s=wait_s, materialize=materializer(project, log))


def test_jobs_are_followed_and_the_partition_is_finished(folder):
    project = open_night(folder, backend="queue_median_s: 1500000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    solve_baselines(project, night=NIGHT, workload="maxcut")
    found = collected(project)
    assert found.published == [f"{NIGHT} {key}" for key in (RESULTS, COMPARISONS, DECISIONS)]
    assert (found.waiting, found.troubles, found.exit_code) == ([], [], 0)


def test_rounds_are_gone_on_with_until_the_last(folder):
    """Each round is ordered by publishing the one before; three rounds of training, then the sample."""
    project = open_night(
        folder,
        backend="queue_median_s: 100000, queue_sigma: 0, wait_s: 0",
        workload="angles: {policy: optimize, rounds: 3}",
    )
    run_night(project)
    log = []
    found = collected(project, wait_s=60, log=log)
    assert found.waiting == []
    assert project.warehouse.published("quantum_results", **CELL)
    assert len({kernel.label for kernel in project.ledger.kernels()}) >= 2


def test_without_baselines_only_the_results_are_published(folder):
    """The rest of the night was never asked for."""
    project = open_night(folder, backend="queue_median_s: 1500000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    assert collected(project).published == [f"{NIGHT} {RESULTS}"]


def test_results_that_a_dead_process_did_not_compare_are_compared(folder):
    project = open_night(folder)
    run_night(project)
    solve_baselines(project, night=NIGHT, workload="maxcut")
    assert collected(project).published == [f"{NIGHT} {key}" for key in (COMPARISONS, DECISIONS)]
    execute_kernels(project, **CELL)  # published anew
    assert collected(project).published == [f"{NIGHT} {key}" for key in (COMPARISONS, DECISIONS)]
    assert collected(project).published == []


def test_who_does_not_wait_is_told_what_is_pending(folder):
    project = open_night(folder, backend="queue_median_s: 1000000000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    found = collected(project, wait_s=0)
    assert (found.published, found.exit_code) == ([], 0)
    (sentence,) = found.waiting
    assert sentence.startswith(f"{NIGHT} maxcut/qpu: 2 kernels are pending (2 in QPU jobs).")


def test_a_paused_backend_ends_the_wait_at_once_with_code_6(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu", "--note", "maintenance")
    run_night(project)
    began = utc_now()
    answer = call("collect", "--wait", "600")
    assert (utc_now() - began).total_seconds() < 60
    assert answer.code == 6
    assert "qpu: its breaker is open until it is closed by hand: maintenance." in answer.err
    assert f"waits      {NIGHT} maxcut/qpu: 2 kernels are pending" in answer.out


def test_an_empty_budget_ends_with_code_5(folder):
    project = open_night(folder, backend="wait_s: 0", top="budgets: [{team: research, qpu_s: 1}]\n")
    run_night(project)
    found = collected(project, wait_s=200)  # held for 300 s: nothing can move before
    assert found.exit_code == 5
    assert "budget" in found.waiting[0] or "qpu_s" in found.waiting[0]


def test_an_awaited_approval_ends_with_code_4(folder):
    gate = "approvals: {over_money: 1}\n"
    project = open_night(folder, backend="wait_s: 0, metered: true, price_per_s: 2.0", top=gate)
    run_night(project)
    found = collected(reopen(folder), wait_s=600)
    assert found.exit_code == 4
    assert "needs an approval" in found.waiting[0]


def test_only_what_is_asked_for_is_finished(folder):
    project = open_night(folder, backend="queue_median_s: 1500000, queue_sigma: 0, wait_s: 0, reuse: night")
    run_night(project)
    run_night(project, "2026-11-21")
    found = collected(project, nights=("2026-11-21",))
    assert found.published == [f"2026-11-21 {RESULTS}"]
    assert not project.warehouse.published("quantum_results", **CELL)
    assert collected(project, nights=(NIGHT,), backends=("qpu",)).published == [f"{NIGHT} {RESULTS}"]


def test_a_backend_that_is_slow_is_decided_without(folder, monkeypatch):
    project = open_night(folder, backend="queue_median_s: 1000000000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    monkeypatch.setattr(finishing._Collecting, "_answered", lambda self, night, workload: True)
    assert collected(project, wait_s=0).published == [f"{NIGHT} {DECISIONS}"]
    assert collected(project, wait_s=0).published == []  # decided already


def test_cancelled_kernels_let_the_partition_end(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu")
    run_night(project)
    call("cancel", "--night", NIGHT)
    assert collected(project).published == [f"{NIGHT} {RESULTS}"]
    assert {kernel.state for kernel in project.ledger.kernels()} == {KernelState.CANCELLED}


def test_the_command_publishes_through_dagster_and_then_has_nothing_left(folder, call):
    project = open_night(folder, backend="queue_median_s: 1500000, queue_sigma: 0, wait_s: 0")
    run_night(project)
    solve_baselines(project, night=NIGHT, workload="maxcut")
    answer = call("collect", "--night", NIGHT, "--backend", "qpu", "--wait", "60")
    assert answer.code == 0, answer.err
    published = [line.split()[2] for line in answer.out.splitlines()]
    control = {"control/job_attempts", "control/stage_timings", "report/nightly_report"}
    assert set(published) == {RESULTS, COMPARISONS, DECISIONS, *control}
    assert "Nothing is under way." in call("collect").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--backend", "qp"], "Did you mean 'qpu'?", id="backend"),
        pytest.param(["--night", "tonight"], "'tonight' is no night", id="night"),
    ],
)
def test_unknown_names_are_refused(folder, call, words, message):
    open_night(folder)
    answer = call("collect", *words)
    assert (answer.code, message in answer.err) == (2, True)
