"""Reading price tables: CSV with ``date`` and one column of prices per asset. Put refusals of files here.

Keep out what is computed from prices (`_portfolio_objective`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hybrid_assets.errors import ProblemError
from hybrid_assets.model.problem import MAX_TABLE_VARIABLES
from hybrid_assets.workloads._csv_input import CsvFormat, check_names, number_in, read_rows, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    form = CsvFormat(
        max_bytes=MAX_FILE_BYTES,
        too_large=f"is larger than {MAX_FILE_BYTES // 1024**2} MiB; use fewer assets or a coarser time step",
        expected="a header `date,ASSET,...` and prices",
    )
    (row, header), rows = read_rows(path, form, source=source)
    assets = _assets(header, file=source, row=row)
    dates: list[date] = []
    table: list[list[float]] = []
    for row, cells in rows:
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


def _assets(header: Sequence[str], *, file: str, row: int) -> list[str]:
    if header[0].lower() != "date":
        raise ProblemError(
            f"the first column is {shown(header[0], MAX_NAME_LENGTH)}; expected `date`, then one column per asset",
            file=file,
            row=row,
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
    check_names(assets, noun="asset", max_length=MAX_NAME_LENGTH, file=file, row=row)
    return assets


def _date(cell: str, before: Sequence[date], *, file: str, row: int) -> date:
    try:
        # fromisoformat alone takes week dates and dates without hyphens as well.
        day = date.fromisoformat(cell if _ISO_DATE.fullmatch(cell) else "")
    except ValueError as exc:
        raise ProblemError(
            f"{shown(cell, MAX_NAME_LENGTH)} is no date of the form YYYY-MM-DD", file=file, row=row, column="date"
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
            told = shown(cell, MAX_NAME_LENGTH)
            raise ProblemError(
                f"{told} is more than a millionfold change from {table[-1][k]:g}; check the unit",
                file=file,
                row=row,
                column=asset,
            )
        prices.append(price)
    return prices


def _price(cell: str, *, file: str, row: int, column: str) -> float:
    price, told = number_in(cell), shown(cell, MAX_NAME_LENGTH)
    if not cell:
        reason = "the price is empty; drop the row or the asset, nothing is filled in"
    elif price is None:
        reason = f"{told} is not a number"
    elif math.isnan(price) or price == math.inf:
        reason = f"{told} is not a finite price"
    elif price <= 0:
        reason = f"{told} is not above 0"
    else:
        return price
    raise ProblemError(reason, file=file, row=row, column=column)
