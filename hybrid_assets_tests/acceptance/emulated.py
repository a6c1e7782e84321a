"""Small projects on the emulated QPU, driven without Dagster, and the comparison of its books with the ledger.

Put what several files of process tests share here; how a process is killed is `killing`'s.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BudgetUnit, KernelState
from hybrid_assets.runner import collecting, compiling, executing, normalizing
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import Cell, open_order, open_orders
from hybrid_assets.runner.project import Project
from hybrid_assets.runner.rounds import compiled_kernels, logical_kernels
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.acceptance.projects import NIGHT, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from hybrid_assets.model.queue import BatchRecord
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.runner.orders import Order

BACKEND, WORKLOAD = "qpu", "maxcut"
CELL = Cell(night=NIGHT, workload=WORKLOAD, backend=BACKEND)

#: The three connected cubic graphs of up to six nodes: K4, the prism and K3,3.
GRAPHS = {
    "k4": "01 02 03 12 13 23",
    "prism": "01 12 02 34 45 35 03 14 25",
    "k33": "03 04 05 13 14 15 23 24 25",
}

#: Imported once by the process that all others are forked from: a child then costs a few milliseconds, not a second.
PRELOADED = (
    "pytest",
    "hybrid_assets_tests.acceptance.emulated",
    "hybrid_assets.circuits.angles",
    "hybrid_assets.providers.emulator",
    "hybrid_assets.providers._devices",
    "hybrid_assets.providers._ibm_client",
    "hybrid_assets.providers._ibm_sampler",
    "hybrid_assets.providers.ibm",
    "hybrid_assets.storage.ledger.sql",
    "hybrid_assets.workloads.maxcut",
    "pandas",
    "qiskit_aer",
    "qiskit_ibm_runtime.fake_provider",
    "scipy.optimize",
)


def write_project(
    folder: Path,
    *,
    workload: str,
    backend: str,
    provider: str = "emulator",
    rest: str = "",
    files: Collection[Path] = (),
) -> Path:
    """Write a project with one workload and one backend; without ``files`` its inputs are `GRAPHS`."""
    inputs = folder / "inputs"
    inputs.mkdir(parents=True)
    for file in files:
        shutil.copy(file, inputs)
    for name, edges in GRAPHS.items() if not files else ():
        rows = [f"{edge[0]},{edge[1]}" for edge in edges.split()]
        (inputs / f"{name}.csv").write_text("\n".join(["source,target", *rows, ""]))
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "sweep.yaml").write_text(
        "start: 2026-11-01\n"
        f'workloads: {{{WORKLOAD}: {{inputs: "inputs/*.csv", {workload}}}}}\n'
        f"backends: {{{BACKEND}: {{provider: {provider}, {backend}}}}}\n{rest}\n"
    )
    return folder


def open_project(folder: Path) -> Project:
    """Open the project of a folder."""
    return Project.open(load_settings(folder / "sweep.yaml"))


def prepare(folder: Path) -> None:
    """Normalize and compile, so that every copy of the folder begins where kernels are asked for."""
    project = open_project(folder)
    normalizing.normalize_inputs(project, night=NIGHT, workload=WORKLOAD)
    compiling.compile_circuits(project, night=NIGHT, workload=WORKLOAD, backend=BACKEND)
    project.close()


def kernels_of(project: Project) -> tuple[Order, list[Kernel]]:
    """Return the night's order, not kept, and its kernels of the first round."""
    calibration_id = project.target(BACKEND).calibration_id
    order = open_order(project, CELL, calibration_id=calibration_id, now=utc_now())
    found = []
    for instance in project.accepted(NIGHT, WORKLOAD):
        logical = list(logical_kernels(project, WORKLOAD, instance, lambda _: None, lambda _: False))
        found += compiled_kernels(project, order, instance, logical)
    return order, found


def finish_night(folder: Path, *, within_s: float) -> None:
    """Go on until the partition is published and all that was sent is audited, as `run` and `collect` together do.

    Raises:
        TimeoutError: It was not over in time.
    """
    project = open_project(folder)
    deadline = utc_now() + timedelta(seconds=within_s)
    while executing.execute_kernels(project, night=NIGHT, workload=WORKLOAD, backend=BACKEND).pending:
        _require_time(deadline)
    finish_audits(project, deadline=deadline)


def finish_audits(project: Project, *, deadline: datetime) -> None:
    """Go on until every job is over and its duplicates were searched for."""
    while not all(map(_is_settled, project.ledger.batches())):
        _require_time(deadline)
        troubles = collecting.collect(project, wait_s=1.0)
        assert not troubles, troubles


def _is_settled(batch: BatchRecord) -> bool:
    if batch.status.is_final:
        return batch.sent_at is None or batch.audited_at is not None
    return batch.provider_job_id is None  # planned, and not let through yet


def _require_time(deadline: datetime) -> None:
    if utc_now() > deadline:
        raise TimeoutError("The night was not over in time.")
    time.sleep(0.05)


# --- processes


def forking() -> Any:
    """Return the context whose processes are forked from one that has imported everything and done nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def into_log(folder: Path) -> None:
    """Let this process print to a file, for whoever looks at a failed test."""
    descriptor = os.open(folder / "process.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


class Workers:
    """Processes of this test; none of them survives its block."""

    def __init__(self) -> None:
        self._context, self._started = forking(), []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        for process in self._started:
            if process.exitcode is None:
                process.kill()
            process.join()
            process.close()

    def start(self, function: Callable[..., None], *arguments: Any) -> Any:
        """Start a process."""
        process = self._context.Process(target=function, args=arguments)
        process.start()
        self._started.append(process)
        return process

    def exit_codes(self, *, within_s: float) -> list[int | None]:
        """Wait for all; return how each ended, None for one that has not."""
        deadline = time.monotonic() + within_s
        for process in self._started:
            process.join(max(deadline - time.monotonic(), 0.0))
        return [process.exitcode for process in self._started]


# --- books


def disagreements(project: Project, *, poisons: Collection[str] = ()) -> list[str]:
    """Return every way in which a finished night differs from what was promised; poison kernels fail, others do not."""
    return [*_wrong_kernels(project, set(poisons)), *wrong_jobs(project)]


def _wrong_kernels(project: Project, poisons: set[str]) -> Iterator[str]:
    succeeded = paid_kernels(project)
    for kernel in project.ledger.kernels():
        name, is_poison = f"{kernel.instance}/{kernel.label}", kernel.kernel_id in poisons
        if kernel.state is not (KernelState.FAILED if is_poison else KernelState.DONE):
            yield f"{name} is {kernel.state}: {kernel.error_message}"
        if (project.results.get(kernel.kernel_id) is None) is not is_poison:
            yield f"{name}: a sound result is {'there' if is_poison else 'missing'}"
        if succeeded[kernel.kernel_id] != (0 if is_poison else 1):
            yield f"{name} is in {succeeded[kernel.kernel_id]} jobs that succeeded"


def paid_kernels(project: Project) -> Counter[str]:
    """Return in how many jobs that succeeded each kernel was, as the emulator has it."""
    jobs = project.provider(BACKEND).books()
    return Counter(name for job in jobs if job["status"] is JobStatus.SUCCEEDED for name in job["kernel_ids"])


def wrong_jobs(project: Project) -> list[str]:
    """Return what differs between ledger and emulator: jobs, bills, budgets, submissions; and exceeded slots."""
    found = [*_wrong_jobs(project), *_wrong_money(project)]
    busiest = busiest_moment(project.provider(BACKEND).books())
    if busiest > (slots := project.backend(BACKEND).slots):
        found.append(f"{busiest} jobs at once on {slots} slots")
    return found


def _wrong_jobs(project: Project) -> Iterator[str]:
    provider, batches = project.provider(BACKEND), project.ledger.batches()
    jobs = {job["job_id"]: job for job in provider.books()}
    ours = [(b.provider_job_id, b.status, b.billed_s) for b in batches if b.provider_job_id]
    ours += [(d.provider_job_id, d.status, d.billed_s) for d in project.ledger.duplicates()]
    yield from (
        f"the ledger has job {name} {times} times" for name, times in Counter(o[0] for o in ours).items() if times > 1
    )
    if missing := set(jobs) ^ {name for name, _, _ in ours}:
        yield f"only one of ledger and emulator knows jobs {sorted(missing)}"
    for name, status, billed_s in ours:
        if name in jobs and (jobs[name]["status"], jobs[name]["billed_s"]) != (status, billed_s):
            yield f"job {name}: {status}, {billed_s} s here; {jobs[name]['status']}, {jobs[name]['billed_s']} s there"
    if unfinished := [batch.batch_id[:8] for batch in batches if not _is_settled(batch)]:
        yield f"batches {unfinished} are not over and audited"
    posts = Counter(post["request_id"] for post in provider.posts())
    sends = {batch.request_id: batch.num_sends for batch in batches}
    yield from (
        f"{n} submissions of {name}, {sends.get(name)} intents" for name, n in posts.items() if n > sends.get(name, 0)
    )


def _wrong_money(project: Project) -> Iterator[str]:
    batches, duplicates = project.ledger.batches(), project.ledger.duplicates()
    here = sum(b.billed_s for b in batches) + sum(d.billed_s for d in duplicates)
    there = sum(job["billed_s"] for job in project.provider(BACKEND).books())
    if here != pytest.approx(there, abs=1e-9):
        yield f"{here} s billed here, {there} s there"
    price = project.backend(BACKEND).price_per_s
    bills = {BudgetUnit.QPU_S: here, BudgetUnit.MONEY: here * price}
    for budget in project.ledger.budgets():
        if budget.reserved != pytest.approx(0, abs=1e-6):
            yield f"budget {budget.budget_id} still has {budget.reserved} set aside"
        if budget.unit in bills and budget.spent != pytest.approx(bills[budget.unit]):
            yield f"budget {budget.budget_id} has {budget.spent} spent of {bills[budget.unit]} billed"


def busiest_moment(jobs: Sequence[dict[str, Any]]) -> int:
    """Return how many jobs were queued or running at once at most."""
    steps = [(job["created_at"], 1) for job in jobs] + [(job["finished_at"], -1) for job in jobs]
    number = most = 0
    for _, step in sorted(steps):
        number += step
        most = max(most, number)
    return most


def most_in_window(moments: Sequence[Any], window_s: float) -> int:
    """Return how many moments lie in any half-open window of so many seconds at most."""
    ordered, window = sorted(moments), timedelta(seconds=window_s)
    return max((sum(start <= at < start + window for at in ordered) for start in ordered), default=0)


def published_rows(project: Project) -> list[str]:
    """Return what is wrong with the published partition, one sentence each: a row a setting, once, in one file."""
    rows = project.warehouse.read_rows("quantum_results", night=NIGHT, workload=WORKLOAD, backend=BACKEND)
    _, kernels = kernels_of(project)
    wanted = Counter(
        (kernel.instance.name, kernel.template.logical.label, row, kernel.kernel_id)
        for kernel in kernels
        for row in range(kernel.template.slot_values.shape[0])
    )
    got = Counter((row["instance"], row["label"], row["row"], row["kernel_id"]) for row in rows)
    files = project.warehouse.files("quantum_results")
    found = [] if got == wanted else [f"{len(rows)} rows published, {sum(wanted.values())} wanted: {got - wanted}"]
    return found if len(files) == 1 else [*found, f"{len(files)} files"]


def open_order_count(project: Project) -> int:
    """Return how many partitions are unfinished."""
    return len(open_orders(project))
