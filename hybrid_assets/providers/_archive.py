"""One file that holds a JSON document and numpy arrays, with checksums. Put the file format here; keep meanings out.

Layout: SHA-256 of the document line, newline, the document (one line of JSON that also holds the SHA-256 of the rest),
newline, the arrays as an uncompressed npz. So a reader who wants only the document need not read the arrays. No pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ARRAYS_SHA = "arrays_sha256"


def pack(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Encode a document and its arrays."""
    blob = io.BytesIO()
    if arrays:
        np.savez(blob, **dict[str, Any](arrays))
    body = blob.getvalue()
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
        ResultIntegrityError: Anything in it is damaged.
    """
    with path.open("rb") as file:
        document = _document(file, path)
        body = file.read()
    if hashlib.sha256(body).hexdigest() != document[_ARRAYS_SHA]:
        raise _damaged(path)
    if not body:
        return document, {}
    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        return document, {name: stored[name] for name in stored.files}


def _document(file: BinaryIO, path: Path) -> dict[str, Any]:
    checksum, line = file.readline().rstrip(b"\n"), file.readline().rstrip(b"\n")
    if hashlib.sha256(line).hexdigest().encode() != checksum:
        raise _damaged(path)
    document: dict[str, Any] = json.loads(line)
    return document


def _damaged(path: Path) -> ResultIntegrityError:
    return ResultIntegrityError(
        f"{path.name} in {path.parent.name} does not match its checksum; it was cut or altered."
    )
