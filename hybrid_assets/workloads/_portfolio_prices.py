"""Reading price tables: CSV with ``date`` and one column of prices per asset. Put refusals of files here.

Keep out what is computed from prices (`_portfolio_objective`).
"""

from __future__ import annotations

import csv
import io
import re
import stat
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hybrid_assets.errors import ProblemError
from hybrid_assets.model.problem import MAX_TABLE_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Files above this are refused unread; 20 assets of daily prices for 30 years are under 2 MiB.
MAX_FILE_BYTES = 5 * 1024 * 1024
#: Two returns are the least that have a sample covariance.
MIN_ROWS = 3
MIN_ASSETS = 2
#: One asset is one qubit and the workload has no decomposition, so a value table must fit.
MAX_ASSETS = MAX_TABLE_VARIABLES
#: A larger change from one row to the next is a wrong unit or a slipped comma, and squares of it would overflow.
MAX_PRICE_FACTOR = 1e6

MAX_NAME_LENGTH = 40

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A valid price table in canonical column order."""

    #: Asset names, sorted; the order of columns in the file has no meaning.
    assets: tuple[str, ...]
    #: Strictly increasing.
    dates: tuple[date, ...]
    #: Prices of each asset, one tuple an asset in the order of ``assets``, one number a date; all finite and positive.
    columns: tuple[tuple[float, ...], ...]


def read_prices(path: Path, *, source: str) -> Prices:
    """Read and validate a price table.

    Args:
        path: The file.
        source: Its name in messages.

    Raises:
        ProblemError: The file is missing, too large, no table of prices, or one cell of it is wrong.
    """
    rows = _rows(_text(path, source), source)
    header_line, header = next(rows, (0, []))
    if not header:
        raise ProblemError("the file is empty; expected a header `date,ASSET,...` and prices", file=source)
    assets = _assets(header, file=source, row=header_line)
    dates: list[date] = []
    table: list[list[float]] = []
    for row, cells in rows:
        if len(cells) != len(header):
            raise ProblemError(f"has {len(cells)} cells, the header has {len(header)}", file=source, row=row)
        dates.append(_date(cells[0], dates, file=source, row=row))
        table.append(_row_prices(cells[1:], assets, table, file=source, row=row))
    if len(table) < MIN_ROWS:
        raise ProblemError(
            f"has {len(table)} rows of prices; at least {MIN_ROWS} are needed for two returns", file=source
        )
    order = sorted(range(len(assets)), key=assets.__getitem__)
    return Prices(
        assets=tuple(assets[k] for k in order),
        dates=tuple(dates),
        columns=tuple(tuple(line[k] for line in table) for k in order),
    )


def _text(path: Path, source: str) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise ProblemError("is not a regular file", file=source)
        with path.open("rb") as handle:
            raw = handle.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise ProblemError(f"cannot be read: {exc.strerror}", file=source) from exc
    if len(raw) > MAX_FILE_BYTES:
        raise ProblemError(
            f"is larger than {MAX_FILE_BYTES // 1024**2} MiB; use fewer assets or a coarser time step", file=source
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        row = raw[: exc.start].count(b"\n") + 1
        raise ProblemError("is not UTF-8 text; save it as UTF-8", file=source, row=row) from exc


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
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


def _assets(header: Sequence[str], *, file: str, row: int) -> list[str]:
    if header[0].lower() != "date":
        raise ProblemError(
            f"the first column is {_shown(header[0])}; expected `date`, then one column per asset", file=file, row=row
        )
    assets = list(header[1:])
    # Counted first, so that looking for doubles stays cheap on a hostile header.
    if len(assets) < MIN_ASSETS:
        raise ProblemError(f"has {len(assets)} assets; at least {MIN_ASSETS} are needed", file=file, row=row)
    if len(assets) > MAX_ASSETS:
        raise ProblemError(
            f"has {len(assets)} assets; the workload portfolio takes at most {MAX_ASSETS}, one qubit each, and cannot "
            "decompose: split the file",
            file=file,
            row=row,
        )
    for k, asset in enumerate(assets):
        if not asset:
            raise ProblemError(f"asset {k + 1} has no name", file=file, row=row)
        if not asset.isprintable() or len(asset) > MAX_NAME_LENGTH:
            raise ProblemError(
                f"asset {k + 1} is named {_shown(asset)}; use at most {MAX_NAME_LENGTH} printable characters",
                file=file,
                row=row,
            )
        if asset in assets[:k]:
            raise ProblemError("this asset is there twice", file=file, row=row, column=asset)
    return assets


def _date(cell: str, before: Sequence[date], *, file: str, row: int) -> date:
    try:
        # fromisoformat alone takes week dates and dates without hyphens as well.
        day = date.fromisoformat(cell if _ISO_DATE.fullmatch(cell) else "")
    except ValueError as exc:
        raise ProblemError(
            f"{_shown(cell)} is no date of the form YYYY-MM-DD", file=file, row=row, column="date"
        ) from exc
    if before and day == before[-1]:
        raise ProblemError(f"{cell} is there twice", file=file, row=row, column="date")
    if before and day < before[-1]:
        raise ProblemError(
            f"{cell} comes after {before[-1]}; sort the rows by date, oldest first", file=file, row=row, column="date"
        )
    return day


def _row_prices(
    cells: Sequence[str], assets: Sequence[str], table: Sequence[Sequence[float]], *, file: str, row: int
) -> list[float]:
    prices = []
    for k, (cell, asset) in enumerate(zip(cells, assets, strict=True)):
        price = _price(cell, file=file, row=row, column=asset)
        if table and not 1 / MAX_PRICE_FACTOR <= price / table[-1][k] <= MAX_PRICE_FACTOR:
            raise ProblemError(
                f"{_shown(cell)} is more than a millionfold change from {table[-1][k]:g}; check the unit",
                file=file,
                row=row,
                column=asset,
            )
        prices.append(price)
    return prices


def _price(cell: str, *, file: str, row: int, column: str) -> float:
    if not cell:
        raise ProblemError(
            "the price is empty; drop the row or the asset, nothing is filled in", file=file, row=row, column=column
        )
    if cell.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise ProblemError(f"{_shown(cell)} is not a finite price", file=file, row=row, column=column)
    if not _NUMBER.fullmatch(cell):
        raise ProblemError(f"{_shown(cell)} is not a number", file=file, row=row, column=column)
    price = float(cell)
    if price == float("inf"):
        raise ProblemError(f"{_shown(cell)} is not a finite price", file=file, row=row, column=column)
    if price <= 0:
        raise ProblemError(f"{_shown(cell)} is not above 0", file=file, row=row, column=column)
    return price


def _shown(cell: str) -> str:
    """Quote a foreign cell so that a message stays one short line."""
    return repr(cell if len(cell) <= MAX_NAME_LENGTH else cell[:MAX_NAME_LENGTH] + "...")
