"""Calls to a worker: greeting, versions, answers and errors; a lost worker is replaced at the next call.

Put what a message means here; processes are in `_isolated_worker`, records in `_isolated_answers`.
"""

from __future__ import annotations

import json
import math
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_assets import errors
from hybrid_assets.errors import ConfigurationError, HybridAssetsError, SubmissionUnknownError, TransientProviderError
from hybrid_assets.providers import outside
from hybrid_assets.providers._isolated_secrets import Scrubber, worker_environment
from hybrid_assets.providers._isolated_worker import WorkerLostError, WorkerProcess
from hybrid_assets.providers.outside.serving import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.providers._isolated_options import IsolatedOptions

#: The oldest and the newest QPY version that is offered: the oldest Qiskit 2 still writes, the newest of our payloads.
QPY_VERSIONS = (13, 17)
#: How much of a worker's last words a message holds.
WORDS_CHARS = 600
#: How much of what is no answer it holds.
SHOWN_CHARS = 80

#: Class of each kind of `AdapterError`; ``unexpected`` depends on the method.
ERROR_CLASSES: Mapping[str, type[HybridAssetsError]] = {
    "configuration": errors.ConfigurationError,
    "credentials": errors.CredentialsError,
    "transient": errors.TransientProviderError,
    "rate_limited": errors.RateLimitedError,
    "unavailable": errors.BackendUnavailableError,
    "submission_unknown": errors.SubmissionUnknownError,
    "permanent": errors.PermanentProviderError,
    "job_failed": errors.JobFailedError,
    "job_cancelled": errors.JobCancelledError,
    "capacity": errors.CapacityError,
    "target_mismatch": errors.TargetMismatchError,
    "result_integrity": errors.ResultIntegrityError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a worker says of itself."""

    qiskit: str | None
    #: The QPY version that circuits are written with for it.
    qpy_version: int
    #: The adapter's description of its backend.
    description: Mapping[str, Any]


class Link:
    """The worker of one backend; one call at a time."""

    def __init__(self, backend: str, options: IsolatedOptions, state: Path) -> None:
        self._backend, self._options, self._state = backend, options, state
        self._guard = threading.RLock()
        self._worker: WorkerProcess | None = None
        self._scrubber = Scrubber(options.environment)
        self._greeting: Greeting | None = None
        self._finalizer: weakref.finalize[..., Link] | None = None
        self._last_id = 0

    def greeting(self) -> Greeting:
        """Return what the first worker said; starts one when there was none.

        Raises:
            ConfigurationError: The environment cannot be used: no common version, no adapter, no such program.
            TransientProviderError: The worker was lost.
        """
        with self._guard:
            if self._greeting is None:
                self._running()
            assert self._greeting is not None
            return self._greeting

    def call(self, method: str, *, leave_by_s: float = math.inf, **params: Any) -> Any:
        """Return what a method of the adapter answers, as JSON values without secrets.

        Args:
            method: Its name.
            leave_by_s: On the monotonic clock: a request that could only leave later is not sent.
            params: Its arguments, JSON values.

        Raises:
            SubmissionUnknownError: ``submit`` only: the request had left when the worker was lost.
            TransientProviderError: The worker was lost otherwise, or it was ready too late.
            HybridAssetsError: What the adapter said, by `ERROR_CLASSES`.
        """
        with self._guard:
            try:
                worker = self._running()
                if time.monotonic() > leave_by_s:
                    raise TransientProviderError(
                        f"Backend {self._backend!r}: the worker was ready too late for {method!r}, which has not left. "
                        "It is ready now; try again."
                    )
                return self._exchange(worker, method, params, limit_s=self._options.call_timeout_s)
            except WorkerLostError as exc:
                if method == "submit" and exc.was_sent:
                    raise SubmissionUnknownError(f"{exc} The job may have been accepted.") from exc
                raise

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, while there is one."""
        return self._worker.pid if self._worker else None

    def _running(self) -> WorkerProcess:
        if self._worker is None:
            worker = self._start()
            try:
                self._greet(worker)
            except HybridAssetsError:
                worker.kill()
                self._worker = None
                raise
        assert self._worker is not None
        return self._worker

    def _start(self) -> WorkerProcess:
        options, home = self._options, self._state / "home"
        home.mkdir(parents=True, exist_ok=True)
        # Isolated: neither PYTHONPATH nor the user's packages nor the working folder may reach it.
        program = Path(outside.__file__).with_name("worker.py")
        command = [str(options.python), "-I", "-X", "utf8", str(program), str(options.memory_limit_bytes or 0)]
        try:
            worker = WorkerProcess(
                command, environment=worker_environment(options.environment, home=home), folder=self._state
            )
        except OSError as exc:
            raise ConfigurationError(f"Backend {self._backend!r}: {options.python} cannot be started: {exc}.") from exc
        self._scrubber = Scrubber(options.environment)
        self._worker = worker
        self._finalizer = weakref.finalize(self, worker.kill)  # with this object, at the latest with this process
        return worker

    def _greet(self, worker: WorkerProcess) -> None:
        least, most = QPY_VERSIONS
        params = {
            "protocol": PROTOCOL,
            "qpy": {"least": least, "most": most},
            "backend": self._backend,
            "state": str(self._state),
            "adapter": self._options.adapter,
            "options": self._options.options,
        }
        try:
            answer = self._exchange(worker, "hello", params, limit_s=self._options.start_timeout_s)
        except WorkerLostError as exc:
            raise WorkerLostError(str(exc), was_sent=False) from exc  # whatever was to be called has not left
        greeting = self._agreed(answer)
        if self._greeting is not None and self._greeting != greeting:
            raise ConfigurationError(
                f"Backend {self._backend!r}: its environment changed while it was in use: {self._greeting} became "
                f"{greeting}. Start again."
            )
        self._greeting = greeting

    def _agreed(self, answer: Any) -> Greeting:
        least, most = QPY_VERSIONS
        place = f"Backend {self._backend!r}, environment of {self._options.python}"
        try:
            if answer["protocol"] != PROTOCOL:
                raise ConfigurationError(
                    f"{place}: it speaks protocol {answer['protocol']}, this side {PROTOCOL}. Use one version of both."
                )
            theirs = answer["qpy"]
            version = min(most, theirs["most"])
            if version < max(least, theirs["least"]):
                raise ConfigurationError(
                    f"{place}: Qiskit {answer['qiskit']} reads QPY {theirs['least']} to {theirs['most']}, this side "
                    f"writes {least} to {most}: no version in common. Use another version of Qiskit there."
                )
            return Greeting(qiskit=answer["qiskit"], qpy_version=version, description=answer["description"])
        except (KeyError, TypeError) as exc:
            raise WorkerLostError(f"{place}: its greeting is not understood ({exc}).", was_sent=False) from exc

    def _exchange(self, worker: WorkerProcess, method: str, params: Mapping[str, Any], *, limit_s: float) -> Any:
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "method": method, "params": params}).encode() + b"\n"
        try:
            answer = self._parsed(worker.exchange(line, limit_s=limit_s))
        except WorkerLostError as exc:
            raise self._lost(worker, method, exc) from None  # it holds what was received, secrets and all
        if "error" in answer:
            raise self._translated(method, answer["error"])
        return answer["result"]

    def _lost(self, worker: WorkerProcess, method: str, exc: WorkerLostError) -> WorkerLostError:
        """Let go of a lost worker; return the error that says how it was lost, without secrets."""
        words = self._scrubber.text(worker.end())
        self._worker = None
        if self._finalizer is not None:
            self._finalizer.detach()
        wrote = self._scrubber.text(exc.received.decode(errors="replace"))
        parts = (
            f"Backend {self._backend!r}: the worker was lost during {method!r}.",
            self._scrubber.text(str(exc)),
            f"It wrote {wrote[:SHOWN_CHARS]!r}." if wrote else "",
            words if len(words) <= WORDS_CHARS else f"... {words[-WORDS_CHARS:]}",
        )
        return WorkerLostError(" ".join(filter(None, parts)), was_sent=exc.was_sent)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            answer = self._scrubber.answer(json.loads(line))
            is_answer = answer["id"] == self._last_id and ("result" in answer) != ("error" in answer)
            if is_answer and "error" in answer:
                is_answer = isinstance(answer["error"]["kind"], str) and isinstance(answer["error"]["message"], str)
        except (ValueError, KeyError, TypeError, RecursionError):
            is_answer = False
        if not is_answer:
            raise WorkerLostError("What it wrote is no answer to this request.", was_sent=True, received=line)
        return dict(answer)

    def _translated(self, method: str, error: Mapping[str, str]) -> HybridAssetsError:
        sentence = f"Backend {self._backend!r}, {method}: {error['message']}"
        if error["kind"] in ERROR_CLASSES:
            return ERROR_CLASSES[error["kind"]](sentence)
        if method == "submit":
            return SubmissionUnknownError(f"{sentence} The adapter failed on the way; the job may have been accepted.")
        if method == "hello":
            return ConfigurationError(f"{sentence} The adapter cannot be made.")
        return TransientProviderError(sentence)
