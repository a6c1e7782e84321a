"""The book: what was asked of the service and what it did. Put records for tests here; keep behavior out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from hybrid_assets_tests.loopback.faults import Fault

FINAL = frozenset({"Completed", "Failed", "Cancelled"})


@dataclass(slots=True, kw_only=True)
class JobRecord:
    """One job, from its creation on; the worker fills it in."""

    id: str
    program: str
    backend: str
    tags: tuple[str, ...]
    session_id: str | None
    #: SHA-256 of the POST's parameters, without tags.
    body_digest: str
    #: The POST's body.
    body: dict[str, Any] = field(repr=False)
    num_pubs: int
    #: Rows x shots, summed over its PUBs.
    executions: int
    #: What it will cost.
    estimated_s: float
    #: The client's cap; beyond it the job ends with code 1305.
    max_execution_s: float | None
    #: By the server's clock, and by the monotonic one.
    created_at: datetime
    created_s: float
    #: Calibration in force when it was made, and when it ran.
    calibration_at_submit: str
    calibration: str | None = None
    #: Queued, Running, Completed, Failed or Cancelled, as the service writes them.
    status: str = "Queued"
    reason: str = ""
    reason_code: int | None = None
    running_at: datetime | None = None
    finished_at: datetime | None = None
    #: Whether the machine ran it; that is billed, whatever became of it.
    executed: bool = False
    billed_s: float = 0.0
    is_deleted: bool = False
    #: Decoded program, faults of this job, and outcomes of its PUBs.
    work: Any = field(default=None, repr=False)
    fate: tuple[Fault, ...] = ()
    outcomes: Any = field(default=None, repr=False)

    @property
    def is_final(self) -> bool:
        """Whether its status will not change any more."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PostRecord:
    """One POST of a job."""

    at_s: float
    #: Status of the reply; None where none was sent.
    status: int | None
    #: The job it made, whether or not the client was told.
    job_id: str | None
    #: Kind of the fault it met.
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request."""

    at_s: float
    method: str
    path: str
    query: str
    route: str
    #: First word of the header Authorization, for example ``Bearer``; empty without the header.
    scheme: str
    #: Status of the reply; None where none was sent.
    status: int | None
