"""Segments: copies of many partition files in one, which spare a question over a year thousands of files.

    <home>/warehouse/_packed/verdicts/index.json            which units each segment holds
    <home>/warehouse/_packed/verdicts/3f9c21….parquet       a segment

The partition files stay the truth; everything here may be deleted at any time. A *unit* is what a segment holds as a
whole: a night, or one partition of a table without nights. Put here who may use or drop a segment, and when; how one is
made belongs in `compaction`.

A segment never outlives what it copied: whoever changes a partition first drops the segments that hold it, under a lock
that others who change something share. Who puts a segment in its place has the lock alone, for the moment in which it
sees that nothing it read has changed. So nobody waits longer than one file takes to be written, and a process that
dies leaves either no segment or a true one.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.storage.files import locked, sync_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.storage.tables import Table

#: Beside the tables' folders, where no glob over a table finds it.
FOLDER = "_packed"
SUFFIX = ".parquet"
_INDEX = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file that holds all rows of some units."""

    path: Path
    units: tuple[str, ...]


class Segments:
    """The segments of one table."""

    def __init__(self, warehouse: Path, table: Table) -> None:
        self.folder = warehouse / FOLDER / table.name
        self._files = warehouse / table.name
        by = table.partition_by
        self._unit_by = by[:1] if by[0] == "night" else by

    def unit_of(self, keys: Mapping[str, str]) -> str:
        """Return the unit of a partition: the folder, under the table's, that holds it."""
        return "/".join(f"{name}={keys[name]}" for name in self._unit_by)

    def unit_of_file(self, path: Path) -> str:
        """Return the unit of a data file of the table."""
        return "/".join(path.relative_to(self._files).parts[: len(self._unit_by)])

    def units(self) -> list[str]:
        """Return the units that have a folder, sorted."""
        found = [""]
        for name in self._unit_by:
            found = [child for unit in found for child in _children(self._files, unit, f"{name}=")]
        return sorted(found)

    def valid(self, units: Sequence[str]) -> list[Segment]:
        """Return the segments that are there; one that holds a unit without a folder is none any more."""
        present = self._present()
        known = set(units)
        return [
            segment for segment in self._index() if segment.path.name in present and known.issuperset(segment.units)
        ]

    @contextmanager
    def changing(self, unit: str) -> Iterator[None]:
        """Change files of a unit; no segment holds it from here on."""
        with locked(self.folder, fcntl.LOCK_SH):
            if present := self._present():
                held = {segment.path.name for segment in self._index() if unit not in segment.units}
                self._drop(present - held)
            yield

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Keep everybody from changing a file of the table, for a moment."""
        with locked(self.folder, fcntl.LOCK_EX):
            yield

    @contextmanager
    def packing(self) -> Iterator[bool]:
        """Be the one who makes segments, of any table; False: somebody else is."""
        with locked(self.folder.parent, fcntl.LOCK_EX | fcntl.LOCK_NB) as is_ours:
            yield is_ours

    def put(self, segment: Segment, data: bytes, *, replaced: Sequence[Segment] = ()) -> None:
        """Put a segment in its place, and drop those whose units are in it; only while `settled`."""
        write_atomically(segment.path, data)
        present = self._present() - {other.path.name for other in replaced}
        kept = [other for other in self._index() if other.path.name in present]
        document = {other.path.name: other.units for other in (*kept, segment)}
        write_atomically(self.folder / _INDEX, json.dumps(document).encode())
        self._drop(self._present() - set(document))

    def drop(self, segments: Sequence[Segment]) -> None:
        """Delete segments."""
        self._drop({segment.path.name for segment in segments})

    def _drop(self, names: set[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        if names:
            sync_folder(self.folder)

    def _present(self) -> set[str]:
        try:
            return {name for name in os.listdir(self.folder) if name.endswith(SUFFIX)}  # noqa: PTH208 - names are all
        except FileNotFoundError:
            return set()

    def _index(self) -> list[Segment]:
        try:
            document = json.loads((self.folder / _INDEX).read_bytes())
        except (OSError, ValueError):  # without an index no segment is known, and all are dropped at the next change
            return []
        return [Segment(path=self.folder / name, units=tuple(units)) for name, units in document.items()]


def _children(folder: Path, unit: str, prefix: str) -> list[str]:
    try:
        names = os.listdir(folder / unit)  # noqa: PTH208 - thousands of names, no paths
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [f"{unit}/{name}" if unit else name for name in names if name.startswith(prefix)]
