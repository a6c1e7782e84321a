"""What the worker may know, and how that is kept out of everything it says. Put its environment here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: What stands in the place of a secret.
MASK = "***"
#: A shorter value is no secret, and masking it would spoil words.
LEAST_SECRET_CHARS = 6


def worker_environment(names: Sequence[str], *, home: Path) -> dict[str, str]:
    """Return the whole environment of a worker: a clean one, and the variables of these names that are set."""
    clean = {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "TZ": "UTC",
        "QISKIT_PARALLEL": "FALSE",
        "QISKIT_SETTINGS": os.devnull,
    }
    return {**clean, **{name: os.environ[name] for name in names if name in os.environ}}


class Scrubber:
    """Masks the values of environment variables in what comes back."""

    def __init__(self, names: Sequence[str]) -> None:
        values = {value for name in names if len(value := os.environ.get(name, "")) >= LEAST_SECRET_CHARS}
        # The longest first: one value may be a part of another.
        self._forbidden = sorted({*values, *(quote(v, safe="") for v in values)}, key=lambda v: (-len(v), v))

    def text(self, text: str) -> str:
        """Return a text without the values."""
        for value in self._forbidden:
            text = text.replace(value, MASK)
        return text

    def answer(self, value: Any) -> Any:
        """Return JSON values without the values of the variables in any text or key."""
        if not self._forbidden:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.answer(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.answer(item) for key, item in value.items()}
        return value
