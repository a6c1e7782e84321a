"""A stand-in for the compile worker that does what the payload says: hang, crash, print, answer. Only for tests.

It speaks the real protocol and applies the real limits, but loads no Qiskit, so it starts at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from hybrid_assets.circuits import frames
from hybrid_assets.circuits.worker import limit_cpu, limit_resources, take_over_pipes

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = {
    "artefact_fingerprint": "f" * 64,
    "width": 1,
    "used_qubits": [0],
    "measured_qubits": [0],
    "num_slots": 0,
    "depth": 1,
    "two_qubit_gates": 0,
    "exposure": [["measure", [0], 1]],
    "expected_success": 1.0,
    "compile_s": 0.0,
}


def main(mode: str, memory_bytes: int, cpu_s: int) -> None:
    """Serve requests until the pipe ends, or not, as told."""
    if mode == "never starts":
        sys.exit("the environment is broken")
    requests, answers = take_over_pipes()
    limit_resources(memory_bytes)
    answers.write(frames.encode({"kind": "ready"}))
    answers.flush()
    targets = 0
    while (message := frames.read(requests)) is not None:
        header, payload = message
        if header["kind"] == "target":
            targets += 1
            continue
        limit_cpu(cpu_s)
        answer = frames.encode({"kind": "compiled", "facts": {**FACTS, "depth": targets}}, do(payload, answers))
        answers.write(answer)
        answers.flush()


def do(payload: bytes, answers: IO[bytes]) -> bytes:
    """Do what a payload says (a word and perhaps an argument) and return the payload of the answer."""
    word, _, argument = payload.decode().strip().partition(" ")
    deed = DEEDS.get(word)
    return payload if deed is None else deed(argument, answers)


def _hang(*_: object) -> bytes:
    time.sleep(600)
    return b""


def _spin(*_: object) -> bytes:
    while True:
        pass


def _crash(*_: object) -> bytes:
    sys.stderr.write("about to crash\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGSEGV)
    return b""


def _exit(*_: object) -> bytes:
    sys.exit(3)


def _eat(*_: object) -> bytes:
    return bytes(1 << 40)


def _greet(*_: object) -> bytes:
    sys.stdout.write("a library greets on stdout\n")
    sys.stdout.flush()
    os.write(1, b"and so does compiled code")
    return b"greeted"


def _babble(_: str, answers: IO[bytes]) -> bytes:
    answers.write(b"this is not the protocol at all")
    answers.flush()
    return _hang()


def _half(_: str, answers: IO[bytes]) -> bytes:
    answers.write(frames.encode({"kind": "compiled", "facts": FACTS}, b"x" * 100)[:-50])
    answers.flush()
    os._exit(0)


def _large(size: str, _: IO[bytes]) -> bytes:
    return b"x" * int(size)


def _pid(*_: object) -> bytes:
    return str(os.getpid()).encode()


def _meet(folder: str, _: IO[bytes]) -> bytes:
    """Wait for another worker that does the same."""
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < 2:
        time.sleep(0.005)
    return b"met"


def _environment(*_: object) -> bytes:
    return "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode()


DEEDS: dict[str, Callable[[str, IO[bytes]], bytes]] = {
    "hang": _hang,
    "spin": _spin,
    "crash": _crash,
    "exit": _exit,
    "eat": _eat,
    "greet": _greet,
    "babble": _babble,
    "half": _half,
    "large": _large,
    "pid": _pid,
    "meet": _meet,
    "environment": _environment,
}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
