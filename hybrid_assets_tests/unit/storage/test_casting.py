"""Rows become typed columns, or are refused by table, column and row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pytest

from hybrid_assets.errors import WarehouseError
from hybrid_assets.storage.casting import cast_rows
from hybrid_assets.storage.tables import table_named
from hybrid_assets_tests.unit.storage.sample_rows import AT, partition_of, rows_of


def cast(table, rows):
    partition = {k: date.fromisoformat(v) if k == "night" else v for k, v in partition_of(table).items()}
    return cast_rows(table_named(table), rows, partition=partition, materialized_at=AT)


def changed(table, row, /, **values):
    rows = rows_of(table, 3)
    rows[row].update(values)
    return rows


REFUSED = [
    pytest.param(
        "comparisons",
        changed("comparisons", 1, value="0.97"),
        "comparisons: column 'value', row 1: '0.97' (str) does not fit; give a number.",
        id="text in a number column",
    ),
    pytest.param(
        "comparisons",
        changed("comparisons", 2, value=True),
        "comparisons: column 'value', row 2: True (bool) does not fit; give a number.",
        id="flag in a number column",
    ),
    pytest.param(
        "comparisons",
        changed("comparisons", 0, value=float("inf")),
        "comparisons: column 'value', row 0: inf is not finite; use None for no value.",
        id="infinity",
    ),
    pytest.param(
        "classical_baselines",
        changed("classical_baselines", 1, fold_values=(0.5, float("nan"))),
        "classical_baselines: column 'fold_values', row 1: [0.5, nan] is not finite; use None for no value.",
        id="NaN in a list",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 1, row=1.5),
        "quantum_results: column 'row', row 1: 1.5 (float) does not fit; give a whole number of 32 bits.",
        id="fraction in a whole-number column",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 1, num_qubits=2**31),
        "quantum_results: column 'num_qubits', row 1: 2147483648 (int) does not fit; give a whole number of 32 bits.",
        id="too large",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 1, shots=2**70),
        "quantum_results: column 'shots', row 1: 1180591620717411303424 (int) does not fit; "
        "give a whole number of 64 bits.",
        id="far too large",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 1, row=float("nan")),
        "quantum_results: column 'row', row 1: nan (float) does not fit; give a whole number of 32 bits.",
        id="NaN in a whole-number key",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 2, kernel_id=float("nan")),
        "quantum_results: column 'kernel_id', row 2: nan (float) does not fit; give text.",
        id="NaN in a text key",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 2, kernel_id=None),
        "quantum_results: column 'kernel_id', row 2: a key must not be empty.",
        id="empty key",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 0, parameters={"beta": 0.1}),
        "quantum_results: column 'parameters', row 0: {'beta': 0.1} (dict) does not fit; give text.",
        id="object in a text column",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 0, parameters=b"{}"),
        "quantum_results: column 'parameters', row 0: b'{}' (bytes) does not fit; give text.",
        id="bytes in a text column",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 1, label="\ud800"),
        "quantum_results: column 'label', row 1: '\\ud800' (str) does not fit; give text.",
        id="text without an encoding",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 1, executed_at=datetime(2026, 11, 23)),  # noqa: DTZ001 - the point of the case
        "quantum_results: column 'executed_at', row 1: datetime.datetime(2026, 11, 23, 0, 0) (datetime) does not fit; "
        "give a time with its zone.",
        id="time without zone",
    ),
    pytest.param(
        "quantum_results",
        changed("quantum_results", 0, executed_at=1764000000),
        "quantum_results: column 'executed_at', row 0: 1764000000 (int) does not fit; give a time with its zone.",
        id="number in a time column",
    ),
    pytest.param(
        "compiled_circuits",
        changed("compiled_circuits", 1, cache_hit=1),
        "compiled_circuits: column 'cache_hit', row 1: 1 (int) does not fit; give true or false.",
        id="number in a flag column",
    ),
    pytest.param(
        "compiled_circuits",
        changed("compiled_circuits", 1, used_qubits="12"),
        "compiled_circuits: column 'used_qubits', row 1: '12' (str) does not fit; "
        "give a list, each a whole number of 32 bits.",
        id="text in a list column",
    ),
    pytest.param(
        "verdicts",
        [{**row, "p_vlaue": 0.5} for row in rows_of("verdicts")],
        "verdicts: row 0: unknown column 'p_vlaue'. Did you mean 'p_value'?",
        id="unknown column",
    ),
    pytest.param(
        "verdicts",
        [{k: v for k, v in row.items() if k not in {"metric", "scope"}} for row in rows_of("verdicts")],
        "verdicts: row 0: the key metric is missing.",
        id="missing key",
    ),
    pytest.param(
        "verdicts",
        [*rows_of("verdicts"), {"scope": "x"}],
        "verdicts: row 2: the key metric, verdict is missing.",
        id="missing keys in a later row",
    ),
    pytest.param(
        "verdicts",
        [*rows_of("verdicts"), {**rows_of("verdicts")[0], "efect": 1.0}],
        "verdicts: row 2: unknown column 'efect'. Did you mean 'effect'?",
        id="unknown column in a later row",
    ),
    pytest.param(
        "verdicts",
        [{**row, "backend": backend} for row, backend in zip(rows_of("verdicts"), ("aer", "emulator"), strict=True)],
        "verdicts: column 'backend', row 1: 'emulator' is not of the partition backend=aer.",
        id="row of another partition",
    ),
    pytest.param(
        "stage_timings",
        {**{name: ["x", "y"] for name in rows_of("stage_timings")[0]}, "wall_s": [1.0]},
        "stage_timings: columns differ in length: {'stage': 2, 'workload': 2, 'backend': 2, 'wall_s': 1, "
        "'budget_s': 2, 'within_budget': 2, 'finished_at': 2}.",
        id="uneven columns",
    ),
    pytest.param(
        "stage_timings",
        {"wall_s": [1.0]},
        "stage_timings: the key stage is missing.",
        id="missing key column",
    ),
]


@pytest.mark.parametrize(("table", "rows", "message"), REFUSED)
def test_rows_that_do_not_fit_are_refused_by_name(table, rows, message):
    with pytest.raises(WarehouseError) as caught:
        cast(table, rows)
    assert str(caught.value) == message


class Color(StrEnum):
    """Text with names."""

    RED = "red"


def test_values_that_mean_the_same_are_taken():
    """Enumerated text, NumPy numbers, whole floats, NaN for no number and other zones lose nothing."""
    [row] = cast(
        "quantum_results",
        rows_of(
            "quantum_results",
            1,
            source=Color.RED,
            row=np.int64(7),
            shots=4096.0,
            expected_value=3,
            best_value=float("nan"),
            executed_at=datetime(2026, 11, 23, 4, tzinfo=timezone(timedelta(hours=2))),
        ),
    ).to_pylist()
    assert (row["source"], row["row"], row["shots"], row["expected_value"]) == ("red", 7, 4096, 3.0)
    assert row["best_value"] is None
    assert row["executed_at"] == datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_partition_and_housekeeping_columns_are_filled_in():
    [row] = cast("verdicts", rows_of("verdicts", 1)).to_pylist()
    assert (row["night"], row["workload"], row["backend"]) == (date(2026, 11, 23), "maxcut", "aer")
    assert (row["schema_version"], row["materialized_at"]) == (1, AT)


def test_columns_and_rows_give_the_same_table():
    rows = rows_of("comparisons", 4)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    arrays = {**columns, "value": np.array([0.5, 1.5, 2.5, 3.5]), "shots": pa.array([0, 1, 2, 3])}
    assert cast("comparisons", columns) == cast("comparisons", rows)
    assert cast("comparisons", arrays) == cast("comparisons", rows)


def test_columns_that_are_left_out_are_null():
    """In one row, in all, and where only some rows name a column of the partition."""
    rows = [{"stage": "a", "wall_s": 1.0}, {"stage": "b", "night": "2026-11-23", "workload": "maxcut"}]
    read = cast("stage_timings", rows).select(["night", "stage", "workload", "backend", "wall_s"]).to_pylist()
    night = date(2026, 11, 23)
    assert [tuple(row.values()) for row in read] == [
        (night, "a", None, None, 1.0),
        (night, "b", "maxcut", None, None),
    ]
    assert cast("stage_timings", {"stage": ["a"]}).column("wall_s").to_pylist() == [None]


@pytest.mark.parametrize("rows", [[], {}], ids=["rows", "columns"])
def test_no_rows_are_a_table_without_rows(rows):
    table = cast("comparisons", rows)
    assert table.num_rows == 0
    assert table.schema == table_named("comparisons").schema


def test_arrays_of_the_wrong_kind_are_refused_like_lists():
    columns = {name: [row[name] for row in rows_of("verdicts")] for name in rows_of("verdicts")[0]}
    for wrong in (np.array(["1", "2"]), pa.array([True, False]), np.zeros((2, 2)), np.array([True, False])):
        with pytest.raises(WarehouseError, match="verdicts: column 'p_value'"):
            cast("verdicts", {**columns, "p_value": wrong})
