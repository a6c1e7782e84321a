"""Our errors as Dagster's. The class of an error decides the retry; this is the only translator."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from hybrid_assets.errors import HybridAssetsError, TransientProviderError

#: Retries of a transient failure that nothing below has dealt with, and seconds between them.
TRANSIENT_RETRIES, TRANSIENT_PAUSE_S = 2, 30


@contextmanager
def translated() -> Iterator[None]:
    """Turn our errors into Dagster's: transient ones are retried, all others end the step at once."""
    try:
        yield
    except TransientProviderError as exc:
        raise dg.RetryRequested(max_retries=TRANSIENT_RETRIES, seconds_to_wait=TRANSIENT_PAUSE_S) from exc
    except HybridAssetsError as exc:
        facts = {key: str(value) for key, value in exc.facts.items()}
        raise dg.Failure(f"{type(exc).__name__}: {exc}", metadata=facts, allow_retries=False) from exc
