"""The questions of the nightly report, by name. Put every piece of SQL here that a number of the report comes from.

Each takes the night as ``$1`` and can be asked by hand once that is replaced (`as_asked`). The histories go back
`HISTORY_NIGHTS` nights.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Nights of a history, tonight among them.
HISTORY_NIGHTS = 60
#: Nights of a line chart and of the coverage: more would neither be read nor fit the file.
CHART_NIGHTS = 30
#: Bins of queue times.
QUEUE_BINS = 4
#: Nights whose mean spending a forecast continues.
FORECAST_NIGHTS = 8

_HISTORY = f"night > $1::DATE - {HISTORY_NIGHTS} AND night <= $1::DATE"
_CHART = f"night > $1::DATE - {CHART_NIGHTS} AND night <= $1::DATE"

#: One row a night, workload and backend: the judged method beside the best classical one and the best control. The
#: interval of its ratio is the sign test's, as `scoring.statistics.median_interval` has it: from the k-th least to the
#: k-th largest of n, k the largest of which either end risks 2.5 % at most; of fewer than six, from the least to the
#: largest. The confidence tells which.
_NIGHTS_COMPARED = """
WITH methods AS (
    SELECT night, workload, backend, role, method, count(ratio) AS n, median(ratio) AS ratio,
           list_sort(list(ratio) FILTER (ratio IS NOT NULL)) AS ratios, median(best_ratio) AS best_ratio,
           avg(best_ratio) AS mean_best_ratio, sum(wall_s) AS wall_s,
           count(best_ratio) AS answers, count(*) FILTER (source <> 'backend') AS substituted
    FROM comparisons WHERE {where} GROUP BY ALL),
best AS (
    SELECT * FROM methods QUALIFY row_number() OVER (
        PARTITION BY night, workload, backend, role ORDER BY answers DESC, mean_best_ratio DESC, wall_s, method) = 1),
risks AS (
    SELECT n, j, sum(exp(lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) - n * ln(2)))
           OVER (PARTITION BY n ORDER BY j) AS risk
    FROM (SELECT DISTINCT n FROM methods WHERE role = 'quantum'), generate_series(0, n // 2 - 1) AS of_n(j)),
ends AS (SELECT n, count(*) AS k, max(risk) AS risk FROM risks WHERE j = 0 OR risk <= 0.025 GROUP BY n)
SELECT v.night, v.workload, v.backend, v.verdict, v.metric, v.method, v.num_instances, v.effect, v.effect_low,
       v.effect_high, v.effect_confidence, v.p_value, v.wins, v.ties, v.losses, q.ratio, q.ratios[e.k] AS ratio_low,
       q.ratios[q.n + 1 - e.k] AS ratio_high, 1 - 2 * e.risk AS ratio_confidence, q.best_ratio,
       c.method AS classical, c.best_ratio AS classical_best_ratio,
       k.method AS control, k.best_ratio AS control_best_ratio,
       coalesce(q.substituted, 0) AS substituted, v.scope, v.reasons
FROM (SELECT * FROM verdicts WHERE {where}) v
LEFT JOIN methods q ON (q.night, q.workload, q.backend, q.method) = (v.night, v.workload, v.backend, v.method)
LEFT JOIN ends e ON e.n = q.n
LEFT JOIN best c ON (c.night, c.workload, c.backend, c.role) = (v.night, v.workload, v.backend, 'classical')
LEFT JOIN best k ON (k.night, k.workload, k.backend, k.role) = (v.night, v.workload, v.backend, 'control')
ORDER BY v.workload, v.backend, v.night"""

#: Mean run time of one execution (a row's shot) of a workload on a backend, from tonight's jobs.
_RUN_TIMES = """
    SELECT workload, backend, sum(run_s * night_share) / nullif(sum(shots), 0) AS execution_s
    FROM job_attempts WHERE night = $1::DATE AND status = 'SUCCEEDED' AND NOT is_duplicate GROUP BY ALL"""

#: Results of kernels over a whole instance, of nights that WHERE chooses, as parts of their instance's reference. A
#: kernel of a part of an instance has fewer qubits than the instance has variables, and no reference of its own.
_RATIOS = """
    SELECT q.*, q.expected_value / r.reference_value AS ratio
    FROM (SELECT * FROM quantum_results WHERE {where} AND source = 'backend' AND expected_value IS NOT NULL) q
    JOIN (SELECT night, workload, instance, num_variables FROM normalized_inputs WHERE {where}) i
    ON (i.night, i.workload, i.instance) = (q.night, q.workload, q.instance) AND q.num_qubits >= i.num_variables
    JOIN (SELECT DISTINCT night, workload, backend, instance, reference_value FROM comparisons
          WHERE {where} AND reference_value > 0 AND p_opt IS NOT NULL) r
    ON (r.night, r.workload, r.backend, r.instance) = (q.night, q.workload, q.backend, q.instance)"""

#: Those of the history, each on the night it was executed first, and how far each is from the median of its own row:
#: kernels of other labels, instances or angles are never compared with each other. With the wait of its job.
_ROWS = f"""
    SELECT q.night, q.workload, q.backend, q.shots, q.executed_calibration_id AS calibration_id, j.queue_s,
           q.ratio - median(q.ratio) OVER own AS deviation, count(*) OVER own AS repetitions,
           min(q.shots) OVER own < max(q.shots) OVER own AS shots_differ
    FROM (SELECT * FROM ({_RATIOS.format(where=_HISTORY)})
          QUALIFY row_number() OVER (PARTITION BY workload, backend, kernel_id, "row" ORDER BY night) = 1) q
    LEFT JOIN (SELECT night, provider_job_id, max(queue_s) AS queue_s FROM job_attempts
               WHERE {_HISTORY} GROUP BY ALL) j USING (night, provider_job_id)
    WINDOW own AS (PARTITION BY q.workload, q.backend, q.instance, q.label, q.row, q.parameters)"""  # noqa: S608 - constants of this module

_QUESTIONS = {
    "tiles": """
WITH cells AS (
    SELECT v.workload || ' on ' || v.backend AS cell, any_value(v.verdict) AS verdict, any_value(v.effect) AS effect,
           median(c.ratio) AS ratio
    FROM verdicts v LEFT JOIN comparisons c USING (night, workload, backend, method)
    WHERE v.night = $1::DATE GROUP BY v.workload, v.backend),
least AS (SELECT * FROM cells WHERE ratio IS NOT NULL ORDER BY ratio, cell LIMIT 1),
most AS (SELECT * FROM cells WHERE effect IS NOT NULL ORDER BY effect DESC, cell LIMIT 1)
SELECT
    (SELECT count(*) FROM cells) AS verdicts,
    (SELECT count(*) FROM cells WHERE verdict = 'advantage_candidate') AS candidates,
    (SELECT count(*) FROM cells WHERE verdict = 'inconclusive') AS inconclusive,
    (SELECT ratio FROM least) AS ratio, (SELECT cell FROM least) AS ratio_cell,
    (SELECT max(ratio) FROM cells) AS highest_ratio,
    (SELECT effect FROM most) AS effect, (SELECT cell FROM most) AS effect_cell,
    (SELECT min(effect) FROM cells) AS least_effect,
    coalesce(sum(billed_s * coalesce(night_share, 1)), 0) AS billed_s,
    coalesce(sum(cost * coalesce(night_share, 1)), 0) AS cost,
    coalesce(sum(run_s * coalesce(night_share, 1)), 0) AS run_s,
    count(*) AS jobs, count(*) FILTER (status <> 'SUCCEEDED' AND NOT is_duplicate) AS jobs_not_succeeded,
    count(*) FILTER (is_duplicate) AS duplicates
FROM job_attempts WHERE night = $1::DATE""",
    "compared": _NIGHTS_COMPARED.format(where="night = $1::DATE"),
    "quality_by_night": _NIGHTS_COMPARED.format(where=_CHART),
    "methods": f"""
WITH run_times AS ({_RUN_TIMES}),
methods AS (
    SELECT workload, if(role = 'classical', '', backend) AS backend, role, method,
           count(DISTINCT instance) AS instances, median(ratio) AS ratio, median(best_ratio) AS best_ratio,
           avg(p_opt) AS p_opt, max(shots) AS shots, median(wall_s) AS wall_s, median(shots) AS executions,
           sum(cost) AS cost,
           count(*) FILTER (source <> 'backend') AS substituted
    FROM (SELECT DISTINCT ON (workload, if(role = 'classical', '', backend), instance, method) * FROM comparisons
          WHERE night = $1::DATE ORDER BY workload, instance, method, backend)
    GROUP BY ALL)
SELECT m.workload, m.backend, m.role, m.method, m.instances, m.ratio, m.best_ratio, m.p_opt, m.shots,
       if(m.role = 'quantum', m.executions * t.execution_s, m.wall_s) AS seconds, m.cost, m.substituted
FROM methods m LEFT JOIN run_times t USING (workload, backend)
ORDER BY m.workload, list_position(['quantum', 'control', 'classical'], m.role), m.backend, m.method""",  # noqa: S608
    "budgets": """
SELECT team, period, unit, "limit", spent, reserved, "limit" - spent - reserved AS left_over
FROM budgets WHERE night = $1::DATE ORDER BY team, period, unit""",
    "budgets_by_night": f"""
SELECT night, team, period, unit, "limit", spent, "limit" - spent AS left_over FROM budgets
WHERE {_CHART} AND length(period) = 7 AND (team, period, unit) IN (
    SELECT (team, period, unit) FROM budgets WHERE night = $1::DATE)
ORDER BY team, period, unit, night""",  # noqa: S608
    "forecast": f"""
WITH used AS (
    SELECT night, team, period, unit, "limit", "limit" - spent - reserved AS left_over,
           spent - lag(spent) OVER (PARTITION BY team, period, unit ORDER BY night) AS spent_that_night
    FROM budgets WHERE {_CHART} AND length(period) = 7
    QUALIFY row_number() OVER (PARTITION BY team, period, unit ORDER BY night DESC) <= {FORECAST_NIGHTS})
SELECT team, period, unit, arg_max("limit", night) AS "limit", arg_max(left_over, night) AS left_over,
       count(spent_that_night) AS nights, avg(spent_that_night) AS per_night, min(spent_that_night) AS least,
       max(spent_that_night) AS most, arg_max(left_over, night) / nullif(avg(spent_that_night), 0) AS nights_left
FROM used GROUP BY ALL HAVING max(night) = $1::DATE ORDER BY team, period, unit""",  # noqa: S608
    "spending_by_night": f"""
SELECT night, backend, count(*) AS jobs, count(*) FILTER (status <> 'SUCCEEDED') AS not_succeeded,
       sum(billed_s * coalesce(night_share, 1)) AS billed_s, sum(cost * coalesce(night_share, 1)) AS cost
FROM job_attempts WHERE {_CHART} GROUP BY ALL HAVING sum(billed_s) > 0 OR sum(cost) > 0 ORDER BY backend, night""",  # noqa: S608
    "calibration": """
SELECT backend, calibration_id, coalesce(calibrated_at, observed_at) AS calibrated_at, median_two_qubit_error,
       median_readout_error
FROM calibration_snapshots WHERE median_two_qubit_error IS NOT NULL AND calibration_id IN (
    SELECT executed_calibration_id FROM quantum_results WHERE night = $1::DATE
    UNION SELECT compiled_calibration_id FROM quantum_results WHERE night = $1::DATE)
ORDER BY backend, calibrated_at""",
    "calibration_by_night": f"""
SELECT backend, night, avg(median_two_qubit_error) AS two_qubit_error, avg(median_readout_error) AS readout_error,
       count(*) AS calibrations
FROM (SELECT DISTINCT night, backend, executed_calibration_id AS calibration_id FROM quantum_results
      WHERE {_CHART} AND source = 'backend') JOIN calibration_snapshots USING (backend, calibration_id)
WHERE median_two_qubit_error IS NOT NULL GROUP BY ALL ORDER BY backend, night""",  # noqa: S608
    "drift": f"""
WITH nights AS (
    SELECT workload, backend, night, avg(s.median_two_qubit_error) AS two_qubit_error,
           median(k.deviation) AS deviation, count(*) AS rows
    FROM ({_ROWS}) k JOIN calibration_snapshots s USING (backend, calibration_id)
    WHERE s.median_two_qubit_error IS NOT NULL AND k.repetitions > 1 GROUP BY ALL),
ranked AS (
    SELECT *, rank() OVER (PARTITION BY workload, backend ORDER BY two_qubit_error) AS error_rank,
           rank() OVER (PARTITION BY workload, backend ORDER BY deviation) AS quality_rank FROM nights)
SELECT workload, backend, night, two_qubit_error, deviation, rows, count(*) OVER pair AS nights,
       corr(error_rank, quality_rank) OVER pair AS rank_correlation
FROM ranked WINDOW pair AS (PARTITION BY workload, backend) ORDER BY workload, backend, night""",  # noqa: S608
    "parts": """
SELECT workload, count(DISTINCT (q.instance, q.label)) AS kernels, count(DISTINCT q.instance) AS instances,
       min(q.instance) AS example
FROM quantum_results q JOIN normalized_inputs i USING (night, workload, instance)
WHERE night = $1::DATE AND q.num_qubits < i.num_variables GROUP BY ALL ORDER BY workload""",
    "stages": """
SELECT workload, backend, stage, finished_at, wall_s, budget_s, within_budget FROM stage_timings
WHERE night = $1::DATE AND wall_s IS NOT NULL ORDER BY finished_at - to_microseconds((wall_s * 1e6)::BIGINT), stage
LIMIT 60""",
    "job_times": """
SELECT backend, workload, status, submitted_at, started_at, finished_at, queue_s, run_s, billed_s, num_pubs
FROM job_attempts WHERE night = $1::DATE AND submitted_at IS NOT NULL AND finished_at IS NOT NULL
ORDER BY submitted_at, job_id, is_duplicate LIMIT 40""",
    "jobs": """
SELECT backend, workload, status, is_duplicate, count(*) AS jobs, sum(num_pubs) AS kernels, median(queue_s) AS queue_s,
       max(queue_s) AS longest_queue_s, sum(run_s) AS run_s, sum(billed_s) AS billed_s, sum(cost) AS cost,
       any_value(error_message) AS message
FROM job_attempts WHERE night = $1::DATE GROUP BY ALL ORDER BY backend, workload, status""",
    "batches": """
SELECT decided_at, backend, size, "limit", split_part(reason, ';', 1) AS reason FROM batch_decisions
WHERE night = $1::DATE AND batch_id IS NOT NULL ORDER BY backend, decided_at, batch_id LIMIT 300""",
    "waits": """
SELECT backend, split_part(reason, ';', 1) AS reason, count(*) AS times, max(size) AS kernels FROM batch_decisions
WHERE night = $1::DATE AND batch_id IS NULL GROUP BY ALL ORDER BY times DESC, backend, reason LIMIT 12""",
    "breakers": """
SELECT backend, kind, happened_at, state, reason FROM breaker_events WHERE night = $1::DATE
ORDER BY backend, happened_at, kind LIMIT 300""",
    "shots": f"""
SELECT workload, backend, shots, count(*) AS rows, median(deviation) AS deviation,
       quantile_cont(deviation, 0.25) AS deviation_q25, quantile_cont(deviation, 0.75) AS deviation_q75
FROM ({_ROWS}) WHERE shots_differ GROUP BY ALL ORDER BY workload, backend, shots""",  # noqa: S608
    "depths": f"""
WITH circuits AS (
    SELECT workload, backend, instance, label, max(depth) AS depth, max(two_qubit_gates) AS two_qubit_gates
    FROM compiled_circuits WHERE night = $1::DATE GROUP BY ALL)
SELECT workload, backend, label, count(DISTINCT instance) AS instances, median(depth) AS depth,
       median(two_qubit_gates) AS two_qubit_gates, count(*) AS rows, median(ratio) AS ratio,
       quantile_cont(ratio, 0.25) AS ratio_q25, quantile_cont(ratio, 0.75) AS ratio_q75
FROM ({_RATIOS.format(where="night = $1::DATE")}) JOIN circuits USING (workload, backend, instance, label)
GROUP BY ALL ORDER BY workload, backend, depth, label LIMIT 60""",  # noqa: S608
    "queues": f"""
WITH binned AS (
    SELECT *, least(floor({QUEUE_BINS} * percent_rank() OVER (PARTITION BY workload, backend ORDER BY queue_s)),
                    {QUEUE_BINS} - 1) + 1 AS bin
    FROM ({_ROWS}) WHERE queue_s IS NOT NULL AND repetitions > 1)
SELECT workload, backend, bin, count(*) AS rows, median(queue_s) AS queue_s, max(queue_s) AS longest_queue_s,
       median(deviation) AS deviation, quantile_cont(deviation, 0.25) AS deviation_q25,
       quantile_cont(deviation, 0.75) AS deviation_q75
FROM binned GROUP BY ALL ORDER BY workload, backend, bin""",  # noqa: S608
    "coverage": f"""
WITH asked AS (
    SELECT night, workload, instance, status FROM normalized_inputs WHERE {_CHART}),
backends AS (SELECT DISTINCT workload, backend FROM compiled_circuits WHERE {_CHART}),
answered AS (
    SELECT night, workload, backend, instance, bool_or(source = 'failed') AS failed,
           bool_or(source <> 'backend') AS others
    FROM quantum_results WHERE {_CHART} GROUP BY ALL)
SELECT a.workload, b.backend, a.instance, a.night,
       CASE WHEN a.status = 'refused' THEN 'refused' WHEN r.failed THEN 'failed' WHEN r.others THEN 'fallback'
            WHEN r.failed IS NULL THEN 'missing' ELSE 'answered' END AS state
FROM asked a JOIN backends b USING (workload)
LEFT JOIN answered r ON (r.night, r.workload, r.backend, r.instance) = (a.night, a.workload, b.backend, a.instance)
ORDER BY a.workload, b.backend, a.instance, a.night""",  # noqa: S608
    "substitutes": """
SELECT workload, backend, source, count(DISTINCT kernel_id) AS kernels, count(DISTINCT instance) AS instances,
       any_value(source_reason) AS example
FROM quantum_results WHERE night = $1::DATE AND source <> 'backend' GROUP BY ALL ORDER BY workload, backend, source""",
    "refused": """
SELECT workload, instance, source, refusal FROM normalized_inputs
WHERE night = $1::DATE AND status = 'refused' ORDER BY workload, instance LIMIT 40""",
    "workloads": """
SELECT workload, count(*) FILTER (status = 'accepted') AS instances, count(*) FILTER (status = 'refused') AS refused,
       min(num_variables) AS smallest, max(num_variables) AS largest,
       string_agg(instance, ', ' ORDER BY instance) FILTER (status = 'accepted') AS names
FROM normalized_inputs WHERE night = $1::DATE GROUP BY ALL ORDER BY workload""",
    "kernels": """
WITH results AS (
    SELECT workload, backend, string_agg(DISTINCT execution, ', ') AS execution, count(DISTINCT kernel_id) AS kernels,
           count(*) AS rows, min(shots) AS least_shots, max(shots) AS most_shots
    FROM quantum_results WHERE night = $1::DATE GROUP BY ALL)
SELECT c.workload, c.backend, r.execution, count(*) AS circuits, count(*) FILTER (cache_hit) AS cached,
       min(num_qubits) AS least_qubits, max(num_qubits) AS most_qubits, median(two_qubit_gates) AS two_qubit_gates,
       median(depth) AS depth, max(depth) AS largest_depth, median(expected_success) AS expected_success,
       any_value(r.kernels) AS kernels, any_value(r.rows) AS rows, any_value(r.least_shots) AS least_shots,
       any_value(r.most_shots) AS most_shots, string_agg(DISTINCT optimization_level::VARCHAR, ', ') AS level,
       string_agg(DISTINCT seed::VARCHAR, ', ') AS seed, sum(compile_s) AS compile_s
FROM compiled_circuits c LEFT JOIN results r USING (workload, backend)
WHERE night = $1::DATE GROUP BY c.workload, c.backend, r.execution ORDER BY c.workload, c.backend""",
    "choices": """
SELECT c.workload, f.key AS fact, f.atom ->> '$' AS choice, count(DISTINCT c.instance) AS instances,
       string_agg(DISTINCT c.instance, ', ' ORDER BY c.instance) AS names
FROM comparisons c, json_each(c.facts::JSON) f
WHERE c.night = $1::DATE AND c.role = 'quantum' AND f.type = 'VARCHAR'
GROUP BY ALL ORDER BY c.workload, fact, instances DESC, choice""",
    "baselines": """
SELECT workload, baseline, role, any_value(version) AS version, count(*) AS instances,
       count(*) FILTER (proved) AS proved, median(wall_s) AS wall_s, max(wall_s) AS longest_wall_s,
       string_agg(DISTINCT seed::VARCHAR, ', ') AS seed
FROM classical_baselines WHERE night = $1::DATE GROUP BY ALL ORDER BY workload, role, baseline""",
    "decisions": """
SELECT workload, decision, signer, reason, decided_at FROM decisions WHERE night = $1::DATE ORDER BY workload""",
    "environment": """
SELECT kind, name, string_agg(value, ', ' ORDER BY recorded_at, value) AS value FROM environments
WHERE night = $1::DATE GROUP BY kind, name ORDER BY list_position(['backend', 'host', 'package'], kind), name""",
    "nights": """
SELECT night, count(*) AS verdicts, count(*) FILTER (verdict = 'advantage_candidate') AS candidates,
       max(effect) AS effect
FROM verdicts WHERE night <= $1::DATE GROUP BY night ORDER BY night DESC LIMIT 400""",
}

#: Every question of the report by name.
REPORT_QUESTIONS: Mapping[str, str] = MappingProxyType({name: text.strip() for name, text in _QUESTIONS.items()})


def as_asked(name: str, night: str) -> str:
    """Return a question as `hybrid-assets sql` takes it, for a night that is known to be a date."""
    return REPORT_QUESTIONS[name].replace("$1::DATE", f"DATE '{night}'")
