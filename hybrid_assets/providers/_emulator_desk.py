"""The front desk of the emulated QPU: what is admitted, where it stands in the queue, what it costs when cancelled.

Everything follows from rows, the seed and the moment it is asked at; nothing runs in the background. Put the life of
jobs here; keep results in `emulator`, arithmetic in `_emulator_queue` and `_emulator_fate`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import (
    BackendUnavailableError,
    PermanentProviderError,
    RateLimitedError,
    SubmissionUnknownError,
)
from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint
from hybrid_assets.model.jobs import JobReport, JobStatus
from hybrid_assets.providers._emulator_fate import Work, decide
from hybrid_assets.providers._emulator_faults import chance
from hybrid_assets.providers._emulator_queue import US, Waiting, billed_s, plan_starts, queue_wait_s
from hybrid_assets.providers._emulator_store import EmulatorStore, JobRow, Rows, from_us, to_us
from hybrid_assets.providers._error_codes import TOO_MANY_REQUESTS, error_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from hybrid_assets.model.jobs import JobRequest
    from hybrid_assets.providers._emulator_options import EmulatorOptions

#: What a throttled caller is told to wait.
THROTTLE_RETRY_S = 5.0
#: Window of ``posts_per_minute``.
RATE_WINDOW_US = 60 * US
ACCEPTED, LOST_REPLY, LOST_REQUEST = "accepted", "lost_reply", "lost_request"
THROTTLED, RATE_LIMITED, UNAVAILABLE = "throttled", "rate_limited", "unavailable"
#: Outcomes that count against the rate limit.
COUNTED = (ACCEPTED, LOST_REPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Admission, queue and status of one backend's jobs."""

    backend: str
    options: EmulatorOptions
    store: EmulatorStore

    def require_open(self, now: datetime, *, post_of: str | None = None) -> None:
        """Refuse during an outage; ``post_of`` is the request whose submission is noted then.

        Raises:
            BackendUnavailableError: The backend is down.
        """
        self._first_use(now)  # known from here on, so that no transaction has to look it up
        if self.outage_end(now) is None:
            return
        if post_of is not None:
            with self.store.transaction() as rows:
                rows.add_post(to_us(now), post_of, UNAVAILABLE)
        raise BackendUnavailableError(f"Backend {self.backend!r} is down (emulated outage). Try again later.")

    def outage_end(self, now: datetime) -> datetime | None:
        """Return when the outage at a moment ends; None when there is none."""
        return self.options.faults.outage_end(now, self._first_use(now))

    def admit(self, request: JobRequest, todo: Work, now: datetime, keep: Callable[[str], None]) -> JobRow:
        """Take a submission, or do to it what the faults say.

        Args:
            request: What is asked.
            todo: What executing it means.
            now: When.
            keep: Stores the request under a job's id; called before the job exists for anybody.

        Raises:
            PermanentProviderError: ``dedupe`` is on and the id is in use for another request.
            RateLimitedError: Too many submissions; fact ``retry_after_s``.
            SubmissionUnknownError: The request or its answer was lost.
        """
        now_us = to_us(now)
        with self.store.transaction() as rows:
            outcome, job, retry_after_s = self._admitted(rows, request, todo, now_us)
            rows.add_post(now_us, request.request_id, outcome, job.job_id if job else None)
            if job is not None and rows.job(job.job_id) is None:
                keep(job.job_id)
                rows.add_job(job)
        if outcome in {LOST_REPLY, LOST_REQUEST}:
            raise SubmissionUnknownError(
                f"The answer to request {request.request_id} was lost (emulated fault). Look for it before submitting."
            )
        if job is None:
            raise RateLimitedError(
                f"Backend {self.backend!r} takes no more requests now. Try again in {retry_after_s:.1f} s.",
                retry_after_s=retry_after_s,
                code=TOO_MANY_REQUESTS,
            )
        return job

    def find(self, request_id: str, *, since: datetime | None, now: datetime) -> list[JobRow]:
        """Return the jobs of a request that a listing shows, oldest first."""
        newest_us = to_us(now) - round(self.options.listing_lag_s * US)
        oldest_us = to_us(since) if since else 0
        with self.store.reading() as rows:
            return [job for job in rows.jobs_of(request_id) if oldest_us <= job.created_us <= newest_us]

    def report(self, job_id: str, now: datetime) -> tuple[JobRow, JobReport]:
        """Return a job and where it is.

        Raises:
            PermanentProviderError: It is not known.
        """
        with self.store.reading() as rows:
            return self._reported(rows, job_id, to_us(now))

    def cancel(self, job_id: str, now: datetime) -> JobReport:
        """End a job unless it has ended; jobs behind it may start earlier, but not before now.

        Raises:
            PermanentProviderError: It is not known.
        """
        now_us = to_us(now)
        with self.store.transaction() as rows:
            job, report = self._reported(rows, job_id, now_us)
            if report.status.is_final:
                return report
            started_us = job.start_us if job.start_us is not None and job.start_us <= now_us else None
            used_s = 0.0 if started_us is None else (now_us - started_us) / US * self.options.speed
            cost_s = billed_s(min(used_s, job.run_s), self.options.bill_step_s)
            rows.cancel(job_id, start_us=started_us, end_us=now_us, billed_s=cost_s)
            self._replan(rows, now)
            return self._reported(rows, job_id, now_us)[1]

    def books(self, now: datetime) -> list[dict[str, Any]]:
        """Return what became of every job, oldest first, as of a moment."""
        with self.store.reading() as rows:
            jobs = rows.jobs()
        return [self._book(job, _report(job, to_us(now), ahead=0)) for job in jobs]

    def _book(self, job: JobRow, report: JobReport) -> dict[str, Any]:
        return {
            "job_id": job.job_id,
            "request_id": job.request_id,
            "kernel_ids": tuple(json.loads(job.kernel_ids)),
            "created_at": report.submitted_at,
            "started_at": report.started_at,
            "finished_at": report.finished_at,
            "status": report.status,
            "error_code": report.error_code,
            "billed_s": report.billed_s,
            "fetched": job.fetches,
            "never_ends": job.never_ends,
            "wrong": job.wrong,
            "is_late": job.late_us > 0,
        }

    def _first_use(self, now: datetime) -> datetime:
        return from_us(self.store.first_use_us(to_us(now)))

    def _admitted(
        self, rows: Rows, request: JobRequest, todo: Work, now_us: int
    ) -> tuple[str, JobRow | None, float | None]:
        """Return the outcome of a submission, its job where one comes of it, and seconds to wait where none may."""
        faults, seed = self.options.faults, self.options.seed
        about = (request.request_id, str(rows.count_posts(request.request_id)))
        if (wait_s := self._rate_wait_s(rows, now_us)) is not None:
            return RATE_LIMITED, None, wait_s
        if chance(seed, "throttle", *about) < faults.throttle_rate:
            return THROTTLED, None, THROTTLE_RETRY_S
        if chance(seed, "lost request", *about) < faults.lost_requests:
            return LOST_REQUEST, None, None
        job = self._job(rows, request, todo, now_us)
        is_lost = chance(seed, "lost reply", *about) < faults.lost_replies
        return (LOST_REPLY if is_lost else ACCEPTED), job, None

    def _rate_wait_s(self, rows: Rows, now_us: int) -> float | None:
        limit = self.options.limits.posts_per_minute
        if limit is None:
            return None
        recent = rows.posts_after(now_us - RATE_WINDOW_US, COUNTED)
        return None if len(recent) < limit else (recent[-limit] + RATE_WINDOW_US - now_us) / US

    def _job(self, rows: Rows, request: JobRequest, todo: Work, now_us: int) -> JobRow:
        known, content = rows.jobs_of(request.request_id), request_content(request)
        if known and self.options.dedupe:
            if known[0].content != content:
                raise PermanentProviderError(f"Request id {request.request_id} is in use for a request of other PUBs.")
            return known[0]
        job_id = fingerprint([self.options.seed, self.backend, request.request_id, len(known)])[:20]
        kernel_ids = [pub.kernel_id for pub in request.pubs]
        fate = decide(job_id, kernel_ids, todo, self.options)
        eligible_us = now_us + self._queue_wait_us(job_id, from_us(now_us))
        run_us = max(1, round(fate.run_s / self.options.speed * US))
        start_us = self._start_us(rows, Waiting(job_id=job_id, eligible_us=eligible_us, run_us=run_us), now_us)
        return JobRow(
            job_id=job_id,
            request_id=request.request_id,
            content=content,
            kernel_ids=json.dumps(kernel_ids),
            created_us=now_us,
            eligible_us=eligible_us,
            start_us=start_us,
            end_us=start_us + run_us,
            run_us=run_us,
            run_s=fate.run_s,
            billed_s=fate.billed_s,
            error_code=fate.error_code,
            message=fate.message,
            blamed=json.dumps(fate.blamed),
            late_us=round(fate.late_s * US),
            wrong=fate.wrong,
            never_ends=fate.never_ends,
        )

    def _queue_wait_us(self, job_id: str, now: datetime) -> int:
        median_s, sigma = self.options.queue_median_s, self.options.queue_sigma
        for shift in self.options.faults.latency:
            if shift.window.end_if_inside(now, self._first_use(now)):
                median_s, sigma = shift.median_s, shift.sigma
        drawn = chance(self.options.seed, "queue", job_id)
        return round(queue_wait_s(drawn, median_s=median_s, sigma=sigma) / self.options.speed * US)

    def _start_us(self, rows: Rows, job: Waiting, now_us: int) -> int:
        """Return when a job that arrives now starts, behind all others."""
        busy = rows.latest_ends(now_us, self.options.run_slots)
        return self._planned([job], busy, max(now_us, rows.last_start_us()))[0]

    def _replan(self, rows: Rows, now: datetime) -> None:
        now_us, waiting = to_us(now), rows.waiting(to_us(now))
        jobs = [Waiting(job_id=job.job_id, eligible_us=job.eligible_us, run_us=job.run_us) for job in waiting]
        for job, start_us in zip(waiting, self._planned(jobs, rows.running_ends(now_us), now_us), strict=True):
            rows.move(job.job_id, start_us=start_us, end_us=start_us + job.run_us)

    def _planned(self, jobs: Sequence[Waiting], busy_until_us: Sequence[int], not_before_us: int) -> list[int]:
        return plan_starts(
            jobs,
            busy_until_us=busy_until_us,
            slots=self.options.run_slots,
            not_before_us=not_before_us,
            next_open_us=self._next_open_us,
        )

    def _next_open_us(self, moment_us: int) -> int:
        end = self.outage_end(from_us(moment_us))
        return moment_us if end is None else to_us(end)

    def _reported(self, rows: Rows, job_id: str, now_us: int) -> tuple[JobRow, JobReport]:
        job = rows.job(job_id)
        if job is None:
            raise PermanentProviderError(f"There is no job {job_id}.")
        is_queued = job.start_us is not None and job.start_us > now_us
        return job, _report(job, now_us, ahead=rows.waiting_before(job.number, now_us) if is_queued else 0)


def request_content(request: JobRequest) -> str:
    """Return the hash of what a request asks for, its id apart."""
    return fingerprint(
        [
            [[pub.kernel_id, pub.payload_sha, array_fingerprint(pub.values), pub.shots] for pub in request.pubs],
            dict(request.options),
        ]
    )


def _report(job: JobRow, now_us: int, *, ahead: int) -> JobReport:
    created = from_us(job.created_us)
    started = None if job.start_us is None else from_us(job.start_us)
    if job.was_cancelled:
        return JobReport(
            status=JobStatus.CANCELLED,
            submitted_at=created,
            started_at=started,
            finished_at=from_us(job.end_us),
            billed_s=job.billed_s,
        )
    if job.start_us is None or now_us < job.start_us:
        return JobReport(status=JobStatus.QUEUED, submitted_at=created, queue_position=ahead + 1, billed_s=0.0)
    if job.never_ends or now_us < job.end_us:
        return JobReport(status=JobStatus.RUNNING, submitted_at=created, started_at=started, billed_s=0.0)
    has_failed = job.error_code is not None
    return JobReport(
        status=JobStatus.FAILED if has_failed else JobStatus.SUCCEEDED,
        error_code=job.error_code,
        error_class=error_class(job.error_code) if has_failed else None,
        message=job.message,
        blamed_kernel_ids=tuple(json.loads(job.blamed)),
        billed_s=job.billed_s,
        submitted_at=created,
        started_at=started,
        finished_at=from_us(job.end_us),
    )
