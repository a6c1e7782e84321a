"""The process in the other environment: its start, its pipes, its deadline and its end. Put processes here only.

The worker leads a process group of its own, so that whatever its SDK started ends with it, and it gets a clean
environment: a home of its own and the variables the settings name.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from hybrid_assets.errors import TransientProviderError
from hybrid_assets.providers.outside.serving import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: How much of the end of standard error is kept.
STDERR_BYTES = 16 << 10
#: How long a process that closed its pipes may take to be gone.
END_LIMIT_S = 2.0

_CHUNK_BYTES = 1 << 16


class WorkerLostError(TransientProviderError):
    """The worker hung, died or spoke nonsense; it is killed and started anew at the next call.

    Attributes:
        was_sent: Whether the request had left whole, so that the worker may have acted on it.
        received: What it wrote instead of an answer; may hold secrets.
    """

    def __init__(self, message: str, *, was_sent: bool, received: bytes = b"") -> None:
        super().__init__(message)
        self.was_sent, self.received = was_sent, received


class WorkerProcess:
    """One worker; nothing here waits beyond the deadline of a call.

    Raises:
        OSError: The program cannot be started.
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter the settings name
            [*command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,  # a group of its own: killed whole, and Ctrl-C goes to the parent only
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._input, self._output, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._input.fileno(), False)
        os.set_blocking(self._output.fileno(), False)
        self._last_words, self._has_closed, self._is_over = bytearray(), False, False
        self._listener = threading.Thread(target=self._listen, name="isolated-stderr", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Process id, which is also that of its group."""
        return self._process.pid

    def exchange(self, line: bytes, *, limit_s: float) -> bytes:
        """Send one line and return the one that answers it.

        Raises:
            WorkerLostError: It did not answer in time, ended, or wrote anything but one line. Kill it.
        """
        unsent, received = memoryview(line), bytearray()
        deadline = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._input, selectors.EVENT_WRITE)
            while not received.endswith(b"\n"):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise WorkerLostError(f"It did not answer within {limit_s:g} s.", was_sent=not unsent)
                for key, _ in ready:
                    if key.fileobj is self._output:
                        self._receive(received, was_sent=not unsent)
                    else:
                        unsent = self._send(unsent)
                        if not unsent:
                            selector.unregister(self._input)
        if unsent or b"\n" in received[:-1]:
            raise WorkerLostError("It wrote more than one line.", was_sent=not unsent, received=bytes(received))
        return bytes(received)

    def kill(self) -> None:
        """End it and all it started at once; may be called again."""
        if self._is_over:
            return
        self._is_over = True
        # Before it is reaped: until then nobody else can get its number.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join(END_LIMIT_S)
        for pipe in (self._input, self._output, self._errors):
            pipe.close()

    def end(self) -> str:
        """Kill it; say how it had ended, if it had, with the end of what it wrote to standard error."""
        had_ended = self._had_ended()
        self.kill()
        words = " ".join(self._last_words.decode(errors="replace").split())
        code = self._process.returncode
        if not had_ended:
            how = "It was killed."
        elif code < 0:
            how = f"It died of {signal.Signals(-code).name}."
        else:
            how = f"It ended with exit code {code}."
        return f"{how} Its last words: {words}" if words else how

    def _had_ended(self) -> bool:
        """Tell whether it is gone, without reaping it; one that closed its pipes gets a moment for it."""
        deadline = time.monotonic() + (END_LIMIT_S if self._has_closed else 0.0)
        while os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def _send(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._input.fileno(), unsent[:_CHUNK_BYTES]) :]
        except BrokenPipeError as exc:
            raise self._gone(was_sent=False) from exc

    def _receive(self, received: bytearray, *, was_sent: bool) -> None:
        chunk = os.read(self._output.fileno(), _CHUNK_BYTES)
        received += chunk
        if not chunk:
            raise self._gone(was_sent=was_sent)
        if len(received) > MAX_LINE_BYTES:
            raise WorkerLostError(f"Its answer is longer than {MAX_LINE_BYTES} bytes.", was_sent=was_sent)

    def _gone(self, *, was_sent: bool) -> WorkerLostError:
        self._has_closed = True
        return WorkerLostError("It closed its pipes before it answered.", was_sent=was_sent)

    def _listen(self) -> None:
        """Keep standard error from filling up, and its end for messages."""
        try:
            while chunk := os.read(self._errors.fileno(), _CHUNK_BYTES):
                self._last_words += chunk
                del self._last_words[:-STDERR_BYTES]
        except (OSError, ValueError):
            return  # closed under us: something that left the worker's group had kept the pipe open
