"""The warehouse on disk: what is published, replaced, pruned and refused."""

from __future__ import annotations

import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hybrid_assets.errors import WarehouseError
from hybrid_assets.storage.tables import TABLES
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import CELL, NIGHT, partition_of, rows_of


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path)


def test_published_rows_come_back(warehouse, tmp_path):
    rows = rows_of("quantum_results", 3)
    published = warehouse.publish("quantum_results", rows, partition=CELL)
    path = tmp_path / "warehouse/quantum_results/night=2026-11-23/workload=maxcut/backend=aer/data.parquet"
    assert (published.rows, published.path) == (3, path)
    read = warehouse.read_rows("quantum_results")
    assert [{name: row[name] for name in rows[0]} for row in read] == rows
    assert {row["workload"] for row in read} == {"maxcut"}
    assert warehouse.published("quantum_results", **CELL)
    assert warehouse.data_version("quantum_results", **CELL) == published.data_version


@pytest.mark.parametrize("table", TABLES)
def test_every_table_can_be_published_and_read(warehouse, table):
    warehouse.publish(table, rows_of(table), partition=partition_of(table))
    assert warehouse.read(table).num_rows == 2
    assert warehouse.partitions(table) == [partition_of(table)]


def test_publishing_again_replaces_exactly_this_partition(warehouse):
    other = {**CELL, "backend": "emulator"}
    warehouse.publish("comparisons", rows_of("comparisons", 5, verdict="old"), partition=CELL)
    warehouse.publish("comparisons", rows_of("comparisons", 2, verdict="kept"), partition=other)
    warehouse.publish("comparisons", rows_of("comparisons", 3, verdict="new"), partition=CELL)
    read = warehouse.read("comparisons", columns=["backend", "verdict"]).to_pylist()
    assert read == [{"backend": "aer", "verdict": "new"}] * 3 + [{"backend": "emulator", "verdict": "kept"}] * 2


def test_refused_rows_leave_the_old_version(warehouse):
    before = warehouse.publish("comparisons", rows_of("comparisons", 5), partition=CELL)
    with pytest.raises(WarehouseError):
        warehouse.publish("comparisons", rows_of("comparisons", 1, value="many"), partition=CELL)
    assert warehouse.data_version("comparisons", **CELL) == before.data_version
    assert [path.name for path in before.path.parent.iterdir()] == ["data.parquet"]


def test_refusal_tells_what_publish_would_say_and_writes_nothing(warehouse, tmp_path):
    assert warehouse.refusal("verdicts", rows_of("verdicts"), partition=CELL) is None
    wrong = rows_of("verdicts", effect="much")
    with pytest.raises(WarehouseError) as caught:
        warehouse.publish("verdicts", wrong, partition=CELL)
    assert warehouse.refusal("verdicts", wrong, partition=CELL) == str(caught.value)
    assert "'..' cannot be a workload" in warehouse.refusal("verdicts", [], partition={**CELL, "workload": ".."})
    assert list(tmp_path.iterdir()) == []


def test_partition_without_rows_is_published(warehouse):
    assert not warehouse.published("verdicts", **CELL)
    assert warehouse.data_version("verdicts", **CELL) is None
    assert warehouse.publish("verdicts", [], partition=CELL).rows == 0
    assert warehouse.published("verdicts", **CELL)
    assert warehouse.read_rows("verdicts") == []


def test_read_opens_only_what_matches(warehouse):
    """A damaged file of another night does not matter."""
    warehouse.publish("verdicts", rows_of("verdicts"), partition=CELL)
    broken = warehouse.publish("verdicts", rows_of("verdicts"), partition={**CELL, "night": "2026-11-24"}).path
    broken.write_bytes(b"PAR1")
    assert warehouse.read("verdicts", night=NIGHT).num_rows == 2
    assert warehouse.read("verdicts", night=NIGHT, backend="emulator").num_rows == 0
    with pytest.raises(WarehouseError, match=r"data\.parquet is damaged .*hybrid-assets doctor"):
        warehouse.read("verdicts")
    with pytest.raises(WarehouseError, match=r"data\.parquet is damaged"):
        warehouse.data_version("verdicts", **{**CELL, "night": "2026-11-24"})


def test_column_that_an_older_file_lacks_is_null(warehouse):
    path = warehouse.publish("verdicts", rows_of("verdicts"), partition=CELL).path
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["ties"]), path)
    assert warehouse.read("verdicts", columns=["wins", "ties"]).to_pylist() == [
        {"wins": 0, "ties": None},
        {"wins": 1, "ties": None},
    ]


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        pytest.param({**CELL, "workload": "../../etc"}, "'../../etc' cannot be a workload", id="traversal"),
        pytest.param({**CELL, "workload": ".."}, r"'\.\.' cannot be a workload", id="dots"),
        pytest.param({**CELL, "workload": "a/b"}, "'a/b' cannot be a workload", id="slash"),
        pytest.param({**CELL, "workload": "*"}, r"'\*' cannot be a workload", id="pattern"),
        pytest.param({**CELL, "workload": "a=b"}, "'a=b' cannot be a workload", id="equals"),
        pytest.param({**CELL, "workload": "MaxCut"}, "'MaxCut' cannot be a workload", id="capitals"),
        pytest.param({**CELL, "workload": "a\n"}, "cannot be a workload", id="line end"),
        pytest.param({**CELL, "workload": "a\0"}, "cannot be a workload", id="zero byte"),
        pytest.param({**CELL, "workload": ""}, "'' cannot be a workload", id="empty"),
        pytest.param({**CELL, "workload": "a" * 129}, "cannot be a workload", id="long"),
        pytest.param({**CELL, "night": "23-11-2026"}, "'23-11-2026' is no night; write it as 2026-11-23", id="night"),
        pytest.param({**CELL, "night": "2026-11-31"}, "'2026-11-31' is no night", id="no such day"),
        pytest.param({**CELL, "night": "20261123"}, "'20261123' is no night", id="other ISO form"),
        pytest.param({"night": NIGHT, "workload": "maxcut"}, "by night, workload, backend; 'backend' is", id="missing"),
        pytest.param({**CELL, "instance": "x"}, "by night, workload, backend, not by 'instance'", id="unknown"),
    ],
)
def test_partition_that_does_not_fit_is_refused(warehouse, tmp_path, partition, message):
    with pytest.raises(WarehouseError, match=message):
        warehouse.publish("verdicts", rows_of("verdicts"), partition=partition)
    assert list(tmp_path.iterdir()) == []


def test_reading_refuses_names_it_does_not_know(warehouse):
    with pytest.raises(WarehouseError, match=r"^verdicts: unknown column 'efect'\. Did you mean 'effect'\?$"):
        warehouse.read("verdicts", columns=["efect"])
    with pytest.raises(WarehouseError, match="not by 'instance'"):
        warehouse.read("verdicts", instance="x")
    with pytest.raises(WarehouseError, match=r"'\.\./\*' cannot be a backend"):
        warehouse.read("verdicts", backend="../*")


def test_abandoned_temporary_files_are_swept_and_young_ones_kept(warehouse):
    folder = warehouse.publish("verdicts", [], partition=CELL).path.parent
    old, young = folder / ".tmp-old", folder / ".tmp-young"
    old.touch()
    young.touch()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    warehouse.publish("verdicts", [], partition=CELL)
    assert sorted(path.name for path in folder.iterdir()) == [".tmp-young", "data.parquet"]


def test_schema_file_is_written_only_when_it_differs(warehouse):
    path = warehouse.ensure_schema_file("compiled_circuits")
    assert pq.read_table(path, partitioning=None).schema == TABLES["compiled_circuits"].schema
    first = path.stat().st_ino
    assert warehouse.ensure_schema_file("compiled_circuits").stat().st_ino == first
    pq.write_table(pa.table({"night": [1]}), path)
    warehouse.ensure_schema_file("compiled_circuits")
    assert pq.read_schema(path) == TABLES["compiled_circuits"].schema
    assert warehouse.partitions("compiled_circuits") == []
