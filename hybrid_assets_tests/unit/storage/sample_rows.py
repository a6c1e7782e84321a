"""Rows that fit a table, for tests that are about one value of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from hybrid_assets.storage.tables import FILLED, table_named

NIGHT = "2026-11-23"
CELL = {"night": NIGHT, "workload": "maxcut", "backend": "aer"}
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def _value(kind, index):
    types = pa.types
    if types.is_list(kind):
        return [_value(kind.value_type, index)]
    if types.is_timestamp(kind):
        return AT
    if types.is_boolean(kind):
        return index % 2 == 0
    if types.is_integer(kind):
        return index
    return index + 0.5 if types.is_floating(kind) else f"text{index}"


def rows_of(table: str, count: int = 2, **columns):
    """Return rows without the partition's columns, each value its row number in the column's type, some replaced."""
    spec = table_named(table)
    left_out = {*spec.partition_by, *FILLED}
    fields = [field for field in spec.schema if field.name not in left_out]
    return [{**{field.name: _value(field.type, index) for field in fields}, **columns} for index in range(count)]


def partition_of(table: str, **values):
    """Return one valid partition of a table."""
    known = {**CELL, "calibration_id": "c0", "trial": "r1-s256"}
    return {**{name: known[name] for name in table_named(table).partition_by}, **values}
