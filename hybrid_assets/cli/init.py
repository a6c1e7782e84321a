"""`init`: a runnable project of the user's own, from the user's own inputs. Its texts are in `templates/`."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import click
import yaml

from hybrid_assets.cli.recognition import Input, recognized
from hybrid_assets.errors import ConfigurationError, UsageError
from hybrid_assets.settings import DEFAULT_FILE, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TEMPLATES = Path(__file__).with_name("templates")
#: File of a project -> its template.
WRITTEN = {
    DEFAULT_FILE: "sweep.yaml",
    "README.md": "readme.md",
    "workspace.yaml": "workspace.yaml",
    "dagster.yaml": "dagster.yaml",
    ".gitignore": "gitignore",
    ".env.example": "env.example",
}
#: Of the project, not of its state.
INPUTS = "inputs"
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


@click.command(short_help="Make a project of your own.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, metavar="")
@click.option("--inputs", multiple=True, metavar="FILE...", help="Your input files (default: a small graph).")
@click.option("--workload", metavar="NAME", help="Whose inputs they are, where their content does not tell.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="An option of that workload (repeatable).")
def command(
    *, folder: Path, more: Sequence[str], inputs: Sequence[str], workload: str | None, pairs: Sequence[str]
) -> int:
    r"""Make a project in FOLDER, which is new or empty: settings, a copy of your inputs, and what Dagster needs.

    Edge lists (source,target[,weight]), prices (date, then one column an asset) and features with a last column `label`
    are recognized. A file that is refused is named with row and column; then nothing is made.

    \b
    Examples:
      hybrid-assets init my-nights --inputs graphs/*.csv
      hybrid-assets init my-nights --inputs prices.csv --workload portfolio --set budget=3
    """
    _check_new(folder)
    if workload and not (inputs or more):
        raise UsageError("--workload says whose the inputs are: give some with --inputs.")
    if pairs and not workload:
        raise UsageError("--set is for one workload: name it with --workload.")
    options = dict(map(_option, pairs))
    given = [Path(name) for name in (*inputs, *more)] or sorted((TEMPLATES / "examples").iterdir())
    taken = [recognized(file, workload, options) for file in given]
    _check_names(taken)
    try:
        _make(folder, taken, options)
    except OSError as exc:
        raise ConfigurationError(
            f"{folder} cannot be made: {exc.strerror}. Nothing was made. Name a folder where you may write, on a disk "
            "that has room."
        ) from exc
    click.echo(f"{folder}: a project with {_told(taken)}.")
    program = "hybrid-assets" if shutil.which("hybrid-assets") else shlex.quote(str(Path(sys.argv[0]).absolute()))
    click.echo(f"Next:\n  cd {shlex.quote(str(folder))} && {program} run\n  {program} report --open")
    return 0


def _option(pair: str) -> tuple[str, Any]:
    key, equals, text = pair.partition("=")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if not (equals and _KEY.fullmatch(key) and isinstance(value, int | float | str | list | dict)):
        raise UsageError(f"--set {pair!r} is no option. Write KEY=VALUE as in sweep.yaml, for example folds=3.")
    return key, value


def _check_new(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. The folder comes first: hybrid-assets init FOLDER --inputs FILE...")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty, and init overwrites nothing. Name a new folder.")


def _check_names(taken: Sequence[Input]) -> None:
    """Refuse two inputs that would become one instance."""
    seen: dict[tuple[str, str], Path] = {}
    for one in taken:
        other = seen.setdefault((one.workload, Path(one.name).stem), one.file)
        if other is not one.file:
            raise UsageError(
                f"{other} and {one.file} would both be the {one.workload} instance {one.name!r}: rename one."
            )


def _make(folder: Path, taken: Sequence[Input], options: Mapping[str, Any]) -> None:
    """Write the project beside its place, check its settings, then put it there as a whole."""
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as place:
        draft = Path(place)
        for one in taken:
            copy = draft / INPUTS / one.workload / one.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(one.file, copy)
        for name, text in _texts(target.name, taken, options).items():
            (draft / name).write_text(text, encoding="utf-8")
        load_settings(draft / DEFAULT_FILE)
        target.mkdir(exist_ok=True)
        _move_all(draft, target)


def _move_all(draft: Path, target: Path) -> None:
    """Move what is in a folder into an empty one, all or nothing; the latter may be somebody's working folder."""
    moved: list[str] = []
    try:
        for name in sorted(path.name for path in draft.iterdir()):
            (draft / name).rename(target / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            (target / name).rename(draft / name)
        raise


def _texts(name: str, taken: Sequence[Input], options: Mapping[str, Any]) -> dict[str, str]:
    """Return the project's files by name, filled in."""
    workloads = sorted({one.workload for one in taken})
    last_night = datetime.now(UTC).date() - timedelta(days=1)
    words = {
        "name": name,
        "start": last_night.isoformat(),
        "workloads": "".join(_section(workload, taken, options) for workload in workloads),
        "inputs": "\n".join(f"- `{INPUTS}/{one.workload}/{one.name}`" for one in taken),
    }
    return {
        file: Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        for file, template in WRITTEN.items()
    }


def _section(workload: str, taken: Sequence[Input], options: Mapping[str, Any]) -> str:
    """Return a workload's section of the settings; an option that was given takes the place of the template's line."""
    suffixes = {Path(one.name).suffix for one in taken if one.workload == workload}
    pattern = f"*{suffixes.pop()}" if len(suffixes) == 1 else "*"
    own = TEMPLATES / "sections" / f"{workload}.yaml"
    lines = own.read_text(encoding="utf-8").splitlines() if own.is_file() else []
    kept = [line for line in lines if line.strip().lstrip("# ").partition(":")[0] not in options]
    given = [f"    {key}: {json.dumps(value)}" for key, value in options.items()]
    return "\n".join([f"  {workload}:", f"    inputs: {INPUTS}/{workload}/{pattern}", *given, *kept, ""])


def _told(taken: Sequence[Input]) -> str:
    return ", ".join(_counted(workload, count) for workload, count in _counts(taken))


def _counts(taken: Sequence[Input]) -> Iterator[tuple[str, int]]:
    for workload in sorted({one.workload for one in taken}):
        yield workload, sum(one.workload == workload for one in taken)


def _counted(workload: str, count: int) -> str:
    return f"{count} {workload} input{'' if count == 1 else 's'}"
