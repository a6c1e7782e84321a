"""Compiles in child processes that can be killed, the parent's half.

A transpiler may hang in compiled code, crash or eat the memory; none of that may take a night down. Each child handles
one request at a time and is killed at its limit; the request then fails by name, and a new child goes on with the rest.
Put process handling here; what a compile is, is in `transpile`.
"""

from __future__ import annotations

import math
import selectors
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from hybrid_assets import errors
from hybrid_assets.circuits.child import Child
from hybrid_assets.circuits.facts import facts_from_json
from hybrid_assets.circuits.payload import payload_sha
from hybrid_assets.circuits.targets import target_to_json
from hybrid_assets.errors import CompilationError
from hybrid_assets.model.circuits import CompiledCircuit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from hybrid_assets.circuits.key import CompileKey
    from hybrid_assets.model.circuits import CompileOptions, TargetDocument

    #: None: a circuit that was to be moved stands on the best qubits already.
    Outcome = CompiledCircuit | CompilationError | None

#: Loading Qiskit alone reserves 1.25 GB of address space (it uses 0.1); this leaves room for large circuits.
DEFAULT_MEMORY_LIMIT_BYTES = 4 * 2**30

#: Loading Qiskit takes half a second on a quiet machine; a child that is not ready after this long is broken.
START_LIMIT_S = 60.0

#: A child that fails to start this often in a row will not start the next time either.
MAX_FAILED_STARTS = 3

WORKER_COMMAND = (sys.executable, "-m", "hybrid_assets.circuits.worker")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompileRequest:
    """One template to compile, or one ISA circuit to move (see `CompileOptions.relayout`)."""

    #: Names the kernel in messages, for example ``maxcut/petersen/qaoa_p2``.
    label: str
    key: CompileKey
    #: QPY of the slot template, or of the ISA circuit to move, see `payload.dump`.
    payload: bytes
    target: TargetDocument
    options: CompileOptions


class CompilePool:
    """A few compile workers. A context manager; not for use by several threads at once.

    Args:
        workers: Child processes at most.
        limit_s: Wall seconds one compile may take before its child is killed; as many CPU seconds are the backstop.
        memory_limit_bytes: Address space of a child; 0 for no limit.
        command: Program and arguments of a child, to which memory limit and CPU limit are appended.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        limit_s: float = 60.0,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
        command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        self._workers, self._limit_s = workers, limit_s
        self._command = [*command, str(memory_limit_bytes), str(math.ceil(limit_s))]
        self._children: list[Child] = []
        self._failed_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def warm(self) -> None:
        """Start the children without waiting for them."""
        while len(self._children) < self._workers:
            self._children.append(Child(self._command, start_limit_s=START_LIMIT_S))

    def close(self) -> None:
        """End all children, whatever they are doing."""
        for child in self._children:
            child.kill()
        self._children.clear()

    def compile(self, requests: Sequence[CompileRequest]) -> Iterator[CompiledCircuit]:
        """Compile requests on all children at once.

        Args:
            requests: What to compile; nothing is started when there is none.

        Yields:
            The compiled circuits in the order of their requests; those that failed, or need no move, are left out.

        Raises:
            CompilationError: Some failed; raised when all others were yielded, so that these can be kept. It names the
                kernels; its ``facts["errors"]`` holds each failure.
        """
        failures = []
        for outcome in self.outcomes(requests):
            if isinstance(outcome, CompilationError):
                failures.append(outcome)
            elif outcome is not None:
                yield outcome
        if len(failures) == 1:
            raise failures[0]
        if failures:
            kernels = ", ".join(str(failure.facts.get("kernel")) for failure in failures)
            raise CompilationError(
                f"{len(failures)} of {len(requests)} circuits did not compile: {kernels}. The first: {failures[0]}",
                errors=tuple(failures),
            )

    def outcomes(self, requests: Sequence[CompileRequest]) -> Iterator[Outcome]:
        """Compile requests, and yield for each, in their order, the circuit or the error that names the kernel.

        None stands for a circuit that was to be moved and has no better place.
        One failure leaves the others alone. Stopping early kills what is under way.
        """
        self._drop([child for child in self._children if not child.is_alive])
        waiting = deque(enumerate(requests))
        done: dict[int, Outcome] = {}
        try:
            for wanted in range(len(requests)):
                while wanted not in done:
                    self._step(waiting, done)
                paused_at = time.monotonic()
                yield done.pop(wanted)
                for child in self._children:  # nobody listened meanwhile: an answer may wait for room in its pipe
                    child.deadline += time.monotonic() - paused_at
        finally:
            self._drop([child for child in self._children if child.job is not None])

    def _step(self, waiting: deque[tuple[int, CompileRequest]], done: dict[int, Outcome]) -> None:
        """Hand out work, wait for news, take answers, and replace children that failed."""
        busy = sum(child.job is not None for child in self._children)
        while len(self._children) < min(self._workers, busy + len(waiting)):
            self._children.append(Child(self._command, start_limit_s=START_LIMIT_S))
        for child in self._children:
            if child.is_idle and waiting:
                self._assign(child, *waiting.popleft())
        _wait(self._children)
        for child in [*self._children]:
            self._attend(child, waiting, done)

    def _assign(self, child: Child, index: int, request: CompileRequest) -> None:
        target_id = f"{request.target.structure_sha} {request.target.calibration_id}"
        if target_id not in child.known_targets:
            child.known_targets.add(target_id)
            child.send({"kind": "target", "id": target_id, "document": target_to_json(request.target)})
        header = {
            "kind": "compile",
            "target": target_id,
            "options": asdict(request.options),
            "payload_sha": payload_sha(request.payload),
        }
        child.send(header, request.payload)
        child.start_job(index, request, limit_s=self._limit_s)

    def _attend(
        self,
        child: Child,
        waiting: deque[tuple[int, CompileRequest]],
        done: dict[int, Outcome],
    ) -> None:
        if (failure := self._listen(child, done)) is None:
            return
        self._drop([child])
        if child.job is not None:
            index, request = child.job
            done[index] = CompilationError(f"Compiling {request.label}: the worker {failure}.", kernel=request.label)
        elif not child.is_ready:
            self._count_failed_start(failure, waiting, done)

    def _listen(self, child: Child, done: dict[int, Outcome]) -> str | None:
        """Take what a child says; return how it failed, or None."""
        child.exchange()
        try:
            while (message := child.next_message()) is not None:
                if message[0].get("kind") == "ready":
                    child.is_ready, child.deadline, self._failed_starts = True, math.inf, 0
                elif child.job is not None:
                    done[child.job[0]] = _outcome(child.job[1], *message)
                    child.finish_job()
        except (CompilationError, KeyError, TypeError, ValueError) as exc:
            return f"sent what is no answer and was killed: {exc}"
        if child.has_ended:
            return child.last_words()
        return f"took longer than {child.limit_s:g} s and was killed" if time.monotonic() > child.deadline else None

    def _count_failed_start(
        self,
        failure: str,
        waiting: deque[tuple[int, CompileRequest]],
        done: dict[int, Outcome],
    ) -> None:
        self._failed_starts += 1
        if self._failed_starts < MAX_FAILED_STARTS:
            return
        self._failed_starts = 0
        while waiting:
            index, request = waiting.popleft()
            done[index] = CompilationError(
                f"Compiling {request.label}: no compile worker could be started; the last one {failure}.",
                kernel=request.label,
            )

    def _drop(self, children: Sequence[Child]) -> None:
        for child in children:
            child.kill()
            self._children.remove(child)


def _wait(children: Sequence[Child]) -> None:
    """Sleep until a child has something to say, can take more, or reaches its deadline."""
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.output, selectors.EVENT_READ)
            if child.has_unsent:
                selector.register(child.input, selectors.EVENT_WRITE)
        nearest = min((child.deadline for child in children), default=math.inf) - time.monotonic()
        selector.select(None if math.isinf(nearest) else max(0.0, nearest + 0.001))


def _outcome(request: CompileRequest, header: dict[str, Any], payload: bytes) -> Outcome:
    """Return what a child answered to a request."""
    if header.get("kind") == "unmoved" and request.options.relayout is not None:
        return None
    if header.get("kind") != "compiled":
        kind = getattr(errors, str(header.get("error")), CompilationError)
        chosen = kind if isinstance(kind, type) and issubclass(kind, CompilationError) else CompilationError
        error: CompilationError = chosen(f"Compiling {request.label}: {header.get('message')}", kernel=request.label)
        return error
    content = {
        **header["facts"],
        "structure_fingerprint": request.key.parts["structure"],
        "compile_key": request.key.digest,
        "calibration_id": request.target.calibration_id,
        "key_parts": request.key.parts,
    }
    return CompiledCircuit(facts=facts_from_json(content), payload=payload, payload_sha=payload_sha(payload))
