"""Reading labeled data: CSV with one column per feature, the last one ``label``. Put refusals of files here.

Keep out subsets, folds and projections (`hybrid_assets.scoring.folds`).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.errors import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Files above this are refused unread.
MAX_FILE_BYTES = 5 * 1024 * 1024
#: A kernel needs a circuit for every pair of rows, so more rows than this are never used.
MAX_ROWS = 5_000
MAX_COLUMNS = 200
MAX_NAME_LENGTH = 64
#: Squares and their sums stay far from overflow; a larger number is a mistake.
MAX_MAGNITUDE = 1e100
LABEL = "label"

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabeledTable:
    """A valid table, rows as in the file."""

    #: Sorted; the order of columns in the file has no meaning.
    feature_names: tuple[str, ...]
    #: Finite numbers, shape (rows, len(feature_names)).
    features: np.ndarray
    #: Class name of each row.
    classes: tuple[str, ...]


def read_labeled_csv(path: Path, *, source: str) -> LabeledTable:
    """Read and validate a table of features and labels. Blank lines are skipped.

    Args:
        path: The file.
        source: Its name in messages.

    Raises:
        ProblemError: The file is missing, too large, no such table, or one cell of it is wrong.
    """
    lines = _lines(_text(path, source), source)
    row, header = next(lines, (0, []))
    if not header:
        raise ProblemError("the file is empty; expected a header `feature,...,label` and rows", file=source)
    names = _feature_names(header, file=source, row=row)
    features: list[list[float]] = []
    classes: list[str] = []
    for row, cells in lines:
        if len(features) == MAX_ROWS:
            raise ProblemError(f"has more than {MAX_ROWS} rows of data; cut the file", file=source, row=row)
        if len(cells) != len(header):
            raise ProblemError(f"has {len(cells)} cells, the header has {len(header)}", file=source, row=row)
        features.append([_number(c, file=source, row=row, column=n) for c, n in zip(cells[:-1], names, strict=True)])
        classes.append(_class_name(cells[-1], file=source, row=row))
    if not features:
        raise ProblemError("has a header but no rows", file=source)
    order = sorted(range(len(names)), key=names.__getitem__)
    return LabeledTable(
        feature_names=tuple(names[k] for k in order),
        features=np.array(features)[:, order] + 0.0,
        classes=tuple(classes),
    )


def _text(path: Path, source: str) -> str:
    try:
        with path.open("rb") as handle:
            raw = handle.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise ProblemError(f"cannot be read: {exc.strerror}", file=source) from exc
    if len(raw) > MAX_FILE_BYTES:
        raise ProblemError(f"is larger than {MAX_FILE_BYTES // 1024**2} MiB; cut rows or columns", file=source)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        row = raw[: exc.start].count(b"\n") + 1
        raise ProblemError("is not UTF-8 text; save it as UTF-8", file=source, row=row) from exc


def _lines(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, stripped cells) of each line that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            raise ProblemError(f"is not CSV: {exc}", file=source, row=max(reader.line_num, 1)) from exc
        if any(cell.strip() for cell in cells):
            yield reader.line_num, [cell.strip() for cell in cells]


def _feature_names(header: Sequence[str], *, file: str, row: int) -> Sequence[str]:
    if header[-1] != LABEL:
        raise ProblemError(
            f"the last column is {_shown(header[-1])}; expected features, then `{LABEL}`", file=file, row=row
        )
    # Counted first, so that looking for doubles stays cheap on a hostile header.
    if not 2 <= len(header) <= MAX_COLUMNS:
        raise ProblemError(
            f"has {len(header)} columns; from 2 to {MAX_COLUMNS} are taken, `{LABEL}` included", file=file, row=row
        )
    for k, name in enumerate(header):
        if not name:
            raise ProblemError(f"column {k + 1} has no name", file=file, row=row)
        if not name.isprintable() or len(name) > MAX_NAME_LENGTH:
            raise ProblemError(
                f"column {k + 1} is named {_shown(name)}; use at most {MAX_NAME_LENGTH} printable characters",
                file=file,
                row=row,
            )
        if name in header[:k]:
            raise ProblemError("this column is there twice", file=file, row=row, column=name)
    return header[:-1]


def _number(cell: str, *, file: str, row: int, column: str) -> float:
    if not cell:
        reason = "the cell is empty; drop the row or the column, nothing is filled in"
    elif cell.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        reason = f"{_shown(cell)} is not a finite number"
    elif not _NUMBER.fullmatch(cell):
        reason = f"{_shown(cell)} is not a number"
    elif abs(number := float(cell)) > MAX_MAGNITUDE:
        reason = f"{_shown(cell)} is beyond {MAX_MAGNITUDE:g}; check the unit"
    else:
        return number
    raise ProblemError(reason, file=file, row=row, column=column)


def _class_name(cell: str, *, file: str, row: int) -> str:
    if not cell:
        raise ProblemError("the label is empty; drop the row", file=file, row=row, column=LABEL)
    if not cell.isprintable() or len(cell) > MAX_NAME_LENGTH:
        raise ProblemError(
            f"{_shown(cell)} is no class name; use at most {MAX_NAME_LENGTH} printable characters",
            file=file,
            row=row,
            column=LABEL,
        )
    return cell


def _shown(cell: str) -> str:
    """Quote a foreign cell so that a message stays one short line."""
    return repr(cell if len(cell) <= MAX_NAME_LENGTH else cell[:MAX_NAME_LENGTH] + "...")
