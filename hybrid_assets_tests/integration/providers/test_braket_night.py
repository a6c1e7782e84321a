"""A night on a Braket device through the control plane: one task, one bill, nothing bought twice."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ReadTimeoutError

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.providers._braket_aws import AwsBraket
from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE, open_night, rows, run_night
from hybrid_assets_tests.integration.runner.pools import with_shared_pool
from hybrid_assets_tests.unit.providers.braket_aws import FakeAws, capabilities, options

SHOTS = 100


@pytest.fixture
def aws():
    content = json.loads(capabilities(qubits=range(6)))
    content["action"]["braket.ir.openqasm.program_set"] |= {"maximumExecutables": 100, "maximumTotalShots": 100_000}
    return FakeAws(json.dumps(content), life=("COMPLETED",))


def _night(folder, aws):
    """Return a project whose backend ``qpu`` is the device; a billed second costs 1, as its documentation asks for."""
    budgets = "budgets:\n  - {team: research, per: night, money: 100}\n"
    project = with_shared_pool(open_night(folder, backend="price_per_s: 1", top=budgets, graphs={"square": SQUARE}))
    project._providers["qpu"] = AwsBraket("qpu", options(), folder / "device", connect=aws.connect)
    return project


def _bill(aws):
    """0.30 a task and 0.00145 a shot."""
    return sum(0.30 + 0.00145 * task["body"]["shots"] for task in aws.tasks.values())


def test_night_is_one_task_and_the_money_budget_pays_exactly_its_bill(tmp_path, aws):
    project = _night(tmp_path, aws)
    outcome = run_night(project)
    assert outcome.pending is None
    assert {row["execution"] for row in rows(project)} == {"qpu"}
    assert len(aws.tasks) == 1
    (budget,) = [b for b in project.ledger.budgets() if b.window == NIGHT]
    assert (budget.reserved, budget.spent) == (0.0, pytest.approx(_bill(aws)))


def test_task_whose_answer_was_lost_is_adopted_not_bought_again(tmp_path, aws):
    project, lost = _night(tmp_path, aws), ReadTimeoutError(endpoint_url="https://braket")
    lost.after = True
    aws.faults["create"] = [lost]
    assert run_night(project).pending is None
    assert (aws.count("create"), len(aws.tasks)) == (1, 1)
    (batch,) = project.ledger.finished("qpu", since=project.ledger.batches()[0].planned_at)
    assert (batch.status, batch.provider_job_id) == (JobStatus.SUCCEEDED, next(iter(aws.tasks)))
    assert batch.billed_s == pytest.approx(_bill(aws))
