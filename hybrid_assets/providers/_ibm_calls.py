"""One call of the service, bounded as a whole: its deadline, and what is known of the job's POST inside it.

A read timeout bounds the silence between two bytes, not an answer that trickles; so each call runs in a thread that its
caller stops waiting for. What was given up sends nothing more: every request asks its `Call` before it leaves, so that
no job is made by a thread that everybody has forgotten. Put time limits here; keep HTTP out.
"""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from hybrid_assets.errors import HybridAssetsError, TransientProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_CURRENT: ContextVar[Call | None] = ContextVar("ibm_call", default=None)


class Call:
    """The state of one call, shared by the thread that works and the one that waits."""

    def __init__(self, *, deadline_s: float, leave_s: float = 0.0) -> None:
        """Begin a call.

        Args:
            deadline_s: Seconds until it is given up.
            leave_s: Seconds in which a job's POST may leave; 0: none may.
        """
        now_s = time.monotonic()
        self.deadline_at_s, self._leave_until_s = now_s + deadline_s, now_s + leave_s
        self._lock = threading.Lock()
        self._is_given_up = False
        #: Whether a job's POST has left; False again where no connection was made.
        self.has_posted = False
        #: Status of the answer to it; None: no whole answer.
        self.post_status: int | None = None
        #: Id of the job it made, as answered.
        self.job_id: str | None = None
        #: Header ``Date`` of the last answer.
        self.server_date: str | None = None

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, at least a millisecond."""
        return max(self.deadline_at_s - time.monotonic(), 0.001)

    def require_wanted(self) -> None:
        """Refuse to go on with what nobody waits for.

        Raises:
            TransientProviderError: The call was given up.
        """
        with self._lock:
            if self._is_given_up:
                raise TransientProviderError("The call was given up at its deadline; nothing more is sent.")

    def leave(self) -> None:
        """Note that a job's POST leaves now.

        Raises:
            TransientProviderError: It must not: too late, or nobody waits.
        """
        with self._lock:
            if self._is_given_up or time.monotonic() > self._leave_until_s:
                raise TransientProviderError(
                    "The submission was not sent: preparing it took too long, and others may have looked for it since."
                )
            self.has_posted, self.post_status, self.job_id = True, None, None

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._is_given_up

    def stay(self) -> None:
        """Take `leave` back: no connection was made."""
        self.has_posted = False

    def give_up(self) -> None:
        """Let nothing more leave."""
        with self._lock:
            self._is_given_up = True


def current_call() -> Call:
    """Return the call this thread works for.

    Raises:
        TransientProviderError: There is none: a request outside of any call has no deadline and is not sent.
    """
    call = _CURRENT.get()
    if call is None:
        raise TransientProviderError("A request to IBM was made outside of a bounded call; it was not sent.")
    return call


def server_now() -> datetime:
    """Return the time by the clock of whoever answered last in this call, else by ours."""
    text = current_call().server_date
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else datetime.now(UTC)
    except ValueError:
        return datetime.now(UTC)


def bounded(call: Call, work: Callable[[], T], *, name: str) -> T:
    """Do something in a thread of its own, for at most the call's time.

    Args:
        call: The call.
        work: What to do; raises our errors only.
        name: What it is, for the thread and the message.

    Raises:
        TransientProviderError: The deadline passed; the thread was given up.
        HybridAssetsError: What ``work`` raised.
    """
    outcome: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        _CURRENT.set(call)
        try:
            outcome.put((work(), None))
        except BaseException as exc:  # noqa: BLE001 - it is raised again in the thread that waits
            outcome.put((None, exc))

    threading.Thread(target=run, name=f"ibm {name}", daemon=True).start()
    try:
        value, failure = outcome.get(timeout=call.left_s)
    except Empty:
        call.give_up()
        failure, value = TransientProviderError(f"{name} did not end within its deadline and was given up."), None
    if failure is not None:
        raise failure
    return value  # type: ignore[return-value]  # None only where T is


def without_past(error: HybridAssetsError) -> HybridAssetsError:
    """Return an error without the frames and exceptions behind it: their variables may hold a secret."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
