"""Reading what lies on a disk, within limits that are checked before anything is parsed. Put no format's meaning here.

A file of our own may be cut, altered or planted. A checksum in the same file says that it is whole, not that it is
ours: so sizes and shapes are looked at first, and nothing a file says about itself is allocated unchecked.
"""

from __future__ import annotations

import io
import json
import math
import stat
import zipfile
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ResultIntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

#: The largest JSON document: labeled data of 5 MiB of CSV takes some 10 MiB.
MAX_DOCUMENT_BYTES = 64 * 2**20
MAX_ARRAYS = 100_000


def read_capped(path: Path, max_bytes: int) -> bytes:
    """Return a regular file's content.

    Raises:
        FileNotFoundError: There is none.
        ResultIntegrityError: It is no regular file, or larger than ``max_bytes``.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):  # opening a pipe would wait for ever
        raise ResultIntegrityError(f"{path} is not a regular file.")
    if facts.st_size > max_bytes:
        raise ResultIntegrityError(f"{path} is larger than {max_bytes} bytes.")
    return path.read_bytes()  # not `read(max_bytes)`, which takes so much memory whatever there is


def read_json(path: Path, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Any:
    """Return the JSON document of a file.

    Raises:
        FileNotFoundError: There is none.
        ResultIntegrityError: See `read_capped`.
        ValueError: It is no JSON, or nested too deeply to be any of ours.
    """
    return parse_json(read_capped(path, max_bytes))


def parse_json(text: bytes | str) -> Any:
    """Return a JSON document.

    Raises:
        ValueError: It is none, or nested too deeply to be any of ours.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_arrays(content: bytes, *, max_bytes: int) -> dict[str, np.ndarray]:
    """Return the arrays of an ``.npz`` by name.

    Refused unread: what unpacks to more than ``max_bytes``, headers that announce more than is there, pickled objects.

    Raises:
        ValueError: It is none of ours.
        zipfile.BadZipFile: It is no archive.
        EOFError: It is cut.
    """
    import numpy as np  # noqa: PLC0415 - half of this module's callers have no arrays

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MAX_ARRAYS or sum(member.file_size for member in members) > max_bytes:
            raise ValueError(f"it unpacks to more than {max_bytes} bytes")
        found: dict[str, np.ndarray] = {}
        for member in members:
            with archive.open(member) as file:
                _check_header(file, member.file_size)
            with archive.open(member) as file:
                found[member.filename.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False)
    return found


def _check_header(file: Any, size: int) -> None:
    """Refuse an array whose header does not say how long the array is."""
    from numpy.lib import format as npy  # noqa: PLC0415 - as above

    if npy.read_magic(file) != (1, 0):
        raise ValueError("an array has a header of another version")
    shape, _, dtype = npy.read_array_header_1_0(file)
    if dtype.hasobject or any(side < 0 for side in shape) or file.tell() + math.prod(shape) * dtype.itemsize != size:
        raise ValueError("an array is not as long as its header says")
