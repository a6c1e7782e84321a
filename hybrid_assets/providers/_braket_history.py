"""Devices as they were seen, on disk. Put what Braket itself does not keep of a device's past here.

Braket tells a device's calibration as it is now and nothing of before. What was seen is kept, one file for each
calibration, so that a result can be given the calibration it was executed under, by any process.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.providers import _archive
from hybrid_assets.providers._braket_device import Device
from hybrid_assets.storage.files import write_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class DeviceHistory:
    """All that was seen of one device."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, device: Device, *, observed_at: datetime) -> None:
        """Remember a device; one that is known already stays as it was first seen."""
        content = device.to_json()
        document = {"device": content, "observed_at": observed_at.isoformat()}
        write_once(self._folder / f"{fingerprint(content)[:32]}.device", _archive.pack(document, {}))

    def newest(self) -> Device | None:
        """Return the device as it was seen last, or None."""
        found = self._read()
        return found[-1][1] if found else None

    def at(self, moment: datetime) -> Device | None:
        """Return the device as calibrated last before a time (the earliest one known where that was later), or None."""
        found = self._read()
        before = [device for since, device in found if since <= moment]
        return before[-1] if before else (found[0][1] if found else None)

    def _read(self) -> Sequence[tuple[datetime, Device]]:
        """Return what was seen with the time it holds from: its calibration, or where that is not told its sight."""
        found: list[tuple[datetime, Device]] = []
        for path in self._folder.glob("*.device"):
            try:
                document = _archive.read_document(path)
            except ResultIntegrityError:
                continue  # a damaged memory counts as none; what holds now is seen again
            device = Device.from_json(document["device"])
            found.append((device.target.calibrated_at or datetime.fromisoformat(document["observed_at"]), device))
        return sorted(found, key=lambda item: item[0])
