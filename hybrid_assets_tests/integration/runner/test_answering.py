"""The fallback ladder in a night: who answers, what the rows say, and how the backend's own answer takes its place."""

from __future__ import annotations

import time

from hybrid_assets.control.fallback import SOURCE_BACKEND
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.model.queue import BreakerState
from hybrid_assets.runner import collecting
from hybrid_assets.runner.comparing import compare
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.replaying import replay_night
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE, execute, open_night, reopen, rows, run_night
from hybrid_assets_tests.integration.runner.pools import with_shared_pool

NEXT = "2026-11-21"
POISON = "faults: {kernel_failures: {rate: 1, names_pub: true}}"
#: Late from the first moment on, if it is not over when the stage stops waiting.
LATE = "slo: {turnaround_s: 0}, "


def night_of(folder, ladder, *, backend="", workload="", **more):
    graphs = more.pop("graphs", {"square": SQUARE})
    workload = f"{workload}fallback: {ladder}"
    return with_shared_pool(open_night(folder, backend=backend, workload=workload, graphs=graphs, **more))


def row_of(project, night=NIGHT):
    (row,) = rows(project, night)
    return row


def set_breaker(project, state):
    project.ledger.set_breaker("qpu", state=state, reason="by hand", retry_at=None, now=utc_now())


def test_a_cached_result_stands_in_until_the_backend_answers(tmp_path):
    project = night_of(tmp_path, "[{cached: 3600}]", backend="reuse: night, wait_s: 5", workload=LATE)
    run_night(project)
    first = row_of(project)
    set_breaker(project, BreakerState.OPEN)
    assert run_night(project, NEXT).pending is None
    late = row_of(project, NEXT)
    assert (late["source"], late["is_final"], late["answer_id"]) == ("cached", False, first["kernel_id"])
    assert late["kernel_id"] != first["kernel_id"]
    assert late["expected_value"] == first["expected_value"]
    assert late["source_reason"].startswith("Qpu has not answered in 0 s, the objective is 0 s")
    assert [order.cell.night for order in open_orders(project)] == [NEXT]
    set_breaker(project, BreakerState.CLOSED)
    assert collecting.collect(reopen(tmp_path), wait_s=5) == []
    (found,) = collecting.progress(project)
    assert found.num_waiting == 0
    execute(project, NEXT)
    own = row_of(project, NEXT)
    assert (own["source"], own["is_final"], own["answer_id"]) == (SOURCE_BACKEND, True, own["kernel_id"])
    assert own["kernel_id"] == late["kernel_id"]
    assert open_orders(project) == []


def test_a_cached_result_that_is_too_old_is_passed_over(tmp_path):
    project = night_of(tmp_path, "[{cached: 0.000001}, simulation]", backend="reuse: night", workload=LATE)
    run_night(project)
    set_breaker(project, BreakerState.OPEN)
    run_night(project, NEXT)
    row = row_of(project, NEXT)
    assert row["source"] == "simulation"
    assert "cached: the newest result is" in row["source_reason"]


def test_a_failed_kernel_is_simulated_once_for_all_nights(tmp_path):
    project = night_of(tmp_path, "[simulation]", backend=POISON)
    outcome = run_night(project)
    row = row_of(project)
    assert (row["source"], row["is_final"], row["execution"]) == ("simulation", True, ExecutionKind.STATEVECTOR)
    assert row["source_reason"].startswith("Qpu failed: ")
    assert row["answer_id"] not in {None, row["kernel_id"]}
    assert row["expected_value"] > 0
    assert row["calibration_age_s"] is None
    assert (outcome.numbers["failed"], outcome.numbers["fallback"], outcome.numbers["shots"]) == (0, 1, 0)
    assert open_orders(project) == []
    run_night(project, NEXT)
    assert row_of(project, NEXT)["answer_id"] == row["answer_id"]
    jobs = [path for path in (project.home / "providers").glob("*simulation/jobs/*/*") if path.is_dir()]
    assert len(jobs) == 1


def test_a_simulation_is_never_taken_for_the_ideal_simulators_own_result(tmp_path):
    """Its circuits, values, shots and calibration are the same ones."""
    project = night_of(tmp_path, "[simulation]", workload=LATE, top="  spare: {provider: aer, wait_s: 0}\n")
    project.ledger.set_breaker("spare", state=BreakerState.OPEN, reason="by hand", retry_at=None, now=utc_now())
    normalize_inputs(project, night=NIGHT, workload="maxcut")
    execute_kernels(project, night=NIGHT, workload="maxcut", backend="spare")
    (row,) = project.warehouse.read_rows("quantum_results", night=NIGHT, workload="maxcut", backend="spare")
    assert row["source"] == "simulation"
    assert not project.results.contains(row["kernel_id"])


def test_a_classical_answer_has_a_value_and_no_samples(tmp_path):
    project = night_of(tmp_path, "[classical]", backend=POISON)
    assert run_night(project).pending is None
    assert row_of(project)["source"] == "failed", "nothing was solved yet"
    assert row_of(project)["source_reason"].endswith("no classical answer; no other rung could answer.")
    solve_baselines(project, night=NIGHT, workload="maxcut")
    execute(project)
    row = row_of(project)
    # the square is bipartite: all four edges are cut
    assert (row["source"], row["best_value"], row["expected_value"]) == ("classical", 4.0, None)
    assert (row["answer_id"], row["execution"]) == (None, None)
    compare(project, night=NIGHT, workload="maxcut", backend="qpu")
    partition = {"night": NIGHT, "workload": "maxcut", "backend": "qpu"}
    quantum = [r for r in project.warehouse.read_rows("comparisons", **partition) if r["role"] == "quantum"]
    assert {r["best_value"] for r in quantum} == {None}, "a classical value is no quantum score"
    assert [table.differences for table in replay_night(project, NIGHT) if not table.is_same] == []


def test_another_backend_answers_for_a_failed_kernel(tmp_path):
    project = night_of(
        tmp_path, "[{other_backend: spare}]", backend=POISON, workload="backends: [qpu], ",
        top="  spare: {provider: aer, wait_s: 10}\n",
    )  # fmt: skip
    run_night(project)
    row = row_of(project)
    assert row["source"] == "other_backend:spare"
    assert project.results.get(row["answer_id"]).backend == "spare"
    assert [kernel.backend for kernel in project.ledger.kernels()] == ["qpu", "spare"]
    assert open_orders(project) == []


def test_another_backend_that_is_slow_costs_nothing_unasked_for_and_answers_later(tmp_path):
    slow = "provider: emulator, device: fake_manila, wait_s: 0, queue_median_s: 1500000, queue_sigma: 0, speed: 1000000"
    slow += ", drift: {every_s: 1}"  # asked again under another calibration, it would be another kernel
    project = night_of(
        tmp_path, "[{other_backend: spare}, simulation]", backend="wait_s: 0", workload=f"backends: [qpu], {LATE}",
        top=f"  spare: {{{slow}}}\n",
    )  # fmt: skip
    set_breaker(project, BreakerState.OPEN)
    run_night(project)
    row = row_of(project)
    assert row["source"] == "simulation"
    assert "other_backend:spare: it did not answer in time" in row["source_reason"]
    assert collecting.collect(project, wait_s=5, backends=["spare"]) == []
    execute(reopen(tmp_path))
    assert row_of(project)["source"] == "other_backend:spare"
    assert [post["outcome"] for post in project.provider("spare").posts()] == ["accepted"]


def test_another_device_of_the_same_kind_is_another_backend(tmp_path):
    """Its results would be the same, but it has a queue and books of its own."""
    project = night_of(
        tmp_path, "[{other_backend: twin}]", backend=POISON, workload="backends: [qpu], ",
        top="  twin: {provider: emulator, device: fake_torino, speed: 1000000}\n",
    )  # fmt: skip
    run_night(project)
    assert row_of(project)["source"] == "other_backend:twin"
    assert [post["outcome"] for post in project.provider("twin").posts()] == ["accepted"]


def test_another_backend_that_costs_money_needs_a_plan_that_covers_it(tmp_path):
    project = night_of(
        tmp_path, "[{other_backend: paid}]", backend=POISON, workload="backends: [qpu], ",
        top="  paid: {provider: emulator, device: fake_manila, metered: true}\n",
    )  # fmt: skip
    run_night(project)
    row = row_of(project)
    assert row["source"] == "failed"
    assert "no plan covers it" in row["source_reason"]
    assert project.provider("paid").posts() == []


def test_what_a_gate_withholds_is_answered_by_the_ladder(tmp_path):
    project = night_of(tmp_path, "[simulation]", backend="metered: true", workload="phase: simulate, ")
    run_night(project)
    row = row_of(project)
    assert (row["source"], row["is_final"]) == ("simulation", True)
    assert row["source_reason"].startswith("Phase simulate: maxcut may not use qpu")
    assert project.provider("qpu").posts() == []


def test_a_partition_that_became_late_in_the_queue_is_told_once(tmp_path):
    """Whoever looks for what can be finished has its ladder asked, until something of it is published."""
    project = night_of(tmp_path, "[simulation]", workload="slo: {turnaround_s: 2.5}, ", backend="wait_s: 0")
    set_breaker(project, BreakerState.OPEN)
    assert run_night(project).pending is not None
    (found,) = collecting.progress(project)
    assert (found.num_waiting, found.is_late) == (1, False)
    (order,) = open_orders(project)
    while (utc_now() - order.ordered_at).total_seconds() < 2.6:
        time.sleep(0.05)
    assert [one.is_late for one in collecting.progress(project)] == [True]
    assert execute(project).pending is None
    assert row_of(project)["source"] == "simulation"
    assert [(one.num_waiting, one.is_late) for one in collecting.progress(project)] == [(1, False)]


def test_late_is_not_failed_where_nobody_else_can_answer(tmp_path):
    project = night_of(tmp_path, "[{cached: 3600}]", workload=LATE)
    set_breaker(project, BreakerState.OPEN)
    assert "1 kernels are pending" in run_night(project).pending
    assert not project.warehouse.published("quantum_results", night=NIGHT, workload="maxcut", backend="qpu")


def test_a_night_of_fallbacks_claims_nothing(tmp_path):
    """Simulated samples may reach every optimum: not one of them counts for the backend."""
    edges = ("0,1\n1,2\n", "0,1\n1,2\n2,3\n", SQUARE.split("\n", 1)[1])
    graphs = {f"g{n}": "source,target,weight\n" + _weighted(edges[n % 3], 1 + n) for n in range(10)}
    project = night_of(tmp_path, "[simulation]", backend=POISON, graphs=graphs)
    run_night(project)
    solve_baselines(project, night=NIGHT, workload="maxcut")
    compare(project, night=NIGHT, workload="maxcut", backend="qpu")
    partition = {"night": NIGHT, "workload": "maxcut", "backend": "qpu"}
    quantum = [row for row in project.warehouse.read_rows("comparisons", **partition) if row["role"] == "quantum"]
    assert {row["source"] for row in quantum} == {"simulation"}
    assert all(row["best_value"] is not None for row in quantum)
    (verdict,) = project.warehouse.read_rows("verdicts", **partition)
    assert verdict["verdict"] == "no_advantage"
    assert verdict["effect"] == -1.0
    assert "execution: nothing known cannot support the claim" in verdict["reasons"]
    assert [table.differences for table in replay_night(project, NIGHT) if not table.is_same] == []


def test_rounds_end_where_a_kernel_is_late_and_are_scored_as_far_as_they_came(tmp_path):
    rounds = f"angles: {{policy: optimize, rounds: 2}}, {LATE}"
    project = night_of(tmp_path, "[simulation]", workload=rounds, backend="wait_s: 5")
    set_breaker(project, BreakerState.OPEN)
    assert run_night(project).pending is None
    assert {(row["round"], row["source"], row["is_final"]) for row in rows(project)} == {(0, "simulation", False)}
    solve_baselines(project, night=NIGHT, workload="maxcut")
    compare(project, night=NIGHT, workload="maxcut", backend="qpu")
    set_breaker(project, BreakerState.CLOSED)
    while {row["is_final"] for row in rows(project)} != {True}:
        execute(project)
    assert {row["round"] for row in rows(project)} > {0}
    compare(project, night=NIGHT, workload="maxcut", backend="qpu")
    partition = {"night": NIGHT, "workload": "maxcut", "backend": "qpu"}
    quantum = [row for row in project.warehouse.read_rows("comparisons", **partition) if row["role"] == "quantum"]
    assert {row["source"] for row in quantum} == {SOURCE_BACKEND}


def test_the_next_round_is_not_asked_for_by_half_of_one(tmp_path):
    """One depth is known and the other one is late: whoever walks the rounds again stops there as well."""
    rounds = f"angles: {{policy: optimize, rounds: 2}}, {LATE}"
    project = night_of(tmp_path, "[simulation]", workload=f"depths: [1], {rounds}")
    run_night(project)
    project = night_of(tmp_path, "[simulation]", workload=f"depths: [1, 2], {rounds}", backend="wait_s: 5")
    set_breaker(project, BreakerState.OPEN)
    assert run_night(project, NEXT).pending is None
    assert {row["round"] for row in rows(project, NEXT)} == {0}
    assert {row["source"] for row in rows(project, NEXT)} == {SOURCE_BACKEND, "simulation"}
    solve_baselines(project, night=NEXT, workload="maxcut")
    compare(project, night=NEXT, workload="maxcut", backend="qpu")
    assert not [table for table in replay_night(project, NEXT) if not table.is_same]


def test_a_kernel_that_was_answered_for_had_no_part_in_the_next_round(tmp_path):
    """Comparing walks the rounds as they were asked for: a simulation that came afterwards changes none of them."""
    graphs = {f"path{n}": "source,target\n" + "".join(f"{k},{k + 1}\n" for k in range(n)) for n in range(2, 6)}
    failing = "faults: {kernel_failures: {rate: 0.3, names_pub: true}}, wait_s: 60"
    rounds = "angles: {policy: optimize, rounds: 2}, "
    project = night_of(tmp_path, "[simulation]", workload=rounds, backend=failing, graphs=graphs)
    assert run_night(project).pending is None
    assert {row["source"] for row in rows(project)} == {SOURCE_BACKEND, "simulation"}
    solve_baselines(project, night=NIGHT, workload="maxcut")
    compare(project, night=NIGHT, workload="maxcut", backend="qpu")


def _weighted(edges, weight):
    return "".join(f"{line},{weight}\n" for line in edges.split())


def test_objectives_that_were_broken_are_told_and_block_nothing(tmp_path):
    promised = "slo: {success_rate: 0.9, turnaround_s: 3600, max_inputs_age_s: 3600, max_calibration_age_s: 1}, "
    project = night_of(tmp_path, "[simulation]", backend=POISON, workload=promised)
    outcome = run_night(project)
    found = {check.name: check for check in outcome.checks}
    broken = found["success_rate"]
    # none of one kernel: 1 missed, 0.1 allowed, more than twice that
    assert (broken.passed, broken.blocking, broken.facts["severity"]) == (False, False, "fail")
    assert found["turnaround"].passed
    assert found["inputs_age"].passed, "the backend executed nothing, so there is no age"


def test_objectives_of_kernels_that_the_backend_answered(tmp_path):
    promised = "slo: {success_rate: 1, turnaround_s: 60, max_inputs_age_s: 60, max_calibration_age_s: 1}"
    project = with_shared_pool(open_night(tmp_path, workload=promised, graphs={"square": SQUARE}))
    found = {check.name: check for check in run_night(project).checks}
    assert found["success_rate"].passed
    assert 0 < found["turnaround"].facts["value"] < 60
    assert 0 <= found["inputs_age"].facts["value"] < 60
    # the snapshot of fake_torino is years old
    assert found["calibration_age"].facts["severity"] == "fail"
