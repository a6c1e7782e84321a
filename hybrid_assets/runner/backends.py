"""One backend at work: its policy from settings and provider, its planner fed from the ledger, one round of driving.

Put what turns settings into the control plane's numbers here; which kernels are wanted is `queueing`'s.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from hybrid_assets.control import budgets as money
from hybrid_assets.control.dispatching import dispatch_round
from hybrid_assets.control.planning import plan
from hybrid_assets.control.plans import ClassRules, PlanRules
from hybrid_assets.control.policy import DispatchPolicy
from hybrid_assets.control.retry import RetryRule
from hybrid_assets.control.sharing import free_slots
from hybrid_assets.control.sizing import JobObservation, SizeRules, SizeState, replay
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BreakerRule, PostRate
from hybrid_assets.model.queue import BudgetUnit, WorkClass
from hybrid_assets.runner.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.control.dispatching import Planner, RoundSummary, Situation
    from hybrid_assets.control.plans import Plan
    from hybrid_assets.model.queue import BatchRecord
    from hybrid_assets.runner.project import Project

    ClassSizes = Mapping[int, SizeState]

#: What happened within this time decides about sizes and fair shares.
MEMORY = timedelta(days=1)
#: A listing that begins this much later than the longest lag proves absence: clocks of two machines may differ.
CLOCK_SKEW_S = 1.0
#: Kernels of the first job where a job has no lower limit.
FIRST_SIZE = 64
#: Pause between two looks at a job: a simulator in this process is cheap to ask.
LOCAL_POLL_S, REMOTE_POLL_S = 0.03, 2.0


class Past(Protocol):
    """What a planner learns from: the ledger, or the ledger as it was at some moment."""

    def finished(self, backend: str, *, since: datetime) -> Sequence[BatchRecord]:
        """Return a backend's final batches, see `control.ledger.JobLedger.finished`."""

    def served(self, backend: str, *, since: datetime) -> Mapping[tuple[WorkClass, str], float]:
        """Return the seconds of each class and team, see `control.ledger.JobLedger.served`."""


def drive(project: Project, backend: str, *, until: datetime | None) -> RoundSummary:
    """Drive a backend's queue until nothing is left to do now, or until a time; any number of processes may at once."""
    driver = Driver(
        provider=project.provider(backend),
        ledger=project.ledger,
        payloads=project.payloads,
        results=project.results,
        report=project.report,
        note=lambda pub, result: project.note_variant(backend, pub, result),
    )
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    steps = dispatch_round(
        backend, policy=dispatch_policy(project, backend), planner=planner(project, backend), owner=owner, until=until
    )
    return driver.run(steps)


def dispatch_policy(project: Project, backend: str) -> DispatchPolicy:
    """Return the numbers that govern a backend."""
    common, provider = project.backend(backend), project.provider(backend)
    description, limits = provider.describe(), provider.limits()
    lag_s, posts = description.listing_lag_s, limits.posts_per_minute
    return DispatchPolicy(
        slots=common.slots,
        lease_s=common.lease_s,
        hold_s=min(20.0, common.lease_s / 3),
        send_s=common.send_s,
        lag_s=lag_s,
        settle_s=common.send_s + lag_s + CLOCK_SKEW_S,
        poll_last_s=LOCAL_POLL_S if description.is_simulator else REMOTE_POLL_S,
        job_wait_s=common.job_wait_s,
        rate=PostRate(limit=posts, window_s=60.0) if posts else None,
        overhead_s=description.job_overhead_s,
        bill_step_s=description.bill_step_s,
        breaker=BreakerRule(threshold=common.breaker_threshold, pause_s=common.breaker_pause_s),
        retry=RetryRule(max_attempts=common.max_attempts, first_wait_s=common.retry_wait_s),
        price_per_s=common.price_per_s,
        overhead_money=description.job_overhead_money,
        supports_find=description.supports_find,
    )


def size_rules(project: Project, backend: str) -> SizeRules:
    """Return the bounds of a backend's jobs; a simulator in this process has nothing to adapt to."""
    provider, common = project.provider(backend), project.backend(backend)
    largest = provider.limits().max_pubs or SizeRules().largest
    return SizeRules(
        start=min(common.batch_size or FIRST_SIZE, largest),
        smallest=min(FIRST_SIZE, largest) if provider.describe().is_simulator else 1,
        largest=largest,
        job_overhead_s=provider.describe().job_overhead_s,
    )


def class_sizes(
    rules: SizeRules,
    batches: Iterable[BatchRecord],
    *,
    classify: Callable[[float], int],
    reserved_overhead_s: float,
) -> ClassSizes:
    """Return what finished batches teach about the size of a job, for each time class of their kernels.

    Args:
        rules: Bounds of the size.
        batches: Finished batches, oldest first.
        classify: Returns the time class of a kernel of so many expected seconds.
        reserved_overhead_s: Part of what a batch set aside that is not its kernels'.
    """
    found: dict[int, list[JobObservation]] = {}
    for batch in batches:
        if (observation := _observation(batch)) is not None:
            each_s = max(batch.reserved_s - reserved_overhead_s, 0.0) / len(batch.kernel_ids)
            found.setdefault(classify(each_s), []).append(observation)
    return {number: replay(rules, observations) for number, observations in found.items()}


def _observation(batch: BatchRecord) -> JobObservation | None:
    """Return what a batch that reached the backend tells about it; a cancelled one tells nothing."""
    if batch.submitted_at is None or batch.finished_at is None or batch.status is JobStatus.CANCELLED:
        return None
    return JobObservation(
        size=len(batch.kernel_ids),
        turnaround_s=max((batch.finished_at - batch.submitted_at).total_seconds(), 0.0),
        run_s=max((batch.finished_at - (batch.started_at or batch.finished_at)).total_seconds(), 0.0),
        is_failed=batch.status is JobStatus.FAILED,
    )


def planner(project: Project, backend: str, *, past: Past | None = None) -> Planner:
    """Return what chooses a backend's next batches; without a ``past`` of its own it learns from the ledger's."""
    history = past or project.ledger
    common, provider = project.backend(backend), project.provider(backend)
    limits, slo = provider.limits(), _inputs_age(project, backend)
    waits = ClassRules(linger_s=common.linger_s, max_inputs_age_s=slo)
    rules = PlanRules(
        production=waits,
        exploratory=waits,
        job_overhead_s=provider.describe().job_overhead_s,
        max_job_s=limits.max_run_s,
    )

    sizes, reserved_overhead_s = size_rules(project, backend), dispatch_policy(project, backend).reserved_overhead_s

    def recent(now: datetime) -> Sequence[BatchRecord]:
        return history.finished(backend, since=now - MEMORY)

    def choose(situation: Situation) -> Plan:
        classes = {kernel.batch_id: kernel.work_class for kernel in situation.batched}
        running = Counter(classes.get(batch.batch_id, WorkClass.PRODUCTION) for batch in situation.active)
        return plan(
            situation.ready,
            backend=backend,
            free_slots=free_slots(slots=common.slots, running=running, reserved=common.reserved_slots),
            now=situation.now,
            limits=limits,
            rules=rules,
            sizes=SizeState(rules=sizes),
            class_sizes=class_sizes(
                sizes, recent(situation.now), classify=rules.time_class, reserved_overhead_s=reserved_overhead_s
            ),
            usage=history.served(backend, since=situation.now - MEMORY),
            available_s=_available_s(situation),
        )

    return choose


def _inputs_age(project: Project, backend: str) -> float | None:
    """Return the strictest freshness that a workload on this backend asks for."""
    ages = [
        workload.slo["max_inputs_age_s"]
        for name, workload in project.settings.workloads.items()
        if backend in project.settings.backends_of(name) and "max_inputs_age_s" in workload.slo
    ]
    return min(ages, default=None)


def _available_s(situation: Situation) -> Mapping[str, float]:
    """Return the seconds each team with a budget may still plan: the most any of its nights has, within its month."""
    month = f"{situation.now:%Y-%m}"
    nights = {(kernel.team, kernel.night) for kernel in situation.ready}
    per_night: dict[str, float] = {}
    per_month: dict[str, float] = {}
    for budget in situation.budgets:
        if budget.unit is not BudgetUnit.QPU_S:
            continue
        room = money.room(budget)
        if budget.window == month:
            per_month[budget.team] = min(room, per_month.get(budget.team, room))
        elif (budget.team, budget.window) in nights:
            per_night[budget.team] = max(room, per_night.get(budget.team, room))
    return {
        team: min(per_night.get(team, float("inf")), per_month.get(team, float("inf")))
        for team in {*per_night, *per_month}
    }
