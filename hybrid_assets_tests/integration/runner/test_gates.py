"""Plans, approvals and phases of a metered backend, through the stage that would spend."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import ApprovalRequiredError, ConfigurationError, UsageError
from hybrid_assets.model.gates import GateDecision
from hybrid_assets.runner.approving import say
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.planning import plan_night, plan_under_way
from hybrid_assets_tests.integration.runner.nights import NIGHT, PRISM, execute, open_night, reopen, rows, run_night

METERED = "metered: true, price_per_s: 2.0"
TRIANGLE = "source,target\n0,1\n1,2\n2,0\n"
GATED = "approvals: {over_money: 1}\n"


def approve(project, decision=GateDecision.APPROVED, **changes):
    plan_hash = plan_night(project, NIGHT).hash_of("maxcut")
    return say(
        project,
        **{"night": NIGHT, "plan_hash": plan_hash, "decision": decision, "signer": "ada", "reason": "why"} | changes,
    )


def cell_run(project):
    """Return the plan of the night as it was run."""
    (found,) = plan_under_way(project, NIGHT, "maxcut")
    return found.plan


def test_a_plan_tells_cost_and_hits_and_buys_nothing(tmp_path):
    project = open_night(tmp_path, backend=METERED)
    (cell,) = plan_night(project, NIGHT).cells
    assert (cell.instances, cell.kernels, cell.new_kernels, cell.cached_kernels) == (2, 2, 2, 0)
    assert cell.shots == 2 * 100
    # one job: 2 s of overhead and two kernels of 100 x 0.25 ms and a little
    assert 2.05 < cell.qpu_s.low < 2.1
    assert cell.money.low == pytest.approx(2 * cell.qpu_s.low)
    assert project.provider("qpu").posts() == []


def test_a_plan_stays_the_same_while_it_is_carried_out_and_is_another_one_afterwards(tmp_path):
    project = open_night(tmp_path, backend=METERED)
    before = plan_night(project, NIGHT).hash_of("maxcut")
    run_night(project)
    assert plan_night(project, NIGHT).hash_of("maxcut") == before
    following = plan_night(project, "2026-11-21").cells[0]
    assert (following.new_kernels, following.cached_kernels) == (0, 2)
    assert following.reason == "Nothing runs: every result is known and may be used again."


@pytest.mark.parametrize("change", ["added", "changed", "deleted"])
def test_a_plan_shows_the_work_that_running_the_night_now_would_do(tmp_path, change):
    """What an earlier look, or an earlier run, has read of the inputs does not count."""
    project = open_night(tmp_path, backend=METERED)
    first = plan_night(project, NIGHT)
    normalize_inputs(project, night=NIGHT, workload="maxcut")
    if change == "deleted":
        (tmp_path / "in" / "prism.csv").unlink()
    else:
        (tmp_path / "in" / ("third.csv" if change == "added" else "prism.csv")).write_text(TRIANGLE)
    shown = plan_night(reopen(tmp_path), NIGHT)
    assert shown.cells[0].instances == {"added": 3, "changed": 2, "deleted": 1}[change]
    assert shown.plan_hash != first.plan_hash
    run_night(reopen(tmp_path))
    assert (cell_run(reopen(tmp_path)).kernels_hash, cell_run(project).inputs_version) == (
        shown.cells[0].kernels_hash,
        shown.cells[0].inputs_version,
    )


def test_a_look_at_a_plan_leaves_the_night_under_way_as_it_is(tmp_path):
    """What is published decides what a pending night goes on with."""
    project = open_night(tmp_path, backend=METERED)
    plan_night(project, NIGHT)
    assert not project.warehouse.published("normalized_inputs", night=NIGHT, workload="maxcut")
    normalize_inputs(project, night=NIGHT, workload="maxcut")
    (tmp_path / "in" / "prism.csv").unlink()
    plan_night(reopen(tmp_path), NIGHT)
    assert {instance.name for instance in project.accepted(NIGHT, "maxcut")} == {"prism", "square"}


def test_a_plan_of_no_input_says_what_matches_nothing(tmp_path):
    project = open_night(tmp_path)
    plan_night(project, NIGHT)
    for file in (tmp_path / "in").iterdir():
        file.unlink()
    with pytest.raises(ConfigurationError, match=r"maxcut.inputs: no file matches 'in/\*.csv'.*Mend the pattern"):
        plan_night(project, NIGHT)


def test_a_plan_of_refused_inputs_alone_does_not_say_that_results_are_known(tmp_path):
    (cell,) = plan_night(open_night(tmp_path, graphs={"bad": "source,target\n0,0\n"}), NIGHT).cells
    assert (cell.instances, cell.kernels, cell.reason) == (0, 0, "Nothing runs: every input was refused.")


def test_over_the_threshold_nothing_is_bought_before_somebody_approves(tmp_path):
    project = open_night(tmp_path, backend=METERED, top=GATED)
    outcome = run_night(project)
    assert "needs an approval" in outcome.pending
    assert project.pending[f"{NIGHT}/maxcut/qpu"][0] == ApprovalRequiredError.exit_code
    assert project.provider("qpu").posts() == []
    approve(project)
    assert execute(reopen(tmp_path)).pending is None
    assert {row["source"] for row in rows(project)} == {"backend"}


@pytest.mark.parametrize("ending", ["rejected", "expired", "inputs"])
def test_an_approval_that_ended_buys_nothing_and_the_reason_is_told(tmp_path, ending):
    project = open_night(tmp_path, backend=METERED, top=GATED)
    run_night(project)
    approve(project, valid_s=1e-6 if ending == "expired" else None)
    if ending == "rejected":
        approve(project, GateDecision.REJECTED, reason="too dear")
    if ending == "inputs":
        (tmp_path / "in" / "third.csv").write_text(PRISM)
        run_night(project)
    told = {
        "rejected": "Rejected by ada",
        "expired": "The approval by ada ended",
        "inputs": "The approval by ada has lapsed: ",
    }
    assert told[ending] in execute(project).pending
    assert project.provider("qpu").posts() == []


def test_a_lapsed_approval_tells_which_part_changed(tmp_path):
    project = open_night(tmp_path, backend=METERED, top=GATED)
    run_night(project)
    approve(project)
    (tmp_path / "in" / "third.csv").write_text(PRISM)
    pending = run_night(reopen(tmp_path)).pending
    assert "inputs changed" in pending
    assert "kernels changed" in pending


def test_phase_simulate_keeps_everything_from_a_metered_backend(tmp_path):
    project = open_night(tmp_path, backend=METERED, workload="phase: simulate")
    assert run_night(project).pending is None
    assert {row["source"] for row in rows(project)} == {"failed"}
    assert "Phase simulate: maxcut may not use qpu." in rows(project)[0]["source_reason"]
    assert project.provider("qpu").posts() == []


def test_phase_limited_lets_its_share_through(tmp_path):
    project = open_night(tmp_path, backend=METERED, workload="phase: limited", top="approvals: {limited_kernels: 1}\n")
    assert run_night(project).pending is None
    assert sorted(row["source"] for row in rows(project)) == ["backend", "failed"]
    assert len(project.ledger.kernels()) == 1


def test_a_backend_that_costs_nothing_has_no_gate(tmp_path):
    project = open_night(tmp_path, top=GATED, workload="phase: simulate")
    assert run_night(project).pending is None
    assert {row["source"] for row in rows(project)} == {"backend"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"plan_hash": "0123456789"}, "No plan and no decision of 2026-11-20 has the hash", id="unknown"),
        pytest.param({"plan_hash": "01"}, "give at least 8 digits", id="short"),
        pytest.param({"signer": " "}, "needs a name and a reason", id="nobody"),
        pytest.param({"reason": ""}, "needs a name and a reason", id="no-reason"),
    ],
)
def test_a_word_on_nothing_is_refused(tmp_path, changes, message):
    project = open_night(tmp_path, backend=METERED, top=GATED)
    with pytest.raises(UsageError, match=message):
        approve(project, **changes)
    assert project.ledger.approvals() == []
