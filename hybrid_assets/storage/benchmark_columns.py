"""Columns of the benchmark's tables, which `tables` makes of them. Put columns here; never rename one, nor its type."""

from __future__ import annotations

import pyarrow as pa

_TEXT, _REAL, _INT, _WIDE, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.int64(), pa.bool_()
_TIME, _REALS = pa.timestamp("us", tz="UTC"), pa.list_(pa.float64())

#: A trial: one repetition of a workload on a backend with one choice of the swept values.
KEYS = {"trial": _TEXT, "repetition": _INT}

#: How a row was made.
ANNOTATIONS = {
    # Of a parameter setting; of a circuit, NULL: several, or none.
    "shots": _WIDE,
    "depth": _INT,
    "provider": _TEXT,
    "provider_version": _TEXT,
    "identity": _TEXT,
    "executions": _TEXT,
    # ``measured`` on a device, ``emulated`` or ``simulated``: the last two tell nothing of a device's speed.
    "times": _TEXT,
    "calibration_ids": _TEXT,
    "compile_seed": _WIDE,
    "classical_seed": _WIDE,
    "python_version": _TEXT,
    "platform": _TEXT,
    "hybrid_assets_version": _TEXT,
    "qiskit_version": _TEXT,
    "aer_version": _TEXT,
    "runtime_version": _TEXT,
    "dagster_version": _TEXT,
    "began_at": _TIME,
    # Times that a process worked at the trial; unless it is 1, its times hold a pause.
    "sittings": _INT,
}

#: One method on one instance.
SCORE = {
    "num_variables": _INT,
    "value": _REAL,
    "value_low": _REAL,
    "value_high": _REAL,
    "best_value": _REAL,
    "reference_value": _REAL,
    "reference_kind": _TEXT,
    "ratio": _REAL,
    "best_ratio": _REAL,
    "p_opt": _REAL,
    "p_opt_low": _REAL,
    "p_opt_high": _REAL,
    "trials": _WIDE,
    "feasible_rate": _REAL,
    # Of a classical rival, when it was solved.
    "wall_s": _REAL,
    "facts": _TEXT,
    # Only of quantum methods: its kernels' parts of their jobs, and the post-processing of the instance.
    "method_shots": _WIDE,
    "kernel_seeds": _TEXT,
    "method_run_s": _REAL,
    "method_compile_s": _REAL,
    "method_score_s": _REAL,
    "method_billed_s": _REAL,
    "method_cost": _REAL,
    # The optimization problem as it is modeled; NULL where it is none.
    "modeling": _TEXT,
    "num_coefficients": _INT,
    "coefficient_type": _TEXT,
    "coefficient_low": _REAL,
    "coefficient_high": _REAL,
}
VOLATILE_SCORE = "sittings wall_s method_run_s method_compile_s method_score_s"

#: What a trial took and cost.
FIGURES = {
    "ended_at": _TIME,
    "wall_s": _REAL,
    "scoring_s": _REAL,
    "num_instances": _INT,
    "num_kernels": _INT,
    "num_results": _INT,
    # Jobs that were sent, duplicates apart.
    "num_jobs": _INT,
    "num_failed_jobs": _INT,
    "num_duplicates": _INT,
    # Kernels in them: one that was sent twice counts twice. The rate is what is beyond once each.
    "num_sends": _INT,
    "retry_rate": _REAL,
    "kernels_per_job": _REAL,
    "throughput_per_s": _REAL,
    # From submission to start, over kernels.
    "queue_median_s": _REAL,
    "queue_max_s": _REAL,
    # Compiled for this trial; and what its circuits took, whenever that was.
    "compile_s": _REAL,
    "compile_cold_s": _REAL,
    # From being asked for to the end of the job that answered, one a kernel with a result.
    "latencies_s": _REALS,
    "queues_s": _REALS,
    "latency_n": _INT,
    "latency_mean_s": _REAL,
    "latency_std_s": _REAL,
    "latency_median_s": _REAL,
    "latency_p95_s": _REAL,
    "latency_p99_s": _REAL,
    "latency_max_s": _REAL,
    "price_per_s": _REAL,
    "job_overhead_s": _REAL,
    "billed_s": _REAL,
    # It is the sum of the next three.
    "cost": _REAL,
    "qpu_cost": _REAL,
    "overhead_cost": _REAL,
    "retry_cost": _REAL,
    "cost_per_result": _REAL,
    # Billed seconds in jobs of one kernel each; what batching saved of them, and in money. Paid: NULL without a bill.
    "unbatched_s": _REAL,
    "batching_saved_s": _REAL,
    "batching_saved_cost": _REAL,
    "batching_paid": _FLAG,
}
VOLATILE_FIGURES = (
    "sittings wall_s scoring_s throughput_per_s queue_median_s queue_max_s compile_s latencies_s queues_s "
    "latency_mean_s latency_std_s latency_median_s latency_p95_s latency_p99_s latency_max_s"
)
