"""What becomes of a failure: the class of the error decides, the number of attempts bounds it.

Put the table and the waiting times here; nothing else decides about retries, and nothing below retries by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from hybrid_assets import errors
from hybrid_assets.model.ledger import BreakerSignal

if TYPE_CHECKING:
    from datetime import datetime


class RetryKind(StrEnum):
    """What happens next."""

    AGAIN = "again"  # the same kernels, later; counts as an attempt
    WAIT = "wait"  # the backend took nothing or asks for time; no kernel is to blame, nothing counts
    SPLIT = "split"  # in two halves, to find who is to blame or to be small enough
    RECOMPILE = "recompile"
    OTHER_BACKEND = "other_backend"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """How often and when."""

    #: Failed attempts after which a kernel is given up.
    max_attempts: int = 3
    #: Times a batch of several kernels is repeated as a whole before it is split.
    whole_retries: int = 1
    first_wait_s: float = 5.0
    growth: float = 2.0
    longest_wait_s: float = 600.0
    #: Waits are prolonged by up to this part of themselves, so that many clients do not come back at once.
    jitter: float = 0.5

    def wait_s(self, failures: int, *, jitter: float) -> float:
        """Return the seconds to wait after so many failures before; ``jitter`` is drawn from [0, 1)."""
        # The exponent is bounded: 2.0 ** 1100 is no float.
        base_s = min(self.first_wait_s * self.growth ** min(failures, 60), self.longest_wait_s)
        return base_s * (1 + self.jitter * jitter)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """What happens next, when, and whether the attempt counts."""

    kind: RetryKind
    #: For AGAIN, WAIT and SPLIT.
    retry_at: datetime | None = None
    counts: bool = False


#: Nearest class in an error's ancestry wins. Classes that are not here are final.
TABLE: dict[type[errors.HybridAssetsError], RetryKind] = {
    errors.RateLimitedError: RetryKind.WAIT,
    errors.BackendUnavailableError: RetryKind.WAIT,
    errors.TransientProviderError: RetryKind.AGAIN,
    errors.SubmissionUnknownError: RetryKind.AGAIN,
    errors.ResultIntegrityError: RetryKind.AGAIN,
    errors.ConfigurationError: RetryKind.WAIT,  # until a person mends the set-up; the breaker says why
    errors.CapacityError: RetryKind.SPLIT,
    errors.TargetMismatchError: RetryKind.RECOMPILE,
    errors.JobCancelledError: RetryKind.NEVER,
    errors.PermanentProviderError: RetryKind.NEVER,
}

#: Failures that are the backend's, not a kernel's.
SIGNALS: dict[type[errors.HybridAssetsError], BreakerSignal] = {
    errors.RateLimitedError: BreakerSignal.THROTTLED,
    errors.TransientProviderError: BreakerSignal.FAILED,
    errors.SubmissionUnknownError: BreakerSignal.FAILED,
    errors.ResultIntegrityError: BreakerSignal.FAILED,
    errors.ConfigurationError: BreakerSignal.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong with kernels that nobody told apart."""

    #: Name of one of our error classes; None or a foreign name is final.
    error_class: str | None
    num_kernels: int
    #: Most attempts among them that counted before.
    failed_attempts: int
    #: Whether the backend had taken the job. What it never took counts against nobody.
    accepted: bool
    #: Least wait the provider asked for.
    retry_after_s: float | None = None


def decide_retry(failure: Failure, *, rule: RetryRule, now: datetime, jitter: float) -> RetryDecision:
    """Decide about kernels whose batch failed now; ``jitter`` is from [0, 1), the same for the same batch.

    Several kernels are split where one alone would be given up: one of them may be to blame for all.
    """
    error_class, failed_attempts, num_kernels = failure.error_class, failure.failed_attempts, failure.num_kernels
    kind = _kind(error_class)
    retry_at = now + timedelta(seconds=max(rule.wait_s(failed_attempts, jitter=jitter), failure.retry_after_s or 0.0))
    if kind is RetryKind.AGAIN and not failure.accepted:
        kind = RetryKind.WAIT
    if num_kernels > 1:
        is_stubborn = kind is RetryKind.AGAIN and failed_attempts >= rule.whole_retries
        if is_stubborn or (kind is RetryKind.NEVER and error_class != errors.JobCancelledError.__name__):
            kind = RetryKind.SPLIT
    elif kind is RetryKind.SPLIT:
        kind = RetryKind.OTHER_BACKEND
    elif kind is RetryKind.AGAIN and failed_attempts + 1 >= rule.max_attempts:
        kind = RetryKind.NEVER
    match kind:
        case RetryKind.AGAIN:
            return RetryDecision(kind=kind, retry_at=retry_at, counts=True)
        case RetryKind.WAIT:
            return RetryDecision(kind=kind, retry_at=retry_at)
        case RetryKind.SPLIT:
            return RetryDecision(kind=kind, retry_at=now)
        case _:
            return RetryDecision(kind=kind, counts=failure.accepted)


def signal_of(error_class: str | None) -> BreakerSignal:
    """Return what a failure says about the backend."""
    return next((SIGNALS[base] for base in _ancestry(error_class) if base in SIGNALS), BreakerSignal.NEUTRAL)


def _kind(error_class: str | None) -> RetryKind:
    return next((TABLE[base] for base in _ancestry(error_class) if base in TABLE), RetryKind.NEVER)


def _ancestry(error_class: str | None) -> tuple[type, ...]:
    found = getattr(errors, error_class, None) if error_class else None
    return found.__mro__ if isinstance(found, type) and issubclass(found, errors.HybridAssetsError) else ()
