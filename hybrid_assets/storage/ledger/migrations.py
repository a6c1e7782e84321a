"""Bringing an older ledger to the present schema.

Put one step a version here, in plain SQL both databases understand: a step must go on meaning the same after `schema`
has moved on. A step runs in one transaction with the steps after it and may be run again without harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.storage.ledger.engines import lock_for_migration
from hybrid_assets.storage.ledger.schema import METADATA, SCHEMA_VERSION, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection, Engine

#: Statements that lead from the version before to each version.
STEPS: Mapping[int, Sequence[str]] = {
    2: (
        """
        CREATE TABLE IF NOT EXISTS kernel_counts (
            backend TEXT NOT NULL, night TEXT NOT NULL, workload TEXT NOT NULL, state TEXT NOT NULL,
            num_kernels BIGINT NOT NULL, PRIMARY KEY (backend, night, workload, state)
        )
        """,
        "DELETE FROM kernel_counts",
        """
        INSERT INTO kernel_counts (backend, night, workload, state, num_kernels)
        SELECT backend, night, workload, state, COUNT(*) FROM kernels GROUP BY backend, night, workload, state
        """,
    ),
}


def prepare(engine: Engine) -> None:
    """Create the tables in an empty database, or bring older ones up to date; any number of processes may try at once.

    Raises:
        ConfigurationError: The ledger was written by a newer version, or the database cannot be opened.
    """
    try:
        with engine.begin() as connection:
            lock_for_migration(connection)
            _upgrade(connection)
    except sa.exc.DatabaseError as exc:
        place = engine.url.render_as_string(hide_password=True)
        raise ConfigurationError(
            f"The ledger {place} cannot be opened: {exc.orig}. Check that it is a ledger and may be written."
        ) from exc


def _upgrade(connection: Connection) -> None:
    present = _version(connection)
    if present is None:
        METADATA.create_all(connection)
        connection.execute(SCHEMA_VERSION.insert().values(version=VERSION))
        return
    if present > VERSION:
        raise ConfigurationError(
            f"The ledger has version {present}, this program knows version {VERSION} at most. Update hybrid_assets.",
            version=present,
        )
    for version in range(present + 1, VERSION + 1):
        for statement in STEPS[version]:
            connection.exec_driver_sql(statement)
        connection.execute(SCHEMA_VERSION.update().values(version=version))


def _version(connection: Connection) -> int | None:
    if not sa.inspect(connection).has_table(SCHEMA_VERSION.name):
        return None
    present: int = connection.execute(sa.select(SCHEMA_VERSION.c.version)).scalar_one()
    return present
