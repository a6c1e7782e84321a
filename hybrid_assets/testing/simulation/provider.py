"""A provider in virtual time whose books are the truth that the ledger is compared with.

Put what a real provider does here: jobs, listings that lag, bills. Faults on the way to it are the world's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

from hybrid_assets.errors import (
    BackendUnavailableError,
    JobFailedError,
    PermanentProviderError,
    RateLimitedError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobHandle, JobReport, JobResult, JobStatus
from hybrid_assets.testing.simulation.scenario import (
    BACKEND,
    KERNEL_S,
    LISTING_S,
    OVERHEAD_S,
    PRICE_PER_S,
    START,
    Nature,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from hybrid_assets.model.queue import BatchRecord
    from hybrid_assets.testing.simulation.scenario import Scenario


class Bill(TypedDict):
    """What a job is billed."""

    billed_s: float
    billed_money: float | None


@dataclass(slots=True, kw_only=True)
class Job:
    """A job at the provider; times are seconds since the start."""

    job_id: str
    request_id: str
    kernel_ids: tuple[str, ...]
    created_s: float
    visible_s: float
    starts_s: float
    ends_s: float
    end: JobReport
    #: What it is billed for, in seconds or at their price.
    worked_s: float
    #: A second delivery of a request that we sent once.
    by_network: bool
    #: Whether its result is damaged at the provider, however often it is fetched.
    is_damaged: bool
    is_cancelled: bool = False

    def executed_by(self, at_s: float) -> bool:
        """Tell whether it has started."""
        return not self.is_cancelled and self.starts_s <= at_s


@dataclass(slots=True, kw_only=True)
class SimulatedProvider:
    """Jobs and their books."""

    scenario: Scenario
    rng: Random
    jobs: dict[str, Job] = field(default_factory=dict)

    def refuse(self, kernel_ids: Sequence[str], at_s: float) -> None:
        """Raise where a submission would be refused."""
        self.answer(at_s)
        for begin, end in self.scenario.throttles_s:
            if begin <= at_s < end:
                raise RateLimitedError("Too many requests.", retry_after_s=20.0)
        if any(self.scenario.natures[name] is Nature.REFUSED for name in kernel_ids):
            raise PermanentProviderError("A circuit uses an instruction the target does not have.", code=1517)

    def answer(self, at_s: float) -> None:
        """Raise where no question is answered."""
        if self.is_down(at_s):
            raise BackendUnavailableError("The service is down.")

    def is_down(self, at_s: float) -> bool:
        """Tell whether there is an outage."""
        return any(begin <= at_s < end for begin, end in self.scenario.outages_s)

    def deliver(self, batch: BatchRecord, at_s: float, *, by_network: bool) -> Job:
        """Make a job of a request that arrives at a time."""
        rng, scenario = self.rng, self.scenario
        starts_s = at_s + rng.uniform(0.0, scenario.longest_queue_s)
        ends_s = starts_s + rng.uniform(0.1, OVERHEAD_S + KERNEL_S * len(batch.kernel_ids))
        job = Job(
            job_id=f"job{len(self.jobs)}",
            request_id=batch.request_id,
            kernel_ids=batch.kernel_ids,
            created_s=at_s,
            visible_s=at_s + rng.choice((0.0, 1.0)) * rng.uniform(0.0, LISTING_S),
            starts_s=starts_s,
            ends_s=ends_s,
            end=self._end(batch.kernel_ids, starts_s),
            worked_s=0.0,
            by_network=by_network,
            is_damaged=rng.random() < scenario.p_job_fails / 4,
        )
        if job.end.status is not JobStatus.CANCELLED:
            job.worked_s = (OVERHEAD_S + KERNEL_S * len(batch.kernel_ids)) * rng.choice((1.0, rng.random()))
        self.jobs[job.job_id] = job
        return job

    def _end(self, kernel_ids: tuple[str, ...], starts_s: float) -> JobReport:
        """Return how a job will end."""
        rng, scenario = self.rng, self.scenario
        of = {nature: tuple(k for k in kernel_ids if scenario.natures[k] is nature) for nature in Nature}
        blames = rng.random() < scenario.p_blames
        if len(kernel_ids) > scenario.capacity:
            return JobReport(status=JobStatus.CANCELLED, error_code="1305", error_class="CapacityError")
        if rng.random() < scenario.p_job_fails:
            return JobReport(status=JobStatus.FAILED, error_code="9999", error_class="TransientProviderError")
        if scenario.recalibrated_s is not None and starts_s > scenario.recalibrated_s and of[Nature.SENSITIVE]:
            blamed = of[Nature.SENSITIVE]
            return JobReport(status=JobStatus.FAILED, error_class="TargetMismatchError", blamed_kernel_ids=blamed)
        if of[Nature.POISON]:
            blamed = of[Nature.POISON] if blames else ()
            return JobReport(status=JobStatus.FAILED, error_code="5203", blamed_kernel_ids=blamed)
        return JobReport(status=JobStatus.SUCCEEDED)

    def find(self, request_id: str, at_s: float) -> Sequence[JobHandle]:
        """List the jobs of a request that are visible, oldest first."""
        self.answer(at_s)
        found = [j for j in self.jobs.values() if j.request_id == request_id and j.visible_s <= at_s]
        return [self.handle(job) for job in sorted(found, key=lambda j: (j.created_s, j.job_id))]

    def handle(self, job: Job) -> JobHandle:
        """Return a job's handle."""
        return JobHandle(provider="simulated", backend=BACKEND, request_id=job.request_id, provider_job_id=job.job_id)

    def poll(self, job_id: str, at_s: float) -> JobReport:
        """Tell where a job is."""
        self.answer(at_s)
        job = self.jobs[job_id]
        if job.is_cancelled:
            return JobReport(status=JobStatus.CANCELLED, **self._bill(0.0))
        if at_s < job.starts_s:
            return JobReport(status=JobStatus.QUEUED)
        started_at = START + timedelta(seconds=job.starts_s)
        if at_s < job.ends_s:
            return JobReport(status=JobStatus.RUNNING, started_at=started_at)
        end = job.end
        return JobReport(
            status=end.status,
            error_code=end.error_code,
            error_class=end.error_class,
            blamed_kernel_ids=end.blamed_kernel_ids,
            **self._bill(job.worked_s),
            started_at=started_at,
        )

    def cancel(self, job_id: str, at_s: float) -> JobReport:
        """Cancel a job that has not started."""
        self.answer(at_s)
        job = self.jobs[job_id]
        if at_s < job.starts_s:
            job.is_cancelled = True
        return self.poll(job_id, at_s)

    def fetch(self, job_id: str, at_s: float) -> JobResult:
        """Give a succeeded job's result, without counts: the simulation looks at whose they are only."""
        self.answer(at_s)
        job = self.jobs[job_id]
        if self.poll(job_id, at_s).status is not JobStatus.SUCCEEDED:
            raise JobFailedError("It has no result.")
        if at_s < job.ends_s + self.scenario.result_lag_s:
            raise TransientProviderError("The result is not stored yet.")
        return JobResult(
            handle=self.handle(job),
            pubs=(),
            calibration_id="c",
            started_at=START + timedelta(seconds=job.starts_s),
            finished_at=START + timedelta(seconds=job.ends_s),
            **self._bill(job.worked_s),
        )

    def _bill(self, worked_s: float) -> Bill:
        if self.scenario.bills_money:
            return {"billed_s": 0.0, "billed_money": worked_s * PRICE_PER_S}
        return {"billed_s": worked_s, "billed_money": None}

    def books_s(self, at_s: float) -> float:
        """Return all seconds that jobs which have ended were billed for."""
        return sum(job.worked_s for job in self.jobs.values() if job.executed_by(at_s))
