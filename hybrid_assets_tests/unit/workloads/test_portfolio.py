"""The workload from a price table to its scores, on exact or hand-made counts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from hybrid_assets.errors import CapacityError, IncomparableError, ProblemError
from hybrid_assets.model.jobs import ExecutionKind, KernelResult, RawCounts
from hybrid_assets.model.results import Reference, ReferenceKind, Role
from hybrid_assets.workloads._portfolio_objective import auto_penalty, penalized_qubo
from hybrid_assets.workloads._portfolio_scoring import random_feasible_outcomes
from hybrid_assets.workloads.portfolio import Portfolio

SHIPPED = Path(__file__).parents[3] / "data" / "inputs" / "portfolio"

# The three assets of test_portfolio_objective.py: A .10 .20, B .00 -.20, C .20 .00.
THREE = "date,A,B,C\n2024-01-01,100,100,50\n2024-01-08,110,100,60\n2024-01-15,132,80,60\n"
# With ten periods a year and q = .5: AB .475, AC 2.475, BC -.4. Bits: A is bit 0, so AB = 3, AC = 5, BC = 6.
PAIRS = {3: 0.475, 5: 2.475, 6: -0.4}


def load(tmp_path, text=THREE, name="three", **raw):
    path = tmp_path / f"{name}.csv"
    path.write_text(text)
    workload = Portfolio()
    options = workload.parse_options({"budget": 2, "periods_per_year": 10, "depths": [1], **raw})
    return workload, options, workload.load(path, source=f"{name}.csv", options=options)


def raw_counts(num_bits, *rows):
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.array([outcome for row in rows for outcome in row], dtype=np.uint64),
        counts=np.array([times for row in rows for times in row.values()], dtype=np.int64),
        offsets=np.cumsum([0, *map(len, rows)], dtype=np.int64),
    )


def result_of(counts, shots):
    return KernelResult(
        kernel_id="k" * 64,
        counts=counts,
        shots=shots,
        execution=ExecutionKind.STATEVECTOR,
        backend="aer",
        compiled_calibration_id="c",
        executed_calibration_id="c",
        provider_job_id="j",
        request_id="r",
        executed_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


def test_load_gives_the_hand_computed_objective_and_its_facts(tmp_path):
    _, _, instance = load(tmp_path)
    table = instance.problem.value_table()
    assert {outcome: pytest.approx(table[outcome]) for outcome in PAIRS} == PAIRS
    assert instance.problem.cardinality == 2
    assert (instance.name, instance.source, instance.num_variables) == ("three", "three.csv", 3)
    assert json.loads(json.dumps(instance.facts)) == {
        "assets": ["A", "B", "C"],
        "budget": 2,
        "risk_aversion": 0.5,
        "returns": "simple",
        "num_returns": 2,
        "periods_per_year": 10.0,
        "first_date": "2024-01-01",
        "last_date": "2024-01-15",
    }


def test_column_order_and_file_name_change_neither_objective_nor_fingerprint(tmp_path):
    rows = [line.split(",") for line in THREE.split()]
    shuffled = "\n".join(",".join([row[0], row[3], row[1], row[2]]) for row in rows)
    _, _, one = load(tmp_path)
    _, _, other = load(tmp_path, shuffled, name="other")
    assert other.fingerprint == one.fingerprint
    assert other.problem == one.problem


@pytest.mark.parametrize(
    "change",
    [{"budget": 1}, {"risk_aversion": 0.6}, {"periods_per_year": 11}, {"text": THREE.replace("132", "132.001")}],
    ids=str,
)
def test_fingerprint_changes_with_the_problem(tmp_path, change):
    assert load(tmp_path, **change)[2].fingerprint != load(tmp_path)[2].fingerprint


def test_fingerprint_does_not_depend_on_how_the_problem_is_attacked(tmp_path):
    other = load(tmp_path, depths=[4], penalty=9, descent=False, angles={"policy": "grid"})[2]
    assert other.fingerprint == load(tmp_path)[2].fingerprint


def test_budget_defaults_to_half_of_the_assets(tmp_path):
    assert load(tmp_path, budget=None)[2].problem.cardinality == 1


def test_load_refuses_a_budget_without_a_choice(tmp_path):
    message = "three.csv: has 3 assets; a budget of 3 leaves no choice. Lower portfolio.budget to at most 2"
    with pytest.raises(ProblemError, match=f"^{re.escape(message)}$"):
        load(tmp_path, budget=3)


def test_load_refuses_a_file_name_that_is_no_instance_name(tmp_path):
    with pytest.raises(ProblemError, match=r"^My Prices\.csv: the file's name becomes the instance's: use only"):
        load(tmp_path, name="My Prices")


def test_kernels_are_one_a_depth_with_scaled_phases(tmp_path):
    workload, options, instance = load(tmp_path, depths=[2, 1], angles={"policy": "grid", "size": 3})
    kernels = workload.kernels(instance, options=options, max_qubits=3, shots=100)
    assert [kernel.label for kernel in kernels] == ["qaoa_p2", "qaoa_p1"]
    for kernel, depth in zip(kernels, (2, 1), strict=True):
        assert kernel.facts["depth"] == depth
        assert kernel.values.shape == (9, len(kernel.parameter_names))
        assert kernel.circuit.num_qubits == 3
        assert kernel.shots == 100
        assert [len(setting["gamma"]) for setting in kernel.settings] == [depth] * 9
        # Each of 3 variables has 2 couplings: at gamma 1 the root mean square of their phases is
        # arctan(1) / arctan(1/sqrt 2), the transfer from a cubic graph.
        phases = [k for k, name in enumerate(kernel.parameter_names) if name.startswith("g0_")]
        strength = np.sqrt(np.mean(kernel.values[:, phases] ** 2, axis=1))
        gammas = np.array([setting["gamma"][0] for setting in kernel.settings])
        assert strength == pytest.approx(gammas * np.arctan(1) / np.arctan(np.sqrt(0.5)))


def test_kernels_prefer_the_better_points_of_the_penalized_objective(tmp_path):
    """The sign of the phases: with the grid's best row the mean penalized objective beats that of random bits."""
    workload, options, instance = load(tmp_path, depths=[2], angles={"policy": "grid", "size": 5})
    (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=100)
    table = penalized_qubo(instance.problem, auto_penalty(instance.problem)).value_table()
    circuit = kernel.circuit.remove_final_measurements(inplace=False)
    means = [
        Statevector(circuit.assign_parameters(dict(zip(kernel.parameter_names, row, strict=True)))).probabilities()
        @ table
        for row in kernel.values
    ]
    assert max(means) > table.mean() + 0.5 * (table.max() - table.mean())


def test_kernels_refuse_more_qubits_than_allowed(tmp_path):
    workload, options, instance = load(tmp_path)
    with pytest.raises(CapacityError, match=r"^portfolio 'three' needs 3 qubits, one an asset, but max_qubits is 2"):
        workload.kernels(instance, options=options, max_qubits=2, shots=1)


def test_evaluate_takes_feasible_samples_only(tmp_path):
    workload, options, instance = load(tmp_path, angles={"policy": "grid", "size": 2})
    (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    counts = raw_counts(3, {3: 1, 5: 3, 7: 6}, {0: 10}, {6: 10}, {1: 9, 3: 1})
    expected, best = workload.evaluate(instance, kernel, counts)
    assert expected == pytest.approx([(0.475 + 3 * 2.475) / 4, np.nan, -0.4, 0.475], nan_ok=True)
    assert best == pytest.approx([2.475, np.nan, -0.4, 0.475], nan_ok=True)


def test_score_counts_successes_of_all_trials(tmp_path):
    workload, options, instance = load(tmp_path)
    (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    result = result_of(raw_counts(3, {0: 2, 3: 1, 5: 3, 7: 4}), 10)
    reference = Reference(value=instance.problem.value_table()[5], kind=ReferenceKind.PROVED)
    scores = workload.score(instance, options=options, results=[(kernel, result)], reference=reference)
    assert [(score.method, score.role) for score in scores] == [
        ("qaoa_p1", Role.QUANTUM),
        ("qaoa_p1+descent", Role.QUANTUM),
        ("random_bits", Role.CONTROL),
        ("random_bits+descent", Role.CONTROL),
        ("random_feasible", Role.CONTROL),
    ]
    raw = scores[0]
    assert raw.value == pytest.approx((0.475 + 3 * 2.475) / 4)
    assert raw.best_value == pytest.approx(2.475)
    assert (raw.successes, raw.trials, raw.feasible_rate, raw.shots) == (3, 10, 0.4, 10)
    assert raw.kernel_ids == ("k" * 64,)
    # From none, A then C are added (2.475 - 0); from all, B is dropped; AB stays, as one flip leaves the budget.
    descended = scores[1]
    assert (descended.successes, descended.trials, descended.feasible_rate) == (9, 10, 1.0)
    assert descended.value == pytest.approx((0.475 + 9 * 2.475) / 10)


def test_score_of_nothing_feasible_has_no_value(tmp_path):
    workload, options, instance = load(tmp_path, descent=False)
    (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    result = result_of(raw_counts(3, {0: 10}), 10)
    scores = workload.score(instance, options=options, results=[(kernel, result)], reference=None)
    assert [score.method for score in scores] == ["qaoa_p1", "random_bits", "random_feasible"]
    assert (scores[0].value, scores[0].best_value, scores[0].successes, scores[0].feasible_rate) == (
        None,
        None,
        None,
        0,
    )


def test_score_without_results_is_empty(tmp_path):
    workload, options, instance = load(tmp_path)
    assert workload.score(instance, options=options, results=[], reference=None) == ()


def test_score_of_a_failed_kernel_has_no_value_and_keeps_its_place(tmp_path):
    """Depth 2 failed; the controls draw as many samples as depth 1 took."""
    workload, options, instance = load(tmp_path, depths=[1, 2])
    done, failed = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    result = result_of(raw_counts(3, {5: 10}), 10)
    scores = workload.score(instance, options=options, results=[(done, result)], reference=None, missing=[failed])
    assert [(score.method, score.value is None) for score in scores if score.role is Role.QUANTUM] == [
        ("qaoa_p1", False),
        ("qaoa_p1+descent", False),
        ("qaoa_p2", True),
        ("qaoa_p2+descent", True),
    ]
    assert {(score.shots, score.kernel_ids) for score in scores if score.method.startswith("qaoa_p2")} == {(0, ())}
    assert {score.shots for score in scores if score.role is Role.CONTROL} == {10}


def test_controls_of_an_instance_whose_kernels_all_failed_draw_what_was_asked(tmp_path):
    workload, options, instance = load(tmp_path, angles={"policy": "grid", "size": 2}, descent=False)
    missing = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    scores = workload.score(instance, options=options, results=[], reference=None, missing=missing)
    assert [(score.method, score.shots, score.value is None) for score in scores] == [
        ("qaoa_p1", 0, True),
        ("random_bits", 40, False),
        ("random_feasible", 40, False),
    ]


def test_score_of_a_grid_takes_the_best_row_and_counts_the_shots_of_all(tmp_path):
    workload, options, instance = load(tmp_path, angles={"policy": "grid", "size": 2})
    (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    # Row 2 has the best feasible samples, but most of it is infeasible; row 1 is best in the penalized mean.
    counts = raw_counts(3, {6: 10}, {3: 5, 5: 5}, {5: 1, 0: 9}, {7: 10})
    scores = workload.score(instance, options=options, results=[(kernel, result_of(counts, 10))], reference=None)
    # The controls make the same effort as the whole grid.
    assert [score.shots for score in scores if score.role is Role.CONTROL] == [40, 40, 40]
    score = scores[0]
    assert score.shots == 40
    assert (score.facts["best_row"], score.facts["rows"]) == (1, 4)
    assert score.facts["best_setting"] == kernel.settings[1]
    assert score.value == pytest.approx((0.475 + 2.475) / 2)
    # the best of four rows of ten shots: t(9; 1 - .025/4) = 3.1109 below, t(9; .975) = 2.2622 above
    below, above = score.value - score.value_low, score.value_high - score.value
    assert below / above == pytest.approx(3.1109 / 2.2622, abs=1e-3)


def test_best_value_of_a_grid_is_over_all_rows(tmp_path):
    workload, options, instance = load(tmp_path, angles={"policy": "grid", "size": 2})
    (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=10)
    counts = raw_counts(3, {3: 10}, {5: 1, 0: 9}, {0: 10}, {0: 10})
    scores = workload.score(instance, options=options, results=[(kernel, result_of(counts, 10))], reference=None)
    assert scores[0].value == pytest.approx(0.475)
    assert scores[0].best_value == pytest.approx(2.475)
    assert scores[0].feasible_rate == 1.0


def test_random_feasible_control_is_uniform_over_feasible_points(tmp_path):
    instance = load(tmp_path)[2]
    outcomes, times = random_feasible_outcomes(instance.problem, 30_000, seed=3)
    assert outcomes.tolist() == [3, 5, 6]
    assert times.sum() == 30_000
    # Binomial with p = 1/3: sigma = sqrt(30000 x 2/9) = 82.
    assert np.abs(times - 10_000).max() < 5 * 82


def test_controls_are_the_same_every_time_and_differ_between_instances(tmp_path):
    def controls(**raw):
        workload, options, instance = load(tmp_path, **raw)
        (kernel,) = workload.kernels(instance, options=options, max_qubits=3, shots=10)
        pair = (kernel, result_of(raw_counts(3, {5: 1000}), 1000))
        scores = workload.score(instance, options=options, results=[pair], reference=None)
        return [score for score in scores if score.role is Role.CONTROL]

    assert controls() == controls()
    # Other units, the same points: were the draws the same, the feasible rates would be equal.
    assert controls()[0].feasible_rate != controls(periods_per_year=20)[0].feasible_rate


@pytest.mark.parametrize(
    ("method", "controls"),
    [
        ("qaoa_p3", ("random_bits", "random_feasible")),
        ("qaoa_p12+descent", ("random_bits+descent", "random_feasible")),
        ("random_bits", ()),
        ("tabu", ()),
    ],
)
def test_controls_of_a_method_take_its_steps(method, controls):
    assert Portfolio().controls_of(method) == controls


def test_a_foreign_instance_is_refused(tmp_path):
    workload, options, instance = load(tmp_path)
    foreign = replace(instance, workload="maxcut")
    with pytest.raises(IncomparableError, match="is an instance of 'maxcut', not of 'portfolio'"):
        workload.kernels(foreign, options=options, max_qubits=3, shots=1)


@pytest.mark.parametrize(
    ("file", "chosen", "best"),
    [
        ("sp500-10-weekly.csv", ["CVX", "HD", "JNJ", "JPM", "KO"], 0.6411241265768517),
        ("sp500-12-weekly.csv", ["JPM", "KO", "LLY", "MRK", "MSFT", "PG"], 1.063716037615967),
    ],
)
def test_shipped_instances_have_these_optima(file, chosen, best):
    """Found by enumeration when the files were cut; a change means that the files or the objective changed."""
    workload = Portfolio()
    instance = workload.load(SHIPPED / file, source=file, options=workload.parse_options({}))
    table = np.where(instance.problem.feasible_table(), instance.problem.value_table(), -np.inf)
    outcome = int(table.argmax())
    assert [asset for i, asset in enumerate(instance.facts["assets"]) if outcome >> i & 1] == chosen
    assert table.max() == pytest.approx(best, rel=1e-12)
