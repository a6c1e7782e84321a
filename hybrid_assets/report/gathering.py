"""Asking everything the report says, at once. Put no SQL here (`storage.report_questions`) and no words (`cards`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.storage.report_questions import REPORT_QUESTIONS, as_asked
from hybrid_assets.storage.snapshot import query_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from hybrid_assets.settings import Settings

#: A row of an answer by column.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of a night, as answers to named questions."""

    night: str
    settings: Settings
    answers: Mapping[str, Sequence[Row]]

    def __getitem__(self, question: str) -> Sequence[Row]:
        return self.answers[question]

    def sql(self, question: str) -> str:
        """Return the text of a question as `hybrid-assets sql` takes it."""
        return as_asked(question, self.night)

    def is_simulated(self, workload: str, backend: str) -> bool | None:
        """Tell whether a cell's results of tonight were simulated or emulated; None: nothing was executed."""
        kinds = [
            row["execution"] for row in self["kernels"] if (row["workload"], row["backend"]) == (workload, backend)
        ]
        found = {kind for text in kinds if text for kind in text.split(", ")}
        return None if not found else found != {"qpu"}


def every_night(rows: Sequence[Row]) -> list[date]:
    """Return all nights from the first to the last of an answer; those on which nothing ran are gaps, not left out."""
    found = [row["night"] for row in rows]
    if not found:
        return []
    first, last = min(found), max(found)
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def gather(settings: Settings, night: str) -> Evidence:
    """Ask every question of the report about a night.

    Args:
        settings: Whose state.
        night: The night, a date.

    Raises:
        WarehouseError: A file is damaged.
    """
    asked = query_all(settings.home, list(REPORT_QUESTIONS.values()), parameters=[night])
    answers = {
        name: [dict(zip(columns, row, strict=True)) for row in rows]
        for name, (columns, rows) in zip(REPORT_QUESTIONS, asked, strict=True)
    }
    return Evidence(night=night, settings=settings, answers=answers)
