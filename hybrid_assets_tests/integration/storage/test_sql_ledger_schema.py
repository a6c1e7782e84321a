"""The ledger's file itself: making, migrating, refusing; and the SQL the other database would get."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from hybrid_assets.errors import ConfigurationError, HybridAssetsError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.ledger import BatchEnding, KernelOutcome
from hybrid_assets.model.queue import Budget, BudgetUnit, KernelState, Reservation, WorkClass
from hybrid_assets.storage.ledger import engines, migrations
from hybrid_assets.storage.ledger.migrations import STEPS
from hybrid_assets.storage.ledger.schema import BATCHES, METADATA, VERSION
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.integration.storage.ledger_samples import NOW, RULE, assert_consistent, kernel, later, lease_of

#: A ledger of version 1: five kernels in three states, one of them in a batch under way, another tried once.
VERSION_1 = Path(__file__).with_name("ledger_v1.sql")
#: Of version 4: a device billed by task, whose seconds stood for money at a price of 1: a batch that was billed 0.5, as
#: was a duplicate of it, one of 0.55 under way, and a kernel that waits; under one budget in money.
VERSION_4 = Path(__file__).with_name("ledger_v4.sql")
BUDGET_OF_VERSION_1 = Budget(
    budget_id="red-night", team="red", window="2026-11-23", limit=50.0, reserved=4.0, spent=3.5, unit=BudgetUnit.QPU_S
)


def raw(place, script):
    connection = sqlite3.connect(place)
    connection.executescript(script)
    rows = connection.execute("SELECT version FROM schema_version").fetchall()
    connection.close()
    return rows


def shape(place):
    """Return columns, keys and indices of every table."""
    engine = sa.create_engine(f"sqlite:///{place}")
    inspector = sa.inspect(engine)
    found = {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted((index["name"], tuple(index["column_names"])) for index in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }
    engine.dispose()
    return found


def test_a_ledger_of_version_1_is_brought_up_to_date(tmp_path):
    """Every row is kept, the counts are filled, the schema is that of a new ledger; opening again changes nothing."""
    place, fresh = tmp_path / "old.sqlite", tmp_path / "fresh.sqlite"
    assert raw(place, VERSION_1.read_text()) == [(1,)]
    for _ in range(2):
        ledger = SqlLedger(place)
        kernels = ledger.kernels()
        assert Counter(k.state for k in kernels) == ledger.count_kernels() == {
            KernelState.READY: 2, KernelState.BATCHED: 2, KernelState.DONE: 1,
        }  # fmt: skip
        assert kernels[0].enqueued_at == NOW
        assert len(ledger.batches()) == 2
        assert ledger.budgets() == [BUDGET_OF_VERSION_1]
        assert [batch.reservations for batch in ledger.batches()] == [
            (Reservation(budget_id="red-night", amount=4.0, unit=BudgetUnit.QPU_S),)
        ] * 2
        assert [batch.price_per_s for batch in ledger.batches()] == [0.0, 0.0]
        # One batch is over, one on its way: two kernels of 2 s each.
        assert ledger.served("torino", since=NOW) == {(WorkClass.PRODUCTION, "red"): 8.0}
        assert ledger.approvals() == []
        assert_consistent(ledger)
        ledger.close()
        assert raw(place, "") == [(VERSION,)]
    SqlLedger(fresh).close()
    assert shape(place) == shape(fresh)


def test_money_of_a_ledger_of_version_4_goes_on_in_money(tmp_path):
    """What is set aside is filled in as money, old bills stay seconds, and what is under way may be billed in money."""
    place, fresh = tmp_path / "old.sqlite", tmp_path / "fresh.sqlite"
    assert raw(place, VERSION_4.read_text()) == [(4,)]
    ledger = SqlLedger(place)
    SqlLedger(fresh).close()
    assert shape(place) == shape(fresh)
    over, under_way = ledger.batches()
    assert (over.reserved_money, over.billed_s, over.billed_money) == (0.55, 0.5, None)
    assert [(found.billed_s, found.billed_money) for found in ledger.duplicates()] == [(0.5, None)]
    assert [kernel.expected_money for kernel in ledger.kernels()] == [None] * 3
    assert ledger.served("ankaa", since=NOW) == {(WorkClass.PRODUCTION, "red"): 0.5}, "two batches of one kernel"
    assert_consistent(ledger)
    done = KernelOutcome(kernel_id=under_way.kernel_ids[0], state=KernelState.DONE)
    ending = BatchEnding(status=JobStatus.SUCCEEDED, outcomes=(done,), billed_s=0.0, billed_money=0.4)
    ledger.finish_batch(lease_of(under_way), ending=ending, rule=RULE, now=later(200))
    (budget,) = ledger.budgets()
    assert (budget.reserved, budget.spent) == (0.0, pytest.approx(0.5 + 0.5 + 0.4))
    ledger.close()


def test_steps_that_fail_have_not_happened(tmp_path, monkeypatch):
    """The last statement cannot be run: what the others did to the tables is taken back, and the version stays."""
    place = tmp_path / "old.sqlite"
    raw(place, VERSION_1.read_text())
    before = shape(place)
    monkeypatch.setitem(migrations.STEPS, VERSION, (*STEPS[VERSION], "INSERT INTO missing VALUES (1)"))
    with pytest.raises(ConfigurationError, match="no such table"):
        SqlLedger(place)
    assert raw(place, "") == [(1,)]
    assert shape(place) == before
    monkeypatch.undo()
    ledger = SqlLedger(place)
    assert_consistent(ledger)
    ledger.close()


def test_postgres_gets_its_own_words_in_the_steps():
    connection = SimpleNamespace(dialect=postgresql.dialect())
    written = [text.format(**engines.types_of(connection)) for step in STEPS.values() for text in step]
    assert not [text for text in written if "{" in text]
    assert [text for text in written if "serial BIGSERIAL PRIMARY KEY" in text]
    assert [text for text in written if "price_per_s DOUBLE PRECISION NOT NULL" in text]


def test_every_version_has_a_step():
    assert sorted(STEPS) == list(range(2, VERSION + 1))


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path):
    place = tmp_path / "new.sqlite"
    SqlLedger(place).close()
    raw(place, "UPDATE schema_version SET version = version + 1")
    with pytest.raises(ConfigurationError, match=rf"has version {VERSION + 1}, .* {VERSION} at most\. Update") as info:
        SqlLedger(place)
    assert info.value.facts == {"version": VERSION + 1}
    assert raw(place, "") == [(VERSION + 1,)]


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    place = tmp_path / "other.sqlite"
    place.write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError, match=r"other\.sqlite cannot be opened: .*Check"):
        SqlLedger(place)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"folder .* cannot be made"):
        SqlLedger(tmp_path / "file" / "ledger.sqlite")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("mysql://host/name", "sqlite or postgresql, not on mysql", id="another-database"),
        pytest.param("nonsense://", "not on nonsense", id="no-such-database"),
        pytest.param("postgresql+nodriver://host/name", "No driver", id="no-such-driver"),
        pytest.param("://", "cannot be read", id="no-url"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused(url, words):
    with pytest.raises(ConfigurationError, match=words):
        SqlLedger(url)


def test_path_and_url_are_the_same_file(tmp_path):
    place = tmp_path / "deep" / "ledger.sqlite"
    by_path, by_url = SqlLedger(place), SqlLedger(f"sqlite:///{place}")
    by_path.enqueue([kernel(1)])
    assert by_url.kernels() == [kernel(1)]
    by_path.close()
    by_url.close()


def test_times_without_a_zone_are_refused(tmp_path):
    ledger = SqlLedger(tmp_path / "ledger.sqlite")
    with pytest.raises(sa.exc.StatementError, match="aware times") as info:
        ledger.enqueue([kernel(1, inputs_at=datetime(2026, 11, 23))])  # noqa: DTZ001 - what is refused
    assert isinstance(info.value.orig, HybridAssetsError)
    assert ledger.kernels() == []
    ledger.close()


def test_times_keep_their_microsecond(tmp_path):
    """A float of seconds would not: 1795471200.000001 has 16 digits before its last microsecond."""
    ledger = SqlLedger(tmp_path / "ledger.sqlite")
    at = later(0).replace(year=2199, microsecond=999_999)
    ledger.enqueue([kernel(1, enqueued_at=at)])
    assert ledger.kernels()[0].enqueued_at == at
    ledger.close()


def test_a_writer_waits_syncs_and_checks_and_a_reader_only_reads(tmp_path):
    ledger = SqlLedger(tmp_path / "ledger.sqlite")
    with ledger._writer.begin() as connection:
        got = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert got == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": engines.BUSY_TIMEOUT_MS, "foreign_keys": 1}
    with ledger._reader.begin() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM kernels")
    ledger.close()


def test_postgres_gets_tables_with_sorted_bytes_and_exact_numbers():
    ddl = {
        table.name: str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in METADATA.sorted_tables
    }
    for table in METADATA.sorted_tables:
        for index in table.indexes:
            ddl[table.name] += str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    assert re.search(r'kernel_id TEXT COLLATE "C" NOT NULL', ddl["kernels"])
    assert re.search(r"enqueued_at BIGINT NOT NULL", ddl["kernels"])
    assert re.search(r'"limit" BIGINT', ddl["decisions"])
    assert re.search(r"serial BIGSERIAL", ddl["events"])
    assert re.search(r"expected_s DOUBLE PRECISION", ddl["kernels"])


def test_postgres_locks_the_rows_a_claim_takes():
    claim = sa.select(BATCHES.c.batch_id).with_for_update(skip_locked=True)
    assert "FOR UPDATE SKIP LOCKED" in str(claim.compile(dialect=postgresql.dialect()))
