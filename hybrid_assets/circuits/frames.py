"""Messages between the compile pool and its children: a JSON header and a binary payload, both with their length.

Never pickle: a child that went wrong must not be able to run code in its parent.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

from hybrid_assets.errors import CompilationError

_LENGTHS = struct.Struct(">II")

#: Larger than any target document or compiled circuit; anything above is a broken peer.
MAX_FRAME_BYTES = 256 * 2**20


def encode(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Return one message."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(text), len(payload)) + text + payload


def decode(buffer: bytearray) -> tuple[dict[str, Any], bytes] | None:
    """Take one whole message off the front of a buffer, or return None and leave it.

    Raises:
        CompilationError: The bytes are no message.
    """
    if len(buffer) < _LENGTHS.size:
        return None
    text_length, payload_length = _lengths(bytes(buffer[: _LENGTHS.size]))
    start, middle = _LENGTHS.size, _LENGTHS.size + text_length
    if len(buffer) < middle + payload_length:
        return None
    header, payload = _header(bytes(buffer[start:middle])), bytes(buffer[middle : middle + payload_length])
    del buffer[: middle + payload_length]
    return header, payload


def read(file: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message, waiting for it; None at the end of the stream.

    Raises:
        CompilationError: The bytes are no message.
    """
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    text_length, payload_length = _lengths(lengths)
    text, payload = file.read(text_length), file.read(payload_length)
    return None if len(payload) < payload_length or len(text) < text_length else (_header(text), payload)


def _lengths(data: bytes) -> tuple[int, int]:
    text_length, payload_length = _LENGTHS.unpack(data)
    if text_length + payload_length > MAX_FRAME_BYTES:
        raise CompilationError("The compile pool and its child lost step: a message has an impossible length.")
    return text_length, payload_length


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise CompilationError("The compile pool and its child lost step: a message is not JSON.") from exc
    if not isinstance(header, dict):
        raise CompilationError("The compile pool and its child lost step: a message is not an object.")
    return header
