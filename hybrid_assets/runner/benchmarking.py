"""`run --benchmark`: fixed inputs, repetitions, every backend of a workload; rows of what each of them did and took.

Put the order of a whole benchmark here: what it runs is `benchmarking_cases`', one trial `benchmarking_trials`', what
its rows say `benchmarking_rows`'. A trial is over when its rows are published; whoever comes again goes on with the
others, and neither asks nor pays for anything twice.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import BackendUnavailableError, BudgetExceededError, CredentialsError, ProviderError
from hybrid_assets.runner.backends import dispatch_policy, drive
from hybrid_assets.runner.benchmarking_cases import freeze, trials_of
from hybrid_assets.runner.benchmarking_rows import rows_of
from hybrid_assets.runner.benchmarking_trials import Done, execute_trial, most_money
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.executing import pending_sentence
from hybrid_assets.runner.solving import rivals_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.queue import BatchRecord, QueuedKernel
    from hybrid_assets.runner.benchmarking_cases import Frozen, Trial, Wanted
    from hybrid_assets.runner.project import Project

#: Pause between two looks at jobs whose duplicates are searched for, and seconds beyond the time that may take.
PAUSE_S, PATIENCE_S = 0.1, 5.0


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How far a benchmark has come."""

    night: str
    #: All its trials, those that were over before among them.
    num_trials: int
    #: Executed and published now.
    published: list[str] = field(default_factory=list)
    #: Were over before.
    known: list[str] = field(default_factory=list)
    #: What a person should know, one sentence each.
    notes: list[str] = field(default_factory=list)
    #: Code of what keeps it from being over: 0 while jobs are merely on their way.
    exit_code: int = 0

    @property
    def is_over(self) -> bool:
        """Whether every trial has its rows."""
        return len(self.published) + len(self.known) == self.num_trials


def run_benchmark(project: Project, wanted: Wanted) -> Outcome:
    """Execute the trials of a night's benchmark that are not over, and publish their rows.

    A trial waits for at most its backend's ``wait_s``; after one that is not over by then, no other of its backend is
    begun: they would wait behind it, and measure each other.

    Raises:
        ConfigurationError: A section is not what the benchmark began with, or there is no input.
        ApprovalRequiredError: A gate lets a trial not through.
    """
    trials = list(trials_of(project, wanted))
    outcome = Outcome(night=wanted.night, num_trials=len(trials))
    inputs = _inputs(project, wanted.night, trials, outcome)
    shut: set[str] = set()
    done: list[Done] = []
    for trial in trials:
        if project.warehouse.published("benchmark_trials", **trial.partition):
            outcome.known.append(str(trial))
        elif trial.backend not in shut:
            found = _try(project, trial, inputs[trial.workload], outcome)
            if found is None:
                shut.add(trial.backend)
                continue
            done.append(found)
            _publish(project, found, outcome)
            outcome.published.append(str(trial))
    _add_duplicates(project, done, outcome)
    return outcome


def unapproved(project: Project, wanted: Wanted) -> list[str]:
    """Return a sentence for each metered backend of a benchmark, with the most that its trials may still cost."""
    trials = list(trials_of(project, wanted))
    metered = {b for b in {trial.backend for trial in trials} if project.provider(b).describe().is_metered}
    paid = [
        trial
        for trial in trials
        if trial.backend in metered and not project.warehouse.published("benchmark_trials", **trial.partition)
    ]
    inputs = _inputs(project, wanted.night, paid, Outcome(night=wanted.night, num_trials=0))
    most: dict[str, list[float]] = {}
    for trial in paid:
        cost = most_money(project, trial, inputs[trial.workload])
        most.setdefault(trial.backend, []).append(math.inf if cost is None else cost.high)
    return [
        f"{len(costs)} trials on {backend} cost money, "
        + ("how much is not known." if math.isinf(sum(costs)) else f"at most {sum(costs):g}.")
        for backend, costs in most.items()
        if sum(costs) > 0
    ]


def _inputs(project: Project, night: str, trials: Sequence[Trial], outcome: Outcome) -> dict[str, Frozen]:
    """Freeze the inputs of all workloads, and solve the rivals, before anything is timed."""
    found = {}
    for workload in dict.fromkeys(trial.workload for trial in trials):
        backends = tuple(dict.fromkeys(trial.backend for trial in trials if trial.workload == workload))
        frozen = freeze(project, night, workload, backends)
        found[workload] = frozen
        outcome.notes += frozen.notes
        for instance in frozen.instances:
            rivals_of(project, instance)
    if trials:
        project.compile_pool.warm()
    return found


def _try(project: Project, trial: Trial, frozen: Frozen, outcome: Outcome) -> Done | None:
    """Execute a trial; None, with a note, where it is not over or its backend cannot be asked."""
    project.report(f"{trial} ...")
    try:
        found = execute_trial(project, trial, frozen)
    except (ProviderError, CredentialsError) as exc:
        outcome.notes.append(f"{trial}: {exc}")
        outcome.exit_code = max(outcome.exit_code, exc.exit_code)
        return None
    if isinstance(found, Done):
        return found
    outcome.notes.append(_pending(trial, found))
    outcome.exit_code = max(outcome.exit_code, _code(found))
    return None


def _pending(trial: Trial, waiting: Sequence[QueuedKernel]) -> str:
    what, _, _ = pending_sentence(trial.cell, waiting).rpartition(" `hybrid-assets collect`")
    return f"{trial.name} of {what} The same command goes on with it."


def _code(waiting: Sequence[QueuedKernel]) -> int:
    classes = {kernel.error_class for kernel in waiting}
    if classes == {BudgetExceededError.__name__}:
        return BudgetExceededError.exit_code
    return BackendUnavailableError.exit_code if BackendUnavailableError.__name__ in classes else 0


def _publish(project: Project, done: Done, outcome: Outcome) -> None:
    """Publish a trial's rows; those of the trial itself are the last, and say that it is over."""
    rows = rows_of(done)
    outcome.notes += [note for note in rows.contradictions if note not in outcome.notes]
    if lost := rows.trial["num_kernels"] - rows.trial["num_results"]:
        outcome.notes.append(f"{done.trial}: {lost} kernels ended without a result; they stay in.")
    partition = done.trial.partition
    project.warehouse.publish("benchmark_scores", rows.scores, partition=partition)
    project.warehouse.publish("benchmark_attempts", rows.attempts, partition=partition)
    project.warehouse.publish("benchmark_trials", [rows.trial], partition=partition)


# --- duplicates, which are found later than results


def _add_duplicates(project: Project, done: Sequence[Done], outcome: Outcome) -> None:
    """Wait until duplicates of all jobs have been searched for; publish trials that have one again, with its bill.

    A simulator in this process has none, and would bill none.
    """
    if not done:
        return
    asked = {found.trial.asked.night for found in done}
    backends = {found.trial.backend for found in done}
    longest_s = max(dispatch_policy(project, backend).settle_s for backend in backends)
    until = utc_now() + timedelta(seconds=longest_s + PATIENCE_S)
    while (left := _unaudited(project, asked, backends)) and utc_now() < until:
        for backend in {batch.backend for batch in left}:
            drive(project, backend, until=min(utc_now() + timedelta(seconds=1), until))
        time.sleep(PAUSE_S)
    if left:
        counted = Counter(batch.backend for batch in left)
        jobs = ", ".join(f"{number} on {backend}" for backend, number in sorted(counted.items()))
        outcome.notes.append(f"Duplicates of some jobs are not searched for yet ({jobs}): their bill would be missing.")
    doubled = {duplicate.batch_id for duplicate in project.ledger.duplicates()}
    for found in done:
        cell = found.trial.asked
        own = project.ledger.batches(backend=cell.backend, night=cell.night, workload=cell.workload)
        names = {kernel.kernel_id for kernel in found.kernels}
        if any(batch.batch_id in doubled and names & set(batch.kernel_ids) for batch in own):
            _publish(project, found, outcome)


def _unaudited(project: Project, nights: set[str], backends: set[str]) -> list[BatchRecord]:
    said = {backend: project.provider(backend).describe() for backend in backends}
    able = {backend for backend, who in said.items() if who.supports_find and not who.is_simulator}
    batches = [batch for night in nights for batch in project.ledger.batches(night=night)]
    return [b for b in batches if b.sent_at is not None and b.audited_at is None and b.backend in able]
