"""`pause`, `resume`, `breaker`, `cancel` and `budget`: what a person does to the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid_assets.model.queue import BreakerState, KernelState
from hybrid_assets.runner.backends import drive
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.queueing import open_budgets
from hybrid_assets_tests.integration.cli.commands import execute_all, until
from hybrid_assets_tests.integration.runner.nights import NIGHT, execute, open_night, reopen, rows, run_night

#: A job that stays in the provider's queue for the whole test.
QUEUED = "queue_median_s: 1000000000, queue_sigma: 0, wait_s: 0"


def states(project):
    return [kernel.state for kernel in project.ledger.kernels()]


def posts(project):
    return len(project.provider("qpu").posts())


def test_a_paused_backend_gets_nothing_until_it_is_resumed(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    paused = call("pause", "qpu", "--note", "maintenance")
    assert (paused.code, "qpu is paused: maintenance" in paused.out) == (0, True)
    assert run_night(project).pending is not None
    assert (posts(project), set(states(project))) == (0, {KernelState.READY})
    assert project.ledger.breaker("qpu").retry_at is None
    resumed = call("resume", "qpu")
    assert "qpu takes jobs again. It was open: maintenance." in resumed.out
    execute_all(project)
    assert posts(project) == 1


def test_breakers_are_listed_and_set(folder, call):
    project = open_night(folder)
    (row,) = call("breaker", "--json").document
    assert (row["backend"], row["state"], row["reason"]) == ("qpu", "closed", None)
    (row,) = call("breaker", "qpu", "open", "--note", "flaky", "--json").document
    assert (row["state"], row["reason"], row["retry at"]) == ("open", "flaky", None)
    assert project.ledger.breaker("qpu").state is BreakerState.OPEN
    assert "closed" in call("breaker", "qpu", "close").out
    assert project.ledger.breaker("qpu").state is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["pause", "qp"], "There is no backend 'qp' in", id="pause"),
        pytest.param(["resume", "qp"], "Did you mean 'qpu'?", id="resume"),
        pytest.param(["resume"], "Name what to go on with", id="resume-nothing"),
        pytest.param(["resume", "qpu", "--night", NIGHT], "Name what to go on with", id="resume-both"),
        pytest.param(["resume", "qpu", "--workload", "maxcut"], "they need --night", id="resume-workload"),
        pytest.param(["resume", "--night", "2026-10-01"], "Nights are YYYY-MM-DD, from 2026-11-01 on", id="early"),
        pytest.param(["resume", "--night", "20261120"], "is not a night of this sweep", id="form"),
        pytest.param(["cancel"], "Say what to cancel", id="cancel-nothing"),
        pytest.param(["cancel", "12345678", "--night", NIGHT], "Say what to cancel", id="cancel-both"),
        pytest.param(["cancel", "12345678"], "No kernel begins with '12345678'", id="cancel-unknown"),
        pytest.param(["cancel", "1234"], "at least 8 digits", id="cancel-short"),
        pytest.param(["cancel", "--night", "soon"], "'soon' is no night", id="cancel-night"),
        pytest.param(["cancel", "--night", NIGHT, "--workload", "maxcat"], "Did you mean 'maxcut'?", id="workload"),
        pytest.param(["breaker", "qp"], "Did you mean 'qpu'?", id="breaker"),
        pytest.param(["budget", "set", "resarch", "1"], "Did you mean 'research'?", id="team"),
        pytest.param(["budget", "--team", "resarch"], "Did you mean 'research'?", id="team-list"),
        pytest.param(["budget", "--team", "research", "set", "research", "1"], "are for the list", id="team-set"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_right_one(folder, call, words, message):
    open_night(folder)
    answer = call(*words)
    assert (answer.code, message in answer.err) == (2, True), answer.err


# --- cancelling and sending back


def test_what_waits_is_cancelled_and_comes_back_when_asked(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu")
    run_night(project)
    cancelled = call("cancel", "--night", NIGHT, "--backend", "qpu")
    assert cancelled.out.startswith("2 kernels were taken out of the queue.")
    assert set(states(project)) == {KernelState.CANCELLED}
    assert execute(project).pending is None
    assert {row["source"] for row in rows(project)} == {"failed"}
    call("resume", "qpu")
    back = call("resume", "--night", NIGHT)
    assert back.out.startswith("2 kernels are in the queue again, of maxcut/qpu.")
    (order,) = open_orders(project)
    assert len(order.kernel_ids) == 2
    execute_all(reopen(folder))
    assert ({row["source"] for row in rows(project)}, posts(project)) == ({"backend"}, 1)
    assert "nothing to send back" in call("resume", "--night", NIGHT).out


def test_a_partition_goes_on_under_the_calibration_it_was_ordered_with(folder, call):
    """Under the present one the sound kernel would be another, and be paid again."""
    project = open_night(folder, backend="wait_s: 0, drift: {every_s: 1}")
    call("pause", "qpu")
    run_night(project)
    one, other = project.ledger.kernels()
    call("cancel", one.kernel_id[:10])
    call("resume", "qpu")
    execute_all(project)
    first = project.ledger.kernels(kernel_ids=[other.kernel_id])
    assert [kernel.state for kernel in first] == [KernelState.DONE]
    before = project.provider("qpu").target().calibration_id
    call("resume", "--night", NIGHT)
    until(lambda: project.provider("qpu").target().calibration_id != before)  # a second at most
    again = reopen(folder)
    execute_all(again)
    assert {kernel.kernel_id for kernel in again.ledger.kernels()} == {one.kernel_id, other.kernel_id}
    assert (posts(again), {row["source"] for row in rows(again)}) == (2, {"backend"})


def test_a_job_is_cancelled_only_when_nobody_else_needs_it(folder, call):
    project = open_night(folder, backend=QUEUED)
    run_night(project)
    one, _ = project.ledger.kernels()
    assert "1 of its 2 kernels are not to be cancelled" in call("cancel", one.kernel_id).out
    assert [job["status"] for job in project.provider("qpu").books()] == ["QUEUED"]
    answer = call("cancel", "--night", NIGHT)
    assert "is cancelled. `hybrid-assets collect` books it." in answer.out
    until(lambda: drive(project, "qpu", until=None) and KernelState.BATCHED not in states(project))
    assert set(states(project)) == {KernelState.CANCELLED}
    assert [job["status"] for job in project.provider("qpu").books()] == ["CANCELLED"]


def test_a_running_job_is_left_alone_unless_that_is_said(folder, call):
    """A microsecond of queue, then minutes of running: 100 shots of a job are slow at a ten-thousandth of the speed."""
    project = open_night(folder, backend="queue_median_s: 0, wait_s: 0, speed: 0.001")
    run_night(project)
    assert [job["status"] for job in project.provider("qpu").books()] == ["RUNNING"]
    answer = call("cancel", "--night", NIGHT)
    assert "it runs, what it takes is billed, and its results are taken home" in answer.out
    assert "`hybrid-assets cancel` with --running stops it anyway" in answer.out  # the smoke gate says so too
    assert [job["status"] for job in project.provider("qpu").books()] == ["RUNNING"]
    assert "is cancelled" in call("cancel", "--night", NIGHT, "--running").out
    assert [job["status"] for job in project.provider("qpu").books()] == ["CANCELLED"]


def test_a_job_whose_provider_cannot_cancel_goes_on(folder, call, monkeypatch):
    project = open_night(folder, backend=QUEUED)
    run_night(project)
    kind = type(project.provider("qpu"))
    described = kind.describe
    monkeypatch.setattr(kind, "describe", lambda self: replace(described(self), supports_cancel=False))
    assert "its provider cannot cancel jobs" in call("cancel", "--night", NIGHT).out
    assert [job["status"] for job in project.provider("qpu").books()] == ["QUEUED"]


def test_what_another_night_waits_for_too_is_kept_unless_it_is_named(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu")
    run_night(project)
    run_night(project, "2026-11-21")  # the same kernels: the first night's
    answer = call("cancel", "--night", NIGHT)
    assert answer.out.startswith("0 kernels were taken out")
    assert answer.out.count("the night 2026-11-21 asks for it too") == 2
    one, _ = project.ledger.kernels()
    assert call("cancel", one.kernel_id[:8]).out.startswith("1 kernels were taken out")


def test_a_finished_kernel_cannot_be_cancelled(night, call):
    one, _ = night.ledger.kernels()
    assert "1 kernels were over already and stay as they are" in call("cancel", one.kernel_id).out
    assert set(states(night)) == {KernelState.DONE}


# --- budgets


def test_a_raised_budget_lets_waiting_kernels_go_at_once_and_is_kept(folder, call):
    project = open_night(folder, backend="wait_s: 0", top="budgets: [{team: research, qpu_s: 1}]\n")
    assert run_night(project).pending is not None
    (row,) = call("budget", "--json").document
    assert (row["team"], row["window"], row["unit"], row["limit"], row["left"]) == ("research", NIGHT, "qpu_s", 1, 1)
    answer = call("budget", "set", "research", "60", "--night", NIGHT)
    assert f"research/{NIGHT}/qpu_s: limit 60, 0 spent, 60 left." in answer.out
    assert "2 kernels that waited for money are planned again" in answer.out
    assert all(kernel.not_before <= utc_now() for kernel in project.ledger.kernels())
    execute_all(project)
    (row,) = call("budget", "--json").document
    # 2 s of overhead and two kernels of some hundredths, rounded up
    assert (row["limit"], 2 < row["spent"] <= 3, row["reserved"]) == (60, True, pytest.approx(0))


def test_the_newest_word_on_a_limit_counts(folder, call):
    """By hand it stays until the settings name another one; the present one again is no news."""

    def limit():
        open_budgets(reopen(folder), NIGHT)
        return call("budget", "--json").document[0]["limit"]

    open_night(folder, top="budgets: [{team: research, qpu_s: 1}]\n")
    assert limit() == 1
    call("budget", "set", "research", "60", "--night", NIGHT)
    assert limit() == 60
    open_night(folder, top="budgets: [{team: research, qpu_s: 5}]\n")
    assert limit() == 5
    assert limit() == 5
    call("budget", "set", "research", "7", "--night", NIGHT)
    assert limit() == 7


def test_a_limit_set_before_the_night_is_kept(folder, call):
    open_night(folder, top="budgets: [{team: research, qpu_s: 1}]\n")
    call("budget", "set", "research", "60", "--night", NIGHT)
    open_budgets(reopen(folder), NIGHT)
    assert call("budget", "--json").document[0]["limit"] == 60


def test_budgets_of_a_month_and_of_other_units(folder, call):
    open_night(folder)
    assert "No budget is open yet" in call("budget").out
    answer = call("budget", "set", "research", "9.5", "--per", "month", "--unit", "money", "--night", NIGHT)
    assert answer.out.startswith("research/2026-11/money: limit 9.5")
    assert "research" in call("budget", "--team", "research").out
