"""Writing reports: a file a night and the index of them, each replaced as a whole. Put paths and files here."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hybrid_assets.report.gathering import gather
from hybrid_assets.report.page import index_page, night_page
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from hybrid_assets.report.gathering import Evidence
    from hybrid_assets.settings import Settings
    from hybrid_assets.storage.warehouse import Warehouse

FOLDER, INDEX = "reports", "index.html"
_FILE = re.compile(r"\d{4}-\d{2}-\d{2}\.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was written."""

    night: str
    path: Path
    sha256: str
    num_bytes: int
    #: The row of the question `tiles`.
    tiles: Mapping[str, Any]
    evidence: Evidence


def report_path(settings: Settings, night: str) -> Path:
    """Return where a night's report is, or would be."""
    return settings.home / FOLDER / f"{night}.html"


def write_report(settings: Settings, night: str) -> Report:
    """Write a night's report and the index.

    Raises:
        WarehouseError: A file of the warehouse is damaged.
        OSError: The disk refused; the old report is still there.
    """
    folder = settings.home / FOLDER
    evidence = gather(settings, night)
    earlier = max((name for name in _written(folder) if name < night), default=None)
    data = night_page(evidence, earlier=earlier).encode()
    path = report_path(settings, night)
    write_atomically(path, data)
    _write_index(folder, settings, evidence)
    return Report(
        night=night,
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        num_bytes=len(data),
        tiles=evidence["tiles"][0],
        evidence=evidence,
    )


def published_nights(warehouse: Warehouse) -> list[str]:
    """Return the nights that have inputs, oldest first."""
    return sorted({found["night"] for found in warehouse.partitions("normalized_inputs")})


def _written(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.html") if _FILE.fullmatch(path.name) and _is_day(path.stem))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _write_index(folder: Path, settings: Settings, evidence: Evidence) -> None:
    written = _written(folder)
    # A report of an earlier night knows nothing of the nights after it.
    known = evidence if not written or evidence.night >= written[-1] else gather(settings, written[-1])
    numbers = {str(row["night"]): row for row in known["nights"]}
    none = {"verdicts": None, "candidates": None, "effect": None}
    rows = [{**none, **numbers.get(night, {}), "night": night} for night in reversed(written)]
    write_atomically(folder / INDEX, index_page(rows).encode())
