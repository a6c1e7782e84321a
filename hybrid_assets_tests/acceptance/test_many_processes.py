"""Many processes drive one backend at once: its slots, its rate limit and a budget hold over all of them together.

What is promised of a budget: a batch is planned only if what is spent, what is set aside and its own estimate, the
rounding of its bill included, stay within the limit.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from hybrid_assets.control.budgets import room
from hybrid_assets.model.ledger import Lease
from hybrid_assets.model.queue import KernelState
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.queueing import ask_for, wait_for
from hybrid_assets_tests.acceptance.emulated import (
    BACKEND,
    Workers,
    finish_audits,
    into_log,
    kernels_of,
    most_in_window,
    open_project,
    paid_kernels,
    prepare,
    write_project,
    wrong_jobs,
)

#: 24 kernels of four settings with 1000 shots: each takes 1.1 s of the device, a job 0.5 s more.
WORKLOAD = "depths: [1, 2, 3, 4, 5, 6, 7, 8], angles: {policy: grid, size: 2}, shots: 1000"
OVERHEAD_S, BILL_STEP_S, SLOTS = 0.5, 1.0, 2
BACKEND_SETTINGS = (
    f"device: fake_lagos, density_matrix_qubits: 0, speed: 200, slots: {SLOTS}, batch_size: 2, lease_s: 2, "
    f"send_s: 2, queue_median_s: 60, overhead_s: {OVERHEAD_S}, bill_step_s: {BILL_STEP_S}"
)


def ask_and_drive(folder, number, wait_s):
    """Be one of the processes: ask for half of all kernels, drive the backend, and write what is left."""
    into_log(folder)
    project = open_project(folder)
    order, kernels = kernels_of(project)
    while not (folder / "go").exists():
        time.sleep(0.005)
    chosen = kernels[number::3] + Random(number).sample(kernels, len(kernels) // 3)  # noqa: S311 - a test case
    ask_for(project, order, chosen)
    names = {kernel.kernel_id for kernel in chosen}
    left = wait_for(project, BACKEND, names, until=utc_now() + timedelta(seconds=wait_s))
    (folder / f"left-{number}.json").write_text(json.dumps([kernel.kernel_id for kernel in left]))


@dataclass
class Seen:
    """The most of everything that was seen while the processes ran."""

    looks: int = 0
    active: int = 0
    pending: int = 0
    #: Spent and set aside, by budget.
    committed: dict[str, float] = field(default_factory=dict)

    def look(self, project):
        """Look at ledger and emulator once."""
        self.looks += 1
        self.active = max(self.active, len(project.ledger.batches(active_only=True)))
        self.pending = max(self.pending, project.provider(BACKEND).status().pending_jobs)
        for budget in project.ledger.budgets():
            committed = max(self.committed.get(budget.budget_id, 0.0), budget.spent + budget.reserved)
            self.committed[budget.budget_id] = committed


def contest(folder, *, processes, wait_s, backend="", rest=""):
    """Let processes drive the same backend at once; return the project afterwards and what was seen meanwhile."""
    write_project(folder, workload=WORKLOAD, backend=f"{BACKEND_SETTINGS}{backend}", rest=rest)
    prepare(folder)
    project, seen = open_project(folder), Seen()
    with Workers() as workers:
        started = [workers.start(ask_and_drive, folder, number, wait_s) for number in range(processes)]
        (folder / "go").touch()
        while any(process.is_alive() for process in started):
            seen.look(project)
            time.sleep(0.02)
        assert workers.exit_codes(within_s=5) == [0] * processes, (folder / "process.log").read_text()
    finish_audits(project, deadline=utc_now() + timedelta(seconds=30))
    seen.look(project)
    return project, seen


def require_limits_kept(project, seen):
    """Check what holds whatever the limits are."""
    assert wrong_jobs(project) == []
    assert max(seen.active, seen.pending) <= SLOTS
    paid = paid_kernels(project)
    assert set(paid.values()) <= {1}
    done = {kernel.kernel_id for kernel in project.ledger.kernels(states=[KernelState.DONE])}
    assert set(paid) == done
    assert all(project.results.get(name) is not None for name in done)
    assert not project.ledger.duplicates()


def require_budget_kept(project, seen):
    """Check a budget that admits a part of the work only."""
    (budget,) = project.ledger.budgets()
    assert seen.committed[budget.budget_id] <= budget.limit + 1e-6
    # Each batch was planned within the limit: the others' reservations and all bills until then, and its own.
    batches = sorted(project.ledger.batches(), key=lambda batch: batch.planned_at)
    for batch in batches:
        over = [other for other in batches if other.finished_at and other.finished_at <= batch.planned_at]
        out = [other for other in batches if other not in over and other.planned_at <= batch.planned_at]
        committed = sum(other.billed_s for other in over) + sum(other.reserved_s for other in out)
        assert committed <= budget.limit + 1e-6
    waiting = project.ledger.kernels(states=[KernelState.READY])
    assert waiting
    assert {kernel.error_class for kernel in waiting} == {"BudgetExceededError"}
    assert not project.ledger.kernels(states=[KernelState.BATCHED])
    # What is left pays for no other kernel, but for what jobs on their way had set aside and did not need in the end.
    least_s = min(kernel.expected_s for kernel in waiting) + OVERHEAD_S + BILL_STEP_S
    assert room(budget) < least_s + SLOTS * BILL_STEP_S


def require_rate_kept(project, limit):
    """Check that the provider never had to refuse a submission for its rate."""
    posts = project.provider(BACKEND).posts()
    assert {post["outcome"] for post in posts} == {"accepted"}
    assert most_in_window([post["at"] for post in posts], 60) <= limit


def test_few_processes_keep_slots_and_budget_and_execute_nothing_twice(tmp_path):
    """24 kernels would take some 30 s; the budget is 10 s."""
    rest = "budgets: [{team: research, per: night, qpu_s: 10}]"
    project, seen = contest(tmp_path / "project", processes=3, wait_s=20, rest=rest)
    require_limits_kept(project, seen)
    require_budget_kept(project, seen)


def test_few_processes_keep_the_rate_limit(tmp_path):
    project, seen = contest(tmp_path / "project", processes=3, wait_s=4, backend=", posts_per_minute: 3")
    require_limits_kept(project, seen)
    require_rate_kept(project, 3)
    assert project.ledger.kernels(states=[KernelState.READY, KernelState.BATCHED])
    require_waiting_ends_in_time(project)


def require_waiting_ends_in_time(project):
    """Check that nobody waits longer than he said, even where another process holds a batch that is due."""
    held = {}
    for batch in project.ledger.batches(active_only=True):
        now = utc_now()
        lease = Lease(batch_id=batch.batch_id, fence=batch.fence, until=now)
        project.ledger.release(lease, next_at=now)
        held |= {claimed.batch_id: claimed for claimed in project.ledger.claim(
            BACKEND, owner="somebody else", now=now, lease_s=60, limit=10
        )}  # fmt: skip
    assert held
    names = [name for batch in held.values() for name in batch.kernel_ids]
    began = time.monotonic()
    assert wait_for(project, BACKEND, names, until=utc_now() + timedelta(seconds=0.5))
    assert time.monotonic() - began < 10  # it used to be for ever


@pytest.mark.slow
def test_eight_processes_keep_slots_budget_and_rate_and_execute_nothing_twice(tmp_path, capsys):
    """The budget admits some two thirds of the kernels; submissions pause when the rate limit is reached."""
    began = time.monotonic()
    project, seen = contest(
        tmp_path / "project",
        processes=8,
        wait_s=150,
        backend=", posts_per_minute: 3, max_pubs: 3",
        rest="budgets: [{team: research, per: night, qpu_s: 20}]",
    )
    require_limits_kept(project, seen)
    require_budget_kept(project, seen)
    require_rate_kept(project, 3)
    assert len(project.provider(BACKEND).posts()) > 3
    (budget,) = project.ledger.budgets()
    with capsys.disabled():
        print(  # noqa: T201 - what a person wants to know
            f"\n8 processes, {time.monotonic() - began:.0f} s, {seen.looks} looks: at most {seen.active} batches and "
            f"{seen.pending} jobs on {SLOTS} slots; at most {max(seen.committed.values()):.2f} s committed of "
            f"{budget.limit:g} s; {len(project.provider(BACKEND).posts())} submissions"
        )
