"""Segments: a question reads few files, and never another row than the partition files hold."""

from __future__ import annotations

import os
from datetime import date, timedelta

import pytest

from hybrid_assets.storage import compaction, repair
from hybrid_assets.storage.compaction import drop_untrue, pack, sources
from hybrid_assets.storage.snapshot import query
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import partition_of, rows_of

FIRST = date(2026, 1, 1)


def night(k):
    return (FIRST + timedelta(days=k)).isoformat()


def publish(warehouse, k, count=1, table="verdicts", **partition):
    return warehouse.publish(table, rows_of(table, count), partition=partition_of(table, night=night(k), **partition))


@pytest.fixture
def warehouse(tmp_path, monkeypatch):
    """Ten nights; more than four loose files are packed, four nights fill a segment."""
    monkeypatch.setattr(compaction, "MAX_LOOSE_FILES", 4)
    monkeypatch.setattr(compaction, "SEGMENT_UNITS", 4)
    warehouse = Warehouse(tmp_path)
    for k in range(10):
        publish(warehouse, k)
    return warehouse


def names(warehouse):
    return {path.name for path in warehouse.segments("verdicts").folder.glob("*.parquet")}


def rows_by_night(tmp_path):
    _, rows = query(tmp_path, "select night, count(*) from verdicts group by all order by all")
    return {day.isoformat(): count for day, count in rows}


def test_a_question_over_many_nights_packs_them_and_answers_the_same(warehouse, tmp_path):
    assert rows_by_night(tmp_path) == {night(k): 1 for k in range(10)}
    found = sources(warehouse, "verdicts")
    assert len(found) == 3  # 4 + 4 + 2 nights
    assert {path.name for path in found} == names(warehouse)
    assert rows_by_night(tmp_path) == {night(k): 1 for k in range(10)}


def test_types_and_values_do_not_depend_on_packing(warehouse, tmp_path):
    before = [warehouse.read_rows("verdicts"), query(tmp_path, "describe verdicts")]
    loose = query(tmp_path, f"from verdicts where night = '{night(3)}'")
    pack(warehouse, "verdicts")
    assert [warehouse.read_rows("verdicts"), query(tmp_path, "describe verdicts")] == before
    assert query(tmp_path, f"from verdicts where night = '{night(3)}'") == loose
    texts = query(tmp_path, "select distinct typeof(workload), typeof(verdict) from verdicts")[1]
    assert texts == [("VARCHAR", "VARCHAR")]


def test_a_new_night_is_read_at_once_and_leaves_the_segments_alone(warehouse, tmp_path):
    pack(warehouse, "verdicts")
    before = names(warehouse)
    publish(warehouse, 10, 3)
    assert rows_by_night(tmp_path)[night(10)] == 3
    assert names(warehouse) == before


def test_a_republished_night_is_read_at_once_and_its_segment_is_gone(warehouse, tmp_path):
    pack(warehouse, "verdicts")
    before = names(warehouse)
    publish(warehouse, 5, 7)
    assert len(before - names(warehouse)) == 1
    assert rows_by_night(tmp_path) == {night(k): 7 if k == 5 else 1 for k in range(10)}


def test_a_new_partition_in_a_packed_night_is_read_at_once(warehouse, tmp_path):
    pack(warehouse, "verdicts")
    publish(warehouse, 5, 2, backend="emulator")
    assert rows_by_night(tmp_path)[night(5)] == 3


def test_a_night_published_while_it_is_packed_is_not_put_in_place(warehouse, tmp_path, monkeypatch):
    """The file that was read is not the one that is there when the segment is ready."""
    encode = compaction._encode

    def slow(table, files, stamps):
        data = encode(table, files, stamps)
        if any(night(5) in str(path) for path in files):
            publish(warehouse, 5, 7)
        return data

    monkeypatch.setattr(compaction, "_encode", slow)
    assert pack(warehouse, "verdicts") == 2
    assert rows_by_night(tmp_path)[night(5)] == 7


def test_a_segment_that_goes_while_it_is_asked_is_no_error(warehouse, tmp_path, monkeypatch):
    pack(warehouse, "verdicts")
    genuine = compaction.sources
    asked = []

    def gone(place, name):
        found = genuine(place, name)
        asked.append(name)
        if len(asked) == 1:
            publish(warehouse, 5, 7)
        return found

    monkeypatch.setattr("hybrid_assets.storage.snapshot.sources", gone)
    assert rows_by_night(tmp_path)[night(5)] == 7
    assert asked == ["verdicts", "verdicts"]


def test_only_one_process_packs(warehouse):
    with warehouse.segments("verdicts").packing() as is_ours:
        assert is_ours
        assert pack(warehouse, "verdicts") == 0
    assert pack(warehouse, "verdicts") == 3


def test_too_many_small_segments_become_few(warehouse, monkeypatch):
    monkeypatch.setattr(compaction, "MAX_SMALL_SEGMENTS", 2)
    pack(warehouse, "verdicts")
    for k in (10, 11):
        publish(warehouse, k)
        pack(warehouse, "verdicts")
    assert len(names(warehouse)) == 5  # 4 + 4 + 2 + 1 + 1
    publish(warehouse, 12)
    pack(warehouse, "verdicts")
    assert [len(s.units) for s in warehouse.segments("verdicts").valid(warehouse.segments("verdicts").units())] == [
        4,
        4,
        4,
        1,
    ]


def test_a_damaged_file_is_named_not_packed_and_set_aside_with_its_segment(warehouse, tmp_path):
    pack(warehouse, "verdicts")
    file = publish(warehouse, 5).path
    file.write_bytes(file.read_bytes()[:-40])
    assert pack_fails(warehouse)
    broken = repair.doctor(tmp_path)
    assert [found.path for found in broken] == [file]
    repair.quarantine(tmp_path, broken)
    assert rows_by_night(tmp_path) == {night(k): 1 for k in range(10) if k != 5}


def pack_fails(warehouse):
    with pytest.raises(Exception, match=r"data\.parquet"):
        pack(warehouse, "verdicts")
    return True


def test_what_hands_change_doctor_finds(warehouse, tmp_path):
    """A folder that is deleted is seen at once; a file put back from a backup only by `doctor`."""
    pack(warehouse, "verdicts")
    folder = warehouse.folder("verdicts") / f"night={night(1)}"
    file = next(folder.rglob("data.parquet"))
    newer = publish(Warehouse(tmp_path / "other"), 1, 4).path.read_bytes()
    file.write_bytes(newer)
    assert drop_untrue(warehouse, "verdicts") == 1
    assert rows_by_night(tmp_path)[night(1)] == 4
    pack(warehouse, "verdicts")
    file.unlink()
    for empty in (file.parent, file.parent.parent, folder):
        empty.rmdir()
    assert night(1) not in rows_by_night(tmp_path)


def test_without_the_index_nothing_is_lost_and_nothing_is_read_twice(warehouse, tmp_path):
    pack(warehouse, "verdicts")
    (warehouse.segments("verdicts").folder / "index.json").write_text("{")
    assert rows_by_night(tmp_path) == {night(k): 1 for k in range(10)}


def test_tables_without_nights_are_packed_by_partition(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "MAX_LOOSE_FILES", 4)
    warehouse = Warehouse(tmp_path)
    for k in range(9):
        partition = {"backend": "torino", "calibration_id": f"{k:064x}"}
        warehouse.publish("calibration_snapshots", [{"num_qubits": k}], partition=partition)
    assert query(tmp_path, "select count(*), sum(num_qubits) from calibration_snapshots")[1] == [(9, 36)]
    assert len(sources(warehouse, "calibration_snapshots")) == 1


def test_a_table_that_is_named_only_by_a_value_is_read_too(warehouse, tmp_path):
    assert query(tmp_path, "select count(*) from query_table('ver' || 'dicts')")[1] == [(10,)]


def test_a_file_that_rots_is_set_aside_with_its_copy(warehouse, tmp_path):
    """Neither its size nor its time tells; a night that is set aside must not live on in a copy."""
    pack(warehouse, "verdicts")
    file = next((warehouse.folder("verdicts") / f"night={night(5)}").rglob("data.parquet"))
    before = file.stat()
    file.write_bytes(file.read_bytes()[:-40] + bytes(40))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    broken = repair.doctor(tmp_path)
    assert [found.path for found in broken] == [file]
    repair.quarantine(tmp_path, broken)
    assert rows_by_night(tmp_path) == {night(k): 1 for k in range(10) if k != 5}
