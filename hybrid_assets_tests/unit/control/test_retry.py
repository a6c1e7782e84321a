"""The class of an error decides what becomes of its kernels; attempts bound it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets import errors
from hybrid_assets.control.bisect import halves
from hybrid_assets.control.retry import Failure, RetryKind, RetryRule, decide_retry, signal_of
from hybrid_assets.model.ledger import BreakerSignal

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULE = RetryRule()


def decide(error_class, *, num_kernels=1, failed_attempts=0, accepted=True, retry_after_s=None, jitter=0.0):
    what = Failure(
        error_class=error_class,
        num_kernels=num_kernels,
        failed_attempts=failed_attempts,
        accepted=accepted,
        retry_after_s=retry_after_s,
    )
    return decide_retry(what, rule=RULE, now=NOW, jitter=jitter)


@pytest.mark.parametrize(
    ("error_class", "alone", "together"),
    [
        ("TransientProviderError", RetryKind.AGAIN, RetryKind.AGAIN),
        ("RateLimitedError", RetryKind.WAIT, RetryKind.WAIT),
        ("BackendUnavailableError", RetryKind.WAIT, RetryKind.WAIT),
        ("CredentialsError", RetryKind.WAIT, RetryKind.WAIT),
        ("SubmissionUnknownError", RetryKind.AGAIN, RetryKind.AGAIN),
        ("ResultIntegrityError", RetryKind.AGAIN, RetryKind.AGAIN),
        ("CapacityError", RetryKind.OTHER_BACKEND, RetryKind.SPLIT),
        ("TargetMismatchError", RetryKind.RECOMPILE, RetryKind.RECOMPILE),
        ("JobFailedError", RetryKind.NEVER, RetryKind.SPLIT),
        ("PermanentProviderError", RetryKind.NEVER, RetryKind.SPLIT),
        ("JobCancelledError", RetryKind.NEVER, RetryKind.NEVER),
        ("OSError", RetryKind.NEVER, RetryKind.SPLIT),
        (None, RetryKind.NEVER, RetryKind.SPLIT),
    ],
)
def test_decision_follows_the_class(error_class, alone, together):
    assert decide(error_class).kind is alone
    assert decide(error_class, num_kernels=2).kind is together


def test_decision_follows_the_nearest_ancestor():
    """A provider's own subclass of a known class needs no entry in the table."""
    assert issubclass(errors.ContradictionError, errors.ResultIntegrityError)
    assert decide("ContradictionError").kind is RetryKind.AGAIN


def test_attempts_of_a_kernel_are_bounded():
    kinds = [decide("TransientProviderError", failed_attempts=n).kind for n in range(4)]
    assert kinds == [RetryKind.AGAIN, RetryKind.AGAIN, RetryKind.NEVER, RetryKind.NEVER]  # max_attempts = 3


def test_a_batch_that_keeps_failing_is_split():
    kinds = [decide("TransientProviderError", num_kernels=4, failed_attempts=n).kind for n in range(3)]
    assert kinds == [RetryKind.AGAIN, RetryKind.SPLIT, RetryKind.SPLIT]  # whole_retries = 1


def test_what_was_never_accepted_counts_against_nobody():
    decision = decide("TransientProviderError", failed_attempts=99, accepted=False)
    assert (decision.kind, decision.counts) == (RetryKind.WAIT, False)
    assert decide("TransientProviderError").counts
    assert not decide("CapacityError", num_kernels=2).counts


def test_waits_grow_up_to_a_limit_and_honor_the_provider():
    waits = [RULE.wait_s(n, jitter=0.0) for n in (0, 1, 2, 6, 7, 2_000)]
    assert waits == [5.0, 10.0, 20.0, 320.0, 600.0, 600.0]  # 5 x 2^n, at most 600
    assert decide("RateLimitedError", retry_after_s=77.0).retry_at == NOW + timedelta(seconds=77)
    assert decide("RateLimitedError", retry_after_s=1.0).retry_at == NOW + timedelta(seconds=5)


@given(failures=st.integers(0, 100), jitter=st.floats(0.0, 1.0, exclude_max=True))
def test_jitter_only_prolongs(failures, jitter):
    assert RULE.wait_s(failures, jitter=0.0) <= RULE.wait_s(failures, jitter=jitter) <= 900.0  # 600 x 1.5


def test_only_failures_of_the_backend_reach_its_breaker():
    assert signal_of("BackendUnavailableError") is BreakerSignal.FAILED
    assert signal_of("RateLimitedError") is BreakerSignal.THROTTLED
    assert signal_of("JobFailedError") is BreakerSignal.NEUTRAL
    assert signal_of(None) is BreakerSignal.NEUTRAL


@given(st.integers(2, 50))
def test_halves_part_all_kernels_into_two_groups(number):
    names = [f"k{i}" for i in range(number)]
    groups = halves(names, batch_id="b" * 64)
    first = [name for name in names if groups[name].endswith(".0")]
    second = [name for name in names if groups[name].endswith(".1")]
    assert first + second == names
    assert 0 <= len(first) - len(second) <= 1
