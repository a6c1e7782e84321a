"""Executing the control plane's effects: the one place where a clock, a provider, the ledger and the stores meet.

Put the execution of an effect here, nothing that chooses one: that is `control`'s.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from hybrid_assets.control.budgets import allowance_s
from hybrid_assets.control.effects import Cancel, Fetch, Find, Now, Poll, Sleep, StoreResult, Submit, Transaction
from hybrid_assets.errors import HybridAssetsError, ResultIntegrityError
from hybrid_assets.model.jobs import JobHandle, JobRequest, KernelResult

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from hybrid_assets.control.effects import Effect
    from hybrid_assets.control.ledger import JobLedger
    from hybrid_assets.model.jobs import JobResult, Pub, PubResult
    from hybrid_assets.model.queue import BatchRecord
    from hybrid_assets.protocols import Provider, ResultStore
    from hybrid_assets.storage.payloads import KernelPayload, PayloadStore

T = TypeVar("T")

#: Threads that write files at once: most of a durable write is waiting for the disk.
WRITERS = 8


def _note_nothing(_pub: Pub, _result: KernelResult) -> None:
    """Note nothing."""


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One backend's effects, executed for real."""

    provider: Provider
    ledger: JobLedger
    payloads: PayloadStore
    results: ResultStore
    #: Called with a sentence when a job was handed over or taken home.
    report: Callable[[str], None]
    #: Called with a kernel and its result once that is stored.
    note: Callable[[Pub, KernelResult], None] = _note_nothing
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep

    def run(self, steps: Generator[Effect, Any, T]) -> T:
        """Execute effects until the generator returns, and return what it does.

        Errors of ours are thrown into it; any other error is a bug and ends it: what was under way is left to its
        lease, and the next worker takes over from the ledger.
        """
        try:
            effect = next(steps)
            while True:
                try:
                    answer = self._execute(effect)
                except HybridAssetsError as exc:
                    effect = steps.throw(exc)
                else:
                    effect = steps.send(answer)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _execute(self, effect: Effect) -> Any:  # noqa: PLR0911 - one line an effect
        match effect:
            case Now():
                return self.now()
            case Sleep(seconds=seconds):
                self.sleep(seconds)
                return self.now()
            case Transaction(op=op, arguments=arguments):
                return getattr(self.ledger, op)(**arguments)
            case Submit(batch=batch, not_after=not_after):
                return self._submit(batch, not_after)
            case Find(batch=batch):
                return self.provider.find(batch.request_id)
            case Poll(batch=batch, provider_job_id=job_id):
                return self.provider.poll(self._handle(batch, job_id))
            case Cancel(batch=batch, provider_job_id=job_id):
                return self.provider.cancel(self._handle(batch, job_id))
            case Fetch(batch=batch, provider_job_id=job_id):
                return self.provider.fetch(self._handle(batch, job_id))
            case StoreResult(batch=batch, result=result):
                return self._store(batch, result)

    def _submit(self, batch: BatchRecord, not_after: datetime) -> JobHandle | None:
        pubs = tuple(self.payloads.get(name).pub for name in batch.kernel_ids)
        budgets = {budget.budget_id: budget for budget in self.ledger.budgets()} if batch.reservations else {}
        request = JobRequest(
            request_id=batch.request_id, backend=batch.backend, pubs=pubs, max_qpu_s=allowance_s(batch, budgets)
        )
        if self.now() > not_after:
            return None
        handle = self.provider.submit(request)
        self.report(f"{batch.backend}: job {handle.provider_job_id} submitted, {len(pubs)} kernels")
        return handle

    def _store(self, batch: BatchRecord, result: JobResult) -> None:
        payloads = [self.payloads.get(name) for name in batch.kernel_ids]
        verify(batch, payloads, result)
        total, money = sum(_executions(payload) for payload in payloads), result.billed_money

        def store(payload: KernelPayload, done: PubResult) -> None:
            pub, share = payload.pub, _executions(payload) / total
            stored = KernelResult(
                kernel_id=pub.kernel_id,
                counts=done.counts,
                shots=pub.shots,
                execution=done.execution,
                backend=batch.backend,
                compiled_calibration_id=payload.compiled_calibration_id,
                asked_calibration_id=payload.asked_calibration_id,
                executed_calibration_id=result.calibration_id,
                provider_job_id=result.handle.provider_job_id,
                request_id=batch.request_id,
                executed_at=result.finished_at,
                billed_s=result.billed_s * share,
                billed_money=None if money is None else money * share,
            )
            self.results.put(stored)
            self.note(pub, stored)

        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(store, payloads, result.pubs))
        self.report(f"{batch.backend}: job {result.handle.provider_job_id} done, {len(payloads)} kernels")

    def _handle(self, batch: BatchRecord, job_id: str) -> JobHandle:
        return JobHandle(
            provider=self.provider.describe().provider,
            backend=batch.backend,
            request_id=batch.request_id,
            provider_job_id=job_id,
        )


def verify(batch: BatchRecord, payloads: Sequence[KernelPayload], result: JobResult) -> None:
    """Refuse a result that does not match what its batch asked for.

    Raises:
        ResultIntegrityError: Another job's, other kernels, or shots, rows or bits are off.
    """
    verify_answer(batch.request_id, [payload.pub for payload in payloads], result)


def verify_answer(request_id: str, pubs: Sequence[Pub], result: JobResult) -> None:
    """Refuse a result that does not match the PUBs of a request.

    Raises:
        ResultIntegrityError: Another job's, other kernels, or shots, rows or bits are off.
    """
    if result.handle.request_id != request_id:
        raise ResultIntegrityError(f"Asked for job {request_id}, got {result.handle.request_id}.")
    if [done.kernel_id for done in result.pubs] != [pub.kernel_id for pub in pubs]:
        raise ResultIntegrityError(f"Job {request_id} answered other kernels than were asked for.")
    for pub, done in zip(pubs, result.pubs, strict=True):
        done.counts.verify(num_bits=len(pub.measured_qubits), rows=int(pub.values.shape[0]), shots=pub.shots)


def _executions(payload: KernelPayload) -> int:
    return int(payload.pub.values.shape[0]) * payload.pub.shots
