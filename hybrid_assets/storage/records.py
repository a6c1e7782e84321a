"""Small JSON records of a night, one file each: attempts, batch decisions, stage timings.

Put facts here that several stages write and one asset exports to SQL. A record is replaced whole, under its key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class RecordLog:
    """A folder of records: ``<night>/<scope>/<key>.json``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, night: str, scope: str, key: str, record: Mapping[str, Any]) -> None:
        """Store a record, replacing an earlier one under the same key."""
        write_atomically(self._folder / night / scope / f"{key}.json", canonical_json(record).encode())

    def get(self, night: str, scope: str, key: str) -> dict[str, Any] | None:
        """Return one record, or None."""
        try:
            found: dict[str, Any] = json.loads((self._folder / night / scope / f"{key}.json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    def remove(self, night: str, scope: str, key: str) -> None:
        """Remove a record if it is there."""
        (self._folder / night / scope / f"{key}.json").unlink(missing_ok=True)

    def records(self, night: str, scope: str = "*") -> Sequence[dict[str, Any]]:
        """Return the records of a night (and scope), ordered by scope and key."""
        return [json.loads(path.read_bytes()) for path in sorted(self._folder.glob(f"{night}/{scope}/*.json"))]

    def history(self, scope: str, key: str) -> Sequence[dict[str, Any]]:
        """Return the records of one key over all nights, oldest night first."""
        return [json.loads(path.read_bytes()) for path in sorted(self._folder.glob(f"*/{scope}/{key}.json"))]
