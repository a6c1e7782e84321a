"""What a listing of jobs by tag proves about a submission whose answer was lost.

Put the rules of SEND and SETTLE here:

- a request leaves at most ``send_s`` after its intent was written (its driver checks);
- it is visible in listings at most ``lag_s`` after it left, delivery and the provider's own delay together;
- so a listing that *began* more than ``settle_s`` > send_s + lag_s after the intent shows it, or it was never accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hybrid_assets.model.jobs import JobHandle


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """The job exists: follow the oldest; the others are duplicates."""

    oldest: JobHandle
    extras: tuple[JobHandle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """Nothing seen yet, which proves nothing yet."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Absent:
    """It was never accepted: sending again cannot pay twice."""


def settled_at(sent_at: datetime, settle_s: float) -> datetime:
    """Return the moment after which a listing may begin that proves absence."""
    return sent_at + timedelta(seconds=settle_s)


def resolve(
    found: Sequence[JobHandle], *, sent_at: datetime, began_at: datetime, settle_s: float
) -> Adopt | LookAgain | Absent:
    """Decide from a listing, oldest first, that began at ``began_at``."""
    if found:
        return Adopt(oldest=found[0], extras=tuple(found[1:]))
    left_s = (settled_at(sent_at, settle_s) - began_at).total_seconds()
    return Absent() if left_s < 0 else LookAgain(seconds=left_s + 0.001)
