"""From a trial that is over to its rows: what it scored, what became of its jobs, what it took and cost.

Everything is read from ledger and stores, so that making the rows again gives the same ones. Put what a row says here,
its arithmetic into `benchmarking_figures`.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.fallback import SOURCE_BACKEND
from hybrid_assets.errors import ContradictionError
from hybrid_assets.model.costs import money_of
from hybrid_assets.model.fingerprint import canonical_json, seed_from
from hybrid_assets.model.jobs import ExecutionKind, JobStatus
from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.model.results import Role
from hybrid_assets.runner.backends import dispatch_policy
from hybrid_assets.runner.benchmarking_figures import Bill, alone, cost_parts, tails
from hybrid_assets.runner.comparing import test_share
from hybrid_assets.runner.exporting import attempt_rows
from hybrid_assets.runner.placing import cached
from hybrid_assets.runner.solving import rivals_of
from hybrid_assets.runner.spending import cost_of
from hybrid_assets.scoring.compare import ComparisonKey, comparison_rows, reference_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hybrid_assets.control.policy import DispatchPolicy
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.queue import BatchRecord, QueuedKernel
    from hybrid_assets.model.results import Score
    from hybrid_assets.runner.benchmarking_trials import Done
    from hybrid_assets.runner.kernels import Kernel

#: How times came about; only measured ones are a device's.
MEASURED, EMULATED, SIMULATED = "measured", "emulated", "simulated"
#: Columns of a comparison that a benchmark's row has as well, other columns are its own.
_QUALITY = (
    "instance", "fingerprint", "method", "role", "value", "value_low", "value_high", "best_value", "reference_value",
    "reference_kind", "ratio", "best_ratio", "p_opt", "p_opt_low", "p_opt_high", "trials", "feasible_rate", "wall_s",
    "facts",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRows:
    """All rows of a trial."""

    scores: Sequence[dict[str, Any]]
    attempts: Sequence[dict[str, Any]]
    trial: dict[str, Any]
    #: Instances where something beats a proof, one sentence each; they have no scores.
    contradictions: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What became of one kernel."""

    kernel: Kernel
    queued: QueuedKernel | None
    #: The job that gave its result; None: there is no result.
    batch: BatchRecord | None
    result: KernelResult | None
    #: Its part of that job's executions.
    share: float

    @property
    def latency_s(self) -> float | None:
        """From being asked for to the end of the job that answered."""
        if self.queued is None or self.batch is None or self.batch.finished_at is None:
            return None
        return max((self.batch.finished_at - self.queued.enqueued_at).total_seconds(), 0.0)

    @property
    def queue_s(self) -> float | None:
        """From the submission of that job to its start."""
        if self.batch is None or self.batch.submitted_at is None or self.batch.started_at is None:
            return None
        return max((self.batch.started_at - self.batch.submitted_at).total_seconds(), 0.0)

    @property
    def run_s(self) -> float:
        """Its part of that job's time on the backend."""
        if self.batch is None or self.batch.started_at is None or self.batch.finished_at is None:
            return 0.0
        return (self.batch.finished_at - self.batch.started_at).total_seconds() * self.share


def rows_of(done: Done) -> TrialRows:
    """Score a trial and add up what it took; nothing is published."""
    answers, batches = _answers(done)
    scores, contradictions, scoring_s = _scores(done, answers)
    known = {answer.queued.kernel_id: answer.queued for answer in answers if answer.queued is not None}
    attempts = attempt_rows(done.project, done.trial.night, batches, known)
    annotations = _annotations(done, answers)
    return TrialRows(
        scores=[{**annotations, **row} for row in scores],
        attempts=[{**row, **done.trial.partition, "repetition": done.trial.repetition} for row in attempts],
        trial={**annotations, **_figures(done, answers, batches, attempts, scoring_s=scoring_s)},
        contradictions=contradictions,
    )


def _key(done: Done) -> dict[str, Any]:
    trial = done.trial
    return {**trial.partition, "repetition": trial.repetition, "shots": trial.shots, "depth": trial.depth}


def _answers(done: Done) -> tuple[list[_Answer], list[BatchRecord]]:
    ledger, asked = done.project.ledger, done.trial.asked
    names = [kernel.kernel_id for kernel in done.kernels]
    queued = {found.kernel_id: found for found in ledger.kernels(kernel_ids=names)}
    wanted = set(names)
    batches = [
        batch
        for batch in ledger.batches(backend=asked.backend, night=asked.night, workload=asked.workload)
        if wanted & set(batch.kernel_ids)
    ]
    by_request = {batch.request_id: batch for batch in batches}
    answers = []
    for kernel in done.kernels:
        result = done.project.results.get(kernel.kernel_id)
        batch = by_request.get(result.request_id) if result else None
        total = sum(queued[name].executions for name in batch.kernel_ids) if batch else 0
        own = queued.get(kernel.kernel_id)
        share = own.executions / total if own and total else 0.0
        answers.append(_Answer(kernel=kernel, queued=own, batch=batch, result=result, share=share))
    return answers, batches


def _annotations(done: Done, answers: Sequence[_Answer]) -> dict[str, Any]:
    """Return what every row says of its making."""
    description, common = done.project.provider(done.trial.backend).describe(), done.project.backend(done.trial.backend)
    kinds = sorted({answer.result.execution.value for answer in answers if answer.result})
    calibrations = sorted({answer.result.executed_calibration_id for answer in answers if answer.result})
    return {
        **_key(done),
        "provider": description.provider,
        "provider_version": description.version,
        "identity": description.identity,
        "executions": ",".join(kinds),
        "times": _times(kinds, is_simulator=description.is_simulator),
        "calibration_ids": ",".join(calibrations),
        "compile_seed": common.compile_seed,
        "classical_seed": done.project.settings.seed,
        **done.environment,
        "began_at": done.began_at,
        "sittings": done.sittings,
    }


def _times(kinds: Sequence[str], *, is_simulator: bool) -> str:
    if kinds == [ExecutionKind.QPU.value]:
        return MEASURED
    return SIMULATED if is_simulator else EMULATED


def _scores(done: Done, answers: Sequence[_Answer]) -> tuple[list[dict[str, Any]], list[str], float]:
    """Return the rows of all instances, what contradicts a proof, and the seconds that scoring took."""
    by_instance: dict[str, list[_Answer]] = {instance.name: [] for instance in done.instances}
    for answer in answers:
        by_instance[answer.kernel.instance.name].append(answer)
    rows: list[dict[str, Any]] = []
    contradictions: list[str] = []
    began = time.perf_counter()
    for instance in done.instances:
        try:
            rows += _instance_rows(done, instance, by_instance[instance.name])
        except ContradictionError as exc:
            contradictions.append(str(exc))
    return rows, contradictions, time.perf_counter() - began


def _instance_rows(done: Done, instance: ProblemInstance, answers: Sequence[_Answer]) -> list[dict[str, Any]]:
    plugin, options, _ = done.project.workload(done.trial.workload)
    rivals = rivals_of(done.project, instance)
    reference = reference_of(rivals)
    results = [(each.kernel.template.logical, each.result) for each in answers if each.result is not None]
    missing = [each.kernel.template.logical for each in answers if each.result is None]
    began = time.perf_counter()
    scores = plugin.score(instance, options=options, results=results, reference=reference, missing=missing)
    score_s = time.perf_counter() - began
    by_id = {answer.kernel.kernel_id: answer for answer in answers}
    key = ComparisonKey(**done.trial.cell.partition, instance=instance.name, fingerprint=instance.fingerprint)
    rows = comparison_rows(
        key,
        scores=scores,
        baseline_results=rivals,
        reference=reference,
        cost_of=lambda _: None,
        source_of=lambda _: SOURCE_BACKEND,
        test_share=test_share(instance),
    )
    of_method = {score.method: score for score in scores}
    spent = {name: _spent(done, score, by_id, score_s=score_s) for name, score in of_method.items()}
    model = _model(instance)
    return [{**{c: row[c] for c in _QUALITY}, **model, **spent.get(row["method"], {})} for row in rows]


def _spent(done: Done, score: Score, by_id: Mapping[str, _Answer], *, score_s: float) -> dict[str, Any]:
    """Return what one method took on one instance: its kernels' parts of their jobs, and the post-processing."""
    if score.role is not Role.QUANTUM:
        return {"method_shots": score.shots}
    used = [by_id[name] for name in score.kernel_ids if name in by_id]
    bills = [answer.result for answer in used if answer.result]
    seeds = {answer.kernel.template.logical.label: seed_from(answer.kernel.kernel_id) for answer in used}
    found = score.facts.get("depth")
    return {
        **({"depth": found} if isinstance(found, int) else {}),
        "method_shots": score.shots,
        "kernel_seeds": canonical_json(seeds),
        "method_run_s": sum(answer.run_s for answer in used),
        "method_compile_s": _compile_s(done, (answer.kernel for answer in used)),
        "method_score_s": score_s,
        "method_billed_s": sum(result.billed_s for result in bills),
        "method_cost": sum(cost_of(done.project, result) for result in bills),
    }


def _model(instance: ProblemInstance) -> dict[str, Any]:
    """Return the columns that describe an optimization problem as it is modeled; none of another problem."""
    problem, found = instance.problem, {"num_variables": instance.num_variables}
    if not isinstance(problem, BinaryQuadratic):
        return found
    coefficients = [value for value in (*problem.linear, *problem.weights) if value]
    return {
        **found,
        "modeling": "QUBO" if problem.cardinality is None else "QUBO and a cardinality",
        "num_coefficients": len(coefficients),
        "coefficient_type": "Integer"
        if all(value.is_integer() for value in map(float, coefficients))
        else "Continuous",
        "coefficient_low": min(coefficients, default=None),
        "coefficient_high": max(coefficients, default=None),
    }


def _compile_s(done: Done, kernels: Iterable[Kernel], *, only: frozenset[str] | None = None) -> float:
    """Return what the circuits of kernels took to compile, each once, whenever that was."""
    keys = {kernel.facts.compile_key for kernel in kernels}
    return sum(cached(done.project, key).facts.compile_s for key in sorted(keys if only is None else keys & only))


def _figures(
    done: Done,
    answers: Sequence[_Answer],
    batches: Sequence[BatchRecord],
    attempts: Sequence[Mapping[str, Any]],
    *,
    scoring_s: float,
) -> dict[str, Any]:
    """Return what a trial took and cost, all its kernels together."""
    ended_at = done.executed_at + timedelta(seconds=scoring_s)
    found = [answer for answer in answers if answer.result is not None]
    return {
        "ended_at": ended_at,
        "wall_s": (ended_at - done.began_at).total_seconds(),
        "scoring_s": scoring_s,
        "num_instances": len(done.instances),
        "num_kernels": len(answers),
        "num_results": len(found),
        **_jobs(answers, batches, attempts),
        **_times_of(done, found),
        **_costs(done, found, attempts),
    }


def _jobs(
    answers: Sequence[_Answer], batches: Sequence[BatchRecord], attempts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    sent = [batch for batch in batches if batch.sent_at is not None]
    sends = sum(len(batch.kernel_ids) for batch in sent)
    once = len({name for batch in sent for name in batch.kernel_ids})
    return {
        "num_jobs": len(sent),
        "num_failed_jobs": sum(batch.status is not JobStatus.SUCCEEDED for batch in sent),
        "num_duplicates": sum(row["is_duplicate"] for row in attempts),
        "num_sends": sends,
        "retry_rate": sends / once - 1.0 if once else None,
        "kernels_per_job": len(answers) / len(sent) if sent else None,
    }


def _times_of(done: Done, found: Sequence[_Answer]) -> dict[str, Any]:
    latencies = [value for answer in found if (value := answer.latency_s) is not None]
    queues = [value for answer in found if (value := answer.queue_s) is not None]
    spread = {f"latency_{name}": value for name, value in asdict(tails(latencies)).items()}
    began = min((answer.queued.enqueued_at for answer in found if answer.queued), default=None)
    ended = max((a.batch.finished_at for a in found if a.batch and a.batch.finished_at), default=None)
    span_s = (ended - began).total_seconds() if began and ended else 0.0
    kernels = [answer.kernel for answer in found]
    return {
        "throughput_per_s": len(found) / span_s if span_s > 0 else None,
        "queue_median_s": tails(queues).median_s,
        "queue_max_s": tails(queues).max_s,
        # What this trial compiled, and what its circuits took whoever compiled them.
        "compile_s": _compile_s(done, kernels, only=done.compiled),
        "compile_cold_s": _compile_s(done, kernels),
        "latencies_s": latencies,
        "queues_s": queues,
        **spread,
    }


def _costs(done: Done, found: Sequence[_Answer], attempts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    policy, good = dispatch_policy(done.project, done.trial.backend), JobStatus.SUCCEEDED.value
    overhead_s, price_per_s = policy.overhead_s, policy.price_per_s
    overhead_money = money_of(overhead_s, policy.overhead_money, price_per_s=price_per_s)

    def bills(column: str) -> list[Bill]:
        return [
            Bill(amount=row[column] or 0.0, gave_results=row["status"] == good and not row["is_duplicate"])
            for row in attempts
        ]

    seconds = cost_parts(bills("billed_s"), job_overhead=overhead_s)
    money = cost_parts(bills("cost"), job_overhead=overhead_money)
    apart_s, apart_money = _apart(policy, found)
    saved_s = apart_s - seconds.qpu - seconds.overhead
    saved_money = None if apart_money is None else apart_money - money.qpu - money.overhead
    saved = money_of(saved_s, saved_money, price_per_s=price_per_s)
    return {
        "price_per_s": price_per_s,
        "job_overhead_s": overhead_s,
        "billed_s": seconds.total,
        "cost": money.total,
        "qpu_cost": money.qpu,
        "overhead_cost": money.overhead,
        "retry_cost": money.retry,
        "cost_per_result": money.total / len(found) if found else None,
        "unbatched_s": apart_s,
        "batching_saved_s": saved_s,
        "batching_saved_cost": saved,
        "batching_paid": saved_s > 0 or saved > 0 if seconds.total > 0 or money.total > 0 else None,
    }


def _apart(policy: DispatchPolicy, found: Sequence[_Answer]) -> tuple[float, float | None]:
    """Return seconds and money of jobs of one kernel each; no money where seconds are billed."""
    jobs = [(answer.batch, answer.share) for answer in found if answer.batch is not None]
    apart_s = sum(
        alone(billed=job.billed_s, share=share, job_overhead=policy.overhead_s, bill_step=policy.bill_step_s)
        for job, share in jobs
    )
    if policy.overhead_money is None:
        return apart_s, None
    overhead = policy.overhead_money
    return apart_s, sum(
        alone(billed=job.billed_money or 0.0, share=share, job_overhead=overhead, bill_step=0.0) for job, share in jobs
    )
