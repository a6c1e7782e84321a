"""Rows in, a typed Arrow table out, or a refusal that names table, column and row. Put type rules here.

A column of the wrong type in one file would silently turn the column of the whole view into text (DuckDB unions
files by name), so nothing is coerced that could mean something else: text is never a number, a flag is never a number,
a fraction is never cut, a time without zone is never taken for UTC. NaN in a nullable column becomes NULL.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hybrid_assets.errors import WarehouseError
from hybrid_assets.model.text import nearest
from hybrid_assets.storage.tables import FILLED, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from hybrid_assets.storage.tables import Table

#: What pyarrow raises for a value that does not fit; ArrowInvalid, ArrowTypeError and the like derive from these.
_UNFIT = (TypeError, ValueError, OverflowError, NotImplementedError)

#: Shows values in messages, cut to a line.
_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 60


def cast_rows(
    table: Table,
    rows: Sequence[Mapping[str, Any]] | Mapping[str, Any],
    *,
    partition: Mapping[str, date | str],
    materialized_at: datetime,
) -> pa.Table:
    """Cast rows to a table's schema; rows are counted from 0 in messages.

    Args:
        table: The table.
        rows: Mappings by column, or equally long columns by name (lists, numpy or Arrow arrays). A nullable column may
            be left out, as may those of the partition; the columns the warehouse fills are overwritten.
        partition: Value of each column of the partition, a `date` for ``night``.
        materialized_at: What to fill in as time of publication.

    Raises:
        WarehouseError: A column is unknown, a key is missing, a value does not fit, or a row is of another partition.
    """
    columns = _pivot(table, rows, partition)
    num_rows = _num_rows(table, columns)
    constants: dict[str, Any] = {**partition, "schema_version": SCHEMA_VERSION, "materialized_at": materialized_at}
    for name, value in partition.items():
        _check_partition(table, name, value, columns.get(name, ()))
    arrays = []
    for field in table.schema:
        if field.name in constants:
            arrays.append(pa.repeat(pa.scalar(constants[field.name], type=field.type), num_rows))
        else:
            arrays.append(_column(table, field, columns.get(field.name, [None] * num_rows)))
    return pa.Table.from_arrays(arrays, schema=table.schema)


def _pivot(
    table: Table, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any], partition: Mapping[str, object]
) -> dict[str, Any]:
    """Return rows as columns, all names checked."""
    if isinstance(rows, Mapping):
        if rows:
            _check_names(table, rows.keys(), place="")
        return dict(rows)
    checked: Any = None
    names: dict[str, None] = {}
    for index, row in enumerate(rows):
        if row.keys() != checked:
            checked = row.keys()
            _check_names(table, checked, place=f"row {index}: ")
            names |= dict.fromkeys(row)
    return {name: [row.get(name, partition.get(name)) for row in rows] for name in names}


def _check_names(table: Table, given: Any, *, place: str) -> None:
    if unknown := sorted(set(given) - set(table.schema.names)):
        hint = nearest(unknown[0], table.schema.names)
        raise WarehouseError(f"{table.name}: {place}unknown column {unknown[0]!r}. {hint}".rstrip())
    have = {*given, *table.partition_by, *FILLED}
    if missing := [field.name for field in table.schema if not field.nullable and field.name not in have]:
        raise WarehouseError(f"{table.name}: {place}the key {', '.join(missing)} is missing.")


def _num_rows(table: Table, columns: Mapping[str, Any]) -> int:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise WarehouseError(f"{table.name}: columns differ in length: {lengths}.")
    return next(iter(lengths.values()), 0)


def _check_partition(table: Table, name: str, value: object, given: Any) -> None:
    for index, other in enumerate(_values(given)):
        if str(other) != str(value):
            raise WarehouseError(
                f"{table.name}: column {name!r}, row {index}: {other!r} is not of the partition {name}={value}."
            )


def _column(table: Table, field: pa.Field, values: Any) -> pa.Array:
    try:
        array = _array(values, field.type)
    except _UNFIT as exc:
        raise _refusal(table, field, values, exc) from exc
    if pa.types.is_floating(field.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, field.type), array)
    if not field.nullable and array.null_count:
        row = int(np.argmax(np.asarray(array.is_null())))
        raise WarehouseError(f"{table.name}: column {field.name!r}, row {row}: a key must not be empty.")
    numbers = array.flatten() if pa.types.is_list(field.type) else array
    if pa.types.is_floating(numbers.type) and not pc.all(pc.is_finite(numbers)).as_py() and len(numbers):
        _refuse_infinite(table, field, array)
    return array


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    """Convert without a type first: with one, pyarrow cuts fractions, counts flags and takes any time for UTC."""
    if isinstance(values, (list, tuple)):
        _check_elements(values, kind)
    found = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if pa.types.is_null(found.type):
        return pa.nulls(len(found), kind)
    if not _fits(found.type, kind):
        raise TypeError(f"{found.type} is not {kind}")
    return found.cast(kind)


def _check_elements(values: Sequence[Any], kind: pa.DataType) -> None:
    if pa.types.is_timestamp(kind):
        if any(isinstance(value, datetime) and value.tzinfo is None for value in values):
            raise TypeError("a time has no zone")
    elif not pa.types.is_boolean(kind) and any(isinstance(value, (bool, np.bool_)) for value in values):
        raise TypeError("a flag is no number")


def _fits(found: pa.DataType, kind: pa.DataType) -> bool:
    """Tell whether a type is of the same family, so that a cast can lose nothing silently."""
    types = pa.types
    if types.is_list(kind):
        is_list = types.is_list(found) or types.is_large_list(found)
        return is_list and (types.is_null(found.value_type) or _fits(found.value_type, kind.value_type))
    if types.is_timestamp(kind):
        return bool(types.is_timestamp(found) and found.tz is not None)
    if types.is_floating(kind) or types.is_integer(kind):
        return bool(types.is_floating(found) or types.is_integer(found))
    if types.is_string(kind):
        return bool(types.is_string(found) or types.is_large_string(found))
    return bool(found == kind)


def _refusal(table: Table, field: pa.Field, values: Any, exc: Exception) -> WarehouseError:
    """Find the first value that does not fit on its own, and say so."""
    place = f"{table.name}: column {field.name!r}"
    for index, value in enumerate(_values(values)):
        try:
            _array([value], field.type)
        except _UNFIT:
            shown = f"{_SHORT.repr(value)} ({type(value).__name__})"
            return WarehouseError(f"{place}, row {index}: {shown} does not fit; give {_noun(field.type)}.")
    return WarehouseError(f"{place}: the values do not fit; give {_noun(field.type)} ({exc}).")


def _refuse_infinite(table: Table, field: pa.Field, array: pa.Array) -> None:
    for index, value in enumerate(array.to_pylist()):
        if value is not None and not np.all(np.isfinite(np.asarray(value, dtype=float))):
            raise WarehouseError(
                f"{table.name}: column {field.name!r}, row {index}: {value} is not finite; use None for no value."
            )


def _values(values: Any) -> Any:
    return values.to_pylist() if isinstance(values, (pa.Array, pa.ChunkedArray)) else values


def _noun(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"a list, each {_noun(kind.value_type)}"
    if pa.types.is_integer(kind):
        return f"a whole number of {kind.bit_width} bits"
    if pa.types.is_timestamp(kind):
        return "a time with its zone"
    if pa.types.is_floating(kind):
        return "a number"
    return "true or false" if pa.types.is_boolean(kind) else "text"
