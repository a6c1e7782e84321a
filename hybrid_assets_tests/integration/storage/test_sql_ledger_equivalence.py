"""The stored ledger and the one in memory do the same, whatever is asked of them in whatever order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from hybrid_assets.model.gates import Approval, GateDecision
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, BreakerSignal, KernelOutcome, Lease, PostRate, Refusal
from hybrid_assets.model.queue import (
    BatchDecision,
    BreakerState,
    BudgetUnit,
    DuplicateJob,
    KernelState,
    Remedy,
    WorkClass,
)
from hybrid_assets.storage.ledger import queue
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets.testing.ledger import InMemoryLedger
from hybrid_assets_tests.integration.storage.ledger_samples import (
    RULE,
    assert_consistent,
    everything,
    kernel,
    later,
    proposal,
)

BACKENDS = st.sampled_from(["torino", "torino", "torino", "fez"])
NUMBERS = st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)
MEDDLING = ["hold", "requeue", "lost", "cancel_kernels", "refuse", "budget", "breaker"]
NIGHTS = st.sampled_from(["2026-11-23", "2026-11-24"])
UNITS = {"a": BudgetUnit.QPU_S, "b": BudgetUnit.QPU_S, "shots": BudgetUnit.SHOTS, "money": BudgetUnit.MONEY}
SECONDS = st.sampled_from([0.1, 0.0, 0.3, 1.0, 7.5, 40.0])
#: A bill in money; None: it is in seconds.
MONEY = st.none() | SECONDS
WAIT = st.one_of(st.none(), SECONDS)


class BothLedgers(RuleBasedStateMachine):
    """Every rule does the same to both and compares the answers; the end compares everything."""

    @initialize()
    def start(self):
        self.folder = tempfile.TemporaryDirectory()
        self.sql = SqlLedger(Path(self.folder.name) / "ledger.sqlite")
        self.memory = InMemoryLedger()
        self.clock_s = 10.0
        # So that both ways to find what is due are taken.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(queue, "NUM_PROBED", 2)
        self.both("enqueue", [kernel(n) for n in range(6)])
        for name, limit in (("a", 20.0), ("b", 2.0), ("shots", 20_000.0), ("money", 5.0)):
            self.both("set_budget", name, team="red", window="2026-11", limit=limit, unit=UNITS[name])

    @property
    def now(self):
        return later(self.clock_s)

    def both(self, name, *args, **kwargs):
        """Call both and compare; of a refusal the words may differ."""
        answers = [getattr(ledger, name)(*args, **kwargs) for ledger in (self.memory, self.sql)]
        expected, actual = (
            (answer.kind, answer.retry_at) if isinstance(answer, Refusal) else answer for answer in answers
        )
        assert actual == (list(expected) if isinstance(actual, list) else expected), name
        return answers[1]

    def after(self, wait_s):
        return None if wait_s is None else later(self.clock_s + wait_s)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds):
        self.clock_s += seconds

    @rule(numbers=NUMBERS, backend=BACKENDS, night=NIGHTS, work_class=st.sampled_from(WorkClass))
    def enqueue(self, numbers, backend, night, work_class):
        self.both("enqueue", [kernel(n, backend=backend, night=night, work_class=work_class) for n in numbers])

    @rule(night=NIGHTS, plan_hash=st.sampled_from("pq"), decision=st.sampled_from(GateDecision), wait_s=WAIT)
    def approve(self, night, plan_hash, decision, wait_s):
        said = {"signer": "ada", "reason": "so", "decided_at": self.now, "expires_at": self.after(wait_s)}
        approval = Approval(night=night, workload="maxcut", plan_hash=plan_hash, decision=decision, **said)
        self.both("record_approval", approval)

    @rule(backend=BACKENDS, sizes=st.lists(st.integers(1, 2), max_size=3), ago_s=st.sampled_from([0, 59, 60, 3600]))
    def wait(self, backend, sizes, ago_s):
        rows = [
            BatchDecision(
                decided_at=later(self.clock_s - ago_s), backend=backend, batch_id=None, size=n, limit=None,
                reason=f"waits for {n % 2}",
            )
            for n in sizes
        ]  # fmt: skip
        self.both("record_waits", rows)

    @rule(what=st.sampled_from(MEDDLING), numbers=NUMBERS, backend=BACKENDS, seconds=SECONDS, wait_s=WAIT)  # fmt: skip
    def a_person_meddles(self, what, numbers, backend, seconds, wait_s):
        ids = [f"k{n:06d}" for n in numbers]
        if what == "hold":
            self.both("hold", ids, not_before=self.after(seconds), error_class="X", error_message="because")
        elif what == "refuse":
            why = {"error_class": "T", "error_message": "moved", "remedy": Remedy.RECOMPILE}
            self.both("refuse_kernels", ids, now=self.now, **why)
        elif what == "budget":
            self.both("set_budget", "a", team="red", window="2026-11", limit=seconds)
        elif what == "lost":
            self.both("requeue", ids, now=self.now, lost=True)
        elif what == "breaker":
            state = BreakerState.OPEN if seconds < 1 else BreakerState.CLOSED
            self.both("set_breaker", backend, state=state, reason="by me", retry_at=self.after(wait_s), now=self.now)
        else:
            self.both(what, ids, now=self.now)

    @rule(backend=BACKENDS, limit=st.integers(1, 3), slots=st.integers(2, 4), cost_s=SECONDS,
          budgets=st.dictionaries(st.sampled_from(list(UNITS)), st.just(None)))  # fmt: skip
    def plan_what_is_ready(self, backend, limit, slots, cost_s, budgets):
        ready = self.both("ready", backend, now=self.now, limit=limit)
        if ready:
            units = {name: UNITS[name] for name in budgets}
            wanted = proposal(*reversed(ready), reserved_s=cost_s, budgets=units, backend=backend)
            self.both("plan_batch", wanted, slots=slots, rule=RULE, owner="p", lease_s=20.0, now=self.now)

    @rule(numbers=NUMBERS, backend=BACKENDS)
    def plan_anything(self, numbers, backend):
        wanted = proposal(*(kernel(n) for n in numbers), backend=backend)
        self.both("plan_batch", wanted, slots=2, rule=RULE, owner="p", lease_s=20.0, now=self.now)

    @rule(backend=BACKENDS, limit=st.integers(1, 3), seconds=SECONDS)
    def claim(self, backend, limit, seconds):
        self.clock_s += seconds
        self.both("claim", backend, owner="c", now=self.now, lease_s=30.0, limit=limit)

    def lease(self, data):
        """Draw a batch, rather one under way, and a fence that is nearly always right."""
        batches = self.sql.batches()
        active = [batch for batch in batches if not batch.status.is_final]
        batch = data.draw(st.sampled_from((active if data.draw(st.integers(0, 3)) else None) or batches))
        is_stale = data.draw(st.integers(0, 9)) == 9
        return batch, Lease(batch_id=batch.batch_id, fence=batch.fence - is_stale, until=self.after(45.0))

    @property
    def has_batches(self):
        return bool(self.sql.batches())

    @precondition(lambda self: self.has_batches)
    @rule(data=st.data(), rate=st.one_of(st.none(), st.integers(1, 3)))
    def intend(self, data, rate):
        _, lease = self.lease(data)
        rate = rate and PostRate(limit=rate, window_s=5.0)
        self.both("record_intent", lease, now=self.now, rule=RULE, rate=rate)

    @precondition(lambda self: self.has_batches)
    @rule(data=st.data(), job=st.integers(0, 2), adopted=st.booleans())
    def accept(self, data, job, adopted):
        batch, lease = self.lease(data)
        times = {"submitted_at": self.now, "now": self.now}
        self.both(
            "record_job", lease, provider_job_id=f"{batch.batch_id[:4]}-{job}", adopted=adopted, rule=RULE, **times
        )

    @precondition(lambda self: self.has_batches)
    @rule(data=st.data(), status=st.sampled_from([JobStatus.QUEUED, JobStatus.RUNNING]), wait_s=WAIT)
    def follow(self, data, status, wait_s):
        _, lease = self.lease(data)
        self.both("record_status", lease, status=status, started_at=self.after(wait_s), now=self.now)

    @precondition(lambda self: self.has_batches)
    @rule(data=st.data(), what=st.sampled_from(["renew", "release", "unknown"]), wait_s=SECONDS)
    def keep_or_leave(self, data, what, wait_s):
        _, lease = self.lease(data)
        if what == "renew":
            self.both("renew", lease)
        elif what == "release":
            self.both("release", lease, next_at=self.after(wait_s))
        else:
            self.both("record_unknown", lease, message="no answer", now=self.now)

    @precondition(lambda self: self.has_batches)
    @rule(data=st.data(), billed_s=SECONDS, signal=st.sampled_from(BreakerSignal), waits_s=st.tuples(WAIT, WAIT, WAIT))
    def finish(self, data, billed_s, signal, waits_s):
        batch, lease = self.lease(data)
        states = [KernelState.DONE, KernelState.READY, KernelState.FAILED, KernelState.CANCELLED]
        outcomes = []
        for name in batch.kernel_ids:
            state = data.draw(st.sampled_from(states))
            errors = {"error_class": "E", "error_code": "1", "error_message": "m", "remedy": Remedy.RECOMPILE}
            if state is KernelState.DONE:
                errors = {}
            again = {"not_before": self.after(waits_s[0]), "split_group": "s"} if state is KernelState.READY else {}
            outcomes.append(
                KernelOutcome(kernel_id=name, state=state, counts=data.draw(st.booleans()), **errors, **again)
            )
        ending = BatchEnding(
            status=data.draw(st.sampled_from([s for s in JobStatus if s.is_final])),
            outcomes=tuple(reversed(outcomes)),
            billed_s=billed_s,
            billed_money=data.draw(MONEY),
            started_at=self.after(waits_s[1]),
            finished_at=self.after(waits_s[1]),
            error_message=data.draw(st.sampled_from([None, "down"])),
            signal=signal,
            retry_at=self.after(waits_s[2]),
            audit_at=self.after(waits_s[2]),
        )
        self.both("finish_batch", lease, ending=ending, rule=RULE, now=self.now)

    @precondition(lambda self: self.has_batches)
    @rule(data=st.data(), jobs=st.lists(st.integers(0, 3), max_size=3), billed_s=SECONDS)
    def audit(self, data, jobs, billed_s):
        batch, lease = self.lease(data)
        found = [
            DuplicateJob(
                batch_id=batch.batch_id,
                backend=batch.backend,
                provider_job_id=f"extra-{job}",
                status=JobStatus.SUCCEEDED,
                billed_s=billed_s,
                billed_money=data.draw(MONEY),
                found_at=self.now,
            )
            for job in jobs
        ]
        self.both("record_audit", lease, duplicates=found, now=self.now)

    @rule(
        backend=st.one_of(st.none(), BACKENDS),
        states=st.sets(st.sampled_from(KernelState)),
        numbers=NUMBERS,
        night=st.sampled_from([None, "2026-11-23"]),
        ago_s=SECONDS,
        kinds=st.sets(st.sampled_from(["breaker", "finished"])),
    )
    def read(self, backend, states, numbers, night, ago_s, kinds):
        ids = [f"k{n:06d}" for n in numbers]
        self.both("kernels", backend=backend, states=states or None, night=night)
        self.both("kernels", kernel_ids=ids, states=states, workload="maxcut")
        self.both("batches", backend=backend, active_only=bool(kinds), night=night)
        self.both("batches", workload="maxcut", night="2026-11-24")
        self.both("finished", backend or "fez", since=later(self.clock_s - ago_s))
        self.both("served", backend or "fez", since=later(self.clock_s - ago_s))
        self.both("approvals", night=night, plan_hash="p")
        self.both("batches", batch_ids=[b.batch_id for b in self.memory.batches()[:2]])
        self.both("events", backend=backend, kinds=kinds)
        for name in ("decisions", "duplicates"):
            self.both(name, backend=backend)
        self.both("budgets", team="red")

    def teardown(self):
        if not hasattr(self, "sql"):
            return
        self.patch.undo()
        try:
            actual, expected = everything(self.sql), everything(self.memory)
            for name, rows in expected.items():
                assert actual[name] == list(rows), name
            assert_consistent(self.sql)
        finally:
            self.sql.close()
            self.folder.cleanup()


def walk(max_examples):
    return settings(
        max_examples=max_examples,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )


TestBothLedgers = BothLedgers.TestCase
TestBothLedgers.settings = walk(20)


@pytest.mark.slow
def test_both_ledgers_on_many_more_walks():
    run_state_machine_as_test(BothLedgers, settings=walk(400))
