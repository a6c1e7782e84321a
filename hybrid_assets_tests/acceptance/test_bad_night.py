"""A bad night on the emulated QPU, by the real command: outage, throttling, lost replies, wrong results, poison.

What the emulator's own books say is compared with the ledger to the last job and cent.
"""

from __future__ import annotations

import time
from collections import Counter

import networkx as nx
import pytest

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import KernelState
from hybrid_assets.providers._emulator_faults import chance
from hybrid_assets_tests.acceptance.emulated import (
    BACKEND,
    disagreements,
    finish_night,
    kernels_of,
    most_in_window,
    open_order_count,
    open_project,
    prepare,
    published_rows,
    write_project,
)
from hybrid_assets_tests.acceptance.projects import NIGHT, run

PRICE_PER_S = 1.60
POISON_RATE = 0.05
POSTS_PER_MINUTE = 16
#: Budgets that everything fits into: what they have spent at the end has to be the bill.
BUDGETS = "budgets: [{team: research, per: night, qpu_s: 100000, money: 200000, shots: 1000000000}]"
BACKEND_SETTINGS = (
    "device: fake_torino, density_matrix_qubits: 0, speed: 500, slots: 2, lease_s: 2, send_s: 0.5, queue_median_s: 20, "
    f"price_per_s: {PRICE_PER_S}, optimization_level: 1, breaker_pause_s: 2, retry_wait_s: 0.5"
)


def write_graphs(folder, sizes):
    """Write random cubic graphs, one a number of nodes."""
    folder.mkdir()
    for number, nodes in enumerate(sizes):
        edges = nx.random_regular_graph(3, nodes, seed=number).edges
        rows = [f"{u},{v}" for u, v in sorted(edges)]
        (folder / f"cubic-{number}-n{nodes}.csv").write_text("\n".join(["source,target", *rows, ""]))
    return sorted(folder.iterdir())


def make_night(folder, *, sizes, depths, backend, faults, poisons):
    """Write and prepare a project; its emulator's seed is the first with so many poison kernels. Return their ids."""
    files = write_graphs(folder / "graphs", sizes)
    workload = f"depths: {depths}, angles: {{policy: ramp}}, shots: 128"
    everything = f"{BACKEND_SETTINGS}, {backend}, faults: {{{faults}, kernel_failures: {POISON_RATE}}}, seed: 7"
    project = write_project(folder / "project", workload=workload, backend=everything, rest=BUDGETS, files=files)
    prepare(project)
    _, kernels = kernels_of(open_project(project))
    names = sorted({kernel.kernel_id for kernel in kernels})
    for seed in range(10_000):
        found = {name for name in names if chance(seed, "kernel_failures", name) < POISON_RATE}
        if len(found) in poisons:
            break
    settings = (project / "sweep.yaml").read_text()
    (project / "sweep.yaml").write_text(settings.replace("seed: 7", f"seed: {seed}"))
    assert [kernel.kernel_id for kernel in kernels] == [k.kernel_id for k in kernels_of(open_project(project))[1]]
    return project, names, found


def run_night(folder, *, within_s):
    """Run the command again and again until the night is published; return how often."""
    deadline = time.monotonic() + within_s
    for number in range(1, 100):
        done = run(folder, "run", "--night", NIGHT)
        if open_project(folder).warehouse.partitions("verdicts"):
            assert done.returncode == 0, done.stderr
            return number
        assert time.monotonic() < deadline, done.stderr
        time.sleep(2)
    raise AssertionError("the night does not end")


def require_named_states_and_equal_books(folder, names, poisons):
    """Check everything that a bad night promises."""
    project = open_project(folder)
    states = {kernel.kernel_id: kernel.state for kernel in project.ledger.kernels()}
    assert sorted(states) == names
    assert {name for name, state in states.items() if state is KernelState.FAILED} == poisons
    assert disagreements(project, poisons=poisons) == []
    assert published_rows(project) == []
    assert open_order_count(project) == 0
    for kernel in project.ledger.kernels(states=[KernelState.FAILED]):
        assert (kernel.error_class, kernel.error_code) == ("JobFailedError", "1517")
    sources = Counter()
    for row in project.warehouse.read_rows("quantum_results"):
        is_poison = row["kernel_id"] in poisons
        assert row["source"] == ("failed" if is_poison else "backend")
        assert (row["expected_value"] is None) is is_poison
        assert not is_poison or "JobFailedError" in row["source_reason"]
        sources[row["source"]] += 1
    assert project.warehouse.read_rows("comparisons")
    assert [row["backend"] for row in project.warehouse.read_rows("verdicts")] == [BACKEND]
    return project


def require_a_table_that_tells_what_happened(project):
    """Check `job_attempts` against the emulator's books: every job, its fate and its price."""
    rows = project.warehouse.read_rows("job_attempts")
    told = {row["provider_job_id"]: (row["status"], row["billed_s"]) for row in rows if row["provider_job_id"]}
    books = project.provider(BACKEND).books()
    assert told == {job["job_id"]: (job["status"].value, job["billed_s"]) for job in books}
    bill = sum(job["billed_s"] for job in books)
    assert sum(row["cost"] for row in rows) == pytest.approx(bill * PRICE_PER_S, abs=0.005)
    assert all(row["error_message"] for row in rows if row["status"] == JobStatus.FAILED.value)
    return Counter(f"{row['status']} {row['error_code'] or row['error_class'] or ''}".strip() for row in rows)


@pytest.mark.slow
def test_a_night_with_every_fault_ends_with_named_states_and_equal_books(tmp_path, capsys):
    """It takes some minutes: an outage opens the breaker for one, and the rate limit holds submissions back."""
    # The first outage meets submissions, the second jobs on their way.
    faults = (
        "outages: [{after_s: 0, for_s: 3}, {after_s: 61.5, for_s: 0.6}], throttle_rate: 0.04, lost_replies: 0.3, "
        "lost_requests: 0.06, job_failures: 0.04, wrong_results: 0.3, late_results: {rate: 0.2, for_s: 2}"
    )
    folder, names, poisons = make_night(
        tmp_path,
        sizes=[8, 10, 10, 10, 12, 12, 12, 12, 14, 14, 14, 14, 16, 16, 16, 16],
        depths=[1, 2, 3, 4, 5],
        backend=f"wait_s: 30, posts_per_minute: {POSTS_PER_MINUTE}, batch_size: 5",
        faults=faults,
        poisons=range(3, 6),
    )
    began = time.monotonic()
    runs = run_night(folder, within_s=600)
    took_s = time.monotonic() - began
    finish_night(folder, within_s=120)
    assert run(folder, "run", "--night", NIGHT).returncode == 0  # exports what the last audits found
    project = require_named_states_and_equal_books(folder, names, poisons)
    attempts = require_a_table_that_tells_what_happened(project)
    posts = project.provider(BACKEND).posts()
    outcomes = Counter(post["outcome"] for post in posts)
    with capsys.disabled():
        print(f"\n{len(names)} kernels, {len(poisons)} poison, {runs} runs, {took_s:.0f} s")  # noqa: T201 - figures
        print(f"submissions: {dict(outcomes)}\nattempts: {dict(attempts)}")  # noqa: T201 - figures
    assert {"unavailable", "lost_reply"} <= set(outcomes)
    assert "rate_limited" not in outcomes
    taken = [post["at"] for post in posts if post["outcome"] in {"accepted", "lost_reply"}]
    assert most_in_window(taken, 60) <= POSTS_PER_MINUTE < len(taken)
    assert {job["wrong"] for job in project.provider(BACKEND).books()} - {None}


def test_a_small_night_with_poison_lost_replies_and_wrong_results_ends_well(tmp_path):
    folder, names, poisons = make_night(
        tmp_path,
        sizes=[4, 6, 8],
        depths=[1, 2, 3],
        backend="wait_s: 30, batch_size: 5",
        faults="lost_replies: 0.3, wrong_results: 0.1",
        poisons=[1],
    )
    assert run_night(folder, within_s=120) == 1
    finish_night(folder, within_s=60)
    project = require_named_states_and_equal_books(folder, names, poisons)
    assert require_a_table_that_tells_what_happened(project)["FAILED 1517"] >= 2
