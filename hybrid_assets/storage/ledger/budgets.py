"""Budgets in the ledger: set, reserve, settle, charge. Put statements on the budgets here, arithmetic in `control`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.control.budgets import charges, has_room, room_s
from hybrid_assets.model.queue import Budget
from hybrid_assets.storage.ledger.engines import upsert
from hybrid_assets.storage.ledger.schema import BUDGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.queue import BatchRecord, Reservation


def find(connection: Connection, *, team: str | None = None) -> list[Budget]:
    """Return budgets by id."""
    statement = sa.select(BUDGETS).order_by(BUDGETS.c.budget_id)
    if team is not None:
        statement = statement.where(BUDGETS.c.team == team)
    return [Budget(**row) for row in connection.execute(statement).mappings()]


def set_limit(connection: Connection, budget_id: str, *, team: str, window: str, limit_s: float) -> Budget:
    """Make a budget or change its limit."""
    given = {"team": team, "window": window, "limit_s": limit_s}
    statement = (
        upsert(connection, BUDGETS)
        .values(budget_id=budget_id, **given, reserved_s=0.0, spent_s=0.0)
        .on_conflict_do_update(index_elements=[BUDGETS.c.budget_id], set_=given)
        .returning(BUDGETS)
    )
    return Budget(**connection.execute(statement).mappings().one())


def lack(connection: Connection, reservations: Sequence[Reservation]) -> str | None:
    """Lock the budgets of a proposal; return why the first that has no room refuses it, None where all have."""
    names = [part.budget_id for part in reservations]
    statement = sa.select(BUDGETS).where(BUDGETS.c.budget_id.in_(names)).order_by(BUDGETS.c.budget_id)
    rows = connection.execute(statement.with_for_update()).mappings()
    budgets = {row["budget_id"]: Budget(**row) for row in rows}
    for part in reservations:
        budget = budgets.get(part.budget_id)
        if budget is None or not has_room(budget, part.reserved_s):
            left = f"{room_s(budget):g} s left" if budget else "no such budget"
            return f"{part.reserved_s:g} s wanted of {part.budget_id}, {left}."
    return None


def reserve(connection: Connection, reservations: Sequence[Reservation]) -> None:
    """Set aside in budgets locked and found to have room."""
    for part in reservations:
        _add(connection, part.budget_id, reserved_s=part.reserved_s)


def settle(connection: Connection, batch: BatchRecord, *, billed_s: float) -> None:
    """Take a batch's reservations off and charge what it cost."""
    bill = _shares(batch, billed_s)
    for part in sorted(batch.reservations, key=lambda part: part.budget_id):
        _add(connection, part.budget_id, reserved_s=-part.reserved_s, spent_s=bill[part.budget_id])


def charge(connection: Connection, batch: BatchRecord, *, billed_s: float) -> None:
    """Charge what was billed beyond a batch's own job."""
    for budget_id, spent_s in sorted(_shares(batch, billed_s).items()):
        _add(connection, budget_id, spent_s=spent_s)


def _shares(batch: BatchRecord, billed_s: float) -> dict[str, float]:
    return dict(charges(batch.reservations, reserved_s=batch.reserved_s, billed_s=billed_s))


def _add(connection: Connection, budget_id: str, *, reserved_s: float = 0.0, spent_s: float = 0.0) -> None:
    table = BUDGETS.c
    values = {"reserved_s": table.reserved_s + reserved_s, "spent_s": table.spent_s + spent_s}
    connection.execute(BUDGETS.update().where(table.budget_id == budget_id).values(values))
