"""The rung `simulation`: kernels on a local noise-free simulator, in their backend's place.

Put what is simulated and how long it is waited for here; the simulator is a provider like any other. Results are stored
under kernel ids of their own, which no backend can have, and serve later nights too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import CompilationError, ProviderError, ResultIntegrityError
from hybrid_assets.model.fingerprint import fingerprint, seed_from
from hybrid_assets.model.jobs import JobRequest, KernelResult
from hybrid_assets.runner.driver import utc_now, verify_answer
from hybrid_assets.runner.kernels import Kernel, kernel_id, pub, template_of
from hybrid_assets.runner.placing import cached, compile_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import JobHandle, JobResult, Pub
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.protocols import Provider
    from hybrid_assets.runner.project import Project

#: Enters the kernel ids in place of a repetition: a simulation must never pass for a backend's own result.
REPETITION = "fallback"
#: A night waits no longer for simulations: they are on the way between an outage and the rows of its night.
LIMIT_S = 120.0
#: Pause between two looks at a job of this process.
POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What became of the simulation of some kernels, by the id of the kernel that was asked for."""

    results: Mapping[str, KernelResult]
    #: Why the others have none, in words without a period.
    lacking: Mapping[str, str]


def simulate(project: Project, backend: str, kernels: Sequence[Kernel], *, until: datetime | None = None) -> Simulated:
    """Return simulations of kernels; those that are stored are not computed again.

    Args:
        project: The project.
        backend: The backend that they were meant for.
        kernels: Compiled for it.
        until: When to stop waiting; by default after `LIMIT_S`. What is under way then goes on and is found next time.
    """
    provider = project.simulator(backend)
    ids = {kernel.kernel_id: simulation_id(provider, kernel) for kernel in kernels}
    known = {name: project.results.get(own) for name, own in ids.items()}
    missing = [kernel for kernel in kernels if known[kernel.kernel_id] is None]
    lacking: dict[str, str] = {}
    size, end = provider.limits().max_pubs or len(missing) or 1, until or utc_now() + timedelta(seconds=LIMIT_S)
    for chunk in [missing[start : start + size] for start in range(0, len(missing), size)]:
        try:
            for result in _executed(project, provider, chunk, until=end):
                project.results.put(result)
        except (ProviderError, CompilationError, ResultIntegrityError) as exc:
            lacking |= {kernel.kernel_id: _words(exc) for kernel in chunk}
    known |= {kernel.kernel_id: project.results.get(ids[kernel.kernel_id]) for kernel in missing}
    results = {name: result for name, result in known.items() if result is not None}
    late = dict.fromkeys(ids.keys() - results.keys() - lacking.keys(), "the simulation was not over in time")
    return Simulated(
        results=results, lacking=late | {name: why for name, why in lacking.items() if name not in results}
    )


def simulator_kernels(
    project: Project, backend: str, instance: ProblemInstance, found: Sequence[LogicalKernel]
) -> list[Kernel]:
    """Return kernels compiled for the simulator itself, so that a backend that tells nothing is not needed."""
    provider, options = project.simulator(backend), project.compile_options(backend)
    target = provider.target()
    templates = [template_of(logical, target=target, options=options) for logical in found]
    compile_missing(project, [(template, options) for template in templates], target=target)
    return [
        _named(
            provider,
            Kernel(
                kernel_id="",
                instance=instance,
                template=template,
                facts=cached(project, template.key.digest).facts,
                calibration_id=target.calibration_id,
                repetition=REPETITION,
            ),
        )
        for template in templates
    ]


def _named(provider: Provider, kernel: Kernel) -> Kernel:
    return replace(kernel, kernel_id=simulation_id(provider, kernel))


def simulation_id(provider: Provider, kernel: Kernel) -> str:
    """Return the id of a kernel's simulation."""
    return kernel_id(
        facts=kernel.facts,
        slot_values=kernel.template.slot_values,
        shots=kernel.template.logical.shots,
        backend=provider.describe(),
        calibration_id=provider.target().calibration_id,
        repetition=REPETITION,
    )


def _executed(
    project: Project, provider: Provider, kernels: Sequence[Kernel], *, until: datetime
) -> Iterator[KernelResult]:
    pubs = tuple(_pub(project, provider, kernel) for kernel in kernels)
    request_id = fingerprint([pub.kernel_id for pub in pubs])[:32]
    request = JobRequest(request_id=request_id, backend=provider.describe().backend, pubs=pubs)
    done = _awaited(provider, provider.submit(request), until=until)
    if done is None:
        return
    verify_answer(request_id, pubs, done)
    for kernel, wanted, answered in zip(kernels, pubs, done.pubs, strict=True):
        yield KernelResult(
            kernel_id=wanted.kernel_id,
            counts=answered.counts,
            shots=wanted.shots,
            execution=answered.execution,
            backend=request.backend,
            compiled_calibration_id=kernel.facts.calibration_id,
            executed_calibration_id=done.calibration_id,
            provider_job_id=done.handle.provider_job_id,
            request_id=request_id,
            executed_at=done.finished_at,
        )


def _pub(project: Project, provider: Provider, kernel: Kernel) -> Pub:
    """Return the PUB the backend would have got, under the simulation's id."""
    logical, name = kernel.template.logical, simulation_id(provider, kernel)
    compiled = cached(project, kernel.facts.compile_key)
    wanted = pub(kernel.kernel_id, compiled, slot_values=kernel.template.slot_values, shots=logical.shots)
    return replace(wanted, kernel_id=name, seed=seed_from(name))


def _awaited(provider: Provider, handle: JobHandle, *, until: datetime) -> JobResult | None:
    """Return a job's result; None when it is not over in time."""
    while not provider.poll(handle).status.is_final:
        if utc_now() >= until:
            return None
        time.sleep(POLL_S)
    return provider.fetch(handle)


def _words(exc: Exception) -> str:
    text = str(exc).rstrip(".")
    return f"{text[0].lower()}{text[1:]}" if text else type(exc).__name__
