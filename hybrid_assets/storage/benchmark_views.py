"""SQL views over the benchmark's tables. Put what is derived from trials here; nothing of it is stored.

A view's statement reads tables and earlier views only; `snapshot` makes them in this order.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: One row a repetition, workload, backend, instance, method and choice of swept values. What the trial took and cost
#: is that of all its kernels together, on each of its quantum rows: a control or a classical rival used none of it.
_RUNS = """
SELECT s.* EXCLUDE (schema_version, materialized_at),
       t.* EXCLUDE (night, workload, backend, trial, repetition, shots, depth, provider, provider_version, identity,
                    executions, times, calibration_ids, compile_seed, classical_seed, python_version, platform,
                    hybrid_assets_version, qiskit_version, aer_version, runtime_version, dagster_version, began_at,
                    sittings, wall_s, schema_version, materialized_at),
       t.wall_s AS trial_wall_s
FROM benchmark_scores s LEFT JOIN benchmark_trials t
  ON s.role = 'quantum' AND (s.night, s.workload, s.backend, s.trial) = (t.night, t.workload, t.backend, t.trial)
"""

#: One row a role and method with its quality over instances, for each choice of swept values. `ratio` is the mean over
#: instances and repetitions, `ratio_low` and `ratio_high` those of the worst and the best repetition.
_METHODS = """
SELECT night, workload, backend, shots, depth, role, method, count(DISTINCT repetition) AS repetitions,
       count(DISTINCT instance) AS instances, avg(ratio) AS ratio, min(of_repetition) AS ratio_low,
       max(of_repetition) AS ratio_high, avg(best_ratio) AS best_ratio, avg(p_opt) AS p_opt,
       count(*) FILTER (value IS NULL) AS failures
FROM (SELECT *, avg(ratio) OVER (PARTITION BY night, workload, backend, trial, role, method) AS of_repetition
      FROM benchmark_scores)
GROUP BY ALL
"""

#: One row a workload and backend. Latencies are of trials that one process worked at: others hold a pause. The
#: best method is the one with the best mean, chosen afterwards on both sides alike.
_SUMMARY = """
WITH best AS (
    SELECT * FROM benchmark_methods
    QUALIFY row_number() OVER (PARTITION BY night, workload, backend, role
                               ORDER BY ratio DESC NULLS LAST, shots, depth, method) = 1
), latency AS (
    SELECT night, workload, backend, count(*) AS n, avg(s) AS mean_s, stddev_samp(s) AS std_s, list_sort(list(s)) AS s
    FROM (SELECT night, workload, backend, unnest(latencies_s) AS s FROM benchmark_trials WHERE sittings = 1)
    GROUP BY ALL
), queue AS (
    SELECT night, workload, backend, avg(s) AS mean_s, max(s) AS max_s
    FROM (SELECT night, workload, backend, unnest(queues_s) AS s FROM benchmark_trials) GROUP BY ALL
), trial AS (
    SELECT night, workload, backend, any_value(provider) AS provider, any_value(identity) AS identity,
           string_agg(DISTINCT times, ',' ORDER BY times) AS times, max(repetition) AS repetitions, count(*) AS trials,
           sum(num_kernels) AS kernels, sum(num_results) AS results, sum(num_jobs) AS jobs,
           sum(num_failed_jobs) AS failed_jobs, sum(num_duplicates) AS duplicates,
           sum(num_sends) / nullif(sum(num_sends / (1 + retry_rate)), 0) - 1 AS retry_rate,
           sum(compile_s) AS compile_s, avg(compile_cold_s) AS compile_cold_s,
           avg(throughput_per_s) FILTER (sittings = 1) AS throughput_per_s,
           avg(wall_s) FILTER (sittings = 1) AS wall_mean_s, stddev_samp(wall_s) FILTER (sittings = 1) AS wall_std_s,
           sum(billed_s) AS billed_s, sum(cost) AS cost, sum(qpu_cost) AS qpu_cost, sum(overhead_cost) AS overhead_cost,
           sum(retry_cost) AS retry_cost, sum(batching_saved_s) AS batching_saved_s,
           sum(coalesce(batching_saved_cost, batching_saved_s * price_per_s)) AS batching_saved
    FROM benchmark_trials GROUP BY ALL
)
SELECT trial.night, trial.workload, trial.backend, provider, identity, times, trial.repetitions, trials, kernels,
       results, jobs, failed_jobs, duplicates, retry_rate, q.method, q.shots, q.depth, q.ratio, q.ratio_low,
       q.ratio_high, q.best_ratio, q.failures, k.method AS control, k.ratio AS control_ratio,
       k.best_ratio AS control_best_ratio,
       c.method AS classical, c.ratio AS classical_ratio, throughput_per_s, queue.mean_s AS queue_mean_s,
       queue.max_s AS queue_max_s, compile_s, compile_cold_s, wall_mean_s, wall_std_s, latency.n AS latency_n,
       latency.mean_s AS latency_mean_s, latency.std_s AS latency_std_s,
       latency.s[(latency.n * 50 + 99) // 100] AS latency_median_s,
       CASE WHEN latency.n >= 20 THEN latency.s[(latency.n * 95 + 99) // 100] END AS latency_p95_s,
       CASE WHEN latency.n >= 100 THEN latency.s[(latency.n * 99 + 99) // 100] END AS latency_p99_s,
       latency.s[latency.n] AS latency_max_s, billed_s, cost,
       cost / nullif(results, 0) AS cost_per_result, qpu_cost / nullif(results, 0) AS qpu_cost_per_result,
       overhead_cost / nullif(results, 0) AS overhead_cost_per_result,
       retry_cost / nullif(results, 0) AS retry_cost_per_result, compile_s / nullif(results, 0) AS compile_s_per_result,
       batching_saved_s, batching_saved,
       CASE WHEN billed_s > 0 OR cost > 0 THEN batching_saved_s > 0 OR batching_saved > 0 END AS batching_paid
FROM trial
LEFT JOIN latency USING (night, workload, backend)
LEFT JOIN queue USING (night, workload, backend)
LEFT JOIN best q ON (q.night, q.workload, q.backend, q.role) = (trial.night, trial.workload, trial.backend, 'quantum')
LEFT JOIN best k ON (k.night, k.workload, k.backend, k.role) = (trial.night, trial.workload, trial.backend, 'control')
LEFT JOIN best c ON (c.night, c.workload, c.backend, c.role) = (trial.night, trial.workload, trial.backend, 'classical')
"""

#: One row an instance, method and choice of swept values, with the columns that QOBLIB's checker of submissions wants,
#: in its order and under its names, after the night. NULL: the submitter's own, or not known here (docs/howto).
QOBLIB_OF_NIGHTS = """
SELECT night, instance AS "Problem", NULL::VARCHAR AS "Submitter", NULL::VARCHAR AS "Affiliation",
       strftime(min(began_at) AT TIME ZONE 'UTC', '%d. %b. %Y') AS "Date", NULL::VARCHAR AS "Reference",
       max(best_value) AS "Best Objective Value",
       any_value(reference_value) FILTER (reference_kind IN ('proved', 'bound')) AS "Optimality Bound",
       any_value(modeling) AS "Modeling Approach", any_value(num_variables) AS "# Decision Variables",
       any_value(num_variables) AS "# Binary Variables", 0 AS "# Integer Variables", 0 AS "# Continuous Variables",
       any_value(num_coefficients) AS "# Non-Zero Coefficients", any_value(coefficient_type) AS "Coefficients Type",
       format('{:g} - {:g}', any_value(coefficient_low), any_value(coefficient_high)) AS "Coefficients Range",
       format('{} of workload {} on backend {}, {} shots a setting: compile, sample, score', method, workload, backend,
              shots) AS "Workflow",
       'Stochastic' AS "Algorithm Type",
       CASE WHEN bool_and(times = 'measured') THEN 'Quantum Hardware' ELSE 'Quantum Simulator' END AS "Paradigm",
       count(*) AS "# Runs", count(best_value) AS "# Feasible Runs",
       count(*) FILTER (best_value >= top - 1e-9 * greatest(1, abs(top))) AS "# Successful Runs",
       0.0 AS "Success Threshold",
       string_agg(DISTINCT format('{} {} ({}); {}', provider, provider_version, identity, platform), ' / ')
           AS "Hardware Specifications",
       avg(method_compile_s + method_run_s + method_score_s) AS "Total Runtime",
       NULL::DOUBLE AS "Time to Solution",
       avg(method_compile_s + method_score_s + CASE WHEN times = 'simulated' THEN method_run_s ELSE 0 END)
           AS "CPU Runtime",
       NULL::DOUBLE AS "GPU Runtime",
       CASE WHEN bool_and(times = 'measured') THEN avg(method_billed_s) END AS "QPU Runtime",
       CASE WHEN bool_and(times = 'emulated') THEN avg(method_run_s) END AS "Other HW Runtime",
       format('The objective is maximized. Times are {}, in s, means over runs, without queues; post-processing is '
              'that of all methods of the instance.{} Success is relative to the best run; {} of {} runs reached the '
              '{} reference.', string_agg(DISTINCT times, '/'),
              CASE WHEN bool_or(times = 'emulated') THEN ' Other HW is an emulated device, at its speed setting.'
              ELSE '' END, count(*) FILTER (best_ratio >= 1 - 1e-9), count(*),
              coalesce(any_value(reference_kind), 'unknown')) AS "Remarks"
FROM (SELECT *, max(best_value) OVER (PARTITION BY night, workload, backend, instance, method, shots, depth) AS top
      FROM benchmark_scores WHERE role = 'quantum' AND modeling IS NOT NULL)
GROUP BY night, workload, backend, instance, method, shots, depth
ORDER BY night, workload, backend, instance, method, shots, depth
"""

#: Every view by name, with what it selects.
VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "benchmark_runs": _RUNS,
        "benchmark_methods": _METHODS,
        "benchmark_summary": _SUMMARY,
        "qoblib_submissions": f"SELECT * EXCLUDE (night) FROM ({QOBLIB_OF_NIGHTS})",  # noqa: S608 - a constant of this file
    }
)

#: What `export --qoblib` writes of a night.
QOBLIB_OF_NIGHT = f"SELECT * EXCLUDE (night) FROM ({QOBLIB_OF_NIGHTS}) WHERE night = ?"  # noqa: S608 - as above
