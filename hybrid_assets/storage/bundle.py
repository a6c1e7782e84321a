"""A night as a folder of plain files with a manifest: what leaves the warehouse for somebody else's tools.

Put the form of the files here. The folder appears as a whole, by one rename, or not at all.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import uuid
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hybrid_assets.errors import UsageError
from hybrid_assets.storage.files import TEMPORARY_PREFIX, make_folder, sync_folder, write_atomically
from hybrid_assets.storage.tables import TABLES, column_types

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybrid_assets.storage.tables import Table
    from hybrid_assets.storage.warehouse import Warehouse

MANIFEST = "manifest.json"
#: Form of the files -> what writes it.
FORMS = ("parquet", "csv")


def write_bundle(warehouse: Warehouse, folder: Path, *, night: str, form: str = "parquet") -> dict[str, Any]:
    """Write every view's rows of a night as one file a view, and a manifest with versions, counts and checksums.

    Args:
        warehouse: Where the rows are.
        folder: A folder that is not there yet.
        night: The night.
        form: ``parquet`` or ``csv`` (lists as JSON, times in UTC, NULL as nothing).

    Returns:
        The manifest, as written.

    Raises:
        UsageError: The folder is there, or nothing of the night is published.
    """
    if folder.exists():
        raise UsageError(f"{folder} is there already. Give another folder with --to, or remove it first.")
    rows = {name: _rows(warehouse, table, night) for name, table in TABLES.items()}
    if not any(found.num_rows for found in rows.values()):
        raise UsageError(f"Nothing of {night} is published: nothing to export. `hybrid-assets run --night {night}`")
    make_folder(folder.parent)
    draft = folder.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    draft.mkdir()
    try:
        manifest = _head(night, form)
        for name, found in rows.items():
            manifest["views"].append(_write(warehouse, draft, TABLES[name], found, night=night, form=form))
        write_atomically(draft / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
        os.rename(draft, folder)  # noqa: PTH104 - refuses a folder that somebody has filled meanwhile
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _head(night: str, form: str) -> dict[str, Any]:
    return {
        "name": f"hybrid_assets night {night}",
        "night": night,
        "format": form,
        "generator": f"hybrid-assets {version('hybrid-assets')}",
        "created_at": datetime.now(UTC).isoformat(),
        "views": [],
    }


def _rows(warehouse: Warehouse, table: Table, night: str) -> pa.Table:
    """Return a view's rows of a night; of calibrations, those that the night's results name."""
    if "night" in table.partition_by:
        return warehouse.read(table.name, night=night)
    found = warehouse.read(table.name)
    used = warehouse.read(
        "quantum_results", columns=["compiled_calibration_id", "executed_calibration_id"], night=night
    )
    names = {name for column in used.itercolumns() for name in column.to_pylist() if name}
    return found.filter(pc.is_in(found.column("calibration_id"), pa.array(sorted(names), pa.string())))


def _write(
    warehouse: Warehouse, folder: Path, table: Table, rows: pa.Table, *, night: str, form: str
) -> dict[str, Any]:
    data = _parquet(rows) if form == "parquet" else _csv(rows)
    path = folder / f"{table.name}.{form}"
    write_atomically(path, data)
    return {
        "view": table.name,
        "file": path.name,
        "rows": rows.num_rows,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "columns": dict(column_types(table)),
        "data_versions": _versions(warehouse, table, night),
    }


def _versions(warehouse: Warehouse, table: Table, night: str) -> Mapping[str, str | None]:
    """Return the data version of each partition of the night, by its other columns (``maxcut/aer``)."""
    parts = [found for found in warehouse.partitions(table.name) if found.get("night") == night]
    return {
        "/".join(value for name, value in part.items() if name != "night") or night: warehouse.data_version(
            table.name, **part
        )
        for part in parts
    }


def _parquet(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _csv(rows: pa.Table) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.column_names)
    for row in rows.to_pylist():
        writer.writerow([_text(value) for value in row.values()])
    return out.getvalue().encode()


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, (datetime, date)) else value
