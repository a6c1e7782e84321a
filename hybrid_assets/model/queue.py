"""Kernels waiting for a backend, batches on their way, and everything the ledger keeps of them.

Put records and named states here; which transition is allowed when is `control`'s, how it is stored is `storage`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from hybrid_assets.model.jobs import JobStatus


class KernelState(StrEnum):
    """Where a kernel is; each says how it is left.

    | state | left by |
    | --- | --- |
    | READY | being planned into a batch (not before ``not_before``), or by the fallback ladder |
    | BATCHED | the end of its batch |
    | DONE | never by itself: its result is stored; a person may send it back when that is damaged |
    | FAILED | never by itself: a person may send it back; ``error_class`` and ``error_message`` say why |
    | CANCELLED | never by itself |
    """

    READY = "READY"
    BATCHED = "BATCHED"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it by itself."""
        return self in {KernelState.DONE, KernelState.FAILED, KernelState.CANCELLED}


class WorkClass(StrEnum):
    """Two queues: production never waits for exploration."""

    PRODUCTION = "production"
    EXPLORATORY = "exploratory"


class Remedy(StrEnum):
    """What may still help a FAILED kernel; the runner offers it, the ledger never acts on it."""

    RECOMPILE = "recompile"  # the target changed: compile for the new one, under a new kernel id
    OTHER_BACKEND = "other_backend"  # this backend cannot do it


class BreakerState(StrEnum):
    """Whether submissions to a backend are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedKernel:
    """A kernel as the ledger knows it; its payload lies in a store under ``kernel_id``."""

    kernel_id: str
    backend: str
    night: str
    workload: str
    instance: str
    label: str
    #: One a logical request, the same from the Dagster run to the provider's job and back.
    correlation_id: str
    team: str
    work_class: WorkClass
    #: Kernels of one group may share a job: structure, shots, options and calibration are alike.
    group: str
    rows: int
    shots: int
    payload_bytes: int
    #: Expected billed seconds of its own, the job's overhead apart.
    expected_s: float
    state: KernelState
    enqueued_at: datetime
    #: When its inputs were read: batching may not make them older than its class allows.
    inputs_at: datetime
    #: READY kernels wait until then (back-off); None: at once.
    not_before: datetime | None = None
    #: Batches that ended without its result and counted against it (not: the backend was down, a bisection).
    failed_attempts: int = 0
    #: Batches it was ever planned into; makes the ids of successive batches of the same kernels differ.
    num_batches: int = 0
    #: Batch it is or was in last.
    batch_id: str | None = None
    #: While a poison kernel is looked for: kernels of the same value may share a batch, and only with each other.
    split_group: str | None = None
    error_class: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    remedy: Remedy | None = None
    #: Expected price of its own, the job's apart, where the provider bills money; None: it bills seconds.
    expected_money: float | None = None

    @property
    def executions(self) -> int:
        """Rows times shots."""
        return self.rows * self.shots

    @property
    def share(self) -> float:
        """What it counts in fair shares of its backend: expected seconds; where the provider bills money, that."""
        return self.expected_s if self.expected_money is None else self.expected_money


class BudgetUnit(StrEnum):
    """What a budget is counted in."""

    QPU_S = "qpu_s"  # billed seconds
    SHOTS = "shots"  # executions: rows times shots
    MONEY = "money"  # the bill in money, or billed seconds times the backend's price; in the currency of the prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a batch sets aside in one budget."""

    budget_id: str
    #: In ``unit``.
    amount: float
    #: The budget's.
    unit: BudgetUnit = BudgetUnit.QPU_S


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """One batch: the kernels of one QPU job, with its lease and everything reconciliation needs."""

    batch_id: str
    backend: str
    #: In order of submission.
    kernel_ids: tuple[str, ...]
    status: JobStatus
    #: Most failed attempts among its kernels; 0 the first time.
    attempt: int
    #: The provider's tag: deterministic in batch and attempt.
    request_id: str
    planned_at: datetime
    #: Grows with every claim; each write carries it.
    fence: int
    lease_owner: str | None
    lease_until: datetime | None
    #: When the last submission was about to leave; None: never.
    sent_at: datetime | None = None
    provider_job_id: str | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: Intents written: upper bound of the submissions that left.
    num_sends: int = 0
    #: Nobody needs to look at it before; None: at once.
    next_at: datetime | None = None
    #: When a listing that began late enough had been searched for duplicates; None: that is still to do (once sent).
    audited_at: datetime | None = None
    #: Most it is expected to cost, what each budget has set aside of it, and what it cost in the end.
    reserved_s: float = 0.0
    reservations: tuple[Reservation, ...] = ()
    billed_s: float = 0.0
    error_class: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    #: What a billed second of its backend cost when it was planned; 0 where nothing is paid, or the bill is in money.
    price_per_s: float = 0.0
    #: ``reserved_s`` in money, and the bill where the provider makes it in money (None: it bills seconds).
    reserved_money: float = 0.0
    billed_money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A backend's breaker, shared by all processes."""

    backend: str
    state: BreakerState = BreakerState.CLOSED
    consecutive_failures: int = 0
    opened_at: datetime | None = None
    #: When OPEN may let a probe through; None while OPEN: only a person closes it.
    retry_at: datetime | None = None
    #: The one probe of the half-open state and when it was let through.
    probe_batch_id: str | None = None
    probe_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit on what a team uses in a window of time; reserve before submission, settle after."""

    budget_id: str
    team: str
    #: ``night`` (of the kernels) or ``month`` (of the submission), as text ``2026-11-23`` or ``2026-11``.
    window: str
    #: Of all amounts below; a budget keeps the unit it was made with.
    unit: BudgetUnit = BudgetUnit.QPU_S
    limit: float
    reserved: float = 0.0
    spent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDecision:
    """Why a batch was made as it was, or not made; replayable."""

    decided_at: datetime
    backend: str
    batch_id: str | None
    size: int
    limit: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateJob:
    """A job at the provider that nobody asked for twice: made by the network or the provider, found and reported."""

    batch_id: str
    backend: str
    provider_job_id: str
    #: How it ended: CANCELLED before it ran, else what it cost is in ``billed_s`` and ``billed_money``.
    status: JobStatus
    billed_s: float
    found_at: datetime
    #: The bill where the provider makes it in money; None: it bills seconds.
    billed_money: float | None = None

    def __str__(self) -> str:
        bill = f"{self.billed_s:g} s" if self.billed_money is None else f"{self.billed_money:g} of money"
        return f"{self.provider_job_id} {self.status} {bill}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """Something a person may want to know later, in order of writing."""

    at: datetime
    backend: str
    batch_id: str | None
    #: One word: ``submitted``, ``adopted``, ``unknown``, ``finished``, ``duplicate``, ``breaker``, ``requeued``,
    #: ``cancelled``, ``refused``.
    kind: str
    text: str
