"""Calibrations as their backends reported them, one immutable file each. Put nothing else here.

    <folder>/<backend>/<calibration_id>.json       the whole target document, when it was first seen, and a checksum
    <folder>/<backend>/sightings                   a line each time another one came into force, as far as was seen

The id is a hash of the content, so a file is written once; a second look at the same calibration changes nothing. What
of it is for SQL is in the warehouse; this is what any later question can be asked of.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import target_from_json, target_to_json
from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json, fingerprint
from hybrid_assets.storage.files import set_aside, write_once
from hybrid_assets.storage.loading import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument

#: Name of the file of sightings.
_SIGHTINGS = "sightings"
#: What may become a name of a file or folder: nothing that could leave the store.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class CalibrationStore:
    """A folder of calibrations."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, document: TargetDocument, observed_at: datetime) -> bool:
        """Note that a calibration is in force, and store it durably; tell whether it was stored now.

        One that is there already and sound stays as it is.

        Args:
            document: The target whose calibration it is.
            observed_at: When it was seen (aware); of several looks the first one's time is kept.
        """
        path = self._path(document.backend, document.calibration_id)
        if path.exists():
            try:
                self._read(document.backend, document.calibration_id)
            except ResultIntegrityError:
                set_aside(path)
            else:
                self._note(document.backend, document.calibration_id, observed_at)
                return False
        body = {"observed_at": observed_at.astimezone(UTC).isoformat(), "target": target_to_json(document)}
        is_new = write_once(path, canonical_json({"sha256": fingerprint(body), "calibration": body}).encode())
        self._note(document.backend, document.calibration_id, observed_at)
        return is_new

    def get(self, backend: str, calibration_id: str) -> TargetDocument:
        """Return a calibration.

        Raises:
            ResultIntegrityError: It is not stored, or the stored one is damaged.
        """
        return self._read(backend, calibration_id)[0]

    def observed_at(self, backend: str, calibration_id: str) -> datetime:
        """Return when a calibration was first seen.

        Raises:
            ResultIntegrityError: It is not stored, or the stored one is damaged.
        """
        return self._read(backend, calibration_id)[1]

    def sightings(self, backend: str) -> Sequence[str]:
        """Return the ids of a backend's calibrations as they came into force; one that came back is there twice."""
        if not _NAME.fullmatch(backend):
            raise _no_name(backend)
        try:
            lines = (self._folder / backend / _SIGHTINGS).read_text().splitlines()
        except FileNotFoundError:
            return []
        return [words[1] for line in lines if len(words := line.split()) == 2]

    def history(self, backend: str) -> Sequence[str]:
        """Return the ids of a backend's calibrations, that in force last; unreadable ones are left out.

        Their checksums are not looked at, `get` does that: it would take seconds for a year's.
        """
        last = {calibration_id: place for place, calibration_id in enumerate(self.sightings(backend))}
        found = []
        for path in (self._folder / backend).glob("*.json"):
            try:
                observed_at = datetime.fromisoformat(read_json(path)["calibration"]["observed_at"])
                found.append((last.get(path.stem, -1), observed_at, path.stem))
            except (FileNotFoundError, ValueError, KeyError, TypeError, ResultIntegrityError):
                continue  # the next `put` of the same calibration sets it aside
        return [calibration_id for _, _, calibration_id in sorted(found)]

    def _note(self, backend: str, calibration_id: str, observed_at: datetime) -> None:
        seen = self.sightings(backend)
        if not seen or seen[-1] != calibration_id:
            with (self._folder / backend / _SIGHTINGS).open("a") as file:
                file.write(f"{observed_at.astimezone(UTC).isoformat()} {calibration_id}\n")

    def _path(self, backend: str, calibration_id: str) -> Path:
        for name in (backend, calibration_id):
            if not _NAME.fullmatch(name):
                raise _no_name(name)
        return self._folder / backend / f"{calibration_id}.json"

    def _read(self, backend: str, calibration_id: str) -> tuple[TargetDocument, datetime]:
        path = self._path(backend, calibration_id)
        again = "Materialize calibration_snapshots again to store the present one."
        try:
            content: dict[str, Any] = read_json(path)
            body = content["calibration"]
            if fingerprint(body) != content["sha256"]:
                raise ResultIntegrityError(f"{path} is not what was stored: its checksum differs. {again}")
            document, observed_at = target_from_json(body["target"]), datetime.fromisoformat(body["observed_at"])
        except FileNotFoundError as exc:
            raise ResultIntegrityError(f"No calibration {calibration_id} of {backend} is stored. {again}") from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise ResultIntegrityError(f"{path} is damaged ({exc}). {again}") from exc
        if (document.backend, document.calibration_id) != (backend, calibration_id):
            raise ResultIntegrityError(f"{path} holds {document.calibration_id} of {document.backend}. {again}")
        return document, observed_at


def _no_name(name: str) -> ConfigurationError:
    return ConfigurationError(f"{name!r} cannot name a backend or calibration: use letters, digits, '.', '_' and '-'.")
