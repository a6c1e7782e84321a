"""Keeping a provider's state small. Put removal of old files here."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from hybrid_assets.providers._job_files import JobFiles

if TYPE_CHECKING:
    from pathlib import Path


def sweep(state: Path, *, older_than_s: float) -> int:
    """Remove ended jobs and kept distributions that are older than a time; return how many files and folders went.

    Args:
        state: The provider's state folder.
        older_than_s: Age in seconds; what is younger stays. Jobs that have not ended always stay.
    """
    before_s = time.time() - older_than_s
    removed = 0
    for folder in state.glob("jobs/*/*"):
        ended_at_s = JobFiles(folder).ended_at_s
        if ended_at_s is not None and ended_at_s < before_s:
            shutil.rmtree(folder)
            removed += 1
    for path in state.glob("distributions/*/*"):
        if path.stat().st_mtime < before_s:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
