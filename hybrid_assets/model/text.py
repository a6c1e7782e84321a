"""Words for messages. Put phrases that several layers need here."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"Did you mean 'x'? "`` for the nearest known word, or an empty string."""
    match = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {match[0]!r}? " if match else ""


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``1 night`` or ``3 nights``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def decimal_comma(text: str) -> str:
    """Return ``"; write 1.60, with a point"`` for a number written with a comma, else an empty string."""
    return f"; write {text.replace(',', '.')}, with a point" if re.fullmatch(r"[+-]?\d*,\d+", text, re.ASCII) else ""
