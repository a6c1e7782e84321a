"""A night on a Braket device through the control plane: one task, one bill, nothing bought twice."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ReadTimeoutError

from hybrid_assets.errors import ConfigurationError, UsageError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.providers._braket_aws import AwsBraket
from hybrid_assets.runner.exporting import export_attempts
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.planning import plan_workload
from hybrid_assets.runner.smoke import run_smoke
from hybrid_assets.runner.spending import cost_of
from hybrid_assets.runner.tracing import trace
from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE, open_night, reopen, rows, run_night
from hybrid_assets_tests.integration.runner.pools import with_shared_pool
from hybrid_assets_tests.unit.providers.braket_aws import OPTIONS, FakeAws, capabilities, options

SHOTS = 100


@pytest.fixture
def aws():
    content = json.loads(capabilities(qubits=range(6)))
    content["action"]["braket.ir.openqasm.program_set"] |= {"maximumExecutables": 100, "maximumTotalShots": 100_000}
    return FakeAws(json.dumps(content), life=("COMPLETED",))


def _night(folder, aws, *, money=100):
    """Return a project whose backend ``qpu`` is the device, with budgets in money and in seconds."""
    budgets = f"budgets:\n  - {{team: research, per: night, qpu_s: 1, money: {money}}}\n"
    project = with_shared_pool(open_night(folder, top=budgets, graphs={"square": SQUARE}))
    project._providers["qpu"] = AwsBraket("qpu", options(), folder / "device", connect=aws.connect)
    return project


def _bill(aws):
    """0.30 a task and 0.00145 a shot."""
    return sum(0.30 + 0.00145 * task["body"]["shots"] for task in aws.tasks.values())


def _booked(project):
    return {b.unit.value: (b.reserved, b.spent) for b in project.ledger.budgets() if b.window == NIGHT}


def test_night_is_one_task_and_the_money_budget_pays_exactly_its_bill(tmp_path, aws):
    project = _night(tmp_path, aws)
    outcome = run_night(project)
    assert outcome.pending is None
    assert {row["execution"] for row in rows(project)} == {"qpu"}
    assert len(aws.tasks) == 1
    assert _booked(project) == {"money": (0.0, pytest.approx(_bill(aws))), "qpu_s": (0.0, 0.0)}


def test_plan_attempts_trace_and_results_tell_the_same_money_and_no_seconds(tmp_path, aws):
    """The plan's least is the bill: all kernels in one task."""
    project = _night(tmp_path, aws)
    normalize_inputs(project, night=NIGHT, workload="maxcut")
    (cell,) = [planned.plan for planned in plan_workload(project, NIGHT, "maxcut") if planned.plan.backend == "qpu"]
    run_night(project)
    bill = _bill(aws)
    assert (cell.money.low, cell.qpu_s.high) == (pytest.approx(bill), 0.0)
    assert cell.money.high >= cell.money.likely >= bill
    export_attempts(project, night=NIGHT)
    (attempt,) = project.warehouse.read_rows("job_attempts", night=NIGHT)
    assert (attempt["cost"], attempt["billed_s"]) == (pytest.approx(bill), 0.0)
    (job,) = trace(project, NIGHT)["jobs"]
    assert (job["cost"], job["billed_s"]) == (pytest.approx(bill), 0.0)
    results = [project.results.get(kernel.kernel_id) for kernel in project.ledger.kernels(night=NIGHT)]
    assert sum(cost_of(project, result) for result in results) == pytest.approx(bill)


def test_money_budget_below_the_price_of_a_task_sends_nothing(tmp_path, aws):
    """0.29 does not pay the 0.30 of a task; no seconds stand for money any more."""
    project = _night(tmp_path, aws, money=0.29)
    assert run_night(project).pending is not None
    assert not aws.tasks
    assert {kernel.error_class for kernel in project.ledger.kernels(night=NIGHT)} == {"BudgetExceededError"}


def test_a_cap_in_seconds_is_refused_where_it_would_cap_nothing(tmp_path, aws):
    with pytest.raises(UsageError, match=r"qpu is billed in money, .* Nothing was sent\. .*budget in money"):
        run_smoke(_night(tmp_path, aws), backend="qpu", max_qpu_s=1000.0)
    assert not aws.tasks


def test_price_of_seconds_beside_prices_of_tasks_is_refused_with_what_to_do(tmp_path):
    section = ", ".join(f"{key}: {value!r}" for key, value in {"provider": "braket", **OPTIONS}.items())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "square.csv").write_text(SQUARE)
    (tmp_path / "sweep.yaml").write_text(
        "start: 2026-11-01\nworkloads:\n  maxcut: {inputs: 'in/*.csv'}\n"
        f"backends:\n  qpu: {{{section}, price_per_s: 1.5}}\n"
    )
    project = reopen(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^backends\.qpu\.price_per_s: 1\.5 .* money.* Remove price_per_s\.$"):
        project.provider("qpu")


def test_task_whose_answer_was_lost_is_adopted_not_bought_again(tmp_path, aws):
    project, lost = _night(tmp_path, aws), ReadTimeoutError(endpoint_url="https://braket")
    lost.after = True
    aws.faults["create"] = [lost]
    assert run_night(project).pending is None
    assert (aws.count("create"), len(aws.tasks)) == (1, 1)
    (batch,) = project.ledger.finished("qpu", since=project.ledger.batches()[0].planned_at)
    assert (batch.status, batch.provider_job_id) == (JobStatus.SUCCEEDED, next(iter(aws.tasks)))
    assert batch.billed_money == pytest.approx(_bill(aws))
