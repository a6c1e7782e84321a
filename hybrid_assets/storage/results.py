"""Kernel results by kernel id: raw counts, immutable, verified before use. Put nothing derived from counts here.

One file a kernel: the SHA-256 of the rest in hex and a newline, then a zlib-compressed ``.npz`` of the three arrays in
the smallest unsigned type that holds them, and the facts as JSON text. Pickle is refused by NumPy at load.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.model.jobs import ExecutionKind, KernelResult, RawCounts
from hybrid_assets.storage.files import set_aside, sharded_path, write_once

if TYPE_CHECKING:
    from pathlib import Path

#: Largest result taken in, on disk and unpacked: 64 million distinct outcomes at 4 bytes.
MAX_BYTES = 256 * 2**20
#: Fast compression: half the size of none for 2 ms a kernel; a better one takes ten times as long for a tenth less.
_LEVEL = 1
#: Fields of a result that are plain JSON. One that a later version adds with a default is absent in older files.
_PLAIN = tuple(field.name for field in fields(KernelResult) if field.name not in {"counts", "execution", "executed_at"})


class FileResultStore:
    """A folder of kernel results; safe for many processes. Implements `hybrid_assets.protocols.ResultStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, kernel_id: str) -> KernelResult | None:
        """Return a verified result, or None. A damaged file is set aside beside its place and counts as absent."""
        path = sharded_path(self._folder, kernel_id, ".npz")
        try:
            return _read(path, kernel_id)
        except FileNotFoundError:
            return None
        except (ResultIntegrityError, ValueError, KeyError, TypeError, zlib.error, zipfile.BadZipFile, EOFError):
            set_aside(path)
            return None

    def put(self, result: KernelResult) -> None:
        """Store a result durably. The first sound result of a kernel is kept.

        Raises:
            ResultIntegrityError: The counts do not add up, or are too large to be loaded again; nothing is stored.
        """
        result.counts.verify(num_bits=result.counts.num_bits, rows=result.counts.num_rows, shots=result.shots)
        if self.get(result.kernel_id) is None:
            write_once(sharded_path(self._folder, result.kernel_id, ".npz"), _encode(result))

    def contains(self, kernel_id: str) -> bool:
        """Whether there is a file for a kernel; only `get` verifies it."""
        return sharded_path(self._folder, kernel_id, ".npz").exists()


def _read(path: Path, kernel_id: str) -> KernelResult:
    if path.stat().st_size > MAX_BYTES:
        raise ResultIntegrityError(f"{path} is larger than {MAX_BYTES} bytes.")
    result = _decode(path.read_bytes())
    if result.kernel_id != kernel_id:
        raise ResultIntegrityError(f"{path} holds the result of {result.kernel_id}.")
    return result


def _encode(result: KernelResult) -> bytes:
    counts = result.counts
    facts: dict[str, Any] = {name: getattr(result, name) for name in _PLAIN}
    facts |= {"num_bits": counts.num_bits, "execution": result.execution.value}
    facts["executed_at"] = result.executed_at.isoformat()
    packed = io.BytesIO()
    np.savez(
        packed,
        facts=np.frombuffer(canonical_json(facts).encode(), dtype=np.uint8),
        outcomes=_smallest(counts.outcomes),
        counts=_smallest(counts.counts),
        offsets=_smallest(counts.offsets),
    )
    if packed.tell() > MAX_BYTES:
        raise ResultIntegrityError(
            f"Kernel {result.kernel_id}: the result takes {packed.tell()} bytes, over {MAX_BYTES}; use fewer rows."
        )
    body = zlib.compress(packed.getvalue(), _LEVEL)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _smallest(values: np.ndarray) -> np.ndarray:
    largest = int(values.max()) if values.size else 0
    return values.astype(np.min_scalar_type(largest))


def _decode(data: bytes) -> KernelResult:
    """Verify first, then unpack, never beyond `MAX_BYTES`, then check that the counts add up."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ResultIntegrityError("The checksum differs.")
    unpacker = zlib.decompressobj()
    packed = unpacker.decompress(body, MAX_BYTES)
    if not unpacker.eof:
        raise ResultIntegrityError("The result is cut or too large.")
    with zipfile.ZipFile(io.BytesIO(packed)) as members:
        if sum(member.file_size for member in members.infolist()) > MAX_BYTES:
            raise ResultIntegrityError("The result is too large.")
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        facts = json.loads(arrays["facts"].tobytes())
        counts = RawCounts(
            num_bits=facts["num_bits"],
            outcomes=arrays["outcomes"].astype(np.uint64),
            counts=arrays["counts"].astype(np.int64),
            offsets=arrays["offsets"].astype(np.int64),
        )
    counts.verify(num_bits=counts.num_bits, rows=counts.num_rows, shots=facts["shots"])
    return KernelResult(
        **{name: facts[name] for name in _PLAIN if name in facts},
        counts=counts,
        execution=ExecutionKind(facts["execution"]),
        executed_at=datetime.fromisoformat(facts["executed_at"]),
    )
