"""What a smoke run found, as plain data. Put records here; how they are made is `runner.smoke_report`'s."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Finding(StrEnum):
    """What became of a reference kernel."""

    OK = "ok"
    OFF = "off"
    #: The backend's errors are so large that random bits would pass.
    NO_POWER = "no power"
    NO_RESULT = "no result"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCheck:
    """One row of a kernel: the value without errors, what is explained, what was seen."""

    row: int
    ideal: float
    low: float
    high: float
    observed: float
    is_inside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCheck:
    """One reference kernel."""

    label: str
    kernel_id: str
    finding: Finding
    #: Expected success of its circuit under the calibration it ran under; None: it did not.
    expected_success: float | None
    rows: Sequence[RowCheck]
    #: Why there is no result.
    reason: str | None = None
    #: Exit code that tells what is wrong; 0: nothing is.
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    """A QPU job of the run."""

    provider_job_id: str | None
    status: str
    queue_s: float | None
    run_s: float | None
    billed_s: float
    #: Made by network or provider, not by us.
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeReport:
    """A whole smoke run."""

    smoke_id: str
    night: str
    backend: str
    shots: int
    kernels: Sequence[KernelCheck]
    jobs: Sequence[JobSeen]
    #: All that was billed, and the most that was allowed.
    billed_s: float
    cap_s: float
    #: Calibrations the kernels ran under.
    calibration_ids: Sequence[str]
    #: What else a person should know, one sentence each.
    notes: Sequence[str]
    exit_code: int
