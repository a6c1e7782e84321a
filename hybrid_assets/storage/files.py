"""Files that are either the old or the new version, never half of one. Put durable writing here; keep formats out."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Temporary names start with a dot, so that a glob for data files never finds an unfinished one.
TEMPORARY_PREFIX = ".tmp-"
#: Temporary files older than this were left by a process that died; no write takes a day.
ABANDONED_AFTER_S = 86_400.0
#: What an id that becomes a file's name may be: nothing that could leave its folder.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file's content as a whole: after a crash at any moment the old or the new version is there.

    Writes a hidden temporary file in the same folder (made when missing), syncs it, renames it over ``path`` and syncs
    the folder. Processes that write the same path at once do not mix; the last rename wins.

    Raises:
        OSError: The disk refused; ``path`` is unchanged and the temporary file is removed.
    """
    make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY_PREFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - `temporary` is a plain string of mkstemp
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108 - `temporary` is a plain string of mkstemp
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, durably: a synced file in an unsynced folder can be lost."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_once(path: Path, data: bytes) -> bool:
    """Write a file as `write_atomically` does, unless there is one already; tell whether this call wrote it.

    Of several processes that write the same path at once exactly one wins.

    Raises:
        OSError: The disk refused; ``path`` is unchanged.
    """
    make_folder(path.parent)
    draft = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


@contextmanager
def locked(folder: Path, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> Iterator[bool]:
    """Lock a folder, which leaves no file behind; False where another process has it and we would not wait."""
    make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, how)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def sweep_temporary(folder: Path, *, recursive: bool = False) -> int:
    """Remove abandoned temporary files of a folder (and of all below it); return how many."""
    removed = 0
    oldest = time.time() - ABANDONED_AFTER_S
    for path in folder.rglob(f"{TEMPORARY_PREFIX}*") if recursive else folder.glob(f"{TEMPORARY_PREFIX}*"):
        try:
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # another process swept or renamed it meanwhile
    return removed


def sharded_path(folder: Path, key: str, suffix: str) -> Path:
    """Return ``folder/<first two characters>/<key><suffix>``, so that no folder grows too large to list.

    Raises:
        ConfigurationError: The id could not be a file's name.
    """
    if not _ID.fullmatch(key):
        raise ConfigurationError(
            f"{key!r} cannot be an id: use letters, digits, '.', '_' and '-', no '.' or '-' first."
        )
    return folder / key[:2] / f"{key}{suffix}"


def set_aside(path: Path) -> None:
    """Rename a damaged file out of the way, for a look later; nothing happens when another process did it already."""
    try:
        path.rename(path.with_name(f"{path.name}.corrupt-{uuid.uuid4().hex[:8]}"))
    except FileNotFoundError:
        return
    sync_folder(path.parent)
