"""Objectives and latency budgets as asset checks: they warn or fail, and keep nothing from being published."""

from __future__ import annotations

import dagster as dg
import pytest

from hybrid_assets.defs.assets import build_asset, stage_assets
from hybrid_assets.defs.partitions import nights
from hybrid_assets.runner.exporting import export_timings
from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE, open_night

SEVERITIES = dg.AssetCheckSeverity
PROMISES = (
    "slo: {success_rate: 1, turnaround_s: 60, max_inputs_age_s: 60, max_calibration_age_s: 60}, fallback: [classical], "
    "latency_budget_s: {normalized_inputs: 0.000001, compiled_circuits: 600, quantum_results: 600}"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("promises")
    return open_night(folder, workload=PROMISES, graphs={"square": SQUARE})


@pytest.fixture(scope="module")
def evaluations(project):
    """Materialize up to the quantum results; return the checks by asset and name."""
    wanted = {"normalized_inputs", "compiled_circuits", "quantum_results"}
    partitions = nights(project.settings)
    result = dg.materialize(
        [build_asset(spec, partitions) for spec in stage_assets(project.settings) if spec.table in wanted],
        partition_key=NIGHT,
        resources={"project": project},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    assert len(result.get_asset_materialization_events()) == 3
    return {(e.asset_key.path[-1], e.check_name): e for e in result.get_asset_check_evaluations()}


def test_a_broken_latency_budget_is_an_error_that_blocks_nothing(evaluations):
    check = evaluations["normalized_inputs", "latency_budget"]
    assert (check.passed, check.blocking, check.severity) == (False, False, SEVERITIES.ERROR)
    assert "normalized_inputs took" in check.description
    assert check.metadata["limit"].value == 0.000001


def test_a_kept_latency_budget_passes_and_a_stage_without_one_has_no_check(evaluations, project):
    assert evaluations["quantum_results", "latency_budget"].passed
    (baselines,) = [spec for spec in stage_assets(project.settings) if spec.table == "classical_baselines"]
    assert "latency_budget" not in baselines.checks


def test_every_objective_of_service_is_a_check_of_the_results(evaluations):
    found = {name: evaluations["quantum_results", name] for name in ("success_rate", "turnaround", "inputs_age")}
    assert all(check.passed for check in found.values())
    old = evaluations["quantum_results", "calibration_age"]
    # the snapshot of fake_torino is years old, far more than twice 60 s
    assert (old.passed, old.severity) == (False, SEVERITIES.ERROR)


def test_the_table_of_timings_judges_by_the_same_rule(evaluations, project):
    export_timings(project, night=NIGHT)
    rows = {row["stage"]: row for row in project.warehouse.read_rows("stage_timings", night=NIGHT)}
    told = {stage: (row["budget_s"], row["within_budget"]) for stage, row in rows.items()}
    assert told["normalized_inputs"] == (0.000001, False)
    assert told["quantum_results"] == (600.0, True)


def test_a_classical_rung_has_the_rivals_solved_before_the_backend_is_asked(project):
    (results,) = [spec for spec in stage_assets(project.settings) if spec.table == "quantum_results"]
    assert ("maxcut", "classical_baselines") in results.deps
