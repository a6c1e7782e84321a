"""Requests and results as files between the two sides. Put what is written to and read from the state folder here.

outbox/  requests for one call, removed after it       inbox/  results of one call, removed once read
"""

from __future__ import annotations

import io
import time
import uuid
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits import payload
from hybrid_assets.errors import CompilationError, ResultIntegrityError, TransientProviderError
from hybrid_assets.providers.outside import Pub, Request, Result, parcels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hybrid_assets.model.jobs import JobRequest
    from hybrid_assets.model.jobs import Pub as OurPub

#: A call ends long before; what is older was left by a process that died.
LEFT_BEHIND_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """The two folders of one backend."""

    state: Path

    @contextmanager
    def posted(self, request: JobRequest, *, qpy_version: int) -> Iterator[dict[str, str]]:
        """Write a request for the time of a call; gives what the call must say of it.

        Raises:
            ResultIntegrityError: A payload was altered.
            CompilationError: A circuit cannot be written at this QPY version.
            TransientProviderError: The disk refused; nothing was accepted.
        """
        name = f"{uuid.uuid4().hex}.npz"
        path = self.state / "outbox" / name
        theirs = Request(
            request.request_id,
            request.backend,
            tuple(_rewritten(pub, qpy_version) for pub in request.pubs),
            request.options,
        )
        try:
            sha = parcels.write(path, *theirs.to_parcel())
        except OSError as exc:
            raise TransientProviderError(f"The request could not be written: {exc}.") from exc
        try:
            yield {"file": name, "sha256": str(sha)}
        finally:
            path.unlink(missing_ok=True)

    def collected(self, answer: Any) -> Result:
        """Return the result that an answer names, and remove its file.

        Raises:
            ResultIntegrityError: It names none of ours, or what it names is damaged.
        """
        try:
            name, sha = str(answer["file"]), str(answer["sha256"])
        except (KeyError, TypeError) as exc:
            raise ResultIntegrityError(f"The answer {answer!r} names no result.") from exc
        path = self.state / "inbox" / name
        if path.name != name or name.startswith("."):
            raise ResultIntegrityError(f"The answer names {name!r}, which is no file of the inbox.")
        try:
            return Result.from_parcel(*parcels.read(path, sha))
        except (parcels.ParcelError, KeyError, TypeError) as exc:
            raise ResultIntegrityError(f"The result did not arrive whole: {exc}") from exc
        finally:
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what processes that died have left behind."""
        before_s = time.time() - LEFT_BEHIND_S
        for path in (*self.state.glob("outbox/*"), *self.state.glob("inbox/*")):
            if path.stat().st_mtime < before_s:
                path.unlink(missing_ok=True)


def _rewritten(pub: OurPub, qpy_version: int) -> Pub:
    """Return a PUB with its circuit at a QPY version that the other Qiskit reads."""
    from qiskit import qpy  # noqa: PLC0415 - qiskit costs half a second: only when used
    from qiskit.exceptions import QiskitError  # noqa: PLC0415 - as above

    circuit, buffer = payload.load(pub.payload, pub.payload_sha), io.BytesIO()
    try:
        qpy.dump(circuit, buffer, version=qpy_version)
    except (QiskitError, TypeError, ValueError) as exc:
        raise CompilationError(f"{pub.kernel_id}: not writable as QPY {qpy_version}: {exc}") from exc
    return Pub(
        kernel_id=pub.kernel_id,
        artefact_fingerprint=pub.artefact_fingerprint,
        measured_qubits=pub.measured_qubits,
        shots=pub.shots,
        seed=pub.seed,
        qpy=zlib.compress(buffer.getvalue(), 6),
        values=pub.values,
    )
