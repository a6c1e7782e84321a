"""Bringing an older ledger to the present schema.

Put one step a version here, in plain SQL both databases understand: a step must go on meaning the same after `schema`
has moved on. Words in braces are those of `engines.types_of`. All steps run in one transaction with the new version:
both databases take changes of tables back, so a step that fails or is interrupted has not happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.storage.ledger.engines import lock_for_migration, types_of
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
    3: (
        'ALTER TABLE budgets RENAME COLUMN limit_s TO "limit"',
        "ALTER TABLE budgets RENAME COLUMN reserved_s TO reserved",
        "ALTER TABLE budgets RENAME COLUMN spent_s TO spent",
        "ALTER TABLE budgets ADD COLUMN unit TEXT NOT NULL DEFAULT 'qpu_s'",
        "ALTER TABLE reservations RENAME COLUMN reserved_s TO amount",
        "ALTER TABLE reservations ADD COLUMN unit TEXT NOT NULL DEFAULT 'qpu_s'",
        "ALTER TABLE batches ADD COLUMN price_per_s {double} NOT NULL DEFAULT 0",
        """
        CREATE TABLE batch_shares (
            batch_id {text} NOT NULL, night {text} NOT NULL, workload {text} NOT NULL, team {text} NOT NULL,
            work_class {text} NOT NULL, expected_s {double} NOT NULL,
            PRIMARY KEY (batch_id, night, workload, team, work_class),
            FOREIGN KEY (batch_id) REFERENCES batches (batch_id)
        )
        """,
        """
        INSERT INTO batch_shares (batch_id, night, workload, team, work_class, expected_s)
        SELECT batch_id, night, workload, team, work_class, SUM(expected_s)
        FROM (
            SELECT batch_kernels.batch_id, night, workload, team, work_class, expected_s
            FROM batch_kernels JOIN kernels ON kernels.kernel_id = batch_kernels.kernel_id
        ) AS members
        GROUP BY batch_id, night, workload, team, work_class
        """,
        "CREATE INDEX batch_shares_night ON batch_shares (night, workload, batch_id)",
        "CREATE INDEX batch_shares_workload ON batch_shares (workload, batch_id)",
        "DROP INDEX kernels_queue",
        "CREATE INDEX kernels_queue ON kernels (backend, state, not_before, enqueued_at, kernel_id)",
        """
        CREATE INDEX kernels_held ON kernels (backend, state, enqueued_at, kernel_id, not_before)
        WHERE not_before IS NOT NULL
        """,
        "CREATE INDEX batches_finished ON batches (backend, finished_at, batch_id)",
        "CREATE INDEX decisions_waits ON decisions (backend, reason, serial) WHERE batch_id IS NULL",
        """
        CREATE TABLE approvals (
            serial {serial} PRIMARY KEY, night {text} NOT NULL, workload {text} NOT NULL, plan_hash {text} NOT NULL,
            decision {text} NOT NULL, signer {text} NOT NULL, reason {text} NOT NULL, decided_at BIGINT NOT NULL,
            expires_at BIGINT, parts {text} NOT NULL
        )
        """,
        "CREATE INDEX approvals_plan ON approvals (night, workload, plan_hash)",
    ),
    4: (
        """
        CREATE TABLE placements (
            backend {text} NOT NULL, base_key {text} NOT NULL, compile_key {text} NOT NULL,
            calibration_id {text} NOT NULL, score {double} NOT NULL, decided_at BIGINT NOT NULL,
            action {text} NOT NULL, reason {text} NOT NULL, PRIMARY KEY (backend, base_key)
        )
        """,
    ),
    5: (
        "ALTER TABLE kernels ADD COLUMN expected_money {double}",
        "ALTER TABLE batches ADD COLUMN reserved_money {double} NOT NULL DEFAULT 0",
        "ALTER TABLE batches ADD COLUMN billed_money {double}",
        "ALTER TABLE duplicates ADD COLUMN billed_money {double}",
        "ALTER TABLE batch_shares RENAME COLUMN expected_s TO share",
        # Until now all money was seconds times their price.
        "UPDATE batches SET reserved_money = reserved_s * price_per_s",
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
            connection.exec_driver_sql(statement.format(**types_of(connection)))
        connection.execute(SCHEMA_VERSION.update().values(version=version))


def _version(connection: Connection) -> int | None:
    if not sa.inspect(connection).has_table(SCHEMA_VERSION.name):
        return None
    present: int = connection.execute(sa.select(SCHEMA_VERSION.c.version)).scalar_one()
    return present
