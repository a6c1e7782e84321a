"""Partitioned Parquet: one file a partition, replaced as a whole. Put reading and writing of tables here.

    <home>/warehouse/quantum_results/night=2026-11-23/workload=maxcut/backend=aer/data.parquet
    <home>/warehouse/quantum_results/_schema/data.parquet        no rows: what a view over an empty table reads

Keep type rules in `casting`, SQL in `snapshot`. No process ever waits for another: writers of different partitions do
not meet, of two writers of one partition the last wins as a whole, and a reader sees the old or the new file.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from hybrid_assets.errors import WarehouseError
from hybrid_assets.model.text import nearest
from hybrid_assets.storage.casting import cast_rows
from hybrid_assets.storage.data_version import data_version
from hybrid_assets.storage.files import sweep_temporary, write_atomically
from hybrid_assets.storage.segments import Segments
from hybrid_assets.storage.tables import SCHEMA_VERSION, Table, table_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The one name of a data file; globs ask for exactly it.
DATA_FILE = "data.parquet"
#: Folder of the file without rows; sorts before any partition.
SCHEMA_FOLDER = "_schema"
#: What a partition value may be: nothing that could leave its folder, meet a glob or need an encoding in a path.
_VALUE = re.compile(r"[a-z0-9_][a-z0-9._-]{0,127}")
_VERSION_KEY = b"hybrid_assets.data_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published."""

    rows: int
    #: SHA-256 of the stable columns, see `hybrid_assets.storage.data_version`.
    data_version: str
    path: Path


class Warehouse:
    """The tables under one home folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "warehouse"

    def publish(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        partition: Mapping[str, str],
    ) -> Published:
        """Replace the rows of one partition by these, durably and as a whole.

        Args:
            table: Name of the table.
            rows: Mappings by column, or equally long columns by name (lists, numpy or Arrow arrays); a nullable column
                may be left out. None at all is a partition without rows. Their order enters the data version.
            partition: Value of each of the table's partition columns.

        Raises:
            WarehouseError: The rows or the partition do not fit the table; nothing was changed.
            OSError: The disk refused; the old version is still there.
        """
        spec = table_named(table)
        keys = _checked(spec, partition, whole=True)
        data = _cast(spec, rows, keys)
        version = data_version(spec, data)
        path = self._path(spec, keys)
        sweep_temporary(path.parent)
        segments = self.segments(table)
        with segments.changing(segments.unit_of(keys)):
            write_atomically(path, _encode(data, version))
        return Published(rows=data.num_rows, data_version=version, path=path)

    def refusal(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        partition: Mapping[str, str],
    ) -> str | None:
        """Return why `publish` would refuse these rows, or None where it would take them; nothing is written."""
        try:
            spec = table_named(table)
            _cast(spec, rows, _checked(spec, partition, whole=True))
        except WarehouseError as exc:
            return str(exc)
        return None

    def version_of(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        partition: Mapping[str, str],
    ) -> str:
        """Return the data version that `publish` would give these rows; nothing is written.

        Raises:
            WarehouseError: The rows or the partition do not fit the table.
        """
        spec = table_named(table)
        return data_version(spec, _cast(spec, rows, _checked(spec, partition, whole=True)))

    def read(self, table: str, *, columns: Sequence[str] | None = None, **partition: str) -> pa.Table:
        """Return the rows of all published partitions that match, ordered by partition, then as published.

        Columns that an older file lacks are NULL.

        Raises:
            WarehouseError: Table, column or partition is unknown, or a file is damaged.
        """
        spec = table_named(table)
        names = list(spec.schema.names if columns is None else columns)
        for name in names:
            if name not in spec.schema.names:
                hint = nearest(name, spec.schema.names)
                raise WarehouseError(f"{table}: unknown column {name!r}. {hint}".rstrip())
        schema = pa.schema([spec.schema.field(name).with_nullable(True) for name in names])
        keys = _checked(spec, partition, whole=False)
        return pa.concat_tables([schema.empty_table(), *(_load(path, schema) for path in self._find(spec, keys))])

    def read_rows(self, table: str, *, columns: Sequence[str] | None = None, **partition: str) -> list[dict[str, Any]]:
        """Return what `read` returns as one dictionary a row."""
        rows: list[dict[str, Any]] = self.read(table, columns=columns, **partition).to_pylist()
        return rows

    def published(self, table: str, **partition: str) -> bool:
        """Whether a partition (all its columns given) has been published, with or without rows."""
        return self._file(table, partition).exists()

    def age_s(self, table: str, **partition: str) -> float:
        """Return the seconds since a published partition was published."""
        return max(time.time() - self._file(table, partition).stat().st_mtime, 0.0)

    def is_older(self, table: str, than: str, **partition: str) -> bool:
        """Whether a partition was published before that of another table, or never."""
        first, second = self._file(table, partition), self._file(than, partition)
        return not first.exists() or first.stat().st_mtime_ns < second.stat().st_mtime_ns

    def data_version(self, table: str, **partition: str) -> str | None:
        """Return the data version of a published partition, None where there is none.

        Raises:
            WarehouseError: The file is damaged.
        """
        path = self._file(table, partition)
        if not path.exists():
            return None
        try:
            return str(pq.read_metadata(path).metadata[_VERSION_KEY].decode())
        except (pa.ArrowException, KeyError, TypeError) as exc:
            raise _damaged(path, exc) from exc

    def partitions(self, table: str) -> list[dict[str, str]]:
        """Return the published partitions of a table, sorted."""
        spec = table_named(table)
        depth = len(spec.partition_by)
        parts = (path.parent.parts[-depth:] for path in self._find(spec, {}))
        return [dict(part.split("=", 1) for part in folders) for folders in parts]

    def files(self, table: str) -> list[Path]:
        """Return the data files of all published partitions of a table, sorted."""
        return self._find(table_named(table), {})

    def folder(self, table: str) -> Path:
        """Return where a table lives."""
        return self._folder / table_named(table).name

    def segments(self, table: str) -> Segments:
        """Return the copies of many partitions in one file, which questions read; see `compaction`."""
        return Segments(self._folder, table_named(table))

    def ensure_schema_file(self, table: str) -> Path:
        """Write the file without rows where it is missing, damaged or of an older schema; return its path."""
        spec = table_named(table)
        path = self._folder / table / SCHEMA_FOLDER / DATA_FILE
        try:
            is_current = pq.read_schema(path).equals(spec.schema)
        except (OSError, pa.ArrowException):
            is_current = False
        if not is_current:
            write_atomically(path, _encode(spec.schema.empty_table(), ""))
        return path

    def _file(self, table: str, partition: Mapping[str, str]) -> Path:
        """Return where one whole partition of a table is, or will be."""
        spec = table_named(table)
        return self._path(spec, _checked(spec, partition, whole=True))

    def _path(self, spec: Table, keys: Mapping[str, str]) -> Path:
        folders = [f"{name}={keys[name]}" for name in spec.partition_by]
        return self._folder.joinpath(spec.name, *folders, DATA_FILE)

    def _find(self, spec: Table, keys: Mapping[str, str]) -> list[Path]:
        pattern = "/".join(f"{name}={keys.get(name, '*')}" for name in spec.partition_by)
        return sorted((self._folder / spec.name).glob(f"{pattern}/{DATA_FILE}"))


def _cast(spec: Table, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any], keys: Mapping[str, str]) -> pa.Table:
    typed: dict[str, date | str] = {
        name: date.fromisoformat(text) if name == "night" else text for name, text in keys.items()
    }
    return cast_rows(spec, rows, partition=typed, materialized_at=datetime.now(UTC))


def _checked(spec: Table, partition: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """Return a partition with every name known (and given, when whole) and every value safe in a path."""
    for name in partition:
        if name not in spec.partition_by:
            raise WarehouseError(f"{spec.name} is partitioned by {', '.join(spec.partition_by)}, not by {name!r}.")
    if whole and (missing := [name for name in spec.partition_by if name not in partition]):
        raise WarehouseError(
            f"{spec.name} is partitioned by {', '.join(spec.partition_by)}; {missing[0]!r} is missing."
        )
    keys = {name: str(value) for name, value in partition.items()}
    for name, text in keys.items():
        if not _VALUE.fullmatch(text):
            raise WarehouseError(
                f"{spec.name}: {text!r} cannot be a {name}: use up to 128 of a-z, 0-9 and '._-', no '.' or '-' first."
            )
        if name == "night" and not _is_day(text):
            raise WarehouseError(f"{spec.name}: {text!r} is no night; write it as 2026-11-23.")
    return keys


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _encode(data: pa.Table, version: str) -> bytes:
    facts = {_VERSION_KEY: version.encode(), b"hybrid_assets.schema_version": str(SCHEMA_VERSION).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(data.replace_schema_metadata(facts), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _load(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            data = file.read(columns=[name for name in schema.names if name in present])
            rows = file.metadata.num_rows
    except (OSError, pa.ArrowException) as exc:
        raise _damaged(path, exc) from exc
    arrays = [
        data.column(field.name).cast(field.type) if field.name in present else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _damaged(path: Path, exc: Exception) -> WarehouseError:
    return WarehouseError(
        f"{path} is damaged ({exc}). `hybrid-assets doctor` sets it aside; then materialize that partition again."
    )
