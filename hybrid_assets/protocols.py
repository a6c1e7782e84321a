"""The protocols that plug-ins and stores fulfil. Put signatures and promises here, no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import numpy as np

    from hybrid_assets.model.circuits import CompiledCircuit, LogicalKernel, TargetDocument
    from hybrid_assets.model.diagnosis import ErrorCode, Finding
    from hybrid_assets.model.jobs import (
        BackendStatus,
        CostEstimate,
        JobHandle,
        JobLimits,
        JobReport,
        JobRequest,
        JobResult,
        KernelResult,
        ProviderDescription,
        RawCounts,
    )
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult, Reference, Score


@runtime_checkable
class Workload(Protocol):
    """A named, versioned problem family: instance -> circuits -> score. Entry point group ``hybrid_assets.workloads``.

    An entry point names a class that is called without arguments. All methods are deterministic.
    """

    #: ``[a-z][a-z0-9_]*``, the name in settings, asset keys and views.
    name: str
    #: Changes whenever kernels or scores of the same instance would change.
    version: str
    #: What ``comparisons.value`` and the verdict measure, for example ``approximation_ratio`` or ``accuracy``.
    metric: str
    #: Whether effects are measured in units of the reference value (False: as they are, like an accuracy).
    metric_is_relative: bool
    #: One plain sentence for the UI, under 70 characters.
    description: str

    def parse_options(self, raw: Mapping[str, Any]) -> Any:
        """Return the workload's typed options from its section of the settings, less the common keys.

        Raises:
            ConfigurationError: A key is unknown or a value is wrong.
        """

    def load(self, path: Path, *, source: str, options: Any) -> ProblemInstance:
        """Read, validate and normalize one input file.

        Raises:
            ProblemError: The file is refused; file, row and column are named.
        """

    def kernels(
        self, instance: ProblemInstance, *, options: Any, max_qubits: int, shots: int
    ) -> Sequence[LogicalKernel]:
        """Return all kernels of an instance, always in the same order."""

    def evaluate(
        self, instance: ProblemInstance, kernel: LogicalKernel, counts: RawCounts
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (expected value, best value) of each row of a kernel, shape (rows,) each, NaN where undefined."""

    def score(
        self,
        instance: ProblemInstance,
        *,
        options: Any,
        results: Sequence[tuple[LogicalKernel, KernelResult]],
        reference: Reference | None,
        missing: Sequence[LogicalKernel] = (),
    ) -> Sequence[Score]:
        """Score every quantum method and every control of an instance from its finished kernels, those of all rounds.

        A method that applies to the instance has a score, with value None where it failed: failures stay in. A method
        without a score does not apply there and is not compared on it. ``missing`` are the kernels that ended without
        a result.
        """

    def controls_of(self, method: str) -> Sequence[str]:
        """Return the methods that repeat a quantum method without its quantum part, or baselines that do."""


@runtime_checkable
class IterativeWorkload(Workload, Protocol):
    """A workload that looks at a round's results and may ask for another."""

    def max_rounds(self, options: Any) -> int:
        """Return the most rounds that an instance can take, the first one included: what a plan's cost rests on."""

    def next_round(
        self,
        instance: ProblemInstance,
        *,
        options: Any,
        max_qubits: int,
        shots: int,
        history: Sequence[Sequence[tuple[LogicalKernel, KernelResult]]],
    ) -> Sequence[LogicalKernel]:
        """Return the kernels of the next round, () to stop.

        Deterministic: the same history gives the same kernels, so that a crash between rounds loses nothing. Labels
        are unique over all rounds, and ``round_index`` is the number of finished rounds.

        Args:
            instance: The instance.
            options: The workload's typed options.
            max_qubits: As for ``kernels``.
            shots: As for ``kernels``; a kernel of an iterative workload may take fewer.
            history: The finished rounds in order; the first one is what ``kernels`` returned. A kernel whose execution
                failed for good is missing in its round.
        """


@runtime_checkable
class BaselineSolver(Protocol):
    """A classical rival. Entry point group ``hybrid_assets.baselines``; the class is called without arguments."""

    name: str
    #: Solver, its package version and settings; a change solves everything again.
    version: str

    def supports(self, instance: ProblemInstance) -> bool:
        """Whether this baseline can be asked about an instance."""

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Solve an instance within about ``limit_s`` seconds; the same seed gives the same value."""


@runtime_checkable
class Provider(Protocol):
    """One backend of one provider. Entry point group ``hybrid_assets.providers``.

    The entry point names a class with ``from_settings``. No method blocks on a queue or an execution; handles are
    plain data that another process can use. Vendor exceptions are translated to ours, once.
    """

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> Provider:
        """Make the provider of a backend from its section of the settings, less the common keys.

        Raises:
            ConfigurationError: An option is unknown or wrong.
        """

    def describe(self) -> ProviderDescription:
        """Say who this is and what it can do; needs no credentials."""

    def target(self, at: datetime | None = None) -> TargetDocument:
        """Return what the backend can execute and its calibration (at a time, where the provider keeps history)."""

    def status(self) -> BackendStatus:
        """Tell whether the backend takes jobs now."""

    def limits(self) -> JobLimits:
        """Return what one job may hold."""

    def estimate(self, request: JobRequest) -> CostEstimate:
        """Estimate a request's use of the QPU before it is submitted."""

    def submit(self, request: JobRequest) -> JobHandle:
        """Hand a request over, tagged with its id. Submitting the same id again returns the same job where possible.

        Raises:
            TransientProviderError: Nothing was accepted; trying again may help.
            SubmissionUnknownError: It may have been accepted.
            PermanentProviderError: It was refused for good.
        """

    def find(self, request_id: str, *, since: datetime | None = None) -> Sequence[JobHandle]:
        """Return the jobs that carry this id, oldest first."""

    def poll(self, handle: JobHandle) -> JobReport:
        """Return where a job is."""

    def fetch(self, handle: JobHandle) -> JobResult:
        """Return a succeeded job's result; may be called again.

        Raises:
            TransientProviderError: The result is not there yet.
            JobFailedError: The job ended without one.
        """

    def cancel(self, handle: JobHandle) -> JobReport:
        """Cancel a job; one that is already final is left as it is."""


@runtime_checkable
class SelfCheckingProvider(Protocol):
    """A provider that can look at its own set-up; a plug-in may leave it out."""

    def check(self) -> Sequence[Finding]:
        """Look at credentials, reachability, clocks and plan limits; no finding holds a secret, nothing is raised."""


@runtime_checkable
class ErrorExplainingProvider(Protocol):
    """A provider that can tell what its service's error codes lead to; a plug-in may leave it out."""

    @classmethod
    def error_table(cls) -> Sequence[ErrorCode]:
        """Return every code that is known, in order, and last what becomes of any other; needs no settings."""


class CircuitCache(Protocol):
    """Compiled circuits by compile key."""

    def get(self, compile_key: str) -> CompiledCircuit | None:
        """Return a verified circuit or None; a corrupt entry is set aside and counts as absent."""

    def put(self, compiled: CompiledCircuit) -> None:
        """Store a circuit atomically under its compile key."""

    def nearest(self, structure_fingerprint: str) -> Sequence[Mapping[str, str]]:
        """Return the key parts of stored circuits of the same structure, newest first, for explaining a miss."""


class ResultStore(Protocol):
    """Kernel results by kernel id; raw counts are immutable."""

    def get(self, kernel_id: str) -> KernelResult | None:
        """Return a verified result or None."""

    def put(self, result: KernelResult) -> None:
        """Store a result atomically; storing the same id again keeps the first."""
