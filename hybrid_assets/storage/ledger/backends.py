"""Breakers in the ledger. A breaker's row is also the lock of its backend. Put statements on the breakers here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.control.breaker import after_signal
from hybrid_assets.model.queue import Breaker, BreakerState
from hybrid_assets.storage.ledger import history
from hybrid_assets.storage.ledger.engines import insert_unless_known
from hybrid_assets.storage.ledger.schema import BREAKERS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.ledger import BreakerRule, BreakerSignal
    from hybrid_assets.model.queue import BatchRecord


def breaker_of(connection: Connection, backend: str) -> Breaker:
    """Return a backend's breaker; closed while nothing is known of it."""
    row = connection.execute(sa.select(BREAKERS).where(BREAKERS.c.backend == backend)).mappings().one_or_none()
    return Breaker(backend=backend) if row is None else Breaker(**row)


def lock(connection: Connection, backend: str) -> Breaker:
    """Return a backend's breaker; until the end of the transaction nobody else counts, plans or signals there."""
    connection.execute(insert_unless_known(connection, BREAKERS).values(asdict(Breaker(backend=backend))))
    statement = sa.select(BREAKERS).where(BREAKERS.c.backend == backend).with_for_update()
    return Breaker(**connection.execute(statement).mappings().one())


def store(connection: Connection, before: Breaker, after: Breaker, *, batch_id: str, now: datetime) -> None:
    """Write a locked breaker, with an event where its state changed."""
    if after == before:
        return
    _update(connection, after)
    if after.state is not before.state:
        text = f"{after.state}: {after.reason}" if after.reason else str(after.state)
        history.tell(connection, "breaker", text, backend=after.backend, batch_id=batch_id, now=now)


def signal(
    connection: Connection,
    batch: BatchRecord,
    news: BreakerSignal,
    *,
    rule: BreakerRule,
    now: datetime,
    reason: str | None = None,
    retry_at: datetime | None = None,
) -> None:
    """Tell the breaker of a batch's backend what happened."""
    before = lock(connection, batch.backend)
    after = after_signal(before, news, rule=rule, now=now, reason=reason or news, retry_at=retry_at)
    store(connection, before, after, batch_id=batch.batch_id, now=now)


def set_by_hand(
    connection: Connection, backend: str, *, state: BreakerState, reason: str, retry_at: datetime | None, now: datetime
) -> Breaker:
    """Open or close a breaker whatever it was."""
    opened_at = now if state is BreakerState.OPEN else None
    breaker = Breaker(backend=backend, state=state, reason=reason, retry_at=retry_at, opened_at=opened_at)
    lock(connection, backend)
    _update(connection, breaker)
    history.tell(connection, "breaker", f"{state} by hand: {reason}", backend=backend, batch_id=None, now=now)
    return breaker


def _update(connection: Connection, breaker: Breaker) -> None:
    connection.execute(BREAKERS.update().where(BREAKERS.c.backend == breaker.backend).values(asdict(breaker)))
