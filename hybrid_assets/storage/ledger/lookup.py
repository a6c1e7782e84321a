"""Finding what an id, or the beginning of one, belongs to. Put statements for people's questions by id here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.storage.ledger.schema import BATCH_KERNELS, BATCHES, DUPLICATES, KERNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """What begins with some characters, each at most as many as were asked for, sorted."""

    kernel_ids: Sequence[str]
    #: Of batches whose own id, request id or provider job id, or whose duplicate's, begins so.
    batch_ids: Sequence[str]


def matching(connection: Connection, beginning: str, *, limit: int) -> Matches:
    """Return the kernels and batches that a beginning of an id fits."""
    kernels = sa.select(KERNELS.c.kernel_id).where(_begins(KERNELS.c.kernel_id, beginning))
    table, names = BATCHES.c, ("batch_id", "request_id", "provider_job_id")
    batches = sa.select(table.batch_id).where(sa.or_(*(_begins(table[name], beginning) for name in names)))
    doubles = sa.select(DUPLICATES.c.batch_id).where(_begins(DUPLICATES.c.provider_job_id, beginning))
    both = sa.union(batches, doubles).subquery()
    return Matches(
        kernel_ids=connection.execute(kernels.order_by(KERNELS.c.kernel_id).limit(limit)).scalars().all(),
        batch_ids=connection.execute(sa.select(both).order_by(both.c.batch_id).limit(limit)).scalars().all(),
    )


def batch_ids_of(connection: Connection, kernel_id: str) -> Sequence[str]:
    """Return every batch a kernel was ever in."""
    statement = sa.select(BATCH_KERNELS.c.batch_id).where(BATCH_KERNELS.c.kernel_id == kernel_id)
    return connection.execute(statement).scalars().all()


def _begins(column: sa.Column[str], beginning: str) -> sa.ColumnElement[bool]:
    # A range, which an index answers; compared byte by byte, as ids are.
    return sa.and_(column >= beginning, column < beginning + "\U0010ffff")
