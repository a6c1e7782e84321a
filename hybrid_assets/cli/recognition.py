"""Whose an input file is: every installed workload is asked, none is named. Put what `init` asks of inputs here."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, ProblemError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file, and the workload that takes it."""

    workload: str
    file: Path
    #: What it is called in the project.
    name: str


def recognized(file: Path, workload: str | None, options: Mapping[str, Any]) -> Input:
    """Return a file with the workload that takes it: the named one, else the only one whose reader does.

    Raises:
        ProblemError: No workload takes it.
        UsageError: Several do, or the named one is not installed.
    """
    from hybrid_assets import registry  # noqa: PLC0415 - with the verb

    if not file.is_file():
        what = "this is a folder; name its files" if file.is_dir() else "there is no such file; name your inputs"
        raise ProblemError(f"{what} after --inputs", file=str(file))
    if workload is not None:
        registry.workload(workload)  # an unknown name is an error that tells the nearest
    refusals: dict[str, ProblemError] = {}
    takers = []
    for name in [workload] if workload else registry.names("workload"):
        try:
            takers.append(_loaded(file, name, options))
        except ProblemError as exc:
            refusals[name] = exc
        except ConfigurationError:  # its options have no defaults, or a third party's plug-in is broken
            if workload:
                raise
    if len(takers) > 1:
        names = " and ".join(one.workload for one in takers)
        raise UsageError(f"{file} would do for {names}: say whose input it is with --workload.")
    if takers:
        return takers[0]
    raise _refusal(file, refusals)


def _loaded(file: Path, workload: str, options: Mapping[str, Any]) -> Input:
    """Have a workload read a file, under the name that it will have."""
    from hybrid_assets import registry  # noqa: PLC0415 - with the verb

    plugin = registry.workload(workload)
    name = _plain(file.stem) + file.suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / name
        link.symlink_to(file.absolute())
        plugin.load(link, source=str(file), options=plugin.parse_options(options))
    return Input(workload=workload, file=file, name=name)


def _plain(stem: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-.") or "input"


def _refusal(file: Path, refusals: Mapping[str, ProblemError]) -> ProblemError:
    """Return the refusal of the one workload that read beyond the first row, else those of all."""
    readers = [exc for exc in refusals.values() if (exc.row or 0) > 1]
    if len(refusals) == 1 or len(readers) == 1:
        return (readers or list(refusals.values()))[0]
    reasons = {name: str(exc).removeprefix(f"{file}: ").removeprefix(f"{file}, ") for name, exc in refusals.items()}
    told = "".join(f"\n  {name}: {reason}" for name, reason in reasons.items())
    return ProblemError(f"no workload takes it as it is. Mend it, or name one with --workload.{told}", file=str(file))
