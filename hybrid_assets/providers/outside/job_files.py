"""The files of one job of `LocalJobs`. Put what is stored here; keep execution out.

jobs/ID/request.npz   the request, written before the handle is returned, and never again
jobs/ID/pub_0.npz     each PUB's counts, as soon as they are known
jobs/ID/outcome.json  how the job ended, written once and whole: the only thing that ends it
jobs/ID/lock          held by the process that executes it; the kernel lets go when that process dies
jobs/ID/started, cancel
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import parcels
from .errors import AdapterError
from .records import PubCounts, Report, Request, Result, now

if TYPE_CHECKING:
    from pathlib import Path


class JobFiles:
    """The files of one job."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.name = folder, folder.name
        self._request, self._outcome = folder / "request.npz", folder / "outcome.json"

    @property
    def is_known(self) -> bool:
        """Whether there is a request."""
        return self._request.exists()

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked to stop."""
        return (self._folder / "cancel").exists()

    def store(self, document: dict[str, Any], arrays: dict[str, Any]) -> bool:
        """Write the request; False where there is one that can be read."""
        if parcels.write(self._request, document, arrays, replace=False) is not None:
            return True
        try:
            self.request()
        except AdapterError:
            return parcels.write(self._request, document, arrays) is not None
        return False

    def is_for(self, request: Request) -> bool:
        """Tell whether the stored request asks for the same."""
        return _content(self.request()) == _content(request)

    def request(self) -> Request:
        """Return the request."""
        try:
            return Request.from_parcel(*parcels.read(self._request))
        except (parcels.ParcelError, KeyError, TypeError) as exc:
            raise AdapterError("job_failed", f"The request of job {self.name} is damaged: {exc}") from exc

    @property
    def submitted_at(self) -> str:
        """When the request was written, which happens once."""
        return datetime.fromtimestamp(self._request.stat().st_mtime, timezone.utc).isoformat()  # noqa: UP017 - as `now`

    def lock(self) -> int | None:
        """Take the job's lock; return its descriptor, or None when someone has it."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def started_at(self) -> str | None:
        """Return when an execution first began, be it one that died."""
        try:
            return (self._folder / "started").read_text()
        except FileNotFoundError:
            return None

    def mark_started(self) -> None:
        """Tell that an execution has begun; the first time counts."""
        parcels.write_file(self._folder / "started", now().encode(), replace=False)

    def mark_cancelled(self) -> None:
        """Ask whoever executes it to stop."""
        (self._folder / "cancel").touch()

    def has_counts(self, index: int) -> bool:
        """Tell whether a PUB has been executed."""
        return self._counts(index).exists()

    def keep_counts(self, index: int, counts: PubCounts) -> None:
        """Write what a PUB gave."""
        parcels.write(self._counts(index), *Result((counts,), "", "").to_parcel())

    def end(self, status: str, *, num_pubs: int = 0, **facts: Any) -> None:
        """Write how the job ended."""
        report = Report(
            status=status, submitted_at=self.submitted_at, started_at=self.started_at(), finished_at=now(), **facts
        )
        sums = [hashlib.sha256(self._counts(i).read_bytes()).hexdigest() for i in range(num_pubs)]
        parcels.write_file(self._outcome, json.dumps({"report": report.to_json(), "sha256": sums}).encode())

    def report(self) -> Report | None:
        """Return how the job ended; None while it has not. A damaged outcome is set aside and counts as none."""
        try:
            facts = json.loads(self._outcome.read_text())["report"]
            return Report(**{**facts, "blamed_kernel_ids": tuple(facts["blamed_kernel_ids"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            self._set_aside(self._outcome)
            return None

    def result(self, report: Report) -> Result:
        """Return the counts of all PUBs; damaged ones are set aside, so that the next poll computes them again."""
        pubs: list[PubCounts] = []
        for index, sha in enumerate(json.loads(self._outcome.read_text())["sha256"]):
            try:
                pubs += Result.from_parcel(*parcels.read(self._counts(index), sha)).pubs
            except (parcels.ParcelError, KeyError, TypeError) as exc:
                self._set_aside(self._outcome)
                self._set_aside(self._counts(index))
                raise AdapterError(
                    "result_integrity", f"{exc} It was set aside; the next poll computes it again."
                ) from exc
        return Result(tuple(pubs), str(report.started_at), str(report.finished_at))

    def _counts(self, index: int) -> Path:
        return self._folder / f"pub_{index}.npz"

    @staticmethod
    def _set_aside(path: Path) -> None:
        if path.exists():
            path.replace(path.with_suffix(".damaged"))


def _content(request: Request) -> list[tuple[str, str, int, int]]:
    """Return what makes two requests the same; QPY bytes differ in every process."""
    return [(pub.kernel_id, pub.artefact_fingerprint, pub.shots, pub.seed) for pub in request.pubs]
