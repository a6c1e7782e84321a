"""A few threads that work through small tasks in order. Put how local work is scheduled here; keep what it is out.

Threads start when there is work and end when there is none, so that an idle process holds none. They are not daemons (a
daemon thread killed inside a C++ extension aborts the process), but they stop after the current task once the main
thread has ended: what is left undone is done by whoever polls the job next.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: One task is inside Aer (which uses all cores itself) while the other loads, samples or stores.
MAX_WORKERS = 2


class Workers:
    """A first-in first-out queue of tasks with at most ``limit`` threads. Tasks must handle their own exceptions."""

    def __init__(self, limit: int = MAX_WORKERS) -> None:
        self._limit = limit
        self._tasks: deque[Callable[[], None]] = deque()
        self._running = 0
        self._guard = threading.Lock()

    def add(self, task: Callable[[], None]) -> None:
        """Queue a task; returns at once."""
        with self._guard:
            self._tasks.append(task)
            if self._running >= self._limit:
                return
            self._running += 1
        threading.Thread(target=self._work, name="aer-worker").start()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._tasks or not threading.main_thread().is_alive():
                    self._running -= 1
                    return
                task = self._tasks.popleft()
            task()


def interpreter_is_closing() -> bool:
    """Tell whether the interpreter shuts down, when executors take no more work (Aer's own among them)."""
    try:
        with ThreadPoolExecutor(max_workers=1) as probe:
            probe.submit(int)
    except RuntimeError:
        return True
    return False
