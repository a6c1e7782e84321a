"""One file that holds a JSON document and numpy arrays, with checksums. Put the file format here; keep meanings out.

Layout: SHA-256 of the document line, newline, the document (one line of JSON that also holds the SHA-256 of the rest),
newline, the arrays as an uncompressed npz. So a reader who wants only the document need not read the arrays. No pickle.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hybrid_assets.errors import CapacityError, ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.storage.loading import MAX_DOCUMENT_BYTES, parse_json, read_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ARRAYS_SHA = "arrays_sha256"
#: Largest arrays of one job: a batch of kernels, or its counts.
MAX_ARRAYS_BYTES = 512 * 2**20
_SHA_HEX_LENGTH = 64


def pack(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Encode a document and its arrays.

    Raises:
        CapacityError: The arrays are too large to be read again.
    """
    blob = io.BytesIO()
    if arrays:
        np.savez(blob, **dict[str, Any](arrays))
    body = blob.getvalue()
    if len(body) > MAX_ARRAYS_BYTES:
        raise CapacityError(f"A job of {len(body)} bytes is too large; the cap is {MAX_ARRAYS_BYTES}. Split it.")
    line = canonical_json({**document, _ARRAYS_SHA: hashlib.sha256(body).hexdigest()}).encode()
    return b"\n".join([hashlib.sha256(line).hexdigest().encode(), line, body])


def read_document(path: Path) -> dict[str, Any]:
    """Return the document of a file without reading its arrays.

    Raises:
        FileNotFoundError: There is no such file.
        ResultIntegrityError: The document is damaged.
    """
    with path.open("rb") as file:
        return _document(file, path)


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return document and arrays of a file, both verified.

    Raises:
        FileNotFoundError: There is no such file.
        ResultIntegrityError: Anything in it is damaged, or too large.
    """
    with path.open("rb") as file:
        document = _document(file, path)
        if path.stat().st_size > MAX_ARRAYS_BYTES + MAX_DOCUMENT_BYTES:
            raise _damaged(path)
        body = file.read()
    if hashlib.sha256(body).hexdigest() != document[_ARRAYS_SHA]:
        raise _damaged(path)
    try:
        return document, read_arrays(body, max_bytes=MAX_ARRAYS_BYTES) if body else {}
    except (ValueError, EOFError, zipfile.BadZipFile) as exc:
        raise _damaged(path) from exc


def _document(file: BinaryIO, path: Path) -> dict[str, Any]:
    checksum = file.readline(_SHA_HEX_LENGTH + 1).rstrip(b"\n")
    line = file.readline(MAX_DOCUMENT_BYTES).rstrip(b"\n")
    if hashlib.sha256(line).hexdigest().encode() != checksum:
        raise _damaged(path)
    try:
        document = parse_json(line)
    except ValueError as exc:
        raise _damaged(path) from exc
    if not isinstance(document, dict) or _ARRAYS_SHA not in document:
        raise _damaged(path)
    return document


def _damaged(path: Path) -> ResultIntegrityError:
    return ResultIntegrityError(
        f"{path.name} in {path.parent.name} does not match its checksum; it was cut or altered."
    )
