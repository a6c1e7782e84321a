"""What a plan rests on and what it says: rules, planned batches, kernels that wait, kernels that never fit.

Put records of plans here; how one is made is `planning`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from hybrid_assets.control.lanes import time_class
from hybrid_assets.control.sharing import ShareRules
from hybrid_assets.errors import CapacityError, ConfigurationError
from hybrid_assets.model.queue import BatchDecision, WorkClass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from hybrid_assets.control.lanes import Closing


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRules:
    """How long kernels of a class may wait for company."""

    #: Seconds that a batch which is not full waits since its oldest kernel was enqueued.
    linger_s: float = 0.0
    #: Seconds that inputs may be old when their kernel has been executed: the batch leaves in time for that.
    max_inputs_age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRules:
    """The rules of one backend's plans."""

    production: ClassRules = field(default_factory=ClassRules)
    exploratory: ClassRules = field(default_factory=ClassRules)
    shares: ShareRules = field(default_factory=ShareRules)
    #: Seconds a job costs on the QPU before its first kernel.
    job_overhead_s: float = 2.0
    #: Most seconds a job may be expected to run, its overhead included.
    max_job_s: float | None = None
    #: Kernels up to this long count as alike: they differ by less than an overhead.
    short_s: float = 2.0
    #: Longer ones share a job with kernels less than this factor longer or shorter.
    similar_factor: float = 4.0

    def __post_init__(self) -> None:
        if self.job_overhead_s < 0 or self.short_s <= 0 or self.similar_factor <= 1:
            raise ConfigurationError(
                f"job_overhead_s ({self.job_overhead_s}) must not be negative, short_s ({self.short_s}) positive and "
                f"similar_factor ({self.similar_factor}) above 1; see sweep.yaml."
            )

    def time_class(self, expected_s: float) -> int:
        """Return the time class of a kernel that is expected to run so long: kernels of one may share a job."""
        return time_class(expected_s, short_s=self.short_s, factor=self.similar_factor)

    def of(self, work_class: WorkClass) -> ClassRules:
        """Return the rules of a class."""
        return self.production if work_class is WorkClass.PRODUCTION else self.exploratory


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBatch:
    """The kernels of one job, in order of submission."""

    kernel_ids: tuple[str, ...]
    work_class: WorkClass
    group: str
    #: Seconds the job is expected to be billed, its overhead included.
    expected_s: float
    #: What each team pays of it, by name of the team; adds up to ``expected_s``.
    charges_s: tuple[tuple[str, float], ...]
    closing: Closing
    #: Value of the limit that closed it; None: no limit did.
    limit: int | None
    #: What closed it and who led it, in words with figures.
    reason: str


class WaitReason(StrEnum):
    """Why a READY kernel is in no batch."""

    BACK_OFF = "back-off"
    BUDGET = "its team's budget has no room for it"
    LINGER = "waits for company"
    NO_SLOT = "no free slot"
    RESERVED = "the free slots are reserved for production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Kernels that wait for the same thing, oldest first."""

    kernel_ids: tuple[str, ...]
    reason: WaitReason
    #: When that is over by itself; None: it takes another event.
    until_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLarge:
    """A kernel that fits no job of this backend; the others are planned without it."""

    kernel_id: str
    what: str
    size: float
    limit: float

    @property
    def error(self) -> CapacityError:
        """The error to keep with the kernel."""
        return CapacityError(
            f"Kernel {self.kernel_id} needs {self.size:g} {self.what}, the backend takes {self.limit:g} in one job. "
            "Lower it in sweep.yaml.",
            kernel_id=self.kernel_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to submit now, what waits, and what never fits."""

    backend: str
    planned_at: datetime
    #: In order of submission: they take the free slots.
    batches: tuple[PlannedBatch, ...]
    waiting: tuple[Waiting, ...]
    too_large: tuple[TooLarge, ...]

    @property
    def look_again_at(self) -> datetime | None:
        """When time alone changes something; None: only an event does."""
        return min((entry.until_at for entry in self.waiting if entry.until_at is not None), default=None)

    def decisions(self) -> Iterator[BatchDecision]:
        """Yield the rows that say why: one a batch (its id is the ledger's to give), then one a reason to wait."""
        for batch in self.batches:
            yield self._decision(len(batch.kernel_ids), batch.limit, batch.reason)
        yield from self.wait_decisions()

    def wait_decisions(self) -> Iterator[BatchDecision]:
        """Yield the rows of `decisions` that say why kernels wait."""
        for entry in self.waiting:
            until = "" if entry.until_at is None else f" until {entry.until_at.isoformat()}"
            yield self._decision(len(entry.kernel_ids), None, f"not planned: {entry.reason}{until}")

    def _decision(self, size: int, limit: int | None, reason: str) -> BatchDecision:
        return BatchDecision(
            decided_at=self.planned_at, backend=self.backend, batch_id=None, size=size, limit=limit, reason=reason
        )
