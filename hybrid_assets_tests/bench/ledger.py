"""The ledger with a million kernels: what each operation takes, against a ledger with ten thousand."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, BatchProposal, BreakerRule, KernelOutcome, Lease
from hybrid_assets.model.queue import BatchDecision, KernelState, QueuedKernel, Reservation, WorkClass
from hybrid_assets.storage.ledger.sql import SqlLedger

NOW = datetime(2026, 11, 23, 22, tzinfo=UTC)
SIZES = (10_000, 1_000_000)
RULE = BreakerRule()
#: Kernels of a batch; finished batches of a ledger of each size.
BATCH = 20
NUM_FINISHED = {10_000: 50, 1_000_000: 2_000}
ROUNDS = 30
#: Milliseconds no operation may take, apart from putting in a thousand kernels.
LIMIT_MS = 50.0


def table() -> str:
    """Fill both ledgers, measure every operation, and return the table."""
    with tempfile.TemporaryDirectory() as name:
        taken = [measure(Path(name) / f"{size}.sqlite", size) for size in SIZES]
    small, large = taken
    lines = [
        f"Ledger: median (slowest) milliseconds of {ROUNDS} calls; {LIMIT_MS:.0f} is the limit at {SIZES[1]:,} kernels",
        f"{'operation':30} {'at 10k':>16} {'at 1M':>16} {'ratio':>6}",
    ]
    for operation, (median, slowest) in large.items():
        before = small[operation]
        ratio = median / before[0]
        marks = " over the limit" if median > LIMIT_MS and "thousand" not in operation else ""
        lines.append(
            f"{operation:30} {before[0]:8.2f} ({before[1]:5.1f}) {median:8.2f} ({slowest:5.1f}) {ratio:6.1f}{marks}"
        )
    return "\n".join(lines)


def kernels(size: int):
    """Yield kernels of three nights and four workloads: half ready, the others done, but for a few failed."""
    for i in range(size):
        state = KernelState.READY if i % 2 else KernelState.FAILED if i % 100 == 0 else KernelState.DONE
        yield QueuedKernel(
            kernel_id=f"{(i * 2654435761) % 2**32:08x}{i:056x}",
            backend="torino",
            night=f"2026-11-{23 + i % 3}",
            workload=f"workload-{i % 4}",
            instance=f"instance-{i // 50}",
            label="depth 2",
            correlation_id=f"run-{i // 1000}",
            team=f"team-{i % 7}",
            work_class=WorkClass.PRODUCTION,
            group=f"group-{i % 30}",
            rows=25,
            shots=4096,
            payload_bytes=20_000,
            expected_s=3.0,
            state=state,
            enqueued_at=NOW + timedelta(milliseconds=i),
            inputs_at=NOW,
        )


def measure(place: Path, size: int) -> dict[str, tuple[float, float]]:
    """Return median and slowest milliseconds of each operation on a ledger of this size."""
    ledger = SqlLedger(place)
    ledger.set_budget("all", team="team-1", window="2026-11", limit=1e9)
    source = kernels(size)
    began = time.perf_counter()
    while part := [kernel for kernel, _ in zip(source, range(50_000), strict=False)]:
        ledger.enqueue(part)
    taken = {"enqueue, a thousand kernels": ((time.perf_counter() - began) / size * 1e6,) * 2}
    for _ in range(NUM_FINISHED[size]):
        finish(ledger, plan(ledger))
    for operation, call in OPERATIONS.items():
        taken[operation] = timed(call, ledger)
    taken |= when_held(ledger)
    ledger.close()
    return taken


def timed(call, ledger) -> tuple[float, float]:
    spans = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call(ledger)
        spans.append(1000 * (time.perf_counter() - began))
    return statistics.median(spans), max(spans)


def now():
    return NOW + timedelta(days=1)


def lease(batch):
    return Lease(batch_id=batch.batch_id, fence=batch.fence, until=now())


def ready(ledger):
    return ledger.ready("torino", now=now(), limit=200)


def counts(ledger):
    return ledger.count_kernels(backend="torino")


def one_night_done(ledger):
    return ledger.count_kernels(night="2026-11-24", workload="workload-1")


def finished(ledger):
    return ledger.finished("torino", since=now() + timedelta(hours=23))


def served(ledger):
    return ledger.served("torino", since=now())


def waits(ledger):
    rows = [
        BatchDecision(decided_at=now(), backend="torino", batch_id=None, size=i, limit=None, reason=f"waits for {i}")
        for i in range(4)
    ]
    return ledger.record_waits(rows)


def of_one_night(ledger):
    return ledger.batches(night="2026-11-24", workload="workload-1")


def under_way(ledger):
    return ledger.batches(backend="torino", active_only=True)


def plan(ledger):
    chosen = ledger.ready("torino", now=now(), limit=BATCH)
    wanted = BatchProposal(
        backend="torino",
        kernel_ids=tuple(kernel.kernel_id for kernel in chosen),
        reserved_s=60.0,
        reservations=(Reservation(budget_id="all", amount=60.0),),
    )
    return ledger.plan_batch(wanted, slots=10**6, rule=RULE, owner="a", lease_s=0.0, now=now())


def claim(ledger):
    return ledger.claim("torino", owner="b", now=now(), lease_s=0.0, limit=20)


def renew(ledger):
    (batch,) = ledger.claim("torino", owner="b", now=now(), lease_s=0.0, limit=1)
    return ledger.renew(lease(batch))


def intend(ledger):
    (batch,) = ledger.claim("torino", owner="b", now=now(), lease_s=0.0, limit=1)
    return ledger.record_intent(lease(batch), now=now(), rule=RULE, rate=None)


def finish_one(ledger):
    (batch,) = ledger.claim("torino", owner="b", now=now(), lease_s=0.0, limit=1)
    return finish(ledger, batch)


def finish(ledger, batch):
    """End a batch well and let nobody look at it again."""
    outcomes = tuple(KernelOutcome(kernel_id=name, state=KernelState.DONE) for name in batch.kernel_ids)
    ending = BatchEnding(status=JobStatus.SUCCEEDED, outcomes=outcomes, billed_s=50.0)
    ledger.finish_batch(lease(batch), ending=ending, rule=RULE, now=now())
    return ledger.record_audit(lease(batch), duplicates=[], now=now())


def when_held(ledger) -> dict[str, tuple[float, float]]:
    """Return what `ready` takes when every kernel but the last thousand of the queue waits, or waited until now."""
    waiting = [kernel.kernel_id for kernel in ledger.ready("torino", now=now(), limit=10**7)][:-1000]
    why = {"error_class": "X", "error_message": "the backend waits"}
    ledger.hold(waiting, not_before=now() + timedelta(hours=1), **why)
    taken = {"ready, all others on hold": timed(ready, ledger)}
    ledger.hold(waiting[-len(waiting) // 10 :], not_before=now(), **why)
    taken["ready, the last tenth due"] = timed(ready, ledger)
    ledger.hold(waiting[-len(waiting) // 2 :], not_before=now(), **why)
    taken["ready, the last half due"] = timed(ready, ledger)
    ledger.hold(waiting, not_before=now(), **why)
    return taken | {"ready, all due": timed(ready, ledger)}


OPERATIONS = {
    "ready, 200 kernels": ready,
    "batches under way": under_way,
    "count by state": counts,
    "count of one night": one_night_done,
    "ready and plan, 20 kernels": plan,
    "served, all batches": served,
    "finished, none": finished,
    "record 4 waits": waits,
    "batches of a night, 2 thousand": of_one_night,
    "claim, 20 batches": claim,
    "claim and renew one": renew,
    "claim one, write intent": intend,
    "claim one, finish, 20 kernels": finish_one,
}
