"""Damaged data files are found, set aside, and everything else can be read again."""

from __future__ import annotations

import os
import time

import pyarrow as pa
import pyarrow.parquet as pq

from hybrid_assets.storage.repair import doctor, quarantine
from hybrid_assets.storage.snapshot import publish_snapshot, query
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import CELL, rows_of


def test_sound_and_empty_warehouses_have_no_broken_files(tmp_path):
    assert doctor(tmp_path) == []
    Warehouse(tmp_path).publish("verdicts", rows_of("verdicts"), partition=CELL)
    publish_snapshot(tmp_path)
    assert doctor(tmp_path) == []


def test_broken_files_are_found_and_set_aside(tmp_path):
    warehouse = Warehouse(tmp_path)
    paths = {}
    for backend in ("aer", "cut", "empty", "retyped"):
        partition = {**CELL, "backend": backend}
        paths[backend] = warehouse.publish("verdicts", rows_of("verdicts"), partition=partition).path
    paths["cut"].write_bytes(paths["cut"].read_bytes()[:-7])
    paths["empty"].write_bytes(b"")
    data = pq.ParquetFile(paths["retyped"]).read()
    position = data.schema.get_field_index("effect")
    pq.write_table(data.set_column(position, "effect", pa.array(["a lot", "some"])), paths["retyped"])

    broken = doctor(tmp_path)
    assert [(file.table, file.path) for file in broken] == [("verdicts", paths[k]) for k in ("cut", "empty", "retyped")]
    assert broken[2].reason == "column 'effect' is string, not double"

    kept = quarantine(tmp_path, broken)
    assert kept[0] == tmp_path / "quarantine/verdicts/night=2026-11-23/workload=maxcut/backend=cut/data.parquet.0"
    assert all(path.exists() for path in kept)
    assert doctor(tmp_path) == []
    assert query(tmp_path, "SELECT DISTINCT backend FROM verdicts")[1] == [("aer",)]

    paths["cut"].write_bytes(b"broken again")
    assert [path.name for path in quarantine(tmp_path, doctor(tmp_path))] == ["data.parquet.1"]


def test_broken_schema_file_is_written_again(tmp_path):
    publish_snapshot(tmp_path)
    path = tmp_path / "warehouse/verdicts/_schema/data.parquet"
    path.write_bytes(b"broken")
    assert [file.path for file in doctor(tmp_path)] == [path]
    publish_snapshot(tmp_path)
    assert doctor(tmp_path) == []


def test_doctor_sweeps_abandoned_temporary_files(tmp_path):
    folder = Warehouse(tmp_path).publish("verdicts", [], partition=CELL).path.parent
    (folder / ".tmp-old").touch()
    (folder / ".tmp-young").touch()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(folder / ".tmp-old", (two_days_ago, two_days_ago))
    assert doctor(tmp_path) == []
    assert sorted(path.name for path in folder.iterdir()) == [".tmp-young", "data.parquet"]
