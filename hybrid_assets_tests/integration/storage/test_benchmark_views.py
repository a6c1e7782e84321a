"""Views over benchmarks: their figures against hand-made rows, and the columns that QOBLIB wants."""

from __future__ import annotations

import pytest

from hybrid_assets.runner.benchmarking_figures import percentile
from hybrid_assets.storage.benchmark_views import QOBLIB_OF_NIGHT, VIEWS
from hybrid_assets.storage.snapshot import publish_snapshot, query
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import NIGHT, partition_of, rows_of

#: The header that the checker of QOBLIB submissions compares with, in its order.
QOBLIB = [
    "Problem",
    "Submitter",
    "Affiliation",
    "Date",
    "Reference",
    "Best Objective Value",
    "Optimality Bound",
    "Modeling Approach",
    "# Decision Variables",
    "# Binary Variables",
    "# Integer Variables",
    "# Continuous Variables",
    "# Non-Zero Coefficients",
    "Coefficients Type",
    "Coefficients Range",
    "Workflow",
    "Algorithm Type",
    "Paradigm",
    "# Runs",
    "# Feasible Runs",
    "# Successful Runs",
    "Success Threshold",
    "Hardware Specifications",
    "Total Runtime",
    "Time to Solution",
    "CPU Runtime",
    "GPU Runtime",
    "QPU Runtime",
    "Other HW Runtime",
    "Remarks",
]


def trial(home, name, **values):
    """Publish one trial of two kernels in one job, some values replaced."""
    usual = {
        "shots": 256, "depth": 1, "times": "emulated", "sittings": 1, "latencies_s": [1.0, 2.0], "queues_s": [0.5, 0.5],
        "num_kernels": 2, "num_results": 2, "num_jobs": 1, "num_failed_jobs": 0, "num_duplicates": 0, "num_sends": 2,
        "retry_rate": 0.0, "billed_s": 5.0, "price_per_s": 2.0, "cost": 10.0, "qpu_cost": 6.0, "overhead_cost": 4.0,
        "retry_cost": 0.0, "batching_saved_s": 2.0, "batching_saved_cost": 4.0,
    }  # fmt: skip
    rows = rows_of("benchmark_trials", 1, **(usual | values))
    Warehouse(home).publish("benchmark_trials", rows, partition=partition_of("benchmark_trials", trial=name))


def score(home, name, *rows):
    """Publish the scores of one trial; each row is a mapping of what is not as usual."""
    usual = {
        "shots": 256, "depth": 1, "instance": "prism", "role": "quantum", "method": "qaoa_p1", "value": 6.0,
        "ratio": 0.75, "best_ratio": 1.0, "best_value": 8.0, "reference_value": 8.0, "reference_kind": "proved",
        "modeling": "QUBO", "num_variables": 6, "num_coefficients": 9, "times": "emulated", "method_run_s": 3.0,
        "method_compile_s": 0.25, "method_score_s": 0.5, "method_billed_s": 4.0, "coefficient_low": -2.0,
        "coefficient_high": 3.5, "coefficient_type": "Continuous", "provider": "emulator",
        "provider_version": "1", "identity": "x", "platform": "Linux",
    }  # fmt: skip
    full = [rows_of("benchmark_scores", 1, **(usual | row))[0] for row in rows]
    Warehouse(home).publish("benchmark_scores", full, partition=partition_of("benchmark_scores", trial=name))


def ask(home, sql, *parameters):
    columns, rows = query(home, sql, parameters=list(parameters) or None)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def one(home, sql, *parameters):
    (row,) = ask(home, sql, *parameters)
    return row


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_answers_over_nothing_in_both_engines(tmp_path, name):
    assert ask(tmp_path, f"FROM {name}") == []
    assert publish_snapshot(tmp_path).exists()


def test_derived_views_are_listed_with_the_tables(tmp_path):
    assert set(VIEWS) <= {row["name"] for row in ask(tmp_path, "SHOW TABLES")}


def test_summary_adds_up_trials_and_parts_the_cost_of_a_result(tmp_path):
    """Two trials: 4 kernels, 3 results, 20 + 10 of money, of it 10 for what failed."""
    trial(tmp_path, "r1-s256-d1", repetition=1)
    trial(tmp_path, "r2-s256-d1", repetition=2, num_results=1, num_jobs=2, num_failed_jobs=1, num_sends=4,
          retry_rate=1.0, billed_s=10.0, cost=20.0, retry_cost=10.0, batching_saved_s=-1.0,
          batching_saved_cost=-2.0)  # fmt: skip
    score(tmp_path, "r1-s256-d1", {"repetition": 1})
    found = one(tmp_path, "FROM benchmark_summary")
    assert (found["repetitions"], found["trials"], found["kernels"], found["results"]) == (2, 2, 4, 3)
    assert (found["jobs"], found["failed_jobs"]) == (3, 1)
    assert found["retry_rate"] == pytest.approx(6 / 4 - 1)
    assert found["cost_per_result"] == pytest.approx(30 / 3)
    parts = [found[f"{name}_cost_per_result"] for name in ("qpu", "overhead", "retry")]
    assert parts == pytest.approx([12 / 3, 8 / 3, 10 / 3])
    assert sum(parts) == pytest.approx(found["cost_per_result"])
    assert (found["batching_saved_s"], found["batching_saved"], found["batching_paid"]) == (1.0, 2.0, True)


def test_batching_neither_paid_nor_failed_to_where_nothing_is_billed(tmp_path):
    trial(tmp_path, "r1-s256-d1", billed_s=0.0, cost=0.0, batching_saved_s=0.0)
    found = one(tmp_path, "FROM benchmark_summary")
    assert found["batching_paid"] is None


def test_batching_may_pay_where_the_bill_is_in_money(tmp_path):
    """Two tasks at 0.30 would have cost 0.30 more than one; no seconds are billed."""
    trial(tmp_path, "r1-s256-d1", billed_s=0.0, price_per_s=0.0, batching_saved_s=0.0, batching_saved_cost=0.3)
    found = one(tmp_path, "FROM benchmark_summary")
    assert (found["batching_saved"], found["batching_paid"]) == (0.3, True)


def test_trials_from_before_savings_were_kept_in_money_have_them_by_their_price(tmp_path):
    """2 s at 2.0 a second."""
    trial(tmp_path, "r1-s256-d1", batching_saved_cost=None)
    assert one(tmp_path, "FROM benchmark_summary")["batching_saved"] == 4.0


@pytest.mark.parametrize("count", [1, 19, 20, 21, 60, 99, 100, 101])
def test_summary_has_the_quantiles_of_the_rule_in_python(tmp_path, count):
    values = [float((7 * k) % 211) for k in range(count)]
    trial(tmp_path, "r1-s256-d1", latencies_s=values)
    found = one(tmp_path, "FROM benchmark_summary")
    expected = {"n": count, "max_s": max(values)}
    expected |= {f"{name}_s": percentile(sorted(values), p) for name, p in (("median", 50), ("p95", 95), ("p99", 99))}
    assert {name: found[f"latency_{name}"] for name in expected} == expected


def test_a_trial_that_was_interrupted_lends_no_times(tmp_path):
    """Its latencies hold the pause between two processes; its cost counts all the same."""
    trial(tmp_path, "r1-s256-d1")
    trial(tmp_path, "r2-s256-d1", sittings=2, latencies_s=[5000.0, 6000.0], wall_s=9000.0)
    found = one(tmp_path, "FROM benchmark_summary")
    assert (found["latency_n"], found["latency_max_s"], found["cost"]) == (2, 2.0, 20.0)
    assert found["wall_mean_s"] < 9000


def test_summary_shows_the_best_method_of_each_side_with_the_range_of_its_repetitions(tmp_path):
    for repetition, ratio in ((1, 0.7), (2, 0.9)):
        name = f"r{repetition}-s256-d1"
        trial(tmp_path, name, repetition=repetition)
        score(
            tmp_path,
            name,
            {"repetition": repetition, "method": "qaoa_p1", "ratio": 0.6},
            {"repetition": repetition, "method": "qaoa_p1+descent", "ratio": ratio},
            {"repetition": repetition, "role": "control", "method": "random_bits+descent", "ratio": 0.85},
            {"repetition": repetition, "role": "classical", "method": "tabu", "ratio": 1.0},
        )
    found = one(tmp_path, "FROM benchmark_summary")
    assert (found["method"], found["ratio_low"], found["ratio_high"]) == ("qaoa_p1+descent", 0.7, 0.9)
    assert found["ratio"] == pytest.approx(0.8)
    assert (found["control"], found["control_ratio"], found["classical_ratio"]) == ("random_bits+descent", 0.85, 1.0)


def test_only_quantum_rows_of_runs_have_what_the_trial_took(tmp_path):
    """A classical rival used none of it; how rows were made is on each of them."""
    trial(tmp_path, "r1-s256-d1")
    score(tmp_path, "r1-s256-d1", {}, {"role": "classical", "method": "tabu"})
    found = {row["role"]: row for row in ask(tmp_path, "FROM benchmark_runs")}
    assert (found["quantum"]["cost"], found["quantum"]["latencies_s"]) == (10.0, [1.0, 2.0])
    assert (found["classical"]["cost"], found["classical"]["latencies_s"]) == (None, None)
    assert {row["provider"] for row in found.values()} == {"emulator"}


def test_qoblib_has_exactly_the_columns_of_its_checker(tmp_path):
    assert query(tmp_path, "FROM qoblib_submissions")[0] == QOBLIB
    assert query(tmp_path, QOBLIB_OF_NIGHT, parameters=[NIGHT])[0] == QOBLIB


def test_qoblib_counts_runs_and_gives_means_without_the_queue(tmp_path):
    """Total: .25 compile + 3 run + .5 scoring; of an emulated device's 3 s none is CPU or QPU time."""
    score(tmp_path, "r1-s256-d1", {"best_value": 8.0})
    score(tmp_path, "r2-s256-d1", {"best_value": 8.0 - 1e-12, "best_ratio": 1.0 - 1e-13})
    score(tmp_path, "r3-s256-d1", {"best_value": None, "best_ratio": None})
    found = one(tmp_path, "FROM qoblib_submissions")
    assert (found["# Runs"], found["# Feasible Runs"], found["# Successful Runs"]) == (3, 2, 2)
    assert (found["Problem"], found["Best Objective Value"], found["Optimality Bound"]) == ("prism", 8.0, 8.0)
    assert (found["Total Runtime"], found["CPU Runtime"], found["Other HW Runtime"]) == (3.75, 0.75, 3.0)
    assert (found["QPU Runtime"], found["GPU Runtime"], found["Time to Solution"]) == (None, None, None)
    assert (found["Paradigm"], found["Coefficients Range"]) == ("Quantum Simulator", "-2 - 3.5")
    assert "2 of 3 runs reached the proved reference" in found["Remarks"]
    assert "emulated" in found["Remarks"]


def test_qoblib_calls_hardware_only_what_was_measured(tmp_path):
    score(tmp_path, "r1-s256-d1", {"times": "measured"})
    found = one(tmp_path, "FROM qoblib_submissions")
    assert (found["Paradigm"], found["QPU Runtime"], found["CPU Runtime"]) == ("Quantum Hardware", 4.0, 0.75)
    score(tmp_path, "r2-s256-d1", {"times": "emulated"})
    assert one(tmp_path, "FROM qoblib_submissions")["Paradigm"] == "Quantum Simulator"


def test_qoblib_takes_optimization_problems_and_quantum_methods_alone(tmp_path):
    score(tmp_path, "r1-s256-d1", {"modeling": None}, {"role": "control", "method": "random_bits"})
    assert ask(tmp_path, "FROM qoblib_submissions") == []
