"""`hybrid_assets.evaluate`: an answer by its deadline whatever the backend does, and a real job that is bought once."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import hybrid_assets
from hybrid_assets.errors import ConfigurationError, UsageError
from hybrid_assets.model.queue import BreakerState, WorkClass
from hybrid_assets.runner import collecting
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night, reopen, run_night
from hybrid_assets_tests.integration.runner.pools import with_shared_pool

#: What the caller may wait beyond its deadline: the waiting thread needs its turn, on a loaded machine too.
SPARE_S = 1.0


def ask(project, **changes):
    wanted = {"workload": "maxcut", "instance": "square", "backend": "qpu", "deadline_s": 20.0, "project": project}
    return hybrid_assets.evaluate(**{**wanted, **changes})


def warm(folder, **more):
    """Open a project whose SDKs are imported and whose compile workers run, as after a first question."""
    project = with_shared_pool(open_night(folder, top="  spare: {provider: aer}\n" + more.pop("top", ""), **more))
    assert ask(project, backend="spare", instance="prism").source == "backend"
    return project


def posts(project):
    return [post["outcome"] for post in project.provider("qpu").posts()]


def test_a_fast_backend_answers_itself_and_is_asked_once(tmp_path):
    project = with_shared_pool(open_night(tmp_path))
    first = ask(project)
    assert (first.source, first.reason, first.is_final, len(first.kernel_ids)) == ("backend", None, True, 1)
    assert 2 < first.value <= first.best_value == 4.0  # the square is bipartite; a random cut has 2 of 4 edges
    assert first.method.startswith("qaoa_p1")
    assert first.calibration_id == project.provider("qpu").target().calibration_id
    again = ask(reopen(tmp_path), deadline_s=5)
    assert (again.value, again.kernel_ids, again.source) == (first.value, first.kernel_ids, "backend")
    assert again.age_s >= first.age_s
    assert posts(project) == ["accepted"]
    (kernel,) = project.ledger.kernels()
    assert kernel.work_class is WorkClass.PRODUCTION
    assert kernel.correlation_id == f"{first.correlation_id}/{kernel.label}"


def test_a_slow_backend_is_simulated_by_the_deadline_and_answers_the_next_call(tmp_path):
    project = warm(tmp_path, backend="queue_median_s: 4000000, queue_sigma: 0")
    began = time.monotonic()
    first = ask(project, deadline_s=2.0)
    assert time.monotonic() - began < 2.0 + SPARE_S
    assert (first.source, first.is_final) == ("simulation", False)
    assert "by the deadline" in first.reason
    assert first.reason.endswith("cached: there is no earlier result.")
    assert (first.best_value, first.calibration_id, len(first.kernel_ids)) == (4.0, None, 1)
    assert open_orders(project) == [], "a question is no partition of a night"
    assert collecting.collect(project, wait_s=10) == []
    second = ask(reopen(tmp_path))
    assert (second.source, second.kernel_ids) == ("backend", first.kernel_ids)
    assert posts(project) == ["accepted"]


def test_a_provider_that_hangs_holds_up_nobody(tmp_path, monkeypatch):
    project = warm(tmp_path)
    monkeypatch.setattr(type(project.provider("qpu")), "target", lambda self, at=None: time.sleep(4))
    began = time.monotonic()
    answer = ask(project, deadline_s=2.0)
    assert time.monotonic() - began < 2.0 + SPARE_S
    assert (answer.source, answer.kernel_ids, answer.is_final) == ("simulation", (), False)
    assert "cached: it was not ready by the deadline" in answer.reason


def test_an_outage_is_answered_by_a_simulation(tmp_path):
    project = warm(tmp_path, backend="faults: {outages: [{after_s: 0, for_s: 1000}]}")
    began = time.monotonic()
    answer = ask(project, deadline_s=2.0)
    assert time.monotonic() - began < 2.0 + SPARE_S
    assert (answer.source, answer.is_final, answer.best_value) == ("simulation", False, 4.0)


def test_a_backend_that_will_not_move_is_not_waited_for(tmp_path):
    project = warm(tmp_path)
    project.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason="by hand", retry_at=None, now=utc_now())
    answer = ask(project, deadline_s=60)
    assert (answer.source, answer.is_final) == ("simulation", False)
    assert answer.took_s < 10
    assert "by hand" in answer.reason


def test_a_kernel_that_failed_for_good_is_told_so(tmp_path):
    project = warm(tmp_path, backend="faults: {kernel_failures: {rate: 1, names_pub: true}}")
    answer = ask(project)
    assert (answer.source, answer.is_final) == ("simulation", True)
    assert answer.reason.startswith("Qpu failed: ")


def test_an_earlier_result_answers_before_a_simulation(tmp_path):
    project = warm(tmp_path, backend="reuse: night")
    first = ask(project, night="2026-11-20")
    project.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason="by hand", retry_at=None, now=utc_now())
    answer = ask(project, night="2026-11-21", deadline_s=60)
    assert (answer.source, answer.value) == ("cached", first.value)
    assert answer.kernel_ids != first.kernel_ids
    assert answer.calibration_id == first.calibration_id


def test_a_ladder_of_classical_answers_names_the_baseline(tmp_path):
    project = warm(tmp_path, workload="fallback: [classical]")
    run_night(project)
    solve_baselines(project, night=NIGHT, workload="maxcut")
    project.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason="by hand", retry_at=None, now=utc_now())
    answer = ask(project, options={"shots": 77})
    assert (answer.source, answer.value, answer.age_s) == ("classical", 4.0, None)
    assert answer.method not in {None, "dummy"}


def test_a_question_that_costs_money_passes_the_gate(tmp_path):
    project = warm(tmp_path, backend="metered: true, price_per_s: 2", top="approvals: {over_money: 1}\n")
    answer = ask(project)
    assert answer.source == "simulation"
    assert "needs an approval" in answer.reason
    assert posts(project) == []


def test_questions_of_one_night_share_what_the_phase_limits(tmp_path):
    limited = {"workload": "phase: limited", "top": "approvals: {limited_kernels: 1, limited_qpu_s: 60}\n"}
    project = warm(tmp_path, backend="metered: true", **limited)
    assert ask(project).source == "backend"
    assert ask(project, instance="prism").source == "simulation"
    assert posts(project) == ["accepted"]


def test_options_change_the_question_and_not_the_settings(tmp_path):
    project = with_shared_pool(open_night(tmp_path))
    ask(project, options={"shots": 77})
    assert [kernel.shots for kernel in project.ledger.kernels()] == [77]
    assert project.settings.workloads["maxcut"].shots == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"workload": "maxcat"}, "No workload 'maxcat'.*Did you mean 'maxcut'", id="workload"),
        pytest.param({"backend": "qpo"}, "No backend 'qpo'.*Did you mean 'qpu'", id="backend"),
        pytest.param({"instance": "squire"}, "No instance 'squire' of maxcut. Did you mean 'square'", id="instance"),
        pytest.param({"night": "tonight"}, "'tonight' is no night", id="night"),
        pytest.param({"deadline_s": 0}, "must be a positive number", id="deadline"),
        pytest.param({"options": {"shots": 0}}, "Option 'shots' of maxcut is wrong", id="option"),
    ],
)
def test_what_does_not_exist_is_refused(tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        ask(open_night(tmp_path), **changes)


def test_an_option_of_the_workloads_own_is_checked_too(tmp_path):
    with pytest.raises(ConfigurationError, match="depth"):
        ask(open_night(tmp_path), options={"depth": [1]})


def test_importing_the_package_stays_cheap():
    code = "import sys, hybrid_assets; print(sorted({'numpy', 'pydantic', 'hybrid_assets.runner'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'evaluated'"):
        _ = hybrid_assets.evaluated
