"""Named questions over the views. Put the SQL that the command line or a report asks here, each with its sentence."""

from __future__ import annotations

#: One row a workload, backend and method of a night, quantum methods and controls each, classical ones by their best.
METHODS_OF_NIGHT = """
SELECT workload, backend, role, method, count(*) AS instances, median(ratio) AS ratio, median(best_ratio) AS best_ratio,
       avg(p_opt) AS p_opt, median(value) AS value, sum(shots) AS shots,
       count(*) FILTER (source <> 'backend') AS substituted
FROM comparisons WHERE night = ?
GROUP BY workload, backend, role, method
QUALIFY role <> 'classical' OR row_number() OVER (
    PARTITION BY workload, backend, role ORDER BY count(best_ratio) DESC, avg(best_ratio) DESC, sum(wall_s), method) = 1
ORDER BY workload, backend, list_position(['quantum', 'control', 'classical'], role), method
"""

#: One row a workload and backend of a night.
VERDICTS_OF_NIGHT = """
SELECT workload, backend, verdict, method, num_instances, effect, effect_low, effect_high, effect_confidence,
       p_value
FROM verdicts WHERE night = ? ORDER BY workload, backend
"""

#: One row a workload, backend and source of a night that is not the backend itself.
SUBSTITUTES_OF_NIGHT = """
SELECT workload, backend, source, count(DISTINCT kernel_id) AS kernels, any_value(source_reason) AS reason
FROM quantum_results WHERE night = ? AND source <> 'backend' GROUP BY ALL ORDER BY workload, backend, source
"""

#: How many rows of each table a night has, by workload and backend.
ROWS_OF_NIGHT = """
SELECT stage, workload, backend, count(*) AS rows FROM (
    SELECT 'normalized_inputs' AS stage, workload, NULL AS backend, night FROM normalized_inputs
    UNION ALL BY NAME SELECT 'classical_baselines' AS stage, workload, night FROM classical_baselines
    UNION ALL BY NAME SELECT 'compiled_circuits' AS stage, workload, backend, night FROM compiled_circuits
    UNION ALL BY NAME SELECT 'quantum_results' AS stage, workload, backend, night FROM quantum_results
    UNION ALL BY NAME SELECT 'comparisons' AS stage, workload, backend, night FROM comparisons
    UNION ALL BY NAME SELECT 'decisions' AS stage, workload, night FROM decisions
) WHERE night = ? GROUP BY ALL
"""

#: One row a workload and backend of a benchmark.
BENCHMARK_OF_NIGHT = """
SELECT * FROM benchmark_summary WHERE night = ? ORDER BY workload, backend
"""

#: One row a workload, backend and choice of swept values, with its best quantum method, where there are several.
SENSITIVITY_OF_NIGHT = """
SELECT workload, backend, shots, depth, method, ratio, ratio_low, ratio_high, p_opt FROM (
    SELECT * FROM benchmark_methods
    WHERE night = ? AND role = 'quantum'
    QUALIFY row_number() OVER (PARTITION BY workload, backend, shots, depth ORDER BY ratio DESC NULLS LAST, method) = 1
) QUALIFY count(*) OVER (PARTITION BY workload, backend) > 1
ORDER BY workload, backend, depth, shots
"""
