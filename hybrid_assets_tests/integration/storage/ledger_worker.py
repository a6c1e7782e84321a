"""A process that drives a ledger: puts kernels in, plans, sends, finishes, until nothing is left.

    python -m hybrid_assets_tests.integration.storage.ledger_worker LEDGER NAME NUM_KERNELS SLOTS LEASE_S LIMIT_S

LIMIT_S is the budget's. It prints one JSON object: what it enqueued, sent and finished, how often it was refused, the
most it saw under way.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, BreakerSignal, KernelOutcome, Lease, Refusal, RefusalKind
from hybrid_assets.model.queue import BatchRecord, BudgetUnit, KernelState
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.integration.storage.ledger_samples import RULE, kernel, proposal

BACKEND = "torino"
BUDGET = "red-night"


def clock():
    return datetime.now(UTC)


class Worker:
    """One of many."""

    def __init__(self, place, name, *, num_kernels, slots, lease_s, limit_s):
        self.ledger, self.name, self.slots, self.lease_s = SqlLedger(place), name, slots, lease_s
        self.draw = random.Random(name)  # noqa: S311 - no secret
        self.ledger.set_budget(BUDGET, team="red", window="2026-11-23", limit=limit_s)
        self.seen = {"new": self.ledger.enqueue([kernel(n, expected_s=1.0) for n in range(num_kernels)])}
        self.sent, self.finished, self.refused, self.most_active, self.most_taken_s = [], [], Counter(), 0, 0.0

    def lease(self, batch):
        return Lease(batch_id=batch.batch_id, fence=batch.fence, until=clock() + timedelta(seconds=self.lease_s))

    def plan(self):
        ready = list(self.ledger.ready(BACKEND, now=clock(), limit=12))
        if not ready:
            return None
        chosen = self.draw.sample(ready, min(len(ready), self.draw.randint(1, 4)))
        wanted = proposal(*chosen, reserved_s=float(len(chosen)), budgets={BUDGET: BudgetUnit.QPU_S})
        made = self.ledger.plan_batch(
            wanted, slots=self.slots, rule=RULE, owner=self.name, lease_s=self.lease_s, now=clock()
        )
        self.look()
        if isinstance(made, Refusal):
            self.refused[made.kind] += 1
            return None
        return made

    def look(self):
        self.most_active = max(self.most_active, len(self.ledger.batches(backend=BACKEND, active_only=True)))
        for budget in self.ledger.budgets():
            self.most_taken_s = max(self.most_taken_s, budget.reserved + budget.spent)

    def drive(self, batch):
        """Send and end a batch, as far as it is still ours."""
        if batch.provider_job_id is None:
            intent = self.ledger.record_intent(self.lease(batch), now=clock(), rule=RULE, rate=None)
            if not isinstance(intent, BatchRecord):
                return
            self.sent.append(batch.batch_id)
            job, times = f"job-{batch.batch_id}", {"submitted_at": clock(), "now": clock()}
            self.ledger.record_job(self.lease(batch), provider_job_id=job, adopted=False, rule=RULE, **times)
        outcomes = [
            KernelOutcome(kernel_id=name, state=self.draw.choice([KernelState.DONE] * 5 + [KernelState.READY]))
            for name in batch.kernel_ids
        ]
        done = BatchEnding(
            status=JobStatus.SUCCEEDED,
            outcomes=tuple(outcomes),
            billed_s=sum(o.state is KernelState.DONE for o in outcomes),
            signal=BreakerSignal.SUCCEEDED,
        )
        lease = self.lease(batch)
        if self.ledger.finish_batch(lease, ending=done, rule=RULE, now=clock()) is not None:
            self.finished.append(batch.batch_id)
            self.ledger.record_audit(lease, duplicates=[], now=clock())

    def run(self):
        """Work until nothing is ready or under way, or the budget is all that stops what is left."""
        while True:
            batch = self.plan()
            todo = [batch] if batch else self.ledger.claim(
                BACKEND, owner=self.name, now=clock(), lease_s=self.lease_s, limit=2
            )  # fmt: skip
            for mine in todo:
                self.drive(mine)
            if not todo:
                if not self.ledger.batches(backend=BACKEND, active_only=True) and self.is_stuck():
                    return
                time.sleep(0.002)

    def is_stuck(self):
        left = self.ledger.ready(BACKEND, now=clock(), limit=1)
        return not left or self.refused[RefusalKind.OVER_BUDGET] > 0

    def report(self):
        return self.seen | {
            "sent": self.sent,
            "finished": self.finished,
            "refused": self.refused,
            "most_active": self.most_active,
            "most_taken_s": self.most_taken_s,
        }


if __name__ == "__main__":
    place, name, num_kernels, slots, lease_s, limit_s = sys.argv[1:]
    numbers = {"num_kernels": int(num_kernels), "slots": int(slots)}
    worker = Worker(place, name, lease_s=float(lease_s), limit_s=float(limit_s), **numbers)
    print("begun", flush=True)  # noqa: T201 - tells the test
    sys.stdin.readline()  # a race begins when all are there
    worker.run()
    print(json.dumps(worker.report()), flush=True)  # noqa: T201 - the answer
