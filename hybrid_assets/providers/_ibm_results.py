"""A job's result text -> counts, refused unless it is exactly what was asked for. Put decoding of results here.

What is checked before anything is unpacked: the number of circuits, the name of each register (see `_ibm_requests`:
another job's result, another order or another circuit have other names), the shape (rows, shots, bits), and that
compressed data unpacks to that shape and to no more. What is checked after: range and number of outcomes.

What no client can see: random but well-formed counts under the right names, for example bits that the service inverted.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ResultIntegrityError, TransientProviderError
from hybrid_assets.model.jobs import ExecutionKind, PubResult, RawCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hybrid_assets.providers._ibm_requests import SentPub, SentRequest

#: Name before a register's of the flips that undo the twirling of its measurement.
_FLIPS = "measurement_flips."


def read_result(text: str, sent: SentRequest, *, decode: Callable[[str], Any]) -> tuple[PubResult, ...]:
    """Return the counts of each PUB.

    Args:
        text: The service's answer.
        sent: What was asked for.
        decode: The client's own decoder: text -> a ``PrimitiveResult``.

    Raises:
        TransientProviderError: There is no result yet.
        ResultIntegrityError: It is not the result that was asked for; the message says why.
    """
    if not text.strip() or text.strip() == "null":
        raise TransientProviderError(f"The result of request {sent.request_id} is not stored yet. Fetch it later.")
    _check(text, sent)
    try:
        found = list(decode(text))
        arrays = [[getattr(found[k].data, name).array for k, name in circuits] for circuits in _places(sent)]
    except Exception as exc:
        raise _wrong(sent, f"it cannot be decoded ({type(exc).__name__}: {exc})") from exc
    return tuple(_counts(pub, parts, sent) for pub, parts in zip(sent.pubs, arrays, strict=True))


def _places(sent: SentRequest) -> Iterator[list[tuple[int, str]]]:
    """Yield, for each PUB, number and register of its circuits."""
    number = 0
    for pub in sent.pubs:
        yield [(number + k, name) for k, name in enumerate(pub.registers)]
        number += len(pub.registers)


def _check(text: str, sent: SentRequest) -> None:
    """Compare a result with the request, without unpacking more than was asked for."""
    if "__type__" in text:
        raise _wrong(sent, "it holds encoded objects, which counts do not need")
    try:
        document = json.loads(text)
        items = document["data"]
        names = [set(item["results"]) for item in items]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise _wrong(sent, "it is not in the form of the executor program, or was cut") from exc
    if "dtype" in json.dumps(document.get("passthrough_data")):
        raise _wrong(sent, "it holds arrays besides the counts")
    circuits = [(pub, name) for pub in sent.pubs for name in pub.registers]
    if len(items) != len(circuits):
        raise _wrong(sent, f"it holds {len(items)} circuits instead of {len(circuits)}")
    for item, found, (pub, name) in zip(items, names, circuits, strict=True):
        if name not in found or not found <= {name, _FLIPS + name}:
            raise _wrong(sent, f"the place of kernel {pub.kernel_id} holds other registers: it is of another job")
        shape = _shape(pub, sent)
        for tensor in item["results"].values():
            _check_tensor(tensor, shape, what=f"kernel {pub.kernel_id}", sent=sent)
        if list(item["results"][name]["shape"]) != list(shape):
            got = item["results"][name]["shape"]
            raise _wrong(
                sent, f"kernel {pub.kernel_id} has the shape {got} instead of {list(shape)} (shots, bits last)"
            )


def _shape(pub: SentPub, sent: SentRequest) -> tuple[int, ...]:
    """Return the shape of a circuit's bits as the service sends them."""
    twirled = (sent.randomizations,) if sent.randomizations else ()
    rows = () if pub.is_bare else (pub.rows,)
    return (*twirled, *rows, sent.shots_each, pub.num_bits)


def _check_tensor(tensor: Any, shape: Sequence[int], *, what: str, sent: SentRequest) -> None:
    """Refuse packed bits that are more than a shape holds; they are unpacked no further than that."""
    most = math.ceil(math.prod(shape) / 8)
    try:
        packed = base64.b64decode(tensor["data"], validate=True)
        unpacker = zlib.decompressobj()
        size = len(unpacker.decompress(packed, most + 1))
        is_bits = tensor["dtype"] == "bool" and all(type(n) is int and n >= 0 for n in tensor["shape"])
    except (KeyError, TypeError, ValueError, zlib.error) as exc:
        raise _wrong(sent, f"the bits of {what} are damaged ({type(exc).__name__}: {exc})") from exc
    if not is_bits or size > most or not unpacker.eof:
        raise _wrong(sent, f"the bits of {what} are more, or others, than were asked for")


def _counts(pub: SentPub, parts: Sequence[np.ndarray], sent: SentRequest) -> PubResult:
    """Count a kernel's outcomes, row after row.

    Args:
        pub: The kernel.
        parts: For each of its circuits packed outcomes, most significant byte first: shape (rows, shots, bytes), or
            (shots, bytes) where the circuit has no parameter.
        sent: The request.
    """
    rows = np.concatenate([part.reshape(-1, *part.shape[-2:]) for part in parts])
    values = np.zeros(rows.shape[:2], np.uint64)
    for byte in range(rows.shape[2]):
        values = (values << np.uint64(8)) | rows[..., byte].astype(np.uint64)
    # Twirling rounds shots up to whole randomizations; those beyond the number asked for are left out.
    seen = [np.unique(row, return_counts=True) for row in values[:, : sent.shots]]
    counts = RawCounts(
        num_bits=pub.num_bits,
        outcomes=np.concatenate([outcomes for outcomes, _ in seen]),
        counts=np.concatenate([times for _, times in seen]).astype(np.int64),
        offsets=np.cumsum([0, *(outcomes.size for outcomes, _ in seen)], dtype=np.int64),
    )
    counts.verify(num_bits=pub.num_bits, rows=pub.rows, shots=sent.shots)
    return PubResult(kernel_id=pub.kernel_id, counts=counts, execution=ExecutionKind.QPU)


def _wrong(sent: SentRequest, why: str) -> ResultIntegrityError:
    return ResultIntegrityError(f"The result of request {sent.request_id} is refused: {why}.")
