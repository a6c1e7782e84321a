"""The server's clock, which may differ from this machine's. Put the writing and reading of dates here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ServerClock:
    """Dates as the server sees them."""

    def __init__(self, skew_s: float) -> None:
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> datetime:
        """Return the server's time (UTC)."""
        return datetime.now(UTC) + self._skew


def write_date(date: datetime | None) -> str | None:
    """Return a date as the API writes it."""
    return None if date is None else date.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_date(text: str) -> datetime:
    """Return a date of a query; without an offset it is UTC, as the API says."""
    date = datetime.fromisoformat(text)
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
