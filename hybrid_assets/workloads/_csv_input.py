"""Input files that are CSV: the instance's name, the rows with their numbers, names and numbers in cells.

Put what every such file must keep here, and its refusals; keep out what a column means (the reader of each workload).
"""

from __future__ import annotations

import csv
import io
import math
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.errors import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    #: Line number from 1, and the stripped cells.
    Row = tuple[int, list[str]]

_INSTANCE_NAME = re.compile(r"(?![.-])[a-z0-9._-]{1,120}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFormat:
    """What a kind of file may be, and the words of its refusals."""

    #: Files above this are refused unread.
    max_bytes: int
    too_large: str
    #: What an empty file lacks.
    expected: str
    #: Most rows below the header; None: as many as the bytes hold.
    max_rows: int | None = None
    not_utf8: str = "is not UTF-8 text; save it as UTF-8"
    not_csv: str = "is not CSV"


def instance_name(
    path: Path,
    *,
    source: str,
    refusal: str = "the file's name becomes the instance's: use only a-z, 0-9, '.', '_' and '-'",
) -> str:
    """Return the stem of a file, which is its instance's name.

    Raises:
        ProblemError: It holds other characters than ``a-z``, ``0-9``, ``.``, ``_`` and ``-``; ``refusal`` says so.
    """
    if not _INSTANCE_NAME.fullmatch(path.stem):
        raise ProblemError(refusal, file=source)
    return path.stem


def read_rows(path: Path, form: CsvFormat, *, source: str) -> tuple[Row, Iterator[Row]]:
    """Read the header of a file, and the rows below it one by one; lines without a filled cell are skipped.

    Spaces around cells and a byte-order mark do not count. The rows are checked as they are taken.

    Args:
        path: The file.
        form: What it may be.
        source: Its name in messages.

    Returns:
        The header and the rows, each row with as many cells as the header.

    Raises:
        ProblemError: The file is missing, too large, empty, not UTF-8 or no CSV, or a row is wrong.
    """
    lines = _filled_lines(_text(path, form, source), form, source)
    header = next(lines, None)
    if header is None:
        raise ProblemError(f"the file is empty; expected {form.expected}", file=source)
    return header, _even_rows(lines, len(header[1]), form, source)


def check_names(names: Sequence[str], *, noun: str, max_length: int, file: str, row: int) -> None:
    """Refuse names of columns that are empty, unprintable, too long or there twice.

    Raises:
        ProblemError: A name is wrong; ``noun`` says what the columns are.
    """
    for k, name in enumerate(names):
        if not name:
            raise ProblemError(f"{noun} {k + 1} has no name", file=file, row=row)
        if not name.isprintable() or len(name) > max_length:
            raise ProblemError(
                f"{noun} {k + 1} is named {shown(name, max_length)}; use at most {max_length} printable characters",
                file=file,
                row=row,
            )
        if name in names[:k]:
            raise ProblemError(f"this {noun} is there twice", file=file, row=row, column=name)


def number_in(cell: str) -> float | None:
    """Return the number a cell holds in plain decimal or scientific notation.

    Returns:
        The number, infinite where it is beyond float64; NaN for the names of what is not finite (``nan``, ``-inf``);
        None where there is no number.
    """
    if _NUMBER.fullmatch(cell):
        return float(cell)
    return math.nan if _NOT_FINITE.fullmatch(cell) else None


def shown(cell: str, max_length: int) -> str:
    """Quote a foreign cell so that a message stays one short line."""
    return repr(cell if len(cell) <= max_length else cell[:max_length] + "...")


def _text(path: Path, form: CsvFormat, source: str) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would wait for ever
            raise ProblemError("is not a regular file", file=source)
        with path.open("rb") as handle:
            raw = handle.read(form.max_bytes + 1)
    except OSError as exc:
        raise ProblemError(f"cannot be read: {exc.strerror}", file=source) from exc
    if len(raw) > form.max_bytes:
        raise ProblemError(form.too_large, file=source)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        row = raw[: exc.start].count(b"\n") + 1
        raise ProblemError(form.not_utf8, file=source, row=row) from exc


def _filled_lines(text: str, form: CsvFormat, source: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as exc:
        raise ProblemError(f"{form.not_csv}: {exc}", file=source, row=reader.line_num) from exc


def _even_rows(lines: Iterator[Row], width: int, form: CsvFormat, source: str) -> Iterator[Row]:
    for taken, (row, cells) in enumerate(lines):
        if taken == form.max_rows:
            raise ProblemError(f"has more than {form.max_rows} rows of data; cut the file", file=source, row=row)
        if len(cells) != width:
            raise ProblemError(f"has {len(cells)} cells, the header has {width}", file=source, row=row)
        yield row, cells
