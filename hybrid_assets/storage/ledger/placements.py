"""Standing decisions about compiled circuits: one row a template and backend. Put statements on that table here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.placements import Placement
from hybrid_assets.storage.ledger.engines import insert_unless_known
from hybrid_assets.storage.ledger.rows import chunks
from hybrid_assets.storage.ledger.schema import PLACEMENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection

_FIELDS = tuple(Placement.__dataclass_fields__)


def write(connection: Connection, placements: Iterable[Placement], *, instead_of: Mapping[str, str]) -> None:
    """Write decisions unless somebody else has decided meanwhile.

    Args:
        connection: Inside a transaction.
        placements: The decisions.
        instead_of: For a template that was placed before, by base key: calibration of the decision that is replaced.
    """
    for placement in placements:
        values = {name: getattr(placement, name) for name in _FIELDS}
        before = instead_of.get(placement.base_key)
        if before is None:
            connection.execute(insert_unless_known(connection, PLACEMENTS), [values])
        else:
            same = (PLACEMENTS.c.backend == placement.backend) & (PLACEMENTS.c.base_key == placement.base_key)
            statement = PLACEMENTS.update().where(same & (PLACEMENTS.c.calibration_id == before))
            connection.execute(statement.values(values))


def read(connection: Connection, backend: str, *, base_keys: Collection[str] | None) -> list[Placement]:
    """Return a backend's placements (those of some templates) by base key."""
    statement = PLACEMENTS.select().where(PLACEMENTS.c.backend == backend).order_by(PLACEMENTS.c.base_key)
    wanted = (
        [statement]
        if base_keys is None
        else [statement.where(PLACEMENTS.c.base_key.in_(part)) for part in chunks(sorted(base_keys))]
    )
    return [Placement(**row) for part in wanted for row in connection.execute(part).mappings()]
