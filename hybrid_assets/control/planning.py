"""Which waiting kernels make the next jobs of a backend, and why the others still wait.

Put the order of the decisions here; whose turn it is is `sharing`'s, what may share a job is `lanes`', how large a job
may be is `sizing`'s. Nothing here looks at a clock: the same arguments give the same plan, in whatever order the queue
comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.control.lanes import Closing, Lane, LaneKey, Purse, Room, fill
from hybrid_assets.control.plans import Plan, PlannedBatch, TooLarge, Waiting, WaitReason
from hybrid_assets.control.sharing import Served
from hybrid_assets.control.sizing import size_for
from hybrid_assets.model.queue import KernelState, WorkClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.control.lanes import Draft
    from hybrid_assets.control.plans import PlanRules
    from hybrid_assets.control.sharing import FreeSlots, Usage
    from hybrid_assets.control.sizing import SizeState
    from hybrid_assets.model.jobs import JobLimits
    from hybrid_assets.model.queue import QueuedKernel


def plan(  # noqa: PLR0913 - the whole situation, each part by its name: a plan depends on nothing else
    queue: Iterable[QueuedKernel],
    *,
    backend: str,
    free_slots: FreeSlots,
    now: datetime,
    limits: JobLimits,
    rules: PlanRules,
    sizes: SizeState,
    usage: Usage,
    available_s: Mapping[str, float],
    class_sizes: Mapping[int, SizeState] | None = None,
) -> Plan:
    """Plan the next jobs of a backend.

    Args:
        queue: Kernels with distinct ids, in any order; those of other backends or not READY are passed over.
        backend: Whose jobs are planned.
        free_slots: How many, see `sharing.free_slots`.
        now: The time of the plan.
        limits: Limits of one job.
        rules: Rules of this backend.
        sizes: What its last jobs taught, see `sizing.observe`.
        class_sizes: What its last jobs of kernels of a time class taught, where there were any, in place of ``sizes``:
            the right number of long kernels says nothing about that of short ones.
        usage: Seconds served to each team in each class lately.
        available_s: Seconds each team may still spend; a team without an entry has no budget to keep to.

    Returns:
        Batches within all limits, and for every other READY kernel of the backend why it is in none.
    """
    ready = sorted(
        (k for k in queue if k.state is KernelState.READY and k.backend == backend),
        key=lambda kernel: (kernel.enqueued_at, kernel.kernel_id),
    )
    planner = _Planner(
        now=now,
        limits=limits,
        rules=rules,
        sizes=sizes,
        class_sizes=class_sizes or {},
        served=Served(rules.shares, usage),
        purse=Purse(available_s),
        total=free_slots.total,
        exploratory=min(free_slots.exploratory, free_slots.total),
    )
    planner.sort_in(ready)
    while planner.total > 0 and planner.plan_one():
        pass
    return Plan(
        backend=backend,
        planned_at=now,
        batches=tuple(planner.batches),
        waiting=tuple(planner.waiting(ready)),
        too_large=tuple(planner.too_large),
    )


@dataclass(slots=True)
class _TeamQueue:
    """A team's kernels of one class, oldest first, over all lanes."""

    entries: list[tuple[QueuedKernel, Lane]] = field(default_factory=list)
    head: int = 0


@dataclass(slots=True, kw_only=True)
class _Planner:
    """A plan in the making."""

    now: datetime
    limits: JobLimits
    rules: PlanRules
    sizes: SizeState
    class_sizes: Mapping[int, SizeState]
    served: Served
    purse: Purse
    total: int
    exploratory: int
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
    teams: dict[WorkClass, dict[str, _TeamQueue]] = field(default_factory=lambda: {c: {} for c in WorkClass})
    left: dict[WorkClass, int] = field(default_factory=lambda: dict.fromkeys(WorkClass, 0))
    #: Lane of every kernel that may be planned; None once it is in a batch or cannot be paid.
    lane_of: dict[str, Lane | None] = field(default_factory=dict)
    unpaid: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    batches: list[PlannedBatch] = field(default_factory=list)
    too_large: list[TooLarge] = field(default_factory=list)

    def sort_in(self, ready: Sequence[QueuedKernel]) -> None:
        """Put every kernel that may be planned now into its lane and its team's queue; oldest first."""
        for kernel in ready:
            if refusal := _too_large(kernel, limits=self.limits, rules=self.rules):
                self.too_large.append(refusal)
                continue
            if kernel.not_before is not None and kernel.not_before > self.now:
                self.held.add(kernel.kernel_id)
                continue
            key = LaneKey(
                kernel.work_class,
                kernel.group,
                kernel.split_group,
                kernel.shots,
                self.rules.time_class(kernel.expected_s),
            )
            lane = self.lanes.get(key)
            if lane is None:
                lane = self.lanes[key] = Lane(key)
            lane.add(kernel)
            self.lane_of[kernel.kernel_id] = lane
            self.teams[kernel.work_class].setdefault(kernel.team, _TeamQueue()).entries.append((kernel, lane))
            self.left[kernel.work_class] += 1

    def plan_one(self) -> bool:
        """Plan one more batch; return whether there was one."""
        return any(self._plan_one_of(work_class) for work_class in self._classes_in_turn())

    def waiting(self, ready: Sequence[QueuedKernel]) -> Iterator[Waiting]:
        """Yield why kernels wait, in order of the oldest one of each reason."""
        found: dict[tuple[WaitReason, datetime | None], list[str]] = {}
        for kernel in ready:
            if reason := self._wait_reason(kernel):
                found.setdefault(reason, []).append(kernel.kernel_id)
        for (reason_, until_at), kernel_ids in found.items():
            yield Waiting(kernel_ids=tuple(kernel_ids), reason=reason_, until_at=until_at)

    def _classes_in_turn(self) -> Sequence[WorkClass]:
        if self.exploratory <= 0:
            return (WorkClass.PRODUCTION,)
        oldest_at = min((k.enqueued_at for k, _ in self._heads(WorkClass.EXPLORATORY)), default=self.now)
        if self.served.is_exploration_first((self.now - oldest_at).total_seconds()):
            return (WorkClass.EXPLORATORY, WorkClass.PRODUCTION)
        return (WorkClass.PRODUCTION, WorkClass.EXPLORATORY)

    def _heads(self, work_class: WorkClass) -> Iterator[tuple[QueuedKernel, Lane]]:
        """Yield each team's oldest kernel that may still be planned."""
        for team in self.teams[work_class].values():
            while team.head < len(team.entries):
                kernel, lane = team.entries[team.head]
                if lane.lingers_until is None and self.lane_of[kernel.kernel_id] is not None:
                    yield kernel, lane
                    break
                team.head += 1

    def _plan_one_of(self, work_class: WorkClass) -> bool:
        slots = self.exploratory if work_class is WorkClass.EXPLORATORY else self.total
        while heads := [(self._order(kernel), lane) for kernel, lane in self._heads(work_class)]:
            lane = min(heads, key=lambda head: head[0])[1]
            room = Room(
                size=size_for(self._sizes_of(lane), waiting=self.left[work_class], free_slots=slots),
                limits=self.limits,
                max_job_s=self.rules.max_job_s,
                overhead_s=self.rules.job_overhead_s,
            )
            draft = fill(lane, room=room, served=self.served, purse=self.purse, now=self.now)
            self._set_aside(draft.unpaid)
            if draft.kernels and self._is_due(draft, lane):
                self._commit(draft, lane)
                return True
        return False

    def _sizes_of(self, lane: Lane) -> SizeState:
        return self.class_sizes.get(lane.key.time_class, self.sizes)

    def _order(self, kernel: QueuedKernel) -> tuple[float, datetime, str]:
        used_s = self.served.used_s(kernel.work_class, kernel.team)
        waited_s = (self.now - kernel.enqueued_at).total_seconds()
        rank = self.served.rank(kernel.team, used_s=used_s, waited_s=waited_s)
        return rank, kernel.enqueued_at, kernel.kernel_id

    def _set_aside(self, unpaid: Sequence[QueuedKernel]) -> None:
        for kernel in unpaid:
            self.lane_of[kernel.kernel_id] = None
            self.unpaid.add(kernel.kernel_id)
            self.left[kernel.work_class] -= 1

    def _is_due(self, draft: Draft, lane: Lane) -> bool:
        """Say whether a batch leaves now; one that is not full otherwise keeps its lane waiting."""
        if draft.closing is not None:
            return True
        rules = self.rules.of(lane.key.work_class)
        due_at, closing = min(k.enqueued_at for k in draft.kernels) + timedelta(seconds=rules.linger_s), Closing.LINGER
        if lane.key.split_group is not None:
            due_at, closing = self.now, Closing.SPLIT  # nobody else will join
        elif rules.max_inputs_age_s is not None:
            spare_s = rules.max_inputs_age_s - self._sizes_of(lane).turnaround_s
            fresh_at = min(k.inputs_at for k in draft.kernels) + timedelta(seconds=spare_s)
            if fresh_at < due_at:
                due_at, closing = fresh_at, Closing.FRESHNESS
        if due_at > self.now:
            lane.lingers_until = due_at
            return False
        draft.closing = closing
        return True

    def _commit(self, draft: Draft, lane: Lane) -> None:
        work_class, overhead_s = lane.key.work_class, self.rules.job_overhead_s
        reason = self._reason(draft)
        charges_s = draft.charges_s(overhead_s)
        for team, share in draft.served(overhead_s).items():
            self.served.charge(work_class, team, share)
            self.purse.pay(team, charges_s[team])
        for kernel in draft.kernels:
            self.lane_of[kernel.kernel_id] = None
        lane.heads = draft.heads
        self.left[work_class] -= len(draft.kernels)
        self.total -= 1
        self.exploratory = min(self.exploratory - (work_class is WorkClass.EXPLORATORY), self.total)
        self.batches.append(
            PlannedBatch(
                kernel_ids=tuple(kernel.kernel_id for kernel in draft.kernels),
                work_class=work_class,
                group=lane.key.group,
                expected_s=overhead_s + draft.expected_s,
                charges_s=tuple(sorted(charges_s.items())),
                closing=draft.closing or Closing.LINGER,
                limit=draft.limit,
                reason=reason,
            )
        )

    def _reason(self, draft: Draft) -> str:
        leader = draft.kernels[0]
        waited_s = (self.now - leader.enqueued_at).total_seconds()
        used_s = self.served.used_s(leader.work_class, leader.team)
        limit = "" if draft.limit is None else f" {draft.limit}"
        return (
            f"{draft.closing}{limit}; led by {leader.kernel_id} of team {leader.team}: waited {waited_s:.0f} s, team "
            f"served {used_s:.0f} s at weight {self.served.weight(leader.team):g}"
        )

    def _wait_reason(self, kernel: QueuedKernel) -> tuple[WaitReason, datetime | None] | None:
        if kernel.kernel_id in self.held:
            return WaitReason.BACK_OFF, kernel.not_before
        lane = self.lane_of.get(kernel.kernel_id)
        cost_s = self.rules.job_overhead_s + kernel.expected_s
        if kernel.kernel_id in self.unpaid or (lane and not self.purse.can_pay(kernel.team, cost_s)):
            return WaitReason.BUDGET, None
        if lane is None:  # in a batch, or too large for one
            return None
        if lane.lingers_until is not None:
            return WaitReason.LINGER, lane.lingers_until
        is_reserved = self.total > 0 and kernel.work_class is WorkClass.EXPLORATORY
        return WaitReason.RESERVED if is_reserved else WaitReason.NO_SLOT, None


def _too_large(kernel: QueuedKernel, *, limits: JobLimits, rules: PlanRules) -> TooLarge | None:
    expected_s = rules.job_overhead_s + kernel.expected_s
    for what, size, limit in (
        ("shots a row", kernel.shots, limits.max_shots),
        ("executions", kernel.executions, limits.max_executions),
        ("payload bytes", kernel.payload_bytes, limits.max_payload_bytes),
        ("seconds of QPU time", expected_s, rules.max_job_s),
    ):
        if limit is not None and size > limit:
            return TooLarge(kernel_id=kernel.kernel_id, what=what, size=size, limit=limit)
    return None
