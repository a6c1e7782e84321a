"""Planning a long queue: seconds and memory of one plan, and how they grow with the queue."""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

from hybrid_assets.control.planning import plan
from hybrid_assets.control.plans import ClassRules, Plan, PlanRules
from hybrid_assets.control.sharing import FreeSlots, ShareRules
from hybrid_assets.control.sizing import SizeState
from hybrid_assets.model.jobs import JobLimits
from hybrid_assets.model.queue import KernelState, QueuedKernel, WorkClass

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIZES = (10_000, 100_000)
#: Free slots: a real backend's, and enough to plan the whole queue at once, which is the most work a plan can be.
SLOTS = {"5 slots": 5, "all": 10**9}


def table() -> str:
    """Plan queues of both sizes and return the table."""
    lines = [
        "Planning: one plan of a queue with 20 teams, 200 groups, two classes; MB: peak of the plan with its result",
        f"{'slots':8} {'kernels':>8} {'seconds':>8} {'MB':>6} {'batches':>8} {'x seconds':>10} {'x MB':>6}",
    ]
    for name, slots in SLOTS.items():
        before: tuple[float, float] | None = None
        for size in SIZES:
            queue = make_queue(size)
            done, seconds = _fastest(queue, slots)
            megabytes = _peak_bytes(queue, slots) / 1e6
            grown = f"{seconds / before[0]:10.1f} {megabytes / before[1]:6.1f}" if before else ""
            before = seconds, megabytes
            lines.append(f"{name:8} {size:8d} {seconds:8.2f} {megabytes:6.1f} {len(done.batches):8d} {grown}".rstrip())
    return "\n".join(lines)


def make_queue(size: int) -> list[QueuedKernel]:
    """Return a seeded queue in no particular order."""
    rng = random.Random(size)  # noqa: S311 - a simulation
    return [
        QueuedKernel(
            kernel_id=f"{index:064d}",
            backend="qpu",
            night="2026-11-01",
            workload="maxcut",
            instance=f"i{index}",
            label="",
            correlation_id="",
            team=f"team-{rng.randrange(20)}",
            work_class=rng.choice(list(WorkClass)),
            group=f"group-{rng.randrange(200)}",
            rows=rng.randint(1, 30),
            shots=4096,
            payload_bytes=rng.randint(5_000, 50_000),
            expected_s=rng.lognormvariate(0, 1),
            state=KernelState.READY,
            enqueued_at=NOW - timedelta(seconds=rng.uniform(0, 80_000)),
            inputs_at=NOW - timedelta(days=1),
        )
        for index in range(size)
    ]


def make_plan(queue: list[QueuedKernel], slots: int) -> Plan:
    """Plan with every rule in use."""
    return plan(
        queue,
        backend="qpu",
        free_slots=FreeSlots(total=slots, exploratory=slots - 1),
        now=NOW,
        limits=JobLimits(max_pubs=300, max_executions=9_000_000, max_payload_bytes=40_000_000, max_shots=100_000),
        rules=PlanRules(
            production=ClassRules(linger_s=60, max_inputs_age_s=100_000),
            exploratory=ClassRules(linger_s=600),
            shares=ShareRules(weights={"team-1": 3.0}),
            max_job_s=3 * 3600,
        ),
        sizes=SizeState(),
        usage={(WorkClass.PRODUCTION, "team-2"): 500.0},
        available_s={"team-3": 100.0},
    )


def _fastest(queue: list[QueuedKernel], slots: int) -> tuple[Plan, float]:
    """Return a plan and the least seconds of three plannings: others use the machine too."""
    taken_s = []
    for _ in range(3):
        gc.collect()
        began = time.perf_counter()
        done = make_plan(queue, slots)
        taken_s.append(time.perf_counter() - began)
    return done, min(taken_s)


def _peak_bytes(queue: list[QueuedKernel], slots: int) -> int:
    tracemalloc.start()
    try:
        make_plan(queue, slots)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
