"""Which stored results answer the same question under another calibration or repetition. Put nothing else here.

An empty file a result, ``<variant>/<time of execution>~<kernel id>``: beside the results, and no more than an index of
them. A lost file hides a result from the fallback ladder, nothing more; so these are not synced to the disk.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint
from hybrid_assets.storage.files import sharded_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

_TIME = "%Y%m%dT%H%M%S.%fZ"
_BETWEEN = "~"


def variant_of(*, backend: str, artefact_fingerprint: str, values: np.ndarray, shots: int) -> str:
    """Return the key of all results of one kernel, whatever calibration or repetition.

    Args:
        backend: Identity of the backend, as it enters the kernel id.
        artefact_fingerprint: Of the ISA circuit.
        values: Slot values in radians, shape (rows, slots).
        shots: Shots of each row.
    """
    return fingerprint([backend, artefact_fingerprint, array_fingerprint(values), shots])


class VariantIndex:
    """A folder of results by variant; safe for many processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, variant: str, kernel_id: str, *, executed_at: datetime) -> None:
        """Note that a result is stored."""
        folder = sharded_path(self._folder, variant, "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{executed_at.astimezone(UTC):{_TIME}}{_BETWEEN}{kernel_id}").touch()

    def newest(self, variant: str) -> Iterator[tuple[str, datetime]]:
        """Yield kernel ids with the time of their execution, newest first; the results may have been lost since."""
        folder = sharded_path(self._folder, variant, "")
        names = sorted((path.name for path in folder.iterdir()), reverse=True) if folder.is_dir() else []
        for name in names:
            at, _, kernel_id = name.partition(_BETWEEN)
            yield kernel_id, datetime.strptime(at, _TIME).replace(tzinfo=UTC)
