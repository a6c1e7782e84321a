"""Records of the model as rows, and rows as records. Put translation here, no decision and no SQL."""

from __future__ import annotations

from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from hybrid_assets.model.queue import BatchRecord, QueuedKernel, Reservation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import RowMapping

    from hybrid_assets.model.jobs import JobStatus

T = TypeVar("T")

#: Ids named in one statement; SQLite takes 32,766 parameters, and more than some thousand gain nothing.
MAX_NAMED = 2000

_KERNEL_FIELDS = tuple(field.name for field in fields(QueuedKernel))
_BATCH_FIELDS = tuple(field.name for field in fields(BatchRecord) if field.name not in {"kernel_ids", "reservations"})

#: Values of ``batches.stage``.
ACTIVE, TO_AUDIT, CLOSED = 0, 1, 2


def stage_of(status: JobStatus, *, sent_at: datetime | None, audited_at: datetime | None) -> int:
    """Return who still has to look at a batch, see `schema.BATCHES`."""
    if not status.is_final:
        return ACTIVE
    return TO_AUDIT if sent_at is not None and audited_at is None else CLOSED


def chunks(items: Iterable[T], size: int = MAX_NAMED) -> Iterator[list[T]]:
    """Yield items in lists of at most ``size``."""
    left = iter(items)
    while part := list(islice(left, size)):
        yield part


def kernel_row(kernel: QueuedKernel) -> dict[str, Any]:
    """Return the row of a kernel."""
    return {name: getattr(kernel, name) for name in _KERNEL_FIELDS}


def batch_row(batch: BatchRecord) -> dict[str, Any]:
    """Return the row of a batch, without its kernels and reservations."""
    row = {name: getattr(batch, name) for name in _BATCH_FIELDS}
    return row | {"stage": stage_of(batch.status, sent_at=batch.sent_at, audited_at=batch.audited_at)}


def batch_from_row(row: RowMapping, kernel_ids: Sequence[str], reservations: Sequence[Reservation]) -> BatchRecord:
    """Return the batch a row and the rows below it stand for."""
    facts = {name: row[name] for name in _BATCH_FIELDS}
    return BatchRecord(**facts, kernel_ids=tuple(kernel_ids), reservations=tuple(reservations))
