"""Circuits as bytes: QPY, zlib-compressed, with a checksum. Put reading and writing of circuits here; never pickle.

QPY holds no code, but a damaged file may load silently altered (47 of 400 mutated files did), so the checksum is
verified before anything is parsed, and the size is capped before anything is unpacked. 135 bytes can announce 200,000
qubits, which Qiskit makes at once (105 MiB): so the header is read here before Qiskit reads it.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from typing import Any

from hybrid_assets.errors import CapacityError, CompilationError, ResultIntegrityError

#: The newest version IBM's runtime accepts; written four times faster than 13 to 16 (3 ms against 13 for 2,200 gates).
QPY_VERSION = 17

#: A circuit of 3,000 gates takes 0.2 MB unpacked; more than this is a mistake or an attack.
MAX_UNPACKED_BYTES = 64 * 2**20
#: Circuits are packed three to ten times smaller.
MAX_PACKED_BYTES = 32 * 2**20
#: The largest device has some thousand qubits.
MAX_QUBITS = 4096
MAX_CLBITS = 65_536

#: Versions of QPY whose header is laid out as `_check_header` reads it.
_READABLE = range(13, QPY_VERSION + 1)
#: Magic, version, Qiskit's version (3), number of programs, encoding of symbols, kind of the program.
_FILE_HEADER = struct.Struct("!6sBBBBQcc")
_OFFSET_SINCE = 16
_OFFSET = struct.Struct("!Q")
#: Lengths of name and global phase; qubits, clbits, bytes of metadata, registers, instructions, variables.
_CIRCUIT_HEADER = struct.Struct("!HcHIIQIQI")


def dump(circuit: Any) -> tuple[bytes, str]:
    """Return a circuit's payload and the payload's SHA-256.

    The bytes of a parametrized circuit differ in every process: never make them part of a key.

    Raises:
        CapacityError: The circuit exceeds `MAX_UNPACKED_BYTES`.
        CompilationError: Qiskit cannot write it.
    """
    from qiskit import qpy  # noqa: PLC0415 - qiskit costs half a second: only when used
    from qiskit.exceptions import QiskitError  # noqa: PLC0415 - as above

    buffer = io.BytesIO()
    try:
        qpy.dump(circuit, buffer, version=min(QPY_VERSION, qpy.QPY_VERSION))
    except (QiskitError, TypeError) as exc:
        raise CompilationError(f"The circuit cannot be written as QPY: {exc}. Decompose its custom gates.") from exc
    if buffer.tell() > MAX_UNPACKED_BYTES:
        raise CapacityError(f"The circuit takes {buffer.tell()} bytes; the cap is {MAX_UNPACKED_BYTES}. Split it.")
    payload = zlib.compress(buffer.getvalue(), 6)
    return payload, payload_sha(payload)


def payload_sha(payload: bytes) -> str:
    """Return the SHA-256 of a payload, 64 hex digits."""
    return hashlib.sha256(payload).hexdigest()


def load(payload: bytes, sha: str) -> Any:
    """Return the ``QuantumCircuit`` of a payload.

    Raises:
        ResultIntegrityError: The checksum is off; nothing was parsed.
        CapacityError: It is larger than `MAX_PACKED_BYTES`, unpacks to more than `MAX_UNPACKED_BYTES`, or has more
            than `MAX_QUBITS` or `MAX_CLBITS`.
        CompilationError: It is not one circuit in QPY.
    """
    if payload_sha(payload) != sha:
        raise ResultIntegrityError("A circuit's checksum is off: the payload was altered. Compile it again.")
    return parse(payload)


def parse(payload: bytes) -> Any:
    """Return the circuit of a payload whose checksum was verified before; see `load`."""
    from qiskit import qpy  # noqa: PLC0415 - as in dump
    from qiskit.circuit import QuantumCircuit  # noqa: PLC0415 - as in dump
    from qiskit.exceptions import QiskitError  # noqa: PLC0415 - as in dump

    if len(payload) > MAX_PACKED_BYTES:
        raise CapacityError(f"A circuit of {len(payload)} packed bytes is refused; the cap is {MAX_PACKED_BYTES}.")
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(payload, MAX_UNPACKED_BYTES + 1)
        if len(content) > MAX_UNPACKED_BYTES:
            raise CapacityError(f"A circuit unpacks to more than {MAX_UNPACKED_BYTES} bytes; it is refused.")
        _check_header(content)
        circuits = qpy.load(io.BytesIO(content))
    except (zlib.error, struct.error, QiskitError, ValueError, TypeError, KeyError, EOFError, MemoryError) as exc:
        raise CompilationError(f"A payload is not a circuit in QPY ({type(exc).__name__}: {exc}).") from exc
    if len(circuits) != 1 or not isinstance(circuits[0], QuantumCircuit):
        raise CompilationError(f"A payload must hold one circuit, this one holds {len(circuits)}.")
    return circuits[0]


def _check_header(content: bytes) -> None:
    """Refuse QPY that is of another version, holds several programs, or a circuit too large to be made.

    Only the outer circuit is looked at: what is nested in custom gates or control flow takes bytes of its own.
    """
    magic, version, *_, programs, _, kind = _FILE_HEADER.unpack_from(content)
    if magic != b"QISKIT" or version not in _READABLE:
        raise ValueError(f"not of the versions {_READABLE.start} to {_READABLE.stop - 1}")
    if programs != 1 or kind != b"q":
        raise ValueError(f"{programs} programs, the first of kind {kind!r}, where one circuit is expected")
    start = _FILE_HEADER.size
    if version >= _OFFSET_SINCE:
        start += _OFFSET.size
        if _OFFSET.unpack_from(content, _FILE_HEADER.size) != (start,):
            raise ValueError("the circuit is not where it belongs")
    *_, qubits, clbits, _, _, _, _ = _CIRCUIT_HEADER.unpack_from(content, start)
    if qubits > MAX_QUBITS or clbits > MAX_CLBITS:
        raise CapacityError(
            f"A circuit of {qubits} qubits and {clbits} classical bits is refused; the caps are {MAX_QUBITS} and "
            f"{MAX_CLBITS}."
        )
