"""Workers killed by SIGKILL at every boundary, on the emulated QPU; whoever comes next finishes the night.

The emulator does not deduplicate: a job whose submission is repeated is a second, paid job, and its books say so.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from statistics import median

import pytest

from hybrid_assets_tests.acceptance.emulated import (
    Workers,
    disagreements,
    finish_night,
    open_order_count,
    open_project,
    prepare,
    published_rows,
    write_project,
)
from hybrid_assets_tests.acceptance.killing import BOUNDARIES, MARKER, Kill, draw_kill, work
from hybrid_assets_tests.acceptance.projects import NIGHT, ROOT, environment, run

#: Nine kernels with four settings each; three to a job at first, so three jobs on two slots.
WORKLOAD = "depths: [1, 2, 3], angles: {policy: grid, size: 2}, shots: 64"
BACKEND = (
    "device: fake_lagos, density_matrix_qubits: 0, speed: 500, slots: 2, batch_size: 3, lease_s: 1, send_s: 0.3, "
    "queue_median_s: 20, wait_s: 20"
)
#: A killed worker's lease, and the time after which a listing proves absence: send_s + clock skew.
LEASE_S, SETTLE_S = 1.0, 1.3
#: What a successor may take beyond them on a busy machine.
WITHIN_S = 40.0
ROUNDS = 50
#: What `multiprocessing` says of a process whose exit code another thread took: starting one asks after all others.
#: An error of a process would be 1; what it left behind is checked in any case.
LOST_STATUS = 255
#: Repetitions at once: they mostly wait.
AT_ONCE = 6


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one repetition."""

    seed: int
    kill: Kill
    wrong: list[str]
    #: From the worker's death to the end of the last successor.
    recovery_s: float

    def __str__(self):
        return f"seed {self.seed}, {self.kill}: {'; '.join(self.wrong)}"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project whose kernels are compiled and not asked for yet."""
    folder = write_project(tmp_path_factory.mktemp("kill") / "prepared", workload=WORKLOAD, backend=BACKEND)
    prepare(folder)
    return folder


def killed_and_continued(prepared, boundary, seed):
    """Kill a worker at a boundary, let one or two others go on, and return what is wrong then."""
    random = Random(f"{boundary} {seed}")  # noqa: S311 - draws a test case
    kill, successors = draw_kill(boundary, random), random.choice((1, 1, 2))
    folder = prepared.parent / f"{boundary}-{seed}"
    shutil.copytree(prepared, folder)
    with Workers() as workers:
        victim = workers.start(work, folder, kill, WITHIN_S)
        while not (folder / MARKER).exists() and victim.is_alive():
            time.sleep(0.01)
        # While it stands at its moment the others begin: they may take over only when its lease is over.
        began = time.monotonic()
        for _ in range(successors):
            workers.start(work, folder, None, WITHIN_S)
        codes = workers.exit_codes(within_s=WITHIN_S)
    recovery_s = time.monotonic() - began
    was_killed = (folder / MARKER).exists() and codes[0] in {-signal.SIGKILL, LOST_STATUS}
    is_expected = was_killed and set(codes[1:]) <= {0, LOST_STATUS}
    wrong = [] if is_expected else [f"the processes ended with {codes}"]
    project = open_project(folder)
    wrong += [*disagreements(project), *published_rows(project)]
    if number := open_order_count(project):
        wrong.append(f"{number} orders are open")
    if not wrong:
        shutil.rmtree(folder)
    return Outcome(seed=seed, kill=kill, wrong=wrong, recovery_s=recovery_s)


def repeated(prepared, boundaries, times):
    """Repeat each boundary's kill with other seeds, several at once; return the outcomes by boundary."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {
            boundary: [pool.submit(killed_and_continued, prepared, boundary, seed) for seed in range(times)]
            for boundary in boundaries
        }
    return {boundary: [one.result() for one in several] for boundary, several in running.items()}


def test_workers_killed_at_every_boundary_cost_nothing(prepared):
    outcomes = repeated(prepared, BOUNDARIES, 2)
    assert not [str(outcome) for several in outcomes.values() for outcome in several if outcome.wrong]


@pytest.mark.slow
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_worker_killed_at_a_boundary_costs_nothing_in_50_of_50(prepared, boundary, capsys):
    outcomes = repeated(prepared, [boundary], ROUNDS)[boundary]
    good = [outcome for outcome in outcomes if not outcome.wrong]
    times = [outcome.recovery_s for outcome in outcomes]
    with capsys.disabled():
        figures = f"recovered in {median(times):.1f} s (median), {max(times):.1f} s (longest)"
        print(f"\nkilled at {boundary}: {len(good)} of {ROUNDS}, {figures}")  # noqa: T201 - what a person wants to know
    assert not [str(outcome) for outcome in outcomes if outcome.wrong]


@pytest.mark.slow
@pytest.mark.parametrize("boundary", ["after_submit", "store", "publish"])
def test_the_command_killed_on_its_way_is_run_again_and_the_night_is_whole(tmp_path, boundary):
    """The same through Dagster: `hybrid-assets run` dies, and the same command afterwards ends well."""
    folder = write_project(tmp_path / "project", workload=WORKLOAD, backend=BACKEND)
    words = [sys.executable, "-m", "hybrid_assets_tests.acceptance.killing", boundary, "run", "--night", NIGHT]
    here = {**environment(), "PYTHONPATH": str(ROOT)}
    died = subprocess.run(words, cwd=folder, env=here, capture_output=True, text=True, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    again = run(folder, "run", "--night", NIGHT)
    assert again.returncode == 0, again.stderr
    project = open_project(folder)
    finish_night(folder, within_s=WITHIN_S)  # the last audits
    assert not [*disagreements(project), *published_rows(project)]
    assert project.warehouse.read_rows("verdicts")
    billed = sum(row["billed_s"] for row in project.warehouse.read_rows("job_attempts"))
    assert billed == sum(job["billed_s"] for job in project.provider("qpu").books())
