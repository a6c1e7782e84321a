"""What a workload promises, and whether a night kept it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.objectives import (
    KernelService,
    Objectives,
    parse_objectives,
    percentile,
    service_outcomes,
    stage_outcome,
)
from hybrid_assets.errors import ConfigurationError

WHERE = "workloads.maxcut"


def served(*turnarounds_s, source="backend", **ages):
    return [KernelService(source=source, turnaround_s=seconds, **ages) for seconds in turnarounds_s]


def only(objectives, kernels):
    (outcome,) = service_outcomes(objectives, kernels)
    return outcome


def test_parse_objectives_reads_all_of_them():
    raw = {
        "slo": {
            "success_rate": 0.9,
            "turnaround_s": 3600,
            "max_inputs_age_s": 7200,
            "max_calibration_age_s": 86400,
            "fail_factor": 3,
        },
        "latency_budget_s": {"quantum_results": 600},
    }
    assert parse_objectives(raw, where=WHERE) == Objectives(
        success_rate=0.9,
        turnaround_s=3600.0,
        max_inputs_age_s=7200.0,
        max_calibration_age_s=86400.0,
        latency_budget_s={"quantum_results": 600.0},
        fail_factor=3.0,
    )


@pytest.mark.parametrize("nothing", [{}, {"slo": {}, "latency_budget_s": None}])
def test_parse_objectives_of_nothing_promises_nothing(nothing):
    assert parse_objectives(nothing, where=WHERE) == Objectives(fail_factor=2.0)
    assert service_outcomes(Objectives(), served(1.0)) == ()
    assert stage_outcome(Objectives(), "quantum_results", wall_s=9.0) is None


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"slo": {"sucess_rate": 1}}, ".slo.sucess_rate: unknown key. Did you mean 'success_rate'? Known: "),
        ({"slo": [1]}, ".slo: [1] is wrong; expected keys success_rate,"),
        ({"slo": {"success_rate": 99}}, ".slo.success_rate: 99 is wrong; expected a number from 0 to 1."),
        ({"slo": {"turnaround_s": -1}}, ".slo.turnaround_s: -1 is wrong; expected a number of at least 0."),
        ({"slo": {"turnaround_s": True}}, ".slo.turnaround_s: True is wrong"),
        ({"slo": {"max_inputs_age_s": math.inf}}, ".slo.max_inputs_age_s: inf is wrong"),
        ({"slo": {"max_calibration_age_s": "1h"}}, ".slo.max_calibration_age_s: '1h' is wrong"),
        ({"slo": {"fail_factor": 0.5}}, ".slo.fail_factor: 0.5 is wrong; expected a number of at least 1."),
        ({"latency_budget_s": {"quantum_result": 1}},
         ".latency_budget_s.quantum_result: unknown key. Did you mean 'quantum_results'? Known: normalized_inputs,"),
        ({"latency_budget_s": {"decisions": math.nan}}, ".latency_budget_s.decisions: nan is wrong"),
    ],
)  # fmt: skip
def test_parse_objectives_refuses_by_place_and_nearest_word(raw, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_objectives(raw, where=WHERE)
    assert str(caught.value).startswith(WHERE + message)


@pytest.mark.parametrize(
    ("missed", "severity"),
    [pytest.param(1, "ok", id="allowed"), pytest.param(2, "warn", id="twice"), pytest.param(3, "fail", id="more")],
)
def test_success_rate_counts_what_the_backend_itself_answered(missed, severity):
    """Of ten, 90 % promised: one may be missed; a fallback's answer and none at all are alike."""
    kernels = served(*[1.0] * (10 - missed)) + served(1.0, source=None) + served(*[1.0] * (missed - 1), source="cached")
    outcome = only(Objectives(success_rate=0.9), kernels)
    assert outcome.facts == {"severity": severity, "value": (10 - missed) / 10, "limit": 0.9}
    assert (outcome.passed, outcome.blocking) == (severity == "ok", False)
    assert outcome.description == (
        f"{10 - missed} of 10 kernels were answered by the backend itself; promised are 90 %."
    )


def test_success_rate_of_one_fails_with_the_first_miss():
    """Nothing may be missed, and twice nothing is nothing."""
    assert only(Objectives(success_rate=1.0), served(1.0, source="failed")).facts["severity"] == "fail"
    assert only(Objectives(success_rate=1.0), served(1.0)).passed


@pytest.mark.parametrize(
    ("slowest_s", "severity", "value"),
    [
        pytest.param([500.0], "ok", 10.0, id="one-in-twenty-may-be-late"),
        pytest.param([60.1, 500.0], "warn", 60.1, id="over"),
        pytest.param([120.0, 500.0], "warn", 120.0, id="twice"),
        pytest.param([120.1, 500.0], "fail", 120.1, id="more-than-twice"),
    ],
)
def test_turnaround_is_the_95th_percentile_of_all_kernels(slowest_s, severity, value):
    """Of 20 kernels the 19th fastest; those still waiting count with their time so far."""
    kernels = served(*[10.0] * (20 - len(slowest_s))) + served(*slowest_s, source=None)
    outcome = only(Objectives(turnaround_s=60.0), kernels)
    assert (outcome.name, outcome.facts) == ("turnaround", {"severity": severity, "value": value, "limit": 60.0})


def test_turnaround_says_its_figures():
    outcome = only(Objectives(turnaround_s=60.0), served(75.25))
    assert outcome.description == "95 % of the answers within 75.25 s; the limit is 60 s."


@pytest.mark.parametrize("name", ["inputs_age", "calibration_age"])
def test_ages_are_the_oldest_the_backend_executed_with(name):
    """A fallback's are not the backend's."""
    objectives = Objectives(**{f"max_{name}_s": 100.0})
    kernels = served(1.0, **{f"{name}_s": 150.0}) + served(1.0, source="cached", **{f"{name}_s": 900.0})
    outcome = only(objectives, kernels)
    assert (outcome.name, outcome.facts) == (name, {"severity": "warn", "value": 150.0, "limit": 100.0})
    assert outcome.description.endswith("up to 150 s old at execution; the limit is 100 s.")


def test_ages_that_are_not_known_are_no_promise_kept():
    kernels = served(1.0, inputs_age_s=5.0) + served(1.0)
    outcome = only(Objectives(max_inputs_age_s=100.0), kernels)
    assert outcome.facts == {"severity": "warn", "value": 5.0, "limit": 100.0}
    assert outcome.description == "The age of 1 of 2 is not known; at most 100 s is promised."
    older = kernels + served(1.0, inputs_age_s=500.0)
    assert only(Objectives(max_inputs_age_s=100.0), older).facts["severity"] == "fail", "what is known is bad enough"


def test_objectives_without_any_kernel_are_kept():
    everything = Objectives(success_rate=1.0, turnaround_s=1.0, max_inputs_age_s=1.0, max_calibration_age_s=1.0)
    outcomes = service_outcomes(everything, [])
    assert [outcome.name for outcome in outcomes] == ["success_rate", "turnaround", "inputs_age", "calibration_age"]
    assert all(outcome.passed and outcome.facts["value"] is None for outcome in outcomes)


@pytest.mark.parametrize(
    ("wall_s", "severity"), [(600.0, "ok"), (600.1, "warn"), (1200.0, "warn"), (1200.1, "fail"), (math.nan, "fail")]
)
def test_stage_warns_over_its_budget_and_fails_over_twice_that(wall_s, severity):
    outcome = stage_outcome(Objectives(latency_budget_s={"quantum_results": 600.0}), "quantum_results", wall_s=wall_s)
    assert (outcome.name, outcome.facts["severity"], outcome.passed) == ("latency_budget", severity, severity == "ok")
    assert outcome.description.startswith("quantum_results took ")


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_percentile_is_the_least_value_that_enough_do_not_exceed(values, share):
    found = percentile(values, share=share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < share * len(values)


def test_percentile_keeps_to_its_rank_in_floating_point():
    """0.07 x 100 is 7.000000000000001: the 7th value, not the 8th."""
    assert percentile(range(1, 101), share=0.07) == 7
    assert percentile([], share=0.5) is None
