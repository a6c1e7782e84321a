"""Reading a section of a backend's settings: refusals that name the key, the value and what is expected.

Put kinds of values several providers take here; keys, defaults and ranges stay with the provider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.text import decimal_comma, nearest


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the settings; every method raises `ConfigurationError` when a value is wrong."""

    #: Where it stands, for example ``backends.emulator``; messages begin with it.
    place: str
    raw: Mapping[str, Any]
    #: Keys that may occur.
    known: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        if not isinstance(self.raw, Mapping):
            raise ConfigurationError(f"{self.place}: {self.raw!r} is wrong; expected keys {', '.join(self.known)}.")
        for key in self.raw:
            if key not in self.known:
                raise ConfigurationError(
                    f"{self.place}.{key}: unknown key. {nearest(str(key), self.known)}Known: {', '.join(self.known)}."
                )

    def number(self, key: str, default: float, *, least: float = 0.0, most: float = math.inf) -> float:
        """Return a finite number from ``least`` to ``most``."""
        value = self.raw.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not least <= value <= most:
            span = f"from {least:g} to {most:g}" if math.isfinite(most) else f"of at least {least:g}"
            raise self.wrong(key, value, f"a number {span}")
        return float(value)

    def integer(self, key: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """Return a whole number from ``least`` to ``most``."""
        value = self.raw.get(key, default)
        if type(value) is not int or value < least or (most is not None and value > most):
            span = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise self.wrong(key, value, f"a whole number {span}")
        return value

    def optional_integer(self, key: str, default: int | None, *, least: int = 1) -> int | None:
        """Return a whole number of at least ``least``, or None."""
        value = self.raw.get(key, default)
        return None if value is None else self.integer(key, value, least=least)

    def optional_number(self, key: str, *, least: float = 0.0) -> float | None:
        """Return a number of at least ``least``, or None where there is none."""
        return None if self.raw.get(key) is None else self.number(key, 0.0, least=least)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.raw.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        value = self.raw.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, value, "a text")
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.raw.get(key, default)
        if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
            raise self.wrong(key, value, "a list of texts")
        return tuple(value)

    def moment(self, key: str) -> datetime | None:
        """Return an aware time, written as ISO 8601 with an offset; None where there is none."""
        value = self.raw.get(key)
        if value is None:
            return None
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except (TypeError, ValueError):
            found = None
        if found is None or found.tzinfo is None:
            raise self.wrong(key, value, "a time with its offset, such as 2026-11-24T02:00:00+00:00")
        return found.astimezone(UTC)

    def section(self, key: str, known: Sequence[str], *, short: str | None = None) -> Section:
        """Return a section below a key; a lone number stands for its key ``short``."""
        value = self.raw.get(key)
        if value is None:
            value = {}
        elif short is not None and isinstance(value, int | float):
            value = {short: value}
        return Section(f"{self.place}.{key}", value, known)

    def sections(self, key: str, known: Sequence[str]) -> list[Section]:
        """Return the sections of a list below a key."""
        value = self.raw.get(key) or []
        if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
            raise self.wrong(key, value, f"a list of mappings with the keys {', '.join(known)}")
        return [Section(f"{self.place}.{key}[{i}]", item, known) for i, item in enumerate(value)]

    def wrong(self, key: str, value: object, expected: str) -> ConfigurationError:
        """Return the error of a wrong value."""
        comma = decimal_comma(value) if isinstance(value, str) else ""
        return ConfigurationError(f"{self.place}.{key}: {value!r} is wrong; expected {expected}{comma}.")
