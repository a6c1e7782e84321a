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
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import Reservation
from hybrid_assets.storage.ledger.rows import (
    ACTIVE,
    CLOSED,
    batch_from_row,
    batch_row,
    chunks,
    stage_of,
)
from hybrid_assets.storage.ledger.schema import BATCH_KERNELS, BATCH_SHARES, BATCHES, RESERVATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from hybrid_assets.model.ledger import Lease
    from hybrid_assets.model.queue import BatchRecord, QueuedKernel, WorkClass


def find(
    connection: Connection,
    *,
    backend: str | None,
    batch_ids: Collection[str] | None,
    night: str | None,
    workload: str | None,
    active_only: bool,
) -> list[BatchRecord]:
    """Return batches in order of planning."""
    statement = sa.select(BATCHES)
    if night is not None or workload is not None:
        statement = statement.where(BATCHES.c.batch_id.in_(_holding(night, workload)))
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


def finished(connection: Connection, backend: str, *, since: datetime) -> list[BatchRecord]:
    """Return final batches in the order in which they ended."""
    table = BATCHES.c
    statement = sa.select(BATCHES).where(table.backend == backend, table.finished_at >= since)
    rows = connection.execute(statement.order_by(table.finished_at, table.batch_id)).mappings()
    return _records(connection, list(rows))


def served(connection: Connection, backend: str, *, since: datetime) -> dict[tuple[WorkClass, str], float]:
    """Return the shares of what is on its way, and of what was executed since."""
    table, share = BATCHES.c, BATCH_SHARES.c
    mine = sa.select(table.batch_id).where(table.backend == backend)
    was_executed = sa.or_(table.status == JobStatus.SUCCEEDED, table.billed_s > 0, table.billed_money > 0)
    # Two questions, each with an index of its own; no batch answers both.
    counted = sa.union_all(
        mine.where(table.stage == ACTIVE), mine.where(table.finished_at >= since, was_executed)
    ).subquery()
    statement = (
        sa.select(share.work_class, share.team, sa.func.sum(share.share))
        .join(counted, counted.c.batch_id == share.batch_id)
        .group_by(share.work_class, share.team)
    )
    return {(work_class, team): float(amount) for work_class, team, amount in connection.execute(statement)}


def num_active(connection: Connection, backend: str) -> int:
    """Return how many batches of a backend are not final."""
    statement = sa.select(sa.func.count()).where(BATCHES.c.backend == backend, BATCHES.c.stage == ACTIVE)
    return connection.execute(statement).scalar_one()


def insert(connection: Connection, batch: BatchRecord, kernels: Sequence[QueuedKernel]) -> None:
    """Write a new batch with its kernels, their shares of it, and its reservations."""
    connection.execute(BATCHES.insert().values(batch_row(batch)))
    key = {"batch_id": batch.batch_id}
    members = [key | {"position": i, "kernel_id": name} for i, name in enumerate(batch.kernel_ids)]
    connection.execute(BATCH_KERNELS.insert(), members)
    connection.execute(BATCH_SHARES.insert(), [key | share for share in _shares(kernels)])
    if batch.reservations:
        parts = [
            key | {"position": i, "budget_id": part.budget_id, "amount": part.amount, "unit": part.unit}
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
            reserved = Reservation(budget_id=below["budget_id"], amount=below["amount"], unit=below["unit"])
            reservations[below["batch_id"]].append(reserved)
    return [batch_from_row(row, kernel_ids[row["batch_id"]], reservations[row["batch_id"]]) for row in rows]


def _shares(kernels: Sequence[QueuedKernel]) -> Iterator[dict[str, Any]]:
    names = ("night", "workload", "team", "work_class")
    shares: defaultdict[tuple[Any, ...], float] = defaultdict(float)
    for kernel in kernels:
        shares[tuple(getattr(kernel, name) for name in names)] += kernel.share
    for kind, amount in shares.items():
        yield dict(zip(names, kind, strict=True)) | {"share": amount}


def _holding(night: str | None, workload: str | None) -> sa.Select[Any]:
    """Return the ids of batches that hold a kernel of a night and a workload."""
    wanted = {"night": night, "workload": workload}
    conditions = (BATCH_SHARES.c[name] == value for name, value in wanted.items() if value is not None)
    return sa.select(BATCH_SHARES.c.batch_id).where(*conditions)


def _below(table: sa.Table, batch_ids: list[str]) -> sa.Select[Any]:
    chosen = sa.select(table).where(table.c.batch_id.in_(batch_ids))
    return chosen.order_by(table.c.batch_id, table.c.position)
