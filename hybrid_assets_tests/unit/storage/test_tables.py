"""The contract of the warehouse's tables."""

from __future__ import annotations

import pyarrow as pa
import pytest

from hybrid_assets.errors import WarehouseError
from hybrid_assets.storage.tables import FILLED, TABLES, table_named

# The key columns users were promised; more may be added, none renamed.
PROMISED = {
    "normalized_inputs": "night workload instance fingerprint num_variables source",
    "compiled_circuits": "night workload backend instance structure_fingerprint compile_key cache_hit compile_s "
    "num_qubits two_qubit_gates depth expected_success calibration_id",
    "quantum_results": "night workload backend instance kernel_id correlation_id parameters shots expected_value "
    "best_value source compiled_calibration_id executed_calibration_id provider_job_id",
    "classical_baselines": "night workload instance baseline version value bound proved wall_s cpu_s seed",
    "comparisons": "night workload backend instance method value value_low value_high reference_value reference_kind "
    "ratio p_opt p_opt_low p_opt_high cost verdict",
    "verdicts": "night workload backend metric num_instances effect effect_low effect_high p_value verdict scope",
    "job_attempts": "job_id attempt batch_id backend provider_job_id status error_class error_code submitted_at "
    "started_at finished_at queue_s run_s billed_s cost",
    "batch_decisions": "decided_at backend batch_id size limit reason",
    "stage_timings": "night workload backend stage wall_s budget_s within_budget",
    "calibration_snapshots": "backend calibration_id calibrated_at observed_at num_qubits median_two_qubit_error "
    "median_readout_error",
    "calibration_errors": "backend calibration_id operation qubits error duration_s t1_s t2_s",
    "decisions": "night workload plan_hash decision signer reason decided_at expires_at",
    "approvals": "night workload plan_hash decision signer reason decided_at expires_at",
    "budgets": "night team period unit limit spent reserved recorded_at",
    "breaker_events": "night backend kind happened_at state reason",
    "environments": "night kind name value recorded_at",
    "nightly_report": "night file sha256 bytes written_at",
    "benchmark_scores": "night workload backend trial repetition shots depth instance method role value ratio times "
    "provider provider_version identity",
    "benchmark_attempts": "night workload backend trial repetition job_id attempt status billed_s cost is_duplicate",
    "benchmark_trials": "night workload backend trial repetition shots depth num_kernels num_results retry_rate "
    "throughput_per_s cost qpu_cost overhead_cost retry_cost cost_per_result batching_saved_s batching_paid",
}


def test_tables_are_the_promised_views():
    assert set(TABLES) == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_table_has_its_promised_columns(name):
    assert set(PROMISED[name].split()) - set(TABLES[name].schema.names) == set()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_table_can_be_partitioned_and_versioned(table):
    fields = {field.name: field for field in table.schema}
    assert all(not fields[name].nullable for name in table.partition_by)
    assert table.volatile <= set(fields)
    assert set(FILLED) <= table.volatile
    assert not table.volatile & set(table.partition_by)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_table_tells_times_in_utc_and_nights_as_dates(table):
    for field in table.schema:
        assert field.name.endswith("_at") == (field.type == pa.timestamp("us", tz="UTC"))
        assert (field.name == "night") == (field.type == pa.date32())


def test_unknown_table_is_refused_with_the_nearest():
    with pytest.raises(WarehouseError, match=r"^There is no table 'verdict'\. Did you mean 'verdicts'\? Tables: appro"):
        table_named("verdict")
