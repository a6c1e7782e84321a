"""Parcels: a JSON document and numpy arrays in one npz file, written as a whole. Put the file format here.

No pickle on either side. The checksum travels beside the file (in the message that names it, or in the document of the
job it belongs to) and is verified before anything is parsed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Name of the document among the arrays.
_DOCUMENT = "document"
#: Nothing that is exchanged comes near it; a larger file is a mistake.
MAX_PARCEL_BYTES = 1 << 30


class ParcelError(Exception):
    """A parcel is missing, cut, altered or none."""


def write(
    path: Path, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, replace: bool = True
) -> str | None:
    """Write a parcel atomically and durably; return its SHA-256, None where `write_file` left an older one alone.

    Raises:
        OSError: The disk refused.
    """
    line = json.dumps(document, sort_keys=True).encode()
    blob = io.BytesIO()
    np.savez(blob, **dict[str, Any]({_DOCUMENT: np.frombuffer(line, dtype=np.uint8), **arrays}))
    content = blob.getvalue()
    return hashlib.sha256(content).hexdigest() if write_file(path, content, replace=replace) else None


def read(path: Path, sha256: str | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return document and arrays of a parcel.

    Args:
        path: The file.
        sha256: What its checksum must be; None leaves it to the checksums inside the file.

    Raises:
        ParcelError: There is none, or it is damaged.
    """
    try:
        if path.stat().st_size > MAX_PARCEL_BYTES:
            raise ParcelError(f"{path.name} is larger than {MAX_PARCEL_BYTES} bytes.")
        content = path.read_bytes()
    except OSError as exc:
        raise ParcelError(f"{path.name} cannot be read: {exc}.") from exc
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ParcelError(f"{path.name} does not match its checksum; it was cut or altered.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            if sum(member.file_size for member in members.infolist()) > MAX_PARCEL_BYTES:
                raise ParcelError(f"{path.name} unpacks to more than {MAX_PARCEL_BYTES} bytes.")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        document = json.loads(arrays.pop(_DOCUMENT).tobytes())
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, MemoryError, RecursionError) as exc:
        raise ParcelError(f"{path.name} is no parcel ({type(exc).__name__}: {exc}).") from exc
    if not isinstance(document, dict):
        raise ParcelError(f"{path.name} holds no document.")
    return document, arrays


def write_file(path: Path, content: bytes, *, replace: bool = True) -> bool:
    """Write a file as a whole: after a crash the old or the new one is there.

    Returns:
        Whether it was written: with ``replace`` false a file that exists is left alone.

    Raises:
        OSError: The disk refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)  # noqa: PTH105 - `temporary` is a plain string of mkstemp
            return True
        try:
            os.link(temporary, path)  # fails where `path` exists, at one stroke
        except FileExistsError:
            return False
        return True
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108 - as above
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
