"""The life of one batch as a generator of effects: send, resolve, follow, take home, finish, audit.

Put the order of effects of one batch here. It does no I/O and reads no clock, so that a driver can run, fail or kill it
at every effect. Every step starts from the batch as the ledger has it; whatever was in memory may be lost at any time.

    never sent        -> intent (transaction), then the submission, then its job (transaction)
    sent, no job      -> look for it by tag: adopt it, look again, or (absence proved) send anew; where the provider
                         cannot list jobs: end it for a person to look at, and never send it anew
    has a job         -> poll; succeeded: fetch, verify, store, finish; else decide by the error's class and finish
    settled           -> once: search for duplicates, cancel what still waits, report what was paid

Promises: a submission leaves at most once an intent; all after it may be repeated and then changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.control import ending as endings
from hybrid_assets.control.effects import (
    NOW,
    Cancel,
    Effect,
    Fetch,
    Find,
    Poll,
    Sleep,
    StoreResult,
    Submit,
    Transaction,
)
from hybrid_assets.control.failure import BatchFailure, ended_badly, refused
from hybrid_assets.control.reconcile import Absent, Adopt, LookAgain, resolve, settled_at
from hybrid_assets.errors import (
    ConfigurationError,
    HybridAssetsError,
    PermanentProviderError,
    ProviderError,
    ResultIntegrityError,
    SubmissionUnknownError,
)
from hybrid_assets.model.jobs import JobReport, JobStatus
from hybrid_assets.model.ledger import Lease, Refusal, RefusalKind
from hybrid_assets.model.queue import DuplicateJob

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from hybrid_assets.control.policy import DispatchPolicy
    from hybrid_assets.model.jobs import JobHandle, JobResult
    from hybrid_assets.model.ledger import BatchEnding
    from hybrid_assets.model.queue import BatchRecord

#: What a question to the provider may end with that only time or a person can mend.
_TROUBLE = (ProviderError, ConfigurationError)


def drive_batch(
    batch: BatchRecord, *, policy: DispatchPolicy, until: datetime | None = None
) -> Generator[Effect, Any, None]:
    """Bring a leased batch as far as it gets.

    Args:
        batch: As just planned or claimed.
        policy: The backend's numbers.
        until: No sleep goes beyond this; the batch is released instead. None: no such limit.

    Returns:
        (The generator ends) when the batch is over and audited, is released until later, or belongs to another worker.
    """
    return _Drive(batch=batch, policy=policy, until=until).run()


@dataclass(slots=True, kw_only=True)
class _Drive:
    """One worker's hold on one batch; ``batch`` is None when that is over."""

    batch: BatchRecord | None
    policy: DispatchPolicy
    until: datetime | None
    #: Pause before the next look.
    poll_s: float = 0.0
    #: Questions in a row that the provider did not answer.
    troubles: int = 0
    refetches: int = 0

    def run(self) -> Generator[Effect, Any, None]:
        self.poll_s = self.policy.poll_first_s
        while (batch := self.batch) is not None:
            if batch.status.is_final:
                yield from self._audit(batch)
            elif batch.provider_job_id is not None:
                yield from self._follow(batch, batch.provider_job_id)
            elif batch.sent_at is None:
                yield from self._send(batch)
            elif self.policy.supports_find:
                yield from self._look_for(batch, batch.sent_at)
            else:
                yield from self._finish(endings.left_to_a_person(batch))

    # --- sending

    def _send(self, batch: BatchRecord) -> Generator[Effect, Any, None]:
        now = yield NOW
        intent = {"now": now, "rule": self.policy.breaker, "rate": self.policy.intent_rate}
        answer = yield Transaction("record_intent", {"lease": self._lease(batch, now), **intent})
        if isinstance(answer, Refusal):
            yield from self._put_off(batch, answer, now)
            return
        self.batch = answer
        if answer is None:
            return
        try:
            handle = yield Submit(answer, answer.sent_at + timedelta(seconds=self.policy.send_s))
        except SubmissionUnknownError as exc:
            yield from self._write("record_unknown", message=str(exc))
        except HybridAssetsError as exc:
            yield from self._fail(refused(exc))
        else:
            if handle is not None:
                yield from self._record_job(handle, adopted=False)
            elif not self.policy.supports_find and answer.num_sends == 1:
                reason = "Not sent: its process stood still for too long after saying that it would."
                yield from self._finish(endings.given_back(answer, retry_at=None, reason=reason, policy=self.policy))
            # Else too late to send: others may have looked already, so look first as they would.

    def _put_off(self, batch: BatchRecord, refusal: Refusal, now: datetime) -> Generator[Effect, Any, None]:
        if refusal.kind is RefusalKind.RATE_LIMIT and refusal.retry_at is not None:
            yield from self._wait((refusal.retry_at - now).total_seconds())
            return
        yield from self._finish(
            endings.given_back(batch, retry_at=refusal.retry_at, reason=refusal.detail, policy=self.policy)
        )

    def _look_for(self, batch: BatchRecord, sent_at: datetime) -> Generator[Effect, Any, None]:
        began_at = yield NOW
        try:
            found = yield Find(batch)
        except _TROUBLE:
            yield from self._wait_out()
            return
        self.troubles = 0
        match resolve(found, sent_at=sent_at, began_at=began_at, settle_s=self.policy.settle_s):
            case Adopt() as adopted:
                yield from self._record_job(adopted.oldest, adopted=True)
                yield from self._cancel_extras(adopted)
            case LookAgain() as later:
                yield from self._wait(min(later.seconds, self.policy.hold_s))
            case Absent() if batch.num_sends >= self.policy.max_sends:
                lost = f"{batch.num_sends} submissions in a row got no answer and none was found at the provider."
                yield from self._fail(
                    BatchFailure(error_class=SubmissionUnknownError.__name__, message=lost, accepted=True)
                )
            case Absent():
                yield from self._send(batch)

    def _record_job(self, handle: JobHandle, *, adopted: bool) -> Generator[Effect, Any, None]:
        now = yield NOW
        job = {"provider_job_id": handle.provider_job_id, "submitted_at": now, "adopted": adopted}
        yield from self._write("record_job", **job, rule=self.policy.breaker)

    def _cancel_extras(self, adopted: Adopt) -> Generator[Effect, Any, None]:
        """Cancel what nobody will follow, at once: the audit reports it, but a queued job may start before that."""
        for extra in adopted.extras:
            # Only under the fence: a worker that lost it may have seen another oldest job than its successor.
            if self.batch is not None:
                with suppress(*_TROUBLE):
                    yield Cancel(self.batch, extra.provider_job_id)

    # --- following

    def _follow(self, batch: BatchRecord, job_id: str) -> Generator[Effect, Any, None]:
        now = yield NOW
        if self._audit_is_due(batch, now):
            yield from self._search(batch)
            if self.batch is None:
                return
        age_s = (now - batch.submitted_at).total_seconds() if batch.submitted_at else 0.0
        is_overdue = age_s > self.policy.job_wait_s
        try:
            report: JobReport = yield Poll(batch, job_id)
            if is_overdue and not report.status.is_final:
                report = yield Cancel(batch, job_id)
        except PermanentProviderError as exc:
            yield from self._fail(refused(exc, accepted=True))
            return
        except _TROUBLE:
            yield from self._wait_out()
            return
        self.troubles = 0
        if report.status is JobStatus.SUCCEEDED:
            is_late = age_s > self.policy.job_wait_s + self.policy.result_wait_s
            yield from self._take_home(batch, job_id, report, is_late=is_late)
        elif report.status.is_final:
            yield from self._fail(ended_badly(report, is_overdue=is_overdue))
        else:
            yield from self._go_on(batch, report)

    def _go_on(self, batch: BatchRecord, report: JobReport) -> Generator[Effect, Any, None]:
        if (report.status, report.started_at) != (batch.status, batch.started_at):
            yield from self._write("record_status", status=report.status, started_at=report.started_at)
        if self.batch is not None:
            yield from self._wait(self.poll_s)
            self.poll_s = min(self.poll_s * self.policy.poll_growth, self.policy.poll_last_s)

    def _take_home(
        self, batch: BatchRecord, job_id: str, report: JobReport, *, is_late: bool
    ) -> Generator[Effect, Any, None]:
        bill: JobReport | JobResult = report
        try:
            result: JobResult = yield Fetch(batch, job_id)
            bill = result
            yield StoreResult(batch, result)
        except ResultIntegrityError as exc:
            self.refetches += 1
            if self.refetches <= self.policy.max_refetches:
                yield from self._wait_out()
            else:
                yield from self._fail(refused(exc, accepted=True, bill=bill))
        except PermanentProviderError as exc:
            yield from self._fail(refused(exc, accepted=True, bill=bill))
        except _TROUBLE as exc:
            # Done but not stored yet, or not reachable: its results are paid, so this is waited for much longer.
            if is_late:
                yield from self._fail(refused(exc, accepted=True, bill=bill))
            else:
                yield from self._wait_out()
        else:
            yield from self._finish(endings.success(batch, result, policy=self.policy))

    # --- duplicates

    def _audit_is_due(self, batch: BatchRecord, now: datetime) -> bool:
        if batch.audited_at is not None or batch.sent_at is None or not self.policy.supports_find:
            return False
        return now > settled_at(batch.sent_at, self.policy.settle_s)

    def _audit(self, batch: BatchRecord) -> Generator[Effect, Any, None]:
        """Search a final batch's duplicates, then let go of it."""
        now = yield NOW
        if batch.audited_at is not None or batch.sent_at is None:
            self.batch = None
        elif not self.policy.supports_find:
            yield from self._write("record_audit", duplicates=())
        elif self._audit_is_due(batch, now):
            yield from self._search(batch)
            if self.batch is batch:
                yield from self._wait_out()
        else:
            due = settled_at(batch.sent_at, self.policy.settle_s) + timedelta(milliseconds=1)
            yield from self._release(due)

    def _search(self, batch: BatchRecord) -> Generator[Effect, Any, None]:
        """List a settled batch's jobs; unless all duplicates are over, nothing is written and it is done again."""
        duplicates: list[DuplicateJob] = []
        now = yield NOW
        try:
            found = yield Find(batch)
            for extra in found:
                if extra.provider_job_id == batch.provider_job_id:
                    continue
                report: JobReport = yield Poll(batch, extra.provider_job_id)
                if not report.status.is_final:
                    report = yield Cancel(batch, extra.provider_job_id)
                if not report.status.is_final:
                    return
                bill: JobReport | JobResult = report
                if report.billed_s is None and report.status is JobStatus.SUCCEEDED:
                    bill = yield Fetch(batch, extra.provider_job_id)
                duplicates.append(
                    DuplicateJob(
                        batch_id=batch.batch_id,
                        backend=batch.backend,
                        provider_job_id=extra.provider_job_id,
                        status=report.status,
                        billed_s=bill.billed_s or 0.0,
                        billed_money=bill.billed_money,
                        found_at=now,
                    )
                )
        except (*_TROUBLE, ResultIntegrityError):
            return
        yield from self._write("record_audit", duplicates=tuple(duplicates))

    # --- ending, waiting, writing

    def _fail(self, what: BatchFailure) -> Generator[Effect, Any, None]:
        batch = self.batch
        if batch is None:
            return
        kernels = yield Transaction("kernels", {"kernel_ids": batch.kernel_ids})
        now = yield NOW
        yield from self._finish(endings.failure(batch, kernels, what, policy=self.policy, now=now))

    def _finish(self, ending: BatchEnding) -> Generator[Effect, Any, None]:
        # Finishing frees the lease: an audit still due is claimed like any other work.
        yield from self._write("finish_batch", ending=ending, rule=self.policy.breaker)
        self.batch = None

    def _wait_out(self) -> Generator[Effect, Any, None]:
        """Wait after trouble with the provider, longer each time in a row."""
        batch = self.batch
        jitter = endings.jitter_of(batch.batch_id) if batch else 0.0
        seconds = self.policy.retry.wait_s(self.troubles, jitter=jitter)
        self.troubles += 1
        yield from self._wait(seconds)

    def _wait(self, seconds: float) -> Generator[Effect, Any, None]:
        now = yield NOW
        wake_at = now + timedelta(seconds=seconds)
        if seconds > self.policy.hold_s or (self.until is not None and wake_at > self.until):
            yield from self._release(wake_at)
            return
        now = yield Sleep(seconds)
        batch = self.batch
        if batch is None:
            return
        if batch.lease_until is None or (batch.lease_until - now).total_seconds() < self.policy.lease_s / 2:
            self.batch = yield Transaction("renew", {"lease": self._lease(batch, now)})

    def _release(self, next_at: datetime) -> Generator[Effect, Any, None]:
        if self.batch is not None:
            yield Transaction("release", {"lease": self._lease(self.batch, next_at), "next_at": next_at})
        self.batch = None

    def _write(self, op: str, **arguments: Any) -> Generator[Effect, Any, None]:
        """Write under the fence; without it any more, this worker's part is over."""
        if self.batch is None:
            return
        now = yield NOW
        self.batch = yield Transaction(op, {"lease": self._lease(self.batch, now), "now": now, **arguments})

    def _lease(self, batch: BatchRecord, now: datetime) -> Lease:
        until = now + timedelta(seconds=self.policy.lease_s)
        return Lease(batch_id=batch.batch_id, fence=batch.fence, until=until)
