"""Batches in the ledger: finding, claiming, and the one way to write to them.

Put statements on the table of batches here. Every write but a claim goes through `held` and `write`: the first reads
the batch under the lease's fence and locks it, the second writes under the same fence.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hybrid_assets.errors import HybridAssetsError
from hybrid_assets.model.queue import Reservation
from hybrid_assets.storage.ledger.rows import (
    ACTIVE,
    CLOSED,
    batch_from_row,
    batch_row,
    chunks,
    stage_of,
)
from hybrid_assets.storage.ledger.schema import BATCH_KERNELS, BATCHES, RESERVATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from hybrid_assets.model.ledger import Lease
    from hybrid_assets.model.queue import BatchRecord


def find(
    connection: Connection, *, backend: str | None, batch_ids: Collection[str] | None, active_only: bool
) -> list[BatchRecord]:
    """Return batches in order of planning."""
    statement = sa.select(BATCHES)
    if backend is not None:
        statement = statement.where(BATCHES.c.backend == backend)
    if active_only:
        statement = statement.where(BATCHES.c.stage == ACTIVE)
    if batch_ids is None:
        rows = list(connection.execute(statement).mappings())
    else:
        rows = [
            row
            for part in chunks(dict.fromkeys(batch_ids))
            for row in connection.execute(statement.where(BATCHES.c.batch_id.in_(part))).mappings()
        ]
    return sorted(_records(connection, rows), key=lambda batch: (batch.planned_at, batch.batch_id))


def num_active(connection: Connection, backend: str) -> int:
    """Return how many batches of a backend are not final."""
    statement = sa.select(sa.func.count()).where(BATCHES.c.backend == backend, BATCHES.c.stage == ACTIVE)
    return connection.execute(statement).scalar_one()


def insert(connection: Connection, batch: BatchRecord) -> None:
    """Write a new batch with its kernels and reservations."""
    connection.execute(BATCHES.insert().values(batch_row(batch)))
    key = {"batch_id": batch.batch_id}
    kernels = [key | {"position": i, "kernel_id": name} for i, name in enumerate(batch.kernel_ids)]
    connection.execute(BATCH_KERNELS.insert(), kernels)
    if batch.reservations:
        parts = [
            key | {"position": i, "budget_id": part.budget_id, "reserved_s": part.reserved_s}
            for i, part in enumerate(batch.reservations)
        ]
        connection.execute(RESERVATIONS.insert(), parts)


def claim(
    connection: Connection, backend: str, *, owner: str, now: datetime, lease_s: float, limit: int
) -> list[BatchRecord]:
    """Take over what nobody holds."""
    table = BATCHES.c
    # A batch that another transaction is writing to is passed over, where the database locks rows.
    statement = (
        sa.select(BATCHES)
        .where(table.backend == backend, table.stage < CLOSED)
        .where(sa.or_(table.lease_until.is_(None), table.lease_until <= now))
        .where(sa.or_(table.next_at.is_(None), table.next_at <= now))
        .order_by(table.stage, table.planned_at, table.batch_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = _records(connection, list(connection.execute(statement).mappings()))
    until = now + timedelta(seconds=lease_s)
    for part in chunks(batch.batch_id for batch in found):
        values = {"fence": table.fence + 1, "lease_owner": owner, "lease_until": until}
        connection.execute(BATCHES.update().where(table.batch_id.in_(part)).values(values))
    return [replace(batch, fence=batch.fence + 1, lease_owner=owner, lease_until=until) for batch in found]


def held(connection: Connection, lease: Lease) -> BatchRecord | None:
    """Lock and return the batch if the lease's fence is still its own."""
    table = BATCHES.c
    statement = sa.select(BATCHES).where(table.batch_id == lease.batch_id, table.fence == lease.fence)
    rows = list(connection.execute(statement.with_for_update()).mappings())
    return _records(connection, rows)[0] if rows else None


def write(connection: Connection, batch: BatchRecord, **values: Any) -> BatchRecord:
    """Write to a batch that was returned by `held` in this transaction, and return it as it is now.

    Raises:
        HybridAssetsError: The fence has moved in spite of the lock; the transaction must not be committed.
    """
    after = replace(batch, **values)
    stage = stage_of(after.status, sent_at=after.sent_at, audited_at=after.audited_at)
    table = BATCHES.c
    mine = sa.and_(table.batch_id == batch.batch_id, table.fence == batch.fence)
    if connection.execute(BATCHES.update().where(mine).values(stage=stage, **values)).rowcount != 1:
        raise HybridAssetsError(f"Batch {batch.batch_id} was claimed inside the transaction that had locked it.")
    return after


def _records(connection: Connection, rows: Sequence[RowMapping]) -> list[BatchRecord]:
    kernel_ids: defaultdict[str, list[str]] = defaultdict(list)
    reservations: defaultdict[str, list[Reservation]] = defaultdict(list)
    for part in chunks(row["batch_id"] for row in rows):
        for below in connection.execute(_below(BATCH_KERNELS, part)).mappings():
            kernel_ids[below["batch_id"]].append(below["kernel_id"])
        for below in connection.execute(_below(RESERVATIONS, part)).mappings():
            reserved = Reservation(budget_id=below["budget_id"], reserved_s=below["reserved_s"])
            reservations[below["batch_id"]].append(reserved)
    return [batch_from_row(row, kernel_ids[row["batch_id"]], reservations[row["batch_id"]]) for row in rows]


def _below(table: sa.Table, batch_ids: list[str]) -> sa.Select[Any]:
    chosen = sa.select(table).where(table.c.batch_id.in_(batch_ids))
    return chosen.order_by(table.c.batch_id, table.c.position)
