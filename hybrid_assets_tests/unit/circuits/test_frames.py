"""Messages over pipes."""

from __future__ import annotations

import io
import struct

import pytest

from hybrid_assets.circuits import frames
from hybrid_assets.errors import CompilationError


def test_messages_survive_any_cut():
    """Whatever pieces the pipe delivers, whole messages come out, in order."""
    stream = frames.encode({"kind": "a"}, b"\x00\xff" * 10) + frames.encode({"kind": "b"})
    for step in (1, 7, len(stream)):
        buffer, found = bytearray(), []
        for start in range(0, len(stream), step):
            buffer += stream[start : start + step]
            while (message := frames.decode(buffer)) is not None:
                found.append(message)
        assert found == [({"kind": "a"}, b"\x00\xff" * 10), ({"kind": "b"}, b"")]
        assert not buffer


def test_read_ends_with_the_stream():
    file = io.BytesIO(frames.encode({"n": 1}, b"xyz") + frames.encode({"n": 2}, b"cut")[:-1])
    assert frames.read(file) == ({"n": 1}, b"xyz")
    assert frames.read(file) is None
    assert frames.read(file) is None


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        pytest.param(b"Warning: something printed here", "impossible length", id="text"),
        pytest.param(struct.pack(">II", 2, 0) + b"[]", "not an object", id="list"),
        pytest.param(struct.pack(">II", 2, 0) + b"{x", "not JSON", id="broken"),
    ],
)
def test_messages_refuse_noise(stream, message):
    with pytest.raises(CompilationError, match=message):
        frames.decode(bytearray(stream))
    with pytest.raises(CompilationError, match=message):
        frames.read(io.BytesIO(stream))
