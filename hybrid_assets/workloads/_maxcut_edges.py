"""Reading edge lists: CSV with ``source,target`` and perhaps ``weight``. Put refusals of files here.

Keep out what is made of the edges (`maxcut`).
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from hybrid_assets.errors import ProblemError
from hybrid_assets.model.text import nearest
from hybrid_assets.workloads._csv_input import CsvFormat, number_in, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COLUMNS = ("source", "target", "weight")
#: Files above this are refused unread; the densest graph of `MAX_NODES` nodes has 80,000 edges in under 1 MiB.
MAX_FILE_BYTES = 1024 * 1024
#: Decomposition is tested up to here.
MAX_NODES = 400
#: Magnitudes outside this range are slips of the unit, and their sums would lose digits or overflow.
MIN_WEIGHT, MAX_WEIGHT = 1e-9, 1e9

#: 18 digits fit a 64-bit integer, should anything downstream store them as one.
_NODE = re.compile(r"\d{1,18}", re.ASCII)
_INTEGER = re.compile(r"-\d+", re.ASCII)

_FORMAT = CsvFormat(
    max_bytes=MAX_FILE_BYTES,
    too_large=f"is larger than {MAX_FILE_BYTES:,} bytes, the cap for an edge list",
    expected="a header `source,target[,weight]` and edges",
    not_utf8="is not UTF-8 text; save the file as UTF-8",
    not_csv="is not valid CSV",
)


def read_edges(path: Path, *, source: str) -> Mapping[tuple[int, int], float]:
    """Read and validate an edge list.

    Empty lines are skipped; spaces around cells and a byte-order mark do not count.

    Args:
        path: The file.
        source: Its name in messages.

    Returns:
        Weight of each edge (u, v), u < v; ids as in the file; 1.0 where there is no column ``weight``.

    Raises:
        ProblemError: The file is missing, too large, no edge list, or one cell of it is wrong.
    """
    with suppress(OSError):  # reading meets the same error and tells it
        if not path.is_file():
            raise ProblemError("is not a file", file=source)
    (row, header), rows = read_rows(path, _FORMAT, source=source)
    _check_header(header, file=source, row=row)
    edges: dict[tuple[int, int], float] = {}
    first_seen: dict[tuple[int, int], int] = {}
    for row, cells in rows:
        u, v = (_node(cell, name, file=source, row=row) for cell, name in zip(cells[:2], COLUMNS[:2], strict=True))
        if u == v:
            raise ProblemError(f"the edge joins node {u} to itself; remove the row", file=source, row=row)
        edge = (min(u, v), max(u, v))
        if edge in edges:
            raise ProblemError(
                f"the edge {u},{v} was already given in row {first_seen[edge]}; edges have no direction, keep one",
                file=source,
                row=row,
            )
        edges[edge] = _weight(cells[2], file=source, row=row) if len(cells) == len(COLUMNS) else 1.0
        first_seen[edge] = row
    _check_size(edges, file=source)
    return edges


def _check_header(header: list[str], *, file: str, row: int) -> None:
    if tuple(header) in {COLUMNS, COLUMNS[:2]}:
        return
    if len(header) > len(COLUMNS):
        raise ProblemError(
            f"has {len(header)} columns; expected the header `source,target[,weight]`", file=file, row=row
        )
    for name, expected in zip(header, COLUMNS, strict=False):
        if name != expected:
            raise ProblemError(
                f"expected the header `source,target[,weight]`. {nearest(name, COLUMNS)}".rstrip(),
                file=file,
                row=row,
                column=name,
            )
    raise ProblemError("the column 'target' is missing from the header", file=file, row=row)


def _node(cell: str, column: str, *, file: str, row: int) -> int:
    if _NODE.fullmatch(cell):
        return int(cell)
    if not cell:
        reason = "is empty; expected a node id"
    elif _INTEGER.fullmatch(cell):
        reason = f"{cell[:40]} is negative; node ids are whole numbers from 0"
    else:
        reason = f"{cell[:40]!r} is not a node id; node ids are whole numbers from 0, up to 18 digits"
    raise ProblemError(reason, file=file, row=row, column=column)


def _weight(cell: str, *, file: str, row: int) -> float:
    value = number_in(cell)
    if not cell:
        reason = "is empty; expected a number"
    elif value is None:
        reason = f"{cell[:40]!r} is not a number"
    elif math.isnan(value):
        reason = f"{cell} is not finite; expected a number"
    elif value == 0:
        reason = "the weight is 0, which is no edge; remove the row"
    elif not MIN_WEIGHT <= abs(value) <= MAX_WEIGHT:
        reason = (
            f"{cell[:40]} is out of range; magnitudes go from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}, rescale all weights"
        )
    else:
        return value
    raise ProblemError(reason, file=file, row=row, column="weight")


def _check_size(edges: Mapping[tuple[int, int], float], *, file: str) -> None:
    if not edges:
        raise ProblemError("has a header but no edge", file=file)
    num_nodes = len({node for edge in edges for node in edge})
    if num_nodes > MAX_NODES:
        raise ProblemError(f"has {num_nodes} nodes; the cap is {MAX_NODES}", file=file)
