"""Reading labeled data: CSV with one column per feature, the last one ``label``. Put refusals of files here.

Keep out subsets, folds and projections (`hybrid_assets.scoring.folds`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.errors import ProblemError
from hybrid_assets.workloads._csv_input import CsvFormat, check_names, number_in, read_rows, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    form = CsvFormat(
        max_bytes=MAX_FILE_BYTES,
        too_large=f"is larger than {MAX_FILE_BYTES // 1024**2} MiB; cut rows or columns",
        expected="a header `feature,...,label` and rows",
        max_rows=MAX_ROWS,
    )
    (row, header), rows = read_rows(path, form, source=source)
    names = _feature_names(header, file=source, row=row)
    features: list[list[float]] = []
    classes: list[str] = []
    for row, cells in rows:
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


def _feature_names(header: Sequence[str], *, file: str, row: int) -> Sequence[str]:
    if header[-1] != LABEL:
        raise ProblemError(
            f"the last column is {shown(header[-1], MAX_NAME_LENGTH)}; expected features, then `{LABEL}`",
            file=file,
            row=row,
        )
    # Counted first, so that looking for doubles stays cheap on a hostile header.
    if not 2 <= len(header) <= MAX_COLUMNS:
        raise ProblemError(
            f"has {len(header)} columns; from 2 to {MAX_COLUMNS} are taken, `{LABEL}` included", file=file, row=row
        )
    check_names(header, noun="column", max_length=MAX_NAME_LENGTH, file=file, row=row)
    return header[:-1]


def _number(cell: str, *, file: str, row: int, column: str) -> float:
    number, told = number_in(cell), shown(cell, MAX_NAME_LENGTH)
    if not cell:
        reason = "the cell is empty; drop the row or the column, nothing is filled in"
    elif number is None:
        reason = f"{told} is not a number"
    elif math.isnan(number):
        reason = f"{told} is not a finite number"
    elif abs(number) > MAX_MAGNITUDE:
        reason = f"{told} is beyond {MAX_MAGNITUDE:g}; check the unit"
    else:
        return number
    raise ProblemError(reason, file=file, row=row, column=column)


def _class_name(cell: str, *, file: str, row: int) -> str:
    if not cell:
        raise ProblemError("the label is empty; drop the row", file=file, row=row, column=LABEL)
    if not cell.isprintable() or len(cell) > MAX_NAME_LENGTH:
        raise ProblemError(
            f"{shown(cell, MAX_NAME_LENGTH)} is no class name; use at most {MAX_NAME_LENGTH} printable characters",
            file=file,
            row=row,
            column=LABEL,
        )
    return cell
