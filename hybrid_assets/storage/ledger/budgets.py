"""Budgets in the ledger: set, reserve, settle, charge. Put statements on the budgets here, arithmetic in `control`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.control.budgets import charges, known_budget
from hybrid_assets.control.budgets import lack as lack_of
from hybrid_assets.model.queue import Budget
from hybrid_assets.storage.ledger.engines import insert_unless_known
from hybrid_assets.storage.ledger.schema import BUDGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.ledger import BatchEnding
    from hybrid_assets.model.queue import BatchRecord, BudgetUnit, DuplicateJob, Reservation


def find(connection: Connection, *, team: str | None = None) -> list[Budget]:
    """Return budgets by id."""
    statement = sa.select(BUDGETS).order_by(BUDGETS.c.budget_id)
    if team is not None:
        statement = statement.where(BUDGETS.c.team == team)
    return [Budget(**row) for row in connection.execute(statement).mappings()]


def set_limit(
    connection: Connection, budget_id: str, *, team: str, window: str, limit: float, unit: BudgetUnit
) -> Budget:
    """Make a budget or change its limit."""
    new = Budget(budget_id=budget_id, team=team, window=window, limit=limit, unit=unit)
    connection.execute(insert_unless_known(connection, BUDGETS).values(asdict(new)))
    statement = sa.select(BUDGETS).where(BUDGETS.c.budget_id == budget_id).with_for_update()
    budget = known_budget(Budget(**connection.execute(statement).mappings().one()), new)
    given = {"team": team, "window": window, "limit": limit}
    connection.execute(BUDGETS.update().where(BUDGETS.c.budget_id == budget_id).values(given))
    return budget


def lack(connection: Connection, reservations: Sequence[Reservation]) -> str | None:
    """Lock the budgets of a proposal; return why the first that has no room refuses it, None where all have."""
    names = [part.budget_id for part in reservations]
    statement = sa.select(BUDGETS).where(BUDGETS.c.budget_id.in_(names)).order_by(BUDGETS.c.budget_id)
    rows = connection.execute(statement.with_for_update()).mappings()
    return lack_of(reservations, {row["budget_id"]: Budget(**row) for row in rows})


def reserve(connection: Connection, reservations: Sequence[Reservation]) -> None:
    """Set aside in budgets locked and found to have room."""
    for part in reservations:
        _add(connection, part.budget_id, reserved=part.amount)


def settle(connection: Connection, batch: BatchRecord, ending: BatchEnding) -> None:
    """Take a batch's reservations off and charge what it cost."""
    bill = charges(batch, ending)
    for part in sorted(batch.reservations, key=lambda part: part.budget_id):
        _add(connection, part.budget_id, reserved=-part.amount, spent=bill[part.budget_id])


def charge(connection: Connection, batch: BatchRecord, job: DuplicateJob) -> None:
    """Charge what another job than a batch's own cost."""
    for budget_id, amount in sorted(charges(batch, job).items()):
        _add(connection, budget_id, spent=amount)


def _add(connection: Connection, budget_id: str, *, reserved: float = 0.0, spent: float = 0.0) -> None:
    table = BUDGETS.c
    values = {"reserved": table.reserved + reserved, "spent": table.spent + spent}
    connection.execute(BUDGETS.update().where(table.budget_id == budget_id).values(values))
