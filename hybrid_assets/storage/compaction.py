"""Compaction: which files a question reads, and making segments when they are too many. See `segments` for the rules.

Put here when and from what segments are made; what a question is belongs in `snapshot`.
"""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as pad
import pyarrow.parquet as pq

from hybrid_assets.storage.segments import SUFFIX, Segment, Segments
from hybrid_assets.storage.tables import TABLES
from hybrid_assets.storage.warehouse import DATA_FILE, Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybrid_assets.storage.tables import Table

#: More files than this outside of segments, and they are packed: opening each costs about a quarter of a millisecond.
MAX_LOOSE_FILES = 64
#: Units of a full segment; a change of one unit gives up the whole segment, until the next packing.
SEGMENT_UNITS = 64
#: More segments than this that are not full, and they are packed anew.
MAX_SMALL_SEGMENTS = 8
#: So that a condition on the night skips most of a segment.
ROW_GROUP_ROWS = 65_536
_STAMPS = b"hybrid_assets.stamps"


def sources(warehouse: Warehouse, name: str) -> list[Path]:
    """Return the files that hold every row of a table once: segments, and the partition files outside of them.

    Where too many are outside they are packed first, unless another process is about it or the disk refuses.
    """
    segments, loose = _parts(warehouse, name)
    if len(loose) > MAX_LOOSE_FILES:
        # A question must not fail for it, and a damaged file is told by whoever reads it.
        with suppress(OSError, pa.ArrowException):
            pack(warehouse, name)
        segments, loose = _parts(warehouse, name)
    return [*(segment.path for segment in segments), *loose]


def pack(warehouse: Warehouse, name: str) -> int:
    """Copy the loose files of a table, and segments that are too many and too small, into new segments.

    Returns:
        How many segments were made; 0 where another process is making some.

    Raises:
        OSError: The disk refused.
        pyarrow.ArrowException: A partition file is damaged.
    """
    segments = warehouse.segments(name)
    with segments.packing() as is_ours:
        if not is_ours:
            return 0
        units = segments.units()
        valid = segments.valid(units)
        small = [segment for segment in valid if len(segment.units) < SEGMENT_UNITS]
        replaced = small if len(small) > MAX_SMALL_SEGMENTS else []
        held = {unit for segment in valid if segment not in replaced for unit in segment.units}
        outside = [unit for unit in units if unit not in held]
        chunks = [tuple(outside[k : k + SEGMENT_UNITS]) for k in range(0, len(outside), SEGMENT_UNITS)]
        return sum(_pack_units(warehouse, TABLES[name], segments, chunk, replaced) for chunk in chunks)


def _pack_units(
    warehouse: Warehouse, table: Table, segments: Segments, units: Sequence[str], small: Sequence[Segment]
) -> bool:
    """Make one segment, and tell whether it was put in its place: not where a file has changed meanwhile."""
    folder = warehouse.folder(table.name)
    files = _files(folder, units)
    stamps = _stamps(folder, files)
    data = _encode(table, files, stamps)
    segment = Segment(path=segments.folder / f"{uuid.uuid4().hex}{SUFFIX}", units=tuple(units))
    with segments.settled():
        if _stamps(folder, _files(folder, units)) != stamps:
            return False
        segments.put(segment, data, replaced=[other for other in small if set(other.units) & set(units)])
    return True


def drop_untrue(warehouse: Warehouse, name: str) -> int:
    """Delete the segments that are damaged or do not hold what the partition files do; return how many.

    Only hands that change files past `Warehouse` make such: a restored backup, a deleted folder.
    """
    segments, folder = warehouse.segments(name), warehouse.folder(name)
    with segments.settled():
        valid = segments.valid(segments.units())
        untrue = [segment for segment in valid if _stamps(folder, _files(folder, segment.units)) != _held(segment)]
        segments.drop(untrue)
    return len(untrue)


def _parts(warehouse: Warehouse, name: str) -> tuple[list[Segment], list[Path]]:
    segments = warehouse.segments(name)
    units = segments.units()
    valid, held = [], set[str]()
    for segment in segments.valid(units):
        if held.isdisjoint(segment.units):  # a segment that replaced others may have been put beside one of them
            valid.append(segment)
            held.update(segment.units)
    return valid, _files(warehouse.folder(name), [unit for unit in units if unit not in held])


def _files(folder: Path, units: Sequence[str]) -> list[Path]:
    return [path for unit in units for path in sorted((folder / unit).rglob(DATA_FILE))]


def _stamps(folder: Path, files: Sequence[Path]) -> dict[str, list[int]]:
    """Return size and time of change of each file; every change of a partition makes a new file."""
    found = {}
    for path in files:
        fact = path.stat()
        found[path.relative_to(folder).as_posix()] = [fact.st_size, fact.st_mtime_ns]
    return found


def _encode(table: Table, files: Sequence[Path], stamps: dict[str, list[int]]) -> bytes:
    rows = pad.dataset([str(path) for path in files], schema=table.schema, format="parquet").to_table()
    sink = pa.BufferOutputStream()
    facts = {_STAMPS: json.dumps(stamps).encode()}
    pq.write_table(rows.replace_schema_metadata(facts), sink, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return bytes(sink.getvalue().to_pybytes())


def _held(segment: Segment) -> dict[str, list[int]] | None:
    try:
        held: dict[str, list[int]] = json.loads(pq.read_metadata(segment.path).metadata[_STAMPS])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
    return held
