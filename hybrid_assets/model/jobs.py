"""QPU jobs as data: PUBs, requests, handles, reports, raw results, limits and costs.

Everything here can be written to disk by one process and used by another. Put decisions about jobs in `control`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ResultIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class JobStatus(StrEnum):
    """Where a QPU job is. UNKNOWN (the answer was lost) is left only by reconciliation."""

    PLANNED = "PLANNED"
    SUBMITTING = "SUBMITTING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more."""
        # Asked of every batch in every step: identities are ten times faster than a set of members.
        return self is JobStatus.SUCCEEDED or self is JobStatus.FAILED or self is JobStatus.CANCELLED


class ExecutionKind(StrEnum):
    """How numbers came about. Only QPU can ever support a run-time claim."""

    STATEVECTOR = "statevector"  # exact distribution, then seeded sampling
    DENSITY_MATRIX = "density_matrix"  # full noise simulation of the used qubits
    DEPOLARIZED = "depolarized_mixture"  # exact distribution mixed with the uniform one, then readout confusion
    QPU = "qpu"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pub:
    """One compiled circuit with its rows of slot values."""

    kernel_id: str
    #: Compressed QPY, its checksum and the facts of the circuit, see `CompiledCircuit`.
    payload: bytes
    payload_sha: str
    artefact_fingerprint: str
    measured_qubits: tuple[int, ...]
    expected_success: float
    #: Slot values in radians, shape (rows, num_slots), float64.
    values: np.ndarray
    #: Shots of each row.
    shots: int
    #: Seed of the sampling, where the backend can be seeded.
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JobRequest:
    """One batch to execute. ``request_id`` is deterministic and travels as the provider's tag."""

    request_id: str
    backend: str
    pubs: tuple[Pub, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Seconds from which on it would break a budget; a provider whose jobs may take longer than estimated cuts it off
    #: there. None: no budget limits it.
    max_qpu_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandle:
    """All another process needs to follow a job."""

    provider: str
    backend: str
    request_id: str
    provider_job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """A job's status as the provider tells it."""

    status: JobStatus
    #: The provider's own code and words when it failed.
    error_code: str | None = None
    message: str | None = None
    #: Name of our error class the code stands for (`errors`): it decides what happens next; None: terminal.
    error_class: str | None = None
    #: Kernels the provider blames for a failure; empty: it did not say.
    blamed_kernel_ids: tuple[str, ...] = ()
    #: Seconds billed so far, where the status tells it; a failed job may cost too.
    billed_s: float | None = None
    #: The bill so far where the provider makes it in money; None: it bills seconds, or the status does not tell.
    billed_money: float | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    queue_position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawCounts:
    """Observed outcomes of all rows of a PUB, row after row (compressed sparse rows).

    An outcome is an integer whose bit i is the value measured into classical bit i.
    """

    num_bits: int
    #: Distinct outcomes of each row in increasing order, shape (entries,), uint64.
    outcomes: np.ndarray
    #: How often each was seen, shape (entries,), int64, all positive.
    counts: np.ndarray
    #: Row r owns entries ``offsets[r]:offsets[r + 1]``; shape (rows + 1,), int64.
    offsets: np.ndarray

    @property
    def num_rows(self) -> int:
        """Number of parameter settings."""
        return int(self.offsets.size - 1)

    def row(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return outcomes and counts of one row."""
        part = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return self.outcomes[part], self.counts[part]

    def row_sums(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Return, for each row, the sum of ``counts`` (times ``weights``, one an entry); shape (rows,)."""
        terms = self.counts if weights is None else self.counts * weights
        total = np.concatenate([[0], np.cumsum(terms)])
        return np.asarray(total[self.offsets[1:]] - total[self.offsets[:-1]])

    def verify(self, *, num_bits: int, rows: int, shots: int) -> None:
        """Refuse a result that is not what was asked for.

        Raises:
            ResultIntegrityError: Width, row count, shots, order or range is off; the message says which.
        """
        if self.num_bits != num_bits:
            raise ResultIntegrityError(f"Expected {num_bits} bits an outcome, got {self.num_bits}.")
        if self.num_rows != rows:
            raise ResultIntegrityError(f"Expected {rows} rows, got {self.num_rows}.")
        if self.offsets[0] != 0 or self.offsets[-1] != self.counts.size or self.outcomes.size != self.counts.size:
            raise ResultIntegrityError("Row offsets do not match the outcomes.")
        if self.counts.size and (int(self.counts.min()) < 1 or int(self.outcomes.max()) >> num_bits):
            raise ResultIntegrityError("An outcome is out of range or was counted less than once.")
        if np.any(wrong := self.row_sums() != shots):
            row = int(np.argmax(wrong))
            raise ResultIntegrityError(f"Row {row} has {int(self.row_sums()[row])} shots instead of {shots}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PubResult:
    """Raw outcomes of one kernel."""

    kernel_id: str
    counts: RawCounts
    execution: ExecutionKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JobResult:
    """Everything a finished job gives."""

    handle: JobHandle
    pubs: tuple[PubResult, ...]
    #: Calibration in force at execution.
    calibration_id: str
    started_at: datetime
    finished_at: datetime
    #: Seconds the provider bills; 0.0 for a local simulator, and where it bills money and tells no seconds.
    billed_s: float
    #: The bill where the provider makes it in money; None: it bills seconds.
    billed_money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What one job may hold. None means: no limit known."""

    max_pubs: int | None = None
    #: Rows x shots summed over the PUBs.
    max_executions: int | None = None
    max_payload_bytes: int | None = None
    max_shots: int | None = None
    #: Longest run time of a job.
    max_run_s: float | None = None
    #: Submissions in any 60 s, over all our processes.
    posts_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """What a job is expected to take from the QPU."""

    qpu_s: float
    #: Price of the job where the provider bills money, in any one currency; 0.0 where it bills seconds.
    money: float
    #: What each PUB adds to the job's overhead, before any rounding of the bill, in order; empty: not known one by one.
    pubs_s: tuple[float, ...] = ()
    #: The same in money, where the provider bills money.
    pubs_money: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendStatus:
    """Whether a backend takes jobs now."""

    operational: bool
    message: str
    pending_jobs: int | None
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescription:
    """Who a provider is and what it can do."""

    provider: str
    version: str
    backend: str
    #: Everything that makes results of this backend differ from another's; enters the kernel id.
    identity: str
    #: Whether using it costs money.
    is_metered: bool
    is_simulator: bool
    supports_find: bool
    supports_cancel: bool
    #: Longest time from a submission's leaving to its being found.
    listing_lag_s: float = 20.0
    #: Billed seconds of a job whatever is in it.
    job_overhead_s: float = 0.0
    #: Bills are rounded up to a multiple of it; 0.0: they are not.
    bill_step_s: float = 0.0
    #: Price of a job whatever is in it, where the provider bills money and not seconds; None: it bills seconds. With a
    #: price, every final report, result and estimate has its money, in the same currency.
    job_overhead_money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KernelResult:
    """A stored result: raw counts with all that must be known of their making."""

    kernel_id: str
    counts: RawCounts
    shots: int
    execution: ExecutionKind
    backend: str
    compiled_calibration_id: str
    executed_calibration_id: str
    provider_job_id: str
    request_id: str
    executed_at: datetime
    #: This kernel's share of the job's billed seconds.
    billed_s: float = 0.0
    #: Calibration that was in force when it was asked for; empty: not known.
    asked_calibration_id: str = ""
    #: This kernel's share of the bill where the provider makes it in money; None: it bills seconds.
    billed_money: float | None = None

    @property
    def ran_under_another(self) -> bool:
        """Whether the calibration changed between asking and execution."""
        return self.asked_calibration_id not in {"", self.executed_calibration_id}
