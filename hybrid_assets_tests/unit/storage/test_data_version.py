"""The data version follows what came out, not when or how fast."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.storage.casting import cast_rows
from hybrid_assets.storage.data_version import data_version
from hybrid_assets.storage.tables import TABLES, table_named
from hybrid_assets_tests.unit.storage.sample_rows import AT, partition_of, rows_of


def version(table, rows, *, at=AT):
    spec = table_named(table)
    partition = {k: date.fromisoformat(v) if k == "night" else v for k, v in partition_of(table).items()}
    return data_version(spec, cast_rows(spec, rows, partition=partition, materialized_at=at))


def other(value):
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return datetime(2031, 1, 1, tzinfo=UTC)
    if isinstance(value, list):
        return [*value, *value]
    return value + ("x" if isinstance(value, str) else 1)


@pytest.mark.parametrize("table", TABLES)
def test_data_version_changes_with_exactly_the_stable_columns(table):
    rows = rows_of(table)
    before = version(table, rows)
    for name, value in rows[1].items():
        after = version(table, [rows[0], {**rows[1], name: other(value)}])
        assert (after == before) == (name in TABLES[table].volatile), name


def test_data_version_ignores_the_time_of_publication():
    rows = rows_of("verdicts")
    assert version("verdicts", rows) == version("verdicts", rows, at=datetime(2030, 1, 1, tzinfo=UTC))


def test_data_version_keeps_row_order_and_tells_null_from_zero():
    rows = rows_of("comparisons", 3)
    seen = {
        version("comparisons", rows),
        version("comparisons", rows[::-1]),
        version("comparisons", rows[:2]),
        version("comparisons", [{**row, "value": None} for row in rows]),
        version("comparisons", [{**row, "value": 0.0} for row in rows]),
        version("comparisons", [{**row, "verdict": None} for row in rows]),
        version("comparisons", [{**row, "verdict": ""} for row in rows]),
        version("comparisons", []),
    }
    assert len(seen) == 8


def test_data_version_tells_the_same_text_split_otherwise():
    """Only the lengths tell ("ab", "c") from ("a", "bc")."""
    first, second = rows_of("verdicts")
    one = version("verdicts", [{**first, "scope": "ab"}, {**second, "scope": "c"}])
    assert one != version("verdicts", [{**first, "scope": "a"}, {**second, "scope": "bc"}])


def test_data_version_takes_negative_zero_for_zero():
    rows = rows_of("verdicts", effect=0.0)
    assert version("verdicts", rows) == version("verdicts", [{**row, "effect": -0.0} for row in rows])


@given(
    values=st.lists(st.one_of(st.none(), st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3))),
    cut=st.integers(0, 5),
)
def test_data_version_does_not_depend_on_memory_layout(values, cut):
    """Chunks, slices and what lies under a NULL are no data."""
    spec = table_named("classical_baselines")
    rows = [{**row, "fold_values": value} for row, value in zip(rows_of(spec.name, len(values)), values, strict=True)]
    partition = {"night": date(2026, 11, 23), "workload": "maxcut"}
    whole = cast_rows(spec, rows, partition=partition, materialized_at=AT)
    padded = pa.concat_tables([whole, whole]).combine_chunks().slice(whole.num_rows)
    parts = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert data_version(spec, padded) == data_version(spec, parts) == data_version(spec, whole)
