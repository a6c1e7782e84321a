"""What the control plane asks of the world, one object a step.

A driver executes an effect and sends its answer into the generator, or throws the error it ended with; it may stop for
good before or after any of them. Put requests here; executing them is the runner's, or the simulation's.

| effect | answer | errors thrown in |
| --- | --- | --- |
| `Now` | aware datetime | |
| `Sleep` | the time after it | |
| `Transaction` | the operation's | |
| `Submit` | `JobHandle`, or None where ``not_after`` had passed and nothing was sent | what `Provider.submit` raises |
| `Find` | handles, oldest first | `ProviderError` |
| `Poll`, `Cancel` | `JobReport` | `ProviderError` |
| `Fetch` | `JobResult` | `TransientProviderError`, `JobFailedError`, `ResultIntegrityError` |
| `StoreResult` | None | `ResultIntegrityError` |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hybrid_assets.model.jobs import JobResult
    from hybrid_assets.model.queue import BatchRecord


@dataclass(frozen=True, slots=True)
class Now:
    """Read the clock."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Let time pass; a driver may do other things meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Transaction:
    """Call the operation of the ledger with this name, arguments by name."""

    op: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submit:
    """Submit a batch under its request id, with a bounded wait for the answer.

    The clock is read right before the request leaves: later than ``not_after`` it must not leave, because others may
    have looked for it already and found nothing.
    """

    batch: BatchRecord
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Find:
    """List the provider's jobs that carry a batch's request id."""

    batch: BatchRecord


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask where a job of a batch is."""

    batch: BatchRecord
    provider_job_id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a job of a batch unless it is final."""

    batch: BatchRecord
    provider_job_id: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get the result of a job of a batch."""

    batch: BatchRecord
    provider_job_id: str


@dataclass(frozen=True, slots=True)
class StoreResult:
    """Verify a result against what the batch asked for, then store it durably, one result a kernel, the first kept."""

    batch: BatchRecord
    result: JobResult


Effect = Now | Sleep | Transaction | Submit | Find | Poll | Cancel | Fetch | StoreResult

#: The only instance anyone needs.
NOW = Now()
