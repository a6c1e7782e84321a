"""Kernel results by kernel id: raw counts, immutable, verified before use. Put nothing derived from counts here.

One file a kernel, see `storage.sealed` for its form.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.jobs import ExecutionKind, KernelResult, RawCounts
from hybrid_assets.storage.files import set_aside, sharded_path, write_once
from hybrid_assets.storage.sealed import DAMAGE, read_sealed, seal

if TYPE_CHECKING:
    from pathlib import Path

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
        except DAMAGE:
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
    facts, arrays = read_sealed(path)
    if facts["kernel_id"] != kernel_id:
        raise ResultIntegrityError(f"{path} holds the result of {facts['kernel_id']}.")
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


def _encode(result: KernelResult) -> bytes:
    counts = result.counts
    facts: dict[str, Any] = {name: getattr(result, name) for name in _PLAIN}
    facts |= {"num_bits": counts.num_bits, "execution": result.execution.value}
    facts["executed_at"] = result.executed_at.isoformat()
    return seal(facts, {name: getattr(counts, name) for name in ("outcomes", "counts", "offsets")})
