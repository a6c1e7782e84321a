"""Several processes on one ledger file: racing, overtaken, killed in the middle of transactions."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter

import pytest

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, KernelOutcome
from hybrid_assets.model.queue import BudgetUnit, KernelState
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.integration.storage.ledger_samples import (
    RULE,
    assert_consistent,
    everything,
    kernel,
    later,
    lease_of,
    proposal,
)
from hybrid_assets_tests.integration.storage.ledger_worker import BUDGET

WORKER = "hybrid_assets_tests.integration.storage.ledger_worker"

# Plans and finishes a batch, and stops before the one call named, inside its transaction, until it is killed.
STOPS_INSIDE = """
import importlib, sys, time
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.integration.storage import test_sql_ledger_processes as tests
def stop(*args, **kwargs):
    print("stopped", flush=True)
    time.sleep(600)
ledger = SqlLedger(sys.argv[1])
setattr(importlib.import_module("hybrid_assets.storage.ledger." + sys.argv[2]), sys.argv[3], stop)
tests.end(ledger, tests.make(ledger))
"""

# Plans a batch and says so; when told to, sends, records and ends it, and prints what the ledger answered.
OVERTAKEN = """
import sys
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.integration.storage import test_sql_ledger_processes as tests
ledger = SqlLedger(sys.argv[1])
batch = tests.make(ledger)
print("planned", flush=True)
sys.stdin.readline()
print([tests.send(ledger, batch), tests.end(ledger, batch), ledger.renew(tests.lease_of(batch))], flush=True)
"""


def make(ledger):
    kernels = ledger.ready("torino", now=later(60), limit=2)
    wanted = proposal(*kernels, reserved_s=2.0, budgets={BUDGET: BudgetUnit.QPU_S})
    return ledger.plan_batch(wanted, slots=3, rule=RULE, owner="a", lease_s=30.0, now=later(60))


def send(ledger, batch):
    return ledger.record_intent(lease_of(batch), now=later(61), rule=RULE, rate=None)


def end(ledger, batch):
    outcomes = tuple(KernelOutcome(kernel_id=name, state=KernelState.DONE) for name in batch.kernel_ids)
    ending = BatchEnding(status=JobStatus.SUCCEEDED, outcomes=outcomes, billed_s=1.5)
    return ledger.finish_batch(lease_of(batch), ending=ending, rule=RULE, now=later(90))


def filled(place, *, num_kernels=6, limit_s=100.0):
    ledger = SqlLedger(place)
    ledger.set_budget(BUDGET, team="red", window="2026-11-23", limit=limit_s)
    ledger.enqueue([kernel(n) for n in range(num_kernels)])
    return ledger


def started(place, name, *, num_kernels, slots, lease_s=60.0, limit_s=1e6, stdin=subprocess.DEVNULL):
    arguments = [place, name, num_kernels, slots, lease_s, limit_s]
    return subprocess.Popen(
        [sys.executable, "-m", WORKER, *map(str, arguments)],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def answers(workers):
    """Return what each worker reports; none may have met an error, a locked database for one."""
    said = [worker.communicate(timeout=200) for worker in workers]
    assert [(worker.returncode, err) for worker, (_, err) in zip(workers, said, strict=True)] == [(0, "")] * len(said)
    return [json.loads(out.splitlines()[-1]) for out, _ in said]


def race(place, *, num_kernels, limit_s, slots=3):
    """Let eight processes make the file, fill it, and work it off; check all that must hold."""
    numbers = {"num_kernels": num_kernels, "slots": slots, "limit_s": limit_s}
    workers = [started(place, f"w{i}", stdin=subprocess.PIPE, **numbers) for i in range(8)]
    for worker in workers:
        assert worker.stdout.readline() == "begun\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    reports = answers(workers)
    ledger = SqlLedger(place)
    assert sum(r["new"] for r in reports) == num_kernels
    assert max(r["most_active"] for r in reports) <= slots
    assert max(r["most_taken_s"] for r in reports) <= limit_s
    finished = Counter(batch_id for r in reports for batch_id in r["finished"])
    assert finished == Counter(b.batch_id for b in ledger.batches())
    assert Counter(batch_id for r in reports for batch_id in r["sent"]) == finished
    assert_consistent(ledger)
    (budget,) = ledger.budgets()
    num_done = ledger.count_kernels().get(KernelState.DONE, 0)
    # Each done kernel is billed one second, every other nothing.
    assert (budget.spent, budget.reserved) == (num_done, 0.0)
    assert sum(b.billed_s for b in ledger.batches()) == num_done
    ledger.close()
    return num_done, reports


def test_eight_processes_do_everything_once_and_never_exceed_slots_or_budget(tmp_path):
    """They make the file together, too, and none ever meets a locked database."""
    num_done, reports = race(tmp_path / "ledger.sqlite", num_kernels=40, limit_s=20.0)
    # A proposal is at most 4 s: a process gives up only when less than that is left.
    assert 20 - 4 < num_done <= 20
    assert any(r["refused"].get("over_budget") for r in reports)
    assert sum(bool(r["finished"]) for r in reports) > 1


@pytest.mark.slow
def test_eight_processes_race_for_long(tmp_path):
    assert race(tmp_path / "ledger.sqlite", num_kernels=1500, limit_s=1e6, slots=6)[0] == 1500


@pytest.mark.parametrize(
    ("module", "call", "is_planned"),
    [
        pytest.param("budgets", "reserve", False, id="plan-before-the-reservation"),
        pytest.param("history", "add_decision", False, id="plan-before-its-last-row"),
        pytest.param("budgets", "settle", True, id="end-with-kernels-moved"),
        pytest.param("batches", "write", True, id="end-before-its-last-write"),
    ],
)
def test_kill_inside_a_transaction_leaves_nothing_of_it(tmp_path, module, call, is_planned):
    """SIGKILL in the middle; readers are not held up meanwhile, and the next writer finds the state from before."""
    place = tmp_path / "ledger.sqlite"
    ledger, twin = filled(place), filled(tmp_path / "twin.sqlite")
    if is_planned:
        make(twin)
    child = subprocess.Popen([sys.executable, "-c", STOPS_INSIDE, place, module, call], stdout=subprocess.PIPE)
    with child:
        assert child.stdout.readline() == b"stopped\n"
        assert everything(ledger) == everything(twin)
        child.send_signal(signal.SIGKILL)
    assert_consistent(ledger)
    for each in (ledger, twin):
        if is_planned:
            (batch,) = each.claim("torino", owner="b", now=later(91), lease_s=30.0, limit=5)
        else:
            batch = make(each)
        assert end(each, batch) is not None
        each.close()
    assert everything(ledger) == everything(twin)
    ledger.close()
    twin.close()


def test_an_overtaken_process_writes_nothing(tmp_path):
    """Its lease ends, another process claims and finishes; every late write of the first answers None."""
    place = tmp_path / "ledger.sqlite"
    ledger = filled(place)
    child = subprocess.Popen(
        [sys.executable, "-c", OVERTAKEN, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout.readline() == "planned\n"
        # Leased until 60 + 30: one moment before, nobody gets it.
        assert ledger.claim("torino", owner="b", now=later(89.999), lease_s=30.0, limit=5) == []
        (batch,) = ledger.claim("torino", owner="b", now=later(90), lease_s=30.0, limit=5)
        assert (batch.fence, batch.lease_owner, batch.lease_until) == (2, "b", later(120))
        before = everything(ledger)
        child.stdin.write("go on\n")
        child.stdin.flush()
        assert child.stdout.readline() == "[None, None, None]\n"
    assert everything(ledger) == before
    assert end(ledger, batch).status is JobStatus.SUCCEEDED
    ledger.close()


def kill_at_random(place, *, rounds, seed, num_kernels):
    """Kill processes at any moment; what is left is whole each time, and the last process finishes the work."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    ledger = filled(place, num_kernels=num_kernels, limit_s=1e6)
    for _ in range(rounds):
        workers = [started(place, f"{draw.random()}", num_kernels=num_kernels, slots=4, lease_s=0.05) for _ in range(2)]
        for worker in workers:
            assert worker.stdout.readline() == "begun\n"
        time.sleep(draw.uniform(0.0, 0.15))
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
        assert_consistent(ledger)
        with sqlite3.connect(place) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        raw.close()
    answers([started(place, "last", num_kernels=num_kernels, slots=4)])
    assert_consistent(ledger)
    assert ledger.count_kernels() == {KernelState.DONE: num_kernels}
    assert sum(b.billed_s for b in ledger.batches()) == num_kernels
    ledger.close()


def test_kills_at_any_moment_leave_a_whole_ledger(tmp_path):
    kill_at_random(tmp_path / "ledger.sqlite", rounds=2, seed=4, num_kernels=50)


@pytest.mark.slow
def test_many_kills_at_any_moment_leave_a_whole_ledger(tmp_path):
    kill_at_random(tmp_path / "ledger.sqlite", rounds=40, seed=5, num_kernels=1500)
