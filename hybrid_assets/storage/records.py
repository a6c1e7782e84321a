"""Small JSON records of a night, one file each: attempts, batch decisions, stage timings.

Put facts here that several stages write and one asset exports to SQL. A record is replaced whole, under its key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.storage.files import write_atomically
from hybrid_assets.storage.loading import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Nothing that could leave its folder or hide in it.
_NAME = re.compile(r"[A-Za-z0-9_][^/\\\x00-\x1f\x7f]{0,199}")


class RecordLog:
    """A folder of records: ``<night>/<scope>/<key>.json``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, night: str, scope: str, key: str, record: Mapping[str, Any]) -> None:
        """Store a record, replacing an earlier one under the same key."""
        write_atomically(self._path(night, scope, key), canonical_json(record).encode())

    def get(self, night: str, scope: str, key: str) -> dict[str, Any] | None:
        """Return one record, or None."""
        try:
            return _read(self._path(night, scope, key))
        except FileNotFoundError:
            return None

    def remove(self, night: str, scope: str, key: str) -> None:
        """Remove a record if it is there."""
        self._path(night, scope, key).unlink(missing_ok=True)

    def records(self, night: str, scope: str = "*") -> Sequence[dict[str, Any]]:
        """Return the records of a night (and scope), ordered by scope and key."""
        return [_read(path) for path in sorted(self._folder.glob(f"{night}/{scope}/*.json"))]

    def history(self, scope: str, key: str) -> Sequence[dict[str, Any]]:
        """Return the records of one key over all nights, oldest night first."""
        return [_read(path) for path in sorted(self._folder.glob(f"*/{scope}/{key}.json"))]

    def _path(self, night: str, scope: str, key: str) -> Path:
        for name in (night, scope, key):
            if not _NAME.fullmatch(name):
                raise ConfigurationError(f"{name!r} cannot name a record: no path, no control character, no dot first.")
        return self._folder / night / scope / f"{key}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except ValueError as exc:
        raise ResultIntegrityError(f"The record {path} is damaged ({exc}). Restore it, or remove it.") from exc
    if not isinstance(found, dict):
        raise ResultIntegrityError(f"The record {path} is no JSON object. Restore it, or remove it.")
    return found
