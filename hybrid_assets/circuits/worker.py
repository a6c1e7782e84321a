"""A child process that compiles circuits one after the other: ``python -m hybrid_assets.circuits.worker MEMORY CPU``.

It talks over what were stdin and stdout when it started; whatever a library prints later goes to stderr. It ends when
its parent closes the pipe or dies. Put the child's half of the protocol here; the parent's half is `pool`.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import IO, Any

from hybrid_assets.circuits import frames
from hybrid_assets.circuits.payload import payload_sha
from hybrid_assets.circuits.plugins import load_only_wanted
from hybrid_assets.circuits.relayout import relayout
from hybrid_assets.circuits.targets import target_from_json
from hybrid_assets.circuits.transpile import compile_template
from hybrid_assets.errors import CompilationError, HybridAssetsError
from hybrid_assets.model.circuits import CompileOptions, TargetDocument


def main(arguments: list[str]) -> None:
    """Serve compile requests until the pipe ends.

    Args:
        arguments: Address space in bytes (0: unlimited) and CPU seconds that one compile may take.
    """
    memory_bytes, cpu_s = int(arguments[0]), int(arguments[1])
    requests, answers = take_over_pipes()
    limit_resources(memory_bytes)
    import qiskit  # noqa: F401, PLC0415 - after the limits, and before the parent starts the clock of a compile

    answers.write(frames.encode({"kind": "ready"}))
    answers.flush()
    targets: dict[str, TargetDocument] = {}
    while (message := frames.read(requests)) is not None:
        header, payload = message
        if header["kind"] == "target":
            targets[header["id"]] = target_from_json(header["document"])
            continue
        limit_cpu(cpu_s)
        answers.write(_answer(header, payload, targets))
        answers.flush()


def take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return stdin and stdout for the protocol, and leave /dev/null and stderr in their place."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def limit_resources(memory_bytes: int) -> None:
    """Cap address space, and write no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        cap = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (cap, hard))


def limit_cpu(cpu_s: int) -> None:
    """Let this process use ``cpu_s`` more seconds of CPU: the backstop when nobody is left to kill it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    cap = int(used.ru_utime + used.ru_stime) + cpu_s + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cap if hard == resource.RLIM_INFINITY else min(cap, hard), hard))


def _answer(header: dict[str, Any], payload: bytes, targets: dict[str, TargetDocument]) -> bytes:
    try:
        made = _compile(header, payload, targets)
    except HybridAssetsError as exc:
        return frames.encode({"kind": "failed", "error": type(exc).__name__, "message": str(exc)})
    except MemoryError:
        return frames.encode({"kind": "failed", "error": "CapacityError", "message": "The compile ran out of memory."})
    except Exception as exc:  # noqa: BLE001 - the door of a process: any bug of a plug-in pass becomes a named failure
        message = f"{type(exc).__name__}: {exc}"
        return frames.encode({"kind": "failed", "error": "CompilationError", "message": message})
    if made is None:
        return frames.encode({"kind": "unmoved"})
    compiled, facts = made
    return frames.encode({"kind": "compiled", "facts": facts}, compiled)


def _compile(
    header: dict[str, Any], payload: bytes, targets: dict[str, TargetDocument]
) -> tuple[bytes, dict[str, Any]] | None:
    if payload_sha(payload) != header["payload_sha"]:
        raise CompilationError("The circuit was damaged on its way to the compile worker.")
    options = CompileOptions(**header["options"])
    load_only_wanted(options)
    make = compile_template if options.relayout is None else relayout
    return make(payload, targets[header["target"]], options)


if __name__ == "__main__":
    main(sys.argv[1:])
