"""Small nights on the loopback IBM service, with faults, and the comparison of its book with the ledger.

Put what happens to one night here; which faults, and how often, is the tests'.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from hybrid_assets.model.queue import KernelState
from hybrid_assets_tests.acceptance.emulated import (
    BACKEND,
    finish_night,
    into_log,
    open_project,
    prepare,
    published_rows,
    write_project,
)
from hybrid_assets_tests.loopback import Fault, LoopbackService

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.runner.project import Project

#: Two graphs, each at two depths: four kernels, two to a job.
WORKLOAD = "depths: [1, 2], angles: {policy: ramp}, shots: 64"
GRAPHS = {"path": "01 12", "square": "01 12 23 03"}
#: Longest silence, longest call, and what a listing may lag behind: absence is proved after about 3.5 s.
KEYS = (
    "device: ibm_loopback, instance: '{instance}', token_env: {token_env}, url: {api}, iam_url: {base}, "
    "search_url: {base}, catalog_url: {base}/catalog/api/v1, "
    "read_timeout_s: 0.8, post_timeout_s: 0.8, deadline_s: {deadline_s}, "
    "listing_lag_s: {lag_s}, posts_per_minute: {posts}, slots: 2, batch_size: 2, lease_s: 6, send_s: 0.5, "
    "job_wait_s: {job_wait_s}, retry_wait_s: 0.2, breaker_pause_s: 1, max_attempts: 6, wait_s: 20"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What goes wrong in a night."""

    name: str
    faults: Sequence[Mapping[str, Any]]
    service: Mapping[str, Any] = field(default_factory=dict)
    job_wait_s: float = 600.0
    posts_per_minute: int = 1000
    #: Kernels that end without a result: a permanent code is never tried again.
    num_failed: int = 0
    within_s: float = 60.0


def write_night(folder: Path, service: LoopbackService) -> Path:
    """Write a project whose only backend is a service."""
    inputs = folder.parent / "graphs"
    inputs.mkdir(parents=True)
    for name, edges in GRAPHS.items():
        rows = [f"{edge[0]},{edge[1]}" for edge in edges.split()]
        (inputs / f"{name}.csv").write_text("\n".join(["source,target", *rows, ""]))
    # The first call imports the client, which a busy machine takes its time for.
    backend, files = backend_of(service, deadline_s=60.0), sorted(inputs.glob("*.csv"))
    return write_project(folder, workload=WORKLOAD, backend=backend, provider="ibm", files=files)


def point_at(folder: Path, service: LoopbackService, **more: float) -> None:
    """Make a service the backend of a project that was written for another one."""
    file = folder / "sweep.yaml"
    lines = file.read_text().splitlines()
    backends = f"backends: {{{BACKEND}: {{provider: ibm, {backend_of(service, **more)}}}}}"
    file.write_text("\n".join([backends if line.startswith("backends:") else line for line in lines]) + "\n")


def backend_of(
    service: LoopbackService, *, posts: float = 1000, job_wait_s: float = 600.0, deadline_s: float = 2.0
) -> str:
    """Return the keys of a backend that is a service."""
    return KEYS.format(
        instance=service.instance,
        token_env=token_env(service),
        api=service.api_url,
        base=service.base_url,
        lag_s=service.options.listing_lag_s,
        posts=posts,
        job_wait_s=job_wait_s,
        deadline_s=deadline_s,
    )


def prepare_night(folder: Path) -> Path:
    """Write a project and compile its kernels; return the folder, of which each night takes a copy."""
    with loopback() as service:
        night = write_night(folder / "night", service)
        prepare(night)
    return night


def run_case(folder: Path, prepared: Path, case: Case, seed: int) -> list[str]:
    """Run a night in which a case's faults happen, each from a request that the seed draws; return what is wrong."""
    random = Random(f"{case.name} {seed}")  # noqa: S311 - draws a test case
    with loopback(**case.service) as service:
        shutil.copytree(prepared, folder)
        into_log(folder)
        point_at(folder, service, posts=case.posts_per_minute, job_wait_s=case.job_wait_s)
        faults = [Fault(**{"skip": random.choice((0, 0, 1)), **fault}) for fault in case.faults]
        for fault in faults:
            service.inject(fault)
        began_s = time.monotonic()
        try:
            finish_night(folder, within_s=case.within_s)
        except TimeoutError as exc:
            return [f"{exc} The book: {service.book}"]
        project = open_project(folder)
        wrong = [*differences(project, service, num_failed=case.num_failed), *published_rows(project)]
        wrong += [f"{fault} did not happen" for fault in faults if not fault.happened]
        if (took_s := time.monotonic() - began_s) > case.within_s:
            wrong.append(f"it took {took_s:.0f} s")
        project.close()
    return wrong


def token_env(service: LoopbackService) -> str:
    """Return the name of the variable that holds a service's API key; several services run in one process."""
    return f"LOOPBACK_TOKEN_{service.base_url.rpartition(':')[2]}"


@contextmanager
def loopback(*, device: str = "fake_manila", **options: Any) -> Iterator[LoopbackService]:
    """Run a service of a small device whose API key is in the environment."""
    with LoopbackService(device=device, is_noisy=False, **options) as service:
        os.environ[token_env(service)] = service.token  # of this process; others are told
        yield service


def differences(project: Project, service: LoopbackService, *, num_failed: int = 0) -> list[str]:
    """Return every way in which ledger and service differ, or either differs from what is promised."""
    return [*_wrong_jobs(project, service), *_wrong_kernels(project, service, num_failed)]


def _wrong_jobs(project: Project, service: LoopbackService) -> Iterator[str]:
    tags = Counter(tag for job in service.book for tag in job.tags)
    yield from (f"{number} jobs were made for {tag}" for tag, number in tags.items() if number > 1)
    yield from (f"job {job.id} is still {job.status}" for job in service.book if not job.is_final)
    batches = project.ledger.batches()
    ours = {batch.provider_job_id: batch for batch in batches if batch.provider_job_id}
    if lost := {job.id for job in service.book} - set(ours):
        yield f"the ledger does not know jobs {sorted(lost)}"
    here, there = sum(batch.billed_s for batch in batches), service.billed_s
    if here != pytest.approx(there, abs=1e-6):
        yield f"{here} s billed here, {there} s there"
    if schemes := {request.scheme for request in service.requests if request.route != "token"} & {"apikey"}:
        yield f"the API key left as {schemes}"


def _wrong_kernels(project: Project, service: LoopbackService, num_failed: int) -> Iterator[str]:
    kernel_ids = {batch.request_id: batch.kernel_ids for batch in project.ledger.batches()}
    paid: Counter[str] = Counter()
    for job in service.book:
        if job.executed and job.status == "Completed":
            paid.update(kernel_ids[job.tags[0]])
    kernels = project.ledger.kernels()
    failed = [kernel.kernel_id for kernel in kernels if kernel.state is KernelState.FAILED]
    if len(failed) != num_failed:
        yield f"{len(failed)} kernels failed: {[kernel.error_message for kernel in kernels]}"
    for kernel in kernels:
        name, is_failed = f"{kernel.instance}/{kernel.label}", kernel.kernel_id in failed
        if kernel.state is not (KernelState.FAILED if is_failed else KernelState.DONE):
            yield f"{name} is {kernel.state}: {kernel.error_message}"
        if paid[kernel.kernel_id] != (0 if is_failed else 1):
            yield f"{name} is in {paid[kernel.kernel_id]} jobs that succeeded"
