"""Kernels that may share a job, and how one job is filled from them.

Put what makes kernels alike, what ends a batch, and the budgets' part in it here; whose turn it is is `sharing`'s,
when a batch leaves is `planning`'s.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hybrid_assets.control.sharing import Served
    from hybrid_assets.model.jobs import JobLimits
    from hybrid_assets.model.queue import QueuedKernel, WorkClass


class Closing(StrEnum):
    """What ended a batch; the first five mean that it is full."""

    SIZE = "size"  # the adaptive size
    MAX_PUBS = "max_pubs"
    MAX_EXECUTIONS = "max_executions"
    MAX_PAYLOAD_BYTES = "max_payload_bytes"
    MAX_JOB_S = "max_job_s"
    LINGER = "linger is over"
    FRESHNESS = "inputs would become too old"
    SPLIT = "search for a poison kernel"


class LaneKey(NamedTuple):
    """What kernels of one job have in common."""

    work_class: WorkClass
    group: str
    split_group: str | None
    shots: int
    #: Kernels of one value have similar expected run times.
    time_class: int


@dataclass(slots=True)
class Lane:
    """Waiting kernels that may share a job: of each team, oldest first."""

    key: LaneKey
    queues: dict[str, list[QueuedKernel]] = field(default_factory=dict)
    #: Where each team's queue begins; what is before has been placed.
    heads: dict[str, int] = field(default_factory=dict)
    #: The rest is not full and waits for company until then; None: not so.
    lingers_until: datetime | None = None

    def add(self, kernel: QueuedKernel) -> None:
        """Append a kernel; call in order of age."""
        self.queues.setdefault(kernel.team, []).append(kernel)
        self.heads.setdefault(kernel.team, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Limits of one job."""

    size: int
    limits: JobLimits
    max_job_s: float | None
    overhead_s: float


class Purse:
    """What teams may still spend; a team without an entry has no budget to keep to."""

    def __init__(self, available_s: Mapping[str, float]) -> None:
        self._left_s = dict(available_s)

    def can_pay(self, team: str, seconds: float) -> bool:
        """Whether a team has so much left."""
        return seconds <= self._left_s.get(team, math.inf)

    def pay(self, team: str, seconds: float) -> None:
        """Take it."""
        if team in self._left_s:
            self._left_s[team] -= seconds


@dataclass(slots=True)
class Draft:
    """A batch in the making; nothing else has changed yet."""

    kernels: list[QueuedKernel] = field(default_factory=list)
    #: Kernels their team cannot pay for: not in this batch, and not in a later one of this plan.
    unpaid: list[QueuedKernel] = field(default_factory=list)
    heads: dict[str, int] = field(default_factory=dict)
    own_s: dict[str, float] = field(default_factory=dict)
    #: What each team's kernels count in fair shares, see `QueuedKernel.share`.
    shares: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    executions: int = 0
    payload_bytes: int = 0
    expected_s: float = 0.0
    closing: Closing | None = None
    limit: int | None = None

    def charges_s(self, overhead_s: float) -> dict[str, float]:
        """Return what each team pays: its kernels, and its part of the overhead by number of kernels."""
        return self._with_overhead(self.own_s, overhead_s)

    def served(self, overhead_s: float) -> dict[str, float]:
        """Return what counts for each team in fair shares, its part of the overhead included."""
        return self._with_overhead(self.shares, overhead_s)

    def _with_overhead(self, own: Mapping[str, float], overhead_s: float) -> dict[str, float]:
        size = len(self.kernels)
        return {team: amount + overhead_s * self.counts[team] / size for team, amount in own.items()}


def time_class(expected_s: float, *, short_s: float, factor: float) -> int:
    """Return 0 up to ``short_s``, then one more for every ``factor`` that an expected run time is longer."""
    return 0 if expected_s <= short_s else 1 + int(math.log(expected_s / short_s, factor))


def fill(lane: Lane, *, room: Room, served: Served, purse: Purse, now: datetime) -> Draft:
    """Fill a job with a lane's kernels in order of rank, until a limit closes it or the lane is empty.

    A team is ranked with what this batch already holds of it, so that teams share a job as they share the backend.
    """
    draft = Draft(heads=dict(lane.heads))
    heap: list[tuple[float, datetime, str, QueuedKernel]] = []
    work_class = lane.key.work_class

    def push(team: str) -> None:
        queue, head = lane.queues[team], draft.heads[team]
        if head < len(queue):
            kernel = queue[head]
            used_s = served.used_s(work_class, team) + draft.shares.get(team, 0.0)
            rank = served.rank(team, used_s=used_s, waited_s=(now - kernel.enqueued_at).total_seconds())
            heapq.heappush(heap, (rank, kernel.enqueued_at, kernel.kernel_id, kernel))

    for team in lane.queues:
        push(team)
    while heap and draft.closing is None:
        kernel = heapq.heappop(heap)[-1]
        team = kernel.team
        own_s = draft.own_s.get(team, 0.0) + kernel.expected_s
        if not purse.can_pay(team, room.overhead_s + own_s):
            draft.unpaid.append(kernel)
        elif not _close_before(draft, kernel, room):
            _take(draft, kernel, own_s)
            _close_when_full(draft, room)
        else:
            break
        draft.heads[team] += 1
        push(team)
    return draft


def _take(draft: Draft, kernel: QueuedKernel, own_s: float) -> None:
    draft.kernels.append(kernel)
    draft.own_s[kernel.team] = own_s
    draft.shares[kernel.team] = draft.shares.get(kernel.team, 0.0) + kernel.share
    draft.counts[kernel.team] = draft.counts.get(kernel.team, 0) + 1
    draft.executions += kernel.executions
    draft.payload_bytes += kernel.payload_bytes
    draft.expected_s += kernel.expected_s


def _close_before(draft: Draft, kernel: QueuedKernel, room: Room) -> bool:
    """Close the batch, and say so, when the kernel would break a limit."""
    limits = room.limits
    for closing, size, limit in (
        (Closing.MAX_EXECUTIONS, draft.executions + kernel.executions, limits.max_executions),
        (Closing.MAX_PAYLOAD_BYTES, draft.payload_bytes + kernel.payload_bytes, limits.max_payload_bytes),
        (Closing.MAX_JOB_S, room.overhead_s + draft.expected_s + kernel.expected_s, room.max_job_s),
    ):
        if limit is not None and size > limit:
            draft.closing, draft.limit = closing, int(limit)
            return True
    return False


def _close_when_full(draft: Draft, room: Room) -> None:
    """Close a batch with as many kernels as it may hold: it need not wait for one that does not fit."""
    size, max_pubs = len(draft.kernels), room.limits.max_pubs
    if max_pubs is not None and size >= max_pubs:
        draft.closing, draft.limit = Closing.MAX_PUBS, max_pubs
    elif size >= room.size:
        draft.closing, draft.limit = Closing.SIZE, room.size
