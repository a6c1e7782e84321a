"""Arguments and answers of the ledger's operations.

Put what travels between the control plane and a `JobLedger` here; what the ledger keeps is in `model.queue`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hybrid_assets.model.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.model.jobs import JobStatus
    from hybrid_assets.model.queue import KernelState, QueuedKernel, Remedy, Reservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write to one batch: the fence decides, the time only says when others may take over."""

    batch_id: str
    #: The batch's fence when it was claimed; a write with any other fence is refused.
    fence: int
    #: New end of the lease, set by the write that carries it.
    until: datetime


class RefusalKind(StrEnum):
    """Why the ledger did not do what it was asked."""

    NOT_READY = "not_ready"  # a kernel is unknown, waits, or is taken
    NO_SLOT = "no_slot"  # as many batches are on their way as the backend has slots
    BREAKER_OPEN = "breaker_open"  # the backend's breaker lets nothing through now
    OVER_BUDGET = "over_budget"  # a budget has less left than would be reserved
    RATE_LIMIT = "rate_limit"  # as many submissions left in the window as the provider takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused operation; nothing was written."""

    kind: RefusalKind
    #: One plain sentence with the figures.
    detail: str
    #: When asking again may help; None: when something else changes.
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProposal:
    """A batch that somebody wants to submit."""

    backend: str
    #: In order of submission; distinct, not empty.
    kernel_ids: tuple[str, ...]
    #: Most that the job is expected to be billed.
    reserved_s: float
    #: What each budget concerned has to set aside of it.
    reservations: tuple[Reservation, ...] = ()
    #: What a billed second costs; 0 where nothing is paid, or the bill is in money.
    price_per_s: float = 0.0
    #: ``reserved_s`` in money.
    reserved_money: float = 0.0
    #: For the decision row: why these kernels, and the limit that closed the batch.
    reason: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRule:
    """When a breaker opens and for how long."""

    #: Consecutive backend failures that open it.
    threshold: int = 3
    #: Seconds from opening to the one probe, and from a probe without answer to the next.
    pause_s: float = 60.0


class BreakerSignal(StrEnum):
    """What an event says about the backend (not about a kernel)."""

    ACCEPTED = "accepted"  # it took a submission
    SUCCEEDED = "succeeded"  # it finished a job
    FAILED = "failed"  # it failed: down, internal error, unusable result
    THROTTLED = "throttled"  # it asked to slow down
    NEUTRAL = "neutral"  # says nothing about the backend


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRate:
    """Submissions a provider takes in a window of time."""

    limit: int
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelOutcome:
    """What the end of its batch means for one kernel."""

    kernel_id: str
    #: DONE, READY (try again), FAILED or CANCELLED.
    state: KernelState
    #: Whether this end counts against the kernel's attempts.
    counts: bool = False
    not_before: datetime | None = None
    #: None: the kernel's own stays.
    split_group: str | None = None
    error_class: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnding:
    """How a batch ended: everything `finish_batch` writes."""

    #: SUCCEEDED, FAILED or CANCELLED.
    status: JobStatus
    #: One a kernel of the batch, in any order.
    outcomes: tuple[KernelOutcome, ...]
    billed_s: float = 0.0
    #: The bill where the provider makes it in money; None: it bills seconds.
    billed_money: float | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error_class: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    signal: BreakerSignal = BreakerSignal.NEUTRAL
    #: With THROTTLED: when the provider wants to be asked again.
    retry_at: datetime | None = None
    #: When the provider's jobs are to be searched for duplicates; None: nothing was sent, it was done, or cannot be.
    audit_at: datetime | None = None


def batch_identity(backend: str, kernels: Sequence[QueuedKernel]) -> str:
    """Return the id of the batch these kernels make now: the same in every process, another after each return."""
    return fingerprint(["batch", backend, [[kernel.kernel_id, kernel.num_batches] for kernel in kernels]])


def request_identity(batch_id: str, attempt: int) -> str:
    """Return the provider's tag of a batch, 32 characters: it is what finds a job whose answer was lost."""
    return fingerprint(["request", batch_id, attempt])[:32]
