"""Exact distributions on disk, so that other shots, seeds and repetitions of a known one need no simulation.

A cache: entries are checked when read, and a damaged or missing one is only computed again, so nothing is synced. Put
the keeping of distributions here; keep their making out.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.storage.files import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: Bytes of the distributions of one kernel beyond which they are not kept: 4,096 rows at 11 bits, 8 rows at 20.
MAX_KEPT_BYTES = 64 << 20
_SHA_BYTES = 32


class Distributions:
    """Distributions of kernels by key: float64, shape (rows, 2**num_bits)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, *, rows: int, num_bits: int) -> np.ndarray | None:
        """Return verified distributions, or None where there are none to be had."""
        try:
            stored = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        body = memoryview(stored)[_SHA_BYTES:]
        if hashlib.sha256(body).digest() != stored[:_SHA_BYTES] or len(body) != rows << num_bits + 3:
            return None
        return np.frombuffer(body, dtype="<f8").reshape(rows, 1 << num_bits)

    def keep(self, key: str, chunks: Iterable[np.ndarray], *, rows: int, num_bits: int) -> Iterator[np.ndarray]:
        """Pass chunks of rows on; once all have passed, store them unless they are too large."""
        if rows << num_bits + 3 > MAX_KEPT_BYTES:
            yield from chunks
            return
        passed = []
        for chunk in chunks:
            passed.append(chunk)
            yield chunk
        self._put(key, b"".join(np.ascontiguousarray(chunk, dtype="<f8").tobytes() for chunk in passed))

    def _put(self, key: str, body: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY_PREFIX)
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).digest())
            file.write(body)
        os.replace(temporary, path)  # noqa: PTH105 - `temporary` is a plain string of mkstemp

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.f64"
