"""The batch that a backend's jobs share. Put its life here.

One batch a request would double the POSTs, of which IBM takes about five a minute, and a batch of one job gains nothing
over a job on its own. So all requests of a backend, from all processes of a state folder, go into one batch for an
hour: one more POST an hour, and their classical parts run side by side. A batch bills the jobs' own seconds, not the
time it is open; one that was made and never used (a lost answer, two processes at once) costs nothing and ends by
itself. A batch that the service has closed meanwhile refuses the job, which then goes into a new one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.providers import _archive
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

#: Younger batches are used; IBM closes them after 8 hours.
USED_FOR = timedelta(hours=1)


class SharedBatch:
    """The batch in use, kept in a file."""

    def __init__(self, path: Path, *, scope: str) -> None:
        """Open the file.

        Args:
            path: The file.
            scope: Device, instance and service that a batch belongs to.
        """
        self._path, self._scope = path, scope

    def usable(self, now: datetime) -> str | None:
        """Return the id of the batch in use; None where there is none that is young enough."""
        try:
            document = _archive.read_document(self._path)
        except (FileNotFoundError, ResultIntegrityError):
            return None
        if document["scope"] != self._scope:
            return None
        age = now - datetime.fromisoformat(document["opened_at"])
        return str(document["batch_id"]) if timedelta(0) <= age < USED_FOR else None

    def keep(self, batch_id: str, opened_at: datetime) -> None:
        """Use a new batch."""
        document = {"batch_id": batch_id, "opened_at": opened_at.isoformat(), "scope": self._scope}
        write_atomically(self._path, _archive.pack(document, {}))
