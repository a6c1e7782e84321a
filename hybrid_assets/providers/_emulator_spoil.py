"""Results that are not what was asked for. Put ways to be wrong here; whether a result is wrong is decided elsewhere.

Each is one that a careful client can see. Well-formed counts of the right kernels that are simply not true cannot be.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.jobs import JobResult, PubResult, RawCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def swapped(result: JobResult) -> JobResult:
    """Return the PUBs in reverse order; a single one loses shots instead."""
    return replace(result, pubs=result.pubs[::-1]) if len(result.pubs) > 1 else short(result)


def short(result: JobResult) -> JobResult:
    """Return the last PUB with at most half its shots."""
    last = result.pubs[-1]
    return replace(result, pubs=(*result.pubs[:-1], replace(last, counts=_halved(last.counts))))


def other(result: JobResult) -> JobResult:
    """Return the result under the name and with the kernels of a job that was not asked for."""
    name = fingerprint(["other", result.handle.provider_job_id])[:20]
    return replace(
        result,
        handle=replace(result.handle, provider_job_id=name, request_id=name),
        pubs=tuple(_renamed(pub) for pub in result.pubs),
    )


WAYS: Mapping[str, Callable[[JobResult], JobResult]] = {"swapped": swapped, "short": short, "other": other}


def _renamed(pub: PubResult) -> PubResult:
    return replace(pub, kernel_id=fingerprint(["other", pub.kernel_id]))


def _halved(counts: RawCounts) -> RawCounts:
    halves = counts.counts // 2
    kept = halves > 0
    before = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
    return RawCounts(
        num_bits=counts.num_bits,
        outcomes=counts.outcomes[kept],
        counts=halves[kept],
        offsets=before[counts.offsets],
    )
