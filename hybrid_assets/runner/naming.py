"""Names that a person typed: known ones come back, others are refused with the nearest right one.

Put that here for what needs no Dagster; which nights the schedule has is `defs`'s to tell.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from hybrid_assets.errors import UsageError
from hybrid_assets.model.text import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hybrid_assets.settings import Settings


def backend_named(settings: Settings, name: str) -> str:
    """Return the name of a backend.

    Raises:
        UsageError: The settings have none of that name.
    """
    return _known(name, settings.backends, f"backend {name!r} in {settings.file}")


def workload_named(settings: Settings, name: str) -> str:
    """Return the name of a workload.

    Raises:
        UsageError: The settings have none of that name.
    """
    return _known(name, settings.workloads, f"workload {name!r} in {settings.file}")


def night_named(settings: Settings, text: str) -> str:
    """Return a night as its partition key.

    Raises:
        UsageError: It is no date, or before the sweep's first night.
    """
    try:
        night = date.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f"{text!r} is no night. Write it as YYYY-MM-DD, from {settings.start} on.") from exc
    if night < settings.start or night.isoformat() != text:
        raise UsageError(f"{text!r} is not a night of this sweep. Nights are YYYY-MM-DD, from {settings.start} on.")
    return text


def team_named(settings: Settings, name: str, *, others: Collection[str] = ()) -> str:
    """Return the name of a team: of a workload, of a budget, or one of the others.

    Raises:
        UsageError: Nobody has that name.
    """
    teams: Sequence[str] = sorted(
        {*(w.team for w in settings.workloads.values()), *(b.team for b in settings.budgets), *others}
    )
    return _known(name, teams, f"team {name!r}")


def _known(name: str, known: Collection[str], what: str) -> str:
    if name not in known:
        raise UsageError(f"There is no {what}. {nearest(name, known)}Known: {', '.join(known)}.")
    return name
