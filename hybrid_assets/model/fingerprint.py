"""Content hashes. Put canonical encodings here; keep the choice of *what* to hash with its owner.

Never hash QPY, pickle or ``hash()``: all three differ between processes.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np


def canonical_json(document: object) -> str:
    """Encode a JSON document so that equal content gives equal text.

    Raises:
        ValueError: The document holds NaN or an infinity, which have no canonical form.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def fingerprint(document: object) -> str:
    """Return the SHA-256 (64 hex digits) of a JSON document's canonical text."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def array_fingerprint(values: np.ndarray) -> str:
    """Return the SHA-256 of an array's shape and little-endian float64 values; -0.0 counts as 0.0."""
    exact = np.ascontiguousarray(np.asarray(values, dtype="<f8") + 0.0)
    digest = hashlib.sha256(repr(exact.shape).encode())
    digest.update(exact.tobytes())
    return digest.hexdigest()


def seed_from(*parts: str) -> int:
    """Derive a 63-bit seed from text, the same in every process."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:8], "big") >> 1
