"""What is remembered of a request: enough to know its result when it comes home, in any process of this state folder.

The service tells neither kernels nor requests apart, but it repeats the name of each circuit's classical register in
the result. So every circuit is sent with a register named after request, place and kernel, and a result of another job,
of another order, or of another circuit is recognized by its names. Put this record here; keep circuits out.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError, PermanentProviderError
from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint
from hybrid_assets.providers import _archive
from hybrid_assets.storage.files import sharded_path, write_once

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from hybrid_assets.model.jobs import JobRequest, Pub


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPub:
    """One PUB as it was sent."""

    kernel_id: str
    #: Classical register of each circuit sent for it: one, or one a row where the circuit has no parameter.
    registers: tuple[str, ...]
    #: Whether its circuit has no parameter, so that the service knows no rows of it.
    is_bare: bool
    num_bits: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request as it was sent."""

    request_id: str
    #: Shots that each row was asked for.
    shots: int
    #: Randomizations of each row, 0 where nothing is twirled, and the shots of each.
    randomizations: int
    shots_each: int
    #: Hash of kernels, circuits, values and shots.
    content: str
    pubs: tuple[SentPub, ...]


#: Randomizations of a twirled circuit, as many as the service itself would choose: 32, or one for 64 shots.
MAX_RANDOMIZATIONS, LEAST_SHOTS_EACH = 32, 64


def describe(request: JobRequest, *, bare: Collection[int] = (), is_twirled: bool) -> SentRequest:
    """Return what is to be remembered of a request.

    Args:
        request: The request.
        bare: Places of the PUBs whose circuit has no parameter.
        is_twirled: Whether the shots are spread over randomizations; the last may then be longer than asked for.

    Raises:
        PermanentProviderError: Its rows differ in shots, which the service does not take in one job.
    """
    all_shots = {pub.shots for pub in request.pubs}
    if len(all_shots) != 1:
        raise PermanentProviderError(
            f"Request {request.request_id} asks for {sorted(all_shots)} shots; one job takes one number of shots. "
            "Submit a job for each."
        )
    shots = all_shots.pop()
    randomizations = min(MAX_RANDOMIZATIONS, -(-shots // LEAST_SHOTS_EACH)) if is_twirled else 0
    return SentRequest(
        request_id=request.request_id,
        shots=shots,
        randomizations=randomizations,
        shots_each=-(-shots // randomizations) if randomizations else shots,
        content=fingerprint(
            [
                [pub.kernel_id, pub.artefact_fingerprint, array_fingerprint(pub.values), pub.shots]
                for pub in request.pubs
            ]
        ),
        pubs=tuple(
            _sent(request.request_id, place, pub, is_bare=place in bare) for place, pub in enumerate(request.pubs)
        ),
    )


class SentRequests:
    """The requests of one backend, one small file each, written before the POST."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sent: SentRequest) -> None:
        """Remember a request.

        Raises:
            PermanentProviderError: Its id cannot be a tag, or was used for other PUBs.
        """
        path = self._path(sent.request_id)
        if not write_once(path, _archive.pack(asdict(sent), {})) and self.get(sent.request_id) != sent:
            raise PermanentProviderError(
                f"Request {sent.request_id} was submitted before with other PUBs or options. Use another id."
            )

    def get(self, request_id: str) -> SentRequest:
        """Return a request.

        Raises:
            PermanentProviderError: It is not known in this state folder.
            ResultIntegrityError: Its file is damaged.
        """
        try:
            document = _archive.read_document(self._path(request_id))
        except FileNotFoundError as exc:
            raise PermanentProviderError(
                f"Request {request_id} was not submitted from this state folder ({self._folder}), so that its result "
                "cannot be told apart from others. Fetch it where it was submitted."
            ) from exc
        facts = {key: document[key] for key in ("request_id", "shots", "randomizations", "shots_each", "content")}
        pubs = tuple(SentPub(**(pub | {"registers": tuple(pub["registers"])})) for pub in document["pubs"])
        return SentRequest(**facts, pubs=pubs)

    def _path(self, request_id: str) -> Path:
        try:
            return sharded_path(self._folder, request_id, "")
        except ConfigurationError as exc:
            raise PermanentProviderError(str(exc)) from exc


def _sent(request_id: str, place: int, pub: Pub, *, is_bare: bool) -> SentPub:
    rows = int(pub.values.shape[0])
    circuits = rows if is_bare else 1
    return SentPub(
        kernel_id=pub.kernel_id,
        registers=tuple(_register(request_id, place, pub.kernel_id, number) for number in range(circuits)),
        is_bare=is_bare,
        num_bits=len(pub.measured_qubits),
        rows=rows,
    )


def _register(request_id: str, place: int, kernel_id: str, number: int) -> str:
    """Return a name that OpenQASM and Python take, 96 bits of it a hash."""
    digest = hashlib.sha256("\x1f".join((request_id, str(place), kernel_id, str(number))).encode()).hexdigest()
    return f"c{digest[:24]}"
