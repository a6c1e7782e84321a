"""Grouping PUBs into jobs. Put what decides a batch here; submitting it belongs to the runner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import CapacityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.jobs import JobLimits, Pub


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The PUBs of one job and why it ends where it does."""

    pubs: tuple[Pub, ...]
    #: The limit that closed it, or ``end of queue``.
    reason: str
    #: Value of that limit, None at the end of the queue.
    limit: int | None


def pack(pubs: Sequence[Pub], *, limits: JobLimits) -> Sequence[Batch]:
    """Group PUBs into jobs the backend accepts, keeping their order; PUBs of one job share their shot count.

    Args:
        pubs: PUBs in order of submission.
        limits: Limits of one job.

    Returns:
        Batches whose concatenation equals ``pubs``; as few as first-fit in order gives.

    Raises:
        CapacityError: One PUB alone exceeds a limit; the message names it.
    """
    batches: list[Batch] = []
    open_pubs: list[Pub] = []
    for pub in pubs:
        _check_alone(pub, limits)
        if open_pubs and (closing := _closing(open_pubs, pub, limits)):
            batches.append(Batch(pubs=tuple(open_pubs), reason=closing[0], limit=closing[1]))
            open_pubs = []
        open_pubs.append(pub)
    if open_pubs:
        batches.append(Batch(pubs=tuple(open_pubs), reason="end of queue", limit=None))
    return batches


def executions(pub: Pub) -> int:
    """Return rows times shots."""
    return int(pub.values.shape[0]) * pub.shots


def payload_bytes(pub: Pub) -> int:
    """Return about how many bytes a PUB takes on the wire."""
    return len(pub.payload) + int(pub.values.nbytes)


def _check_alone(pub: Pub, limits: JobLimits) -> None:
    for what, size, limit in (
        ("shots a row", pub.shots, limits.max_shots),
        ("executions", executions(pub), limits.max_executions),
        ("payload bytes", payload_bytes(pub), limits.max_payload_bytes),
    ):
        if limit is not None and size > limit:
            raise CapacityError(
                f"Kernel {pub.kernel_id} needs {size} {what}, the backend takes {limit} in one job. "
                "Lower it in sweep.yaml."
            )


def _closing(open_pubs: Sequence[Pub], pub: Pub, limits: JobLimits) -> tuple[str, int] | None:
    """Return the limit that keeps ``pub`` out of the open batch."""
    if pub.shots != open_pubs[0].shots:
        return "other number of shots", open_pubs[0].shots
    for reason, size, limit in (
        ("max_pubs", len(open_pubs) + 1, limits.max_pubs),
        ("max_executions", sum(map(executions, [*open_pubs, pub])), limits.max_executions),
        ("max_payload_bytes", sum(map(payload_bytes, [*open_pubs, pub])), limits.max_payload_bytes),
    ):
        if limit is not None and size > limit:
            return reason, limit
    return None
