"""The nightly reports, served beside Dagster's UI: files of one folder, by names of one form, without any script.

Put what may be served here. How a report is written is not its concern: even one that somebody altered runs no script.
"""

from __future__ import annotations

import errno
import html
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: A report is under 200 KB.
MAX_REPORT_BYTES = 8 * 2**20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[A-Za-z0-9_-]{1,40}){0,3}\.html", re.ASCII)
#: Nothing is loaded and nothing runs; styles and drawings are inside the file.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_FOLLOW_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer."""

    status: int
    body: bytes
    content_type: str = "text/html; charset=utf-8"


def page(folder: Path, name: str) -> Page:
    """Return a report, or for the empty name the list of them (a file ``index.html`` stands for it).

    Args:
        folder: Where the reports are; there may be none yet.
        name: What stands behind ``/reports/``.
    """
    content = _read(folder, name or "index.html")
    if content is not None:
        return Page(status=200, body=content)
    if not name:
        return Page(status=200, body=_listed(folder).encode())
    return Page(
        status=404,
        body=b"There is no such report. See /reports/ for those that are there.\n",
        content_type="text/plain",
    )


def _read(folder: Path, name: str) -> bytes | None:
    if not NAME.fullmatch(name):
        return None
    try:
        descriptor = os.open(folder / name, _FOLLOW_NO_LINK)
    except OSError as exc:
        if exc.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENXIO}:
            return None
        raise
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_REPORT_BYTES:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_REPORT_BYTES)


def _listed(folder: Path) -> str:
    names = [entry.name for entry in os.scandir(folder) if NAME.fullmatch(entry.name)] if folder.is_dir() else []
    links = "\n".join(f'<li><a href="/reports/{html.escape(n)}">{html.escape(n)}</a></li>' for n in sorted(names)[::-1])
    told = f"<ul>\n{links}\n</ul>" if names else "<p>There is no report yet: <code>hybrid-assets report</code>.</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Nightly reports</title>'
        "<style>body{font:16px system-ui,sans-serif;margin:2rem}@media(prefers-color-scheme:dark)"
        "{body{background:#111;color:#eee}a{color:#8bf}}</style></head>"
        f"<body><h1>Nightly reports</h1>\n{told}\n</body></html>\n"
    )
