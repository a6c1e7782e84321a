"""What is only ever added: events, decisions, duplicates, sends, approvals. Put statements on those tables here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hybrid_assets.control.waits import is_worth_writing
from hybrid_assets.model.gates import Approval
from hybrid_assets.model.queue import BatchDecision, DuplicateJob, LedgerEvent
from hybrid_assets.storage.ledger.engines import insert_unless_known
from hybrid_assets.storage.ledger.schema import APPROVALS, DECISIONS, DUPLICATES, EVENTS, SENDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.ledger import PostRate
    from hybrid_assets.model.queue import BatchRecord, QueuedKernel

#: Ids an event names; the kernels themselves tell the rest.
_MAX_IDS = 5


def tell(connection: Connection, kind: str, text: str, *, backend: str, batch_id: str | None, now: datetime) -> None:
    """Write an event."""
    values = {"at": now, "backend": backend, "batch_id": batch_id, "kind": kind, "text": text}
    connection.execute(EVENTS.insert().values(values))


def tell_of_batch(connection: Connection, kind: str, batch: BatchRecord, text: str, now: datetime) -> None:
    """Write an event of a batch."""
    tell(connection, kind, text, backend=batch.backend, batch_id=batch.batch_id, now=now)


def tell_of_kernels(connection: Connection, kind: str, kernels: Sequence[QueuedKernel], now: datetime) -> None:
    """Write one event a backend."""
    for backend in sorted({kernel.backend for kernel in kernels}):
        names = [kernel.kernel_id for kernel in kernels if kernel.backend == backend]
        text = f"{len(names)} kernels: {', '.join(names[:_MAX_IDS])}"
        tell(connection, kind, text, backend=backend, batch_id=None, now=now)


def events(connection: Connection, *, backend: str | None, kinds: Collection[str] | None) -> list[LedgerEvent]:
    """Return events in order of writing."""
    statement = _in_order(EVENTS, backend)
    if kinds is not None:
        statement = statement.where(EVENTS.c.kind.in_(list(kinds)))
    return [LedgerEvent(**row) for row in connection.execute(statement).mappings()]


def add_decision(connection: Connection, decision: BatchDecision) -> None:
    """Write why a batch was made, or why kernels wait."""
    connection.execute(DECISIONS.insert().values(_row(DECISIONS, decision)))


def add_waits(connection: Connection, decisions: Sequence[BatchDecision]) -> int:
    """Write why kernels wait, where that says something new; return how many rows that are."""
    num_written = 0
    for decision in decisions:
        if is_worth_writing(decision, _newest_wait(connection, decision)):
            add_decision(connection, decision)
            num_written += 1
    return num_written


def _newest_wait(connection: Connection, decision: BatchDecision) -> BatchDecision | None:
    table = DECISIONS.c
    statement = (
        sa.select(*_facts(DECISIONS))
        .where(table.backend == decision.backend, table.reason == decision.reason, table.batch_id.is_(None))
        .order_by(table.serial.desc())
        .limit(1)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else BatchDecision(**row)


def decisions(connection: Connection, *, backend: str | None) -> list[BatchDecision]:
    """Return decisions in order of writing."""
    return [BatchDecision(**row) for row in connection.execute(_in_order(DECISIONS, backend)).mappings()]


def add_duplicate(connection: Connection, duplicate: DuplicateJob) -> bool:
    """Write a duplicate; return whether its job was unknown."""
    statement = insert_unless_known(connection, DUPLICATES).values(_row(DUPLICATES, duplicate))
    return connection.execute(statement).rowcount == 1


def duplicates(connection: Connection, *, backend: str | None) -> list[DuplicateJob]:
    """Return duplicates in order of writing."""
    return [DuplicateJob(**row) for row in connection.execute(_in_order(DUPLICATES, backend)).mappings()]


def add_approval(connection: Connection, approval: Approval) -> None:
    """Write what a person said about a plan."""
    connection.execute(APPROVALS.insert().values(_row(APPROVALS, approval)))


def approvals(
    connection: Connection, *, night: str | None, workload: str | None, plan_hash: str | None
) -> list[Approval]:
    """Return approvals in order of writing."""
    statement = _in_order(APPROVALS, None)
    for name, value in (("night", night), ("workload", workload), ("plan_hash", plan_hash)):
        if value is not None:
            statement = statement.where(APPROVALS.c[name] == value)
    return [Approval(**row) for row in connection.execute(statement).mappings()]


def add_send(connection: Connection, batch: BatchRecord, *, now: datetime) -> None:
    """Write that a submission is about to leave."""
    values = {"batch_id": batch.batch_id, "backend": batch.backend, "fence": batch.fence, "sent_at": now}
    connection.execute(SENDS.insert().values(values))


def next_send_at(connection: Connection, backend: str, rate: PostRate, *, now: datetime) -> datetime | None:
    """Return when the window has room for another submission; None: it has now."""
    window = timedelta(seconds=rate.window_s)
    statement = (
        sa.select(SENDS.c.sent_at)
        .where(SENDS.c.backend == backend, SENDS.c.sent_at > now - window)
        .order_by(SENDS.c.sent_at.desc())
        .limit(rate.limit)
    )
    recent = connection.execute(statement).scalars().all()
    return recent[-1] + window if len(recent) >= rate.limit else None


def _in_order(table: sa.Table, backend: str | None) -> sa.Select[Any]:
    statement = sa.select(*_facts(table)).order_by(table.c.serial)
    return statement if backend is None else statement.where(table.c.backend == backend)


def _facts(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns that are fields of the table's record."""
    return [column for column in table.c if column.name != "serial"]


def _row(table: sa.Table, record: object) -> dict[str, Any]:
    return {column.name: getattr(record, column.name) for column in _facts(table)}
