"""One child process of the compile pool: its pipes, its job and its end. Put what one child needs here."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits import frames
from hybrid_assets.errors import CompilationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.circuits.pool import CompileRequest

#: One thread a child, no trial counts that follow the machine, no settings file of a user: the same circuit everywhere.
_ENVIRONMENT = {
    "QISKIT_PARALLEL": "FALSE",
    "QISKIT_SETTINGS": os.devnull,
    "RAYON_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

#: Variables a child gets from its parent; anything else, secrets above all, stays out of it.
_INHERITED = frozenset({"HOME", "LANG", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV"})
_INHERITED_PREFIXES = ("LC_", "LD_", "PYTHON")

#: How long a child that closed its pipes may take to be gone.
END_LIMIT_S = 2.0

_CHUNK_BYTES = 1 << 16
_STDERR_TAIL_BYTES = 600


class Child:
    """A worker process with non-blocking pipes; nothing here waits for it."""

    def __init__(self, command: Sequence[str], *, start_limit_s: float) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter or a test's
            [*command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environment(),
            start_new_session=True,  # Ctrl-C goes to the parent, which ends its children
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise CompilationError("A compile worker started without pipes.")
        self.input, self.output = self._process.stdin, self._process.stdout
        os.set_blocking(self.input.fileno(), False)
        os.set_blocking(self.output.fileno(), False)
        self._unsent, self._received = bytearray(), bytearray()
        #: Targets it has been told, by structure and calibration.
        self.known_targets: set[str] = set()
        self.is_ready = False
        #: Whether a pipe is closed, so that no more can come of it.
        self.has_ended = False
        #: Place and request of the compile under way.
        self.job: tuple[int, CompileRequest] | None = None
        self.limit_s = start_limit_s
        #: On the monotonic clock.
        self.deadline = time.monotonic() + start_limit_s

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def is_idle(self) -> bool:
        """Whether it can be given a request."""
        return self.is_ready and self.job is None

    @property
    def has_unsent(self) -> bool:
        """Whether bytes wait for room in its pipe."""
        return bool(self._unsent)

    def start_job(self, index: int, request: CompileRequest, *, limit_s: float) -> None:
        """Note what it works on, and start the clock."""
        self.job, self.limit_s, self.deadline = (index, request), limit_s, time.monotonic() + limit_s

    def finish_job(self) -> None:
        """Note that it has answered, and stop the clock."""
        self.job, self.deadline = None, float("inf")

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Queue a message; `exchange` sends it as the pipe takes it."""
        self._unsent += frames.encode(header, payload)

    def exchange(self) -> None:
        """Send and receive what the pipes allow now; a closed pipe sets ``has_ended``."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self.input.fileno(), self._unsent[:_CHUNK_BYTES])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.has_ended = True
        try:
            while chunk := os.read(self.output.fileno(), _CHUNK_BYTES):
                self._received += chunk
            self.has_ended = True
        except BlockingIOError:
            pass

    def next_message(self) -> tuple[dict[str, Any], bytes] | None:
        """Return the next whole message received, or None.

        Raises:
            CompilationError: It sent what is no message.
        """
        return frames.decode(self._received)

    def kill(self) -> None:
        """End it at once and release what it holds; may be called again."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.input.close()
        self.output.close()
        self._stderr.close()

    def last_words(self) -> str:
        """Say how a child that closed its pipes ended, with the end of what it wrote to stderr."""
        try:
            code = self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "closed its pipe and was killed"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
        words = " ".join(self._stderr.read().decode(errors="replace").split())
        end = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{end} ({words})" if words else end


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in _INHERITED or k.startswith(_INHERITED_PREFIXES)}
    return {**kept, **_ENVIRONMENT}
