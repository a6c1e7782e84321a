"""Finding and setting aside damaged data files. One truncated file fails every query over its table.

Put checks of what is on disk here; nothing is ever deleted but abandoned temporary files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from hybrid_assets.storage.compaction import drop_untrue
from hybrid_assets.storage.files import sweep_temporary, sync_folder
from hybrid_assets.storage.tables import TABLES
from hybrid_assets.storage.warehouse import DATA_FILE, Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFile:
    """One data file that cannot be read."""

    table: str
    path: Path
    reason: str


def doctor(home: Path) -> list[BrokenFile]:
    """Read the footer of every data file, compare its columns with the table's, and list the broken files.

    Abandoned temporary files are removed on the way, and segments that hold anything else than the data files do.
    """
    sweep_temporary(home, recursive=True)
    warehouse = Warehouse(home)
    for name in TABLES:
        drop_untrue(warehouse, name)
    return [
        BrokenFile(table=name, path=path, reason=reason)
        for name in TABLES
        for path in sorted(warehouse.folder(name).rglob(DATA_FILE))
        if (reason := _fault(name, path))
    ]


def _fault(table: str, path: Path) -> str | None:
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as exc:
        return str(exc)
    for field in TABLES[table].schema:
        # A column an older version did not write yet is no fault; one of another type breaks the view.
        index = schema.get_field_index(field.name)
        if index >= 0 and schema.field(index).type != field.type:
            return f"column {field.name!r} is {schema.field(index).type}, not {field.type}"
    return None


def quarantine(home: Path, broken: Sequence[BrokenFile]) -> list[Path]:
    """Move broken files out of the warehouse to ``quarantine/``, keeping their folders; return where they are now."""
    moved = []
    for file in broken:
        target = home / "quarantine" / file.path.relative_to(home / "warehouse")
        target.parent.mkdir(parents=True, exist_ok=True)
        taken = len(list(target.parent.glob(f"{DATA_FILE}*")))
        segments = Warehouse(home).segments(file.table)
        with segments.changing(segments.unit_of_file(file.path)):
            moved.append(file.path.rename(target.with_name(f"{DATA_FILE}.{taken}")))
            sync_folder(file.path.parent)
    return moved
