"""Solved baselines by (instance, solver, version, seed, limit), so that an unchanged instance is solved once."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json, fingerprint
from hybrid_assets.model.results import BaselineResult, Role
from hybrid_assets.storage.files import sharded_path, write_atomically
from hybrid_assets.storage.loading import read_json

if TYPE_CHECKING:
    from pathlib import Path


class BaselineStore:
    """A folder of solved baselines."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> BaselineResult | None:
        """Return a stored result; an unreadable one counts as absent and is solved again."""
        try:
            document = read_json(self._path(key))
            body = document["result"]
            if fingerprint(body) != document["sha256"]:
                return None
        except (FileNotFoundError, ValueError, KeyError, TypeError, ResultIntegrityError):
            return None
        for name in ("fold_values", "solution"):
            body[name] = tuple(body[name])
        return BaselineResult(**{**body, "role": Role(body["role"])})

    def put(self, key: str, result: BaselineResult) -> None:
        """Store a result atomically."""
        body = json.loads(canonical_json(asdict(result)))
        document = {"sha256": fingerprint(body), "result": body}
        write_atomically(self._path(key), canonical_json(document).encode())

    def _path(self, key: str) -> Path:
        return sharded_path(self._folder, key, ".json")
