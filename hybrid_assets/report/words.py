"""Text in the report: escaping, numbers, and how wide a text may be. Put forms of text here, no sentences."""

from __future__ import annotations

import html
import math
from datetime import date, datetime

from hybrid_assets.model.results import CONFIDENCE

#: What an interval is worth, as text.
SURE = f"{100 * CONFIDENCE:g} %"
#: What stands for a number that is missing; between two numbers it means "to".
NOTHING = "\u2013"
#: Characters that are narrow in every common sans-serif font, and those that are wide.
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[]-/ "), frozenset("mwMW@%&+=<>~#")


def escape(text: object) -> str:
    """Return a text that is safe between tags and in quoted attributes; control characters are shown, not kept."""
    return html.escape(visible(str(text)), quote=True)


def visible(text: str) -> str:
    """Return a text with each character that cannot be seen, or turns others around, as its number."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def width_of(text: str, size: float) -> float:
    """Return how wide a text may become at a font size: an upper bound for common sans-serif fonts."""
    return size * sum(_em(char) for char in visible(text))


def _em(char: str) -> float:
    if char in _NARROW:
        return 0.42
    if char in _WIDE:
        return 1.0  # a W of DejaVu Sans is 0.989
    if not char.isascii():
        return 1.05
    return 0.8 if char.isupper() else 0.64


def fitted(text: str, size: float, width: float) -> str:
    """Return a text cut with an ellipsis so that it fits a width; its beginning and end both tell things apart."""
    text = visible(text)
    if width_of(text, size) <= width:
        return text
    head, tail = len(text), 0
    while head > 1:
        head -= 1
        tail = min(head // 3, len(text) // 3)
        short = f"{text[: head - tail]}…{text[len(text) - tail :]}" if tail else f"{text[:head]}…"
        if width_of(short, size) <= width:
            return short
    return "…" if width_of("…", size) <= width else ""


def number(value: object, *, digits: int = 4, sign: bool = False) -> str:
    """Return a number with so many significant digits; a dash for one that is missing or not finite."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0:
        return "0"
    plus = "+" if sign else ""
    if isinstance(value, int):
        return f"{value:{plus},}"
    return f"{value:{plus},.0f}" if abs(value) >= 10.0**digits else f"{value:{plus}.{digits}g}"


def is_interval(confidence: float | None) -> bool:
    """Tell whether the ends of an interval are worth showing as one."""
    return confidence is not None and confidence >= CONFIDENCE


def interval(
    middle: float | None, low: float | None, high: float | None, confidence: float | None, *, sign: bool = True
) -> str:
    """Return ``+0.12 [-0.01, +0.25]``; why there is none where the ends are not worth it; a dash without a number."""
    shown = [number(value, digits=3, sign=sign) for value in (middle, low, high)]
    if middle is None:
        return NOTHING
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if is_interval(confidence) else f"{shown[0]} (too few instances)"


def seconds(value: float | None) -> str:
    """Return a duration with its unit."""
    if value is None:
        return NOTHING
    return f"{number(value * 1e3, digits=3)} ms" if 0 < value < 0.1 else f"{number(value, digits=3)} s"


def day(value: date | str) -> str:
    """Return a night's month and day."""
    text = value.isoformat() if isinstance(value, date) else value
    return text[5:10]


def clock(value: datetime) -> str:
    """Return a time of day in UTC."""
    return f"{value:%H:%M:%S}"
