"""Progress: one moving line on a terminal, one line a change otherwise; always on standard error."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows one sentence at a time."""
    began = time.perf_counter()
    if not sys.stderr.isatty():
        yield lambda message: click.echo(f"[{time.perf_counter() - began:6.1f} s] {message}", err=True)
        return
    from rich.console import Console  # noqa: PLC0415 - only when drawing

    console = Console(stderr=True)
    with console.status("starting ...") as status:
        yield lambda message: status.update(f"[{time.perf_counter() - began:.0f} s] {message}")
