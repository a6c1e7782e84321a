"""Arrays and facts in one checksummed file: what it takes to write and to trust it. Put no meaning of them here.

The SHA-256 of the rest in hex and a newline, then a zlib-compressed ``.npz``: each array in the smallest unsigned type
that holds it (float64 stays), and the facts as JSON text. Pickle is refused by NumPy at load.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.storage.loading import parse_json, read_arrays, read_capped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Largest content taken in, on disk and unpacked: 64 million distinct outcomes at 4 bytes.
MAX_BYTES = 256 * 2**20
#: Fast compression: half the size of none for 2 ms a kernel; a better one takes ten times as long for a tenth less.
_LEVEL = 1
#: What reading a damaged or foreign file may end with.
DAMAGE = (ResultIntegrityError, ValueError, KeyError, TypeError, zlib.error, zipfile.BadZipFile, EOFError)


def seal(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the content of a file that holds facts (plain JSON) and arrays (unsigned integers or float64).

    Raises:
        ResultIntegrityError: It would be too large to be loaded again.
    """
    packed = io.BytesIO()
    text = np.frombuffer(canonical_json(facts).encode(), dtype=np.uint8)
    small: dict[str, Any] = {name: _smallest(values) for name, values in arrays.items()}
    np.savez(packed, facts=text, **small)
    if packed.tell() > MAX_BYTES:
        raise ResultIntegrityError(f"It takes {packed.tell()} bytes, over {MAX_BYTES}; use fewer rows.")
    body = zlib.compress(packed.getvalue(), _LEVEL)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def read_sealed(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return facts and arrays of a file: verified first, then unpacked, never beyond `MAX_BYTES`.

    Raises:
        FileNotFoundError: There is none.
        ResultIntegrityError: It is damaged; so do the other errors of `DAMAGE` say.
    """
    digest, _, body = read_capped(path, MAX_BYTES).partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ResultIntegrityError("The checksum differs.")
    unpacker = zlib.decompressobj()
    packed = unpacker.decompress(body, MAX_BYTES)
    if not unpacker.eof:
        raise ResultIntegrityError("The file is cut or too large.")
    arrays = read_arrays(packed, max_bytes=MAX_BYTES)
    return parse_json(arrays.pop("facts").tobytes()), arrays


def _smallest(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.float64:
        return values
    largest = int(values.max()) if values.size else 0
    return values.astype(np.min_scalar_type(largest))
