"""One set of compile workers for all tests of a process: each project starting its own costs a second a test."""

from __future__ import annotations

import atexit
from dataclasses import replace
from functools import cache

from hybrid_assets.circuits.pool import CompilePool


def with_shared_pool(project):
    """Return a project that compiles with the workers of this process."""
    return replace(project, compile_pool=_pool())


@cache
def _pool():
    pool = CompilePool()
    atexit.register(pool.close)
    return pool
