"""Reading edge lists: CSV with ``source,target`` and perhaps ``weight``. Put refusals of files here.

Nodes are whole numbers from 0, or names, in a file all of one kind. Keep out what is made of the edges (`maxcut`).
"""

from __future__ import annotations

import math
import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

from hybrid_assets.errors import ProblemError
from hybrid_assets.model.text import decimal_comma, nearest
from hybrid_assets.workloads._csv_input import CsvFormat, number_in, read_rows, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
MAX_NAME_LENGTH = 60
_EXPECTED = "nodes are whole numbers from 0, or names that begin with a letter"

_FORMAT = CsvFormat(
    max_bytes=MAX_FILE_BYTES,
    too_large=f"is larger than {MAX_FILE_BYTES:,} bytes, the cap for an edge list",
    expected="a header `source,target[,weight]` and edges",
    not_utf8="is not UTF-8 text; save the file as UTF-8",
    not_csv="is not valid CSV",
)


def read_edges(path: Path, *, source: str) -> tuple[Mapping[tuple[int, int], float], Sequence[str]]:
    """Read and validate an edge list.

    Nodes with names are numbered from 0 in their sorted order, so that the order of the rows does not matter. Empty
    lines are skipped; spaces around cells and a byte-order mark do not count.

    Args:
        path: The file.
        source: Its name in messages.

    Returns:
        Weight of each edge (u, v), u < v, 1.0 where there is no column ``weight``; ids are the file's numbers, or
        places in the second value, the names, which is empty where nodes are numbers.

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
    nodes = _Nodes(source)
    for row, cells in rows:
        u, v = (nodes.number(cell, name, row=row) for cell, name in zip(cells[:2], COLUMNS[:2], strict=True))
        if u == v:
            raise ProblemError(f"the edge joins node {nodes.told(u)} to itself; remove the row", file=source, row=row)
        edge = (min(u, v), max(u, v))
        if edge in edges:
            raise ProblemError(
                f"the edge {nodes.told(u)},{nodes.told(v)} was already given in row {first_seen[edge]}; "
                "edges have no direction, keep one",
                file=source,
                row=row,
            )
        edges[edge] = _weight(cells[2], file=source, row=row) if len(cells) == len(COLUMNS) else 1.0
        first_seen[edge] = row
    _check_size(edges, file=source)
    return nodes.in_order(edges)


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


class _Nodes:
    """The nodes of one file: whole numbers are their own, names are numbered as they come."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._are_named: bool | None = None
        self._numbers: dict[str, int] = {}
        #: How a name is written, by what is left of it without upper case and accents' encoding.
        self._spelled: dict[str, str] = {}

    def number(self, cell: str, column: str, *, row: int) -> int:
        """Return the number of the node in a cell; the first cell of all says whether nodes are names.

        Raises:
            ProblemError: It is no node, or not of that kind.
        """
        if self._are_named is None:
            self._are_named = cell[:1].isalpha()
        if reason := self._refusal(cell):
            raise ProblemError(reason, file=self._file, row=row, column=column)
        return self._numbers.setdefault(cell, len(self._numbers)) if self._are_named else int(cell)

    def told(self, number: int) -> str:
        """Return a node as the file writes it."""
        return list(self._numbers)[number] if self._are_named else str(number)

    def in_order(self, edges: Mapping[tuple[int, int], float]) -> tuple[Mapping[tuple[int, int], float], Sequence[str]]:
        """Return edges whose nodes are numbered in the order of their names, and the names."""
        names = sorted(self._numbers)
        place = {self._numbers[name]: k for k, name in enumerate(names)}
        if not names:
            return edges, names
        return {(min(a, b), max(a, b)): w for (u, v), w in edges.items() for a, b in [(place[u], place[v])]}, names

    def _refusal(self, cell: str) -> str | None:
        if not cell:
            return "is empty; expected a node id"
        if not self._are_named:
            return None if _NODE.fullmatch(cell) else _no_number(cell)
        if _NODE.fullmatch(cell):
            return f"{cell} is a number, and the nodes above have names; {_EXPECTED}, of one kind in a file"
        if not cell[0].isalpha() or not cell.isprintable() or len(cell) > MAX_NAME_LENGTH:
            return f"{shown(cell, 40)} is no name of a node: a letter, then at most {MAX_NAME_LENGTH} characters in all"
        spelled = self._spelled.setdefault(unicodedata.normalize("NFKC", cell).casefold(), cell)
        return None if spelled == cell else f"{cell!r} was {spelled!r} above; write a node's name in one way"


def _no_number(cell: str) -> str:
    if _INTEGER.fullmatch(cell):
        return f"{cell[:40]} is negative; node ids are whole numbers from 0"
    if cell[0].isalpha():
        return f"{shown(cell, 40)} is a name, and the nodes above have numbers; {_EXPECTED}, of one kind in a file"
    return f"{cell[:40]!r} is not a node id; {_EXPECTED}; numbers have up to 18 digits"


def _weight(cell: str, *, file: str, row: int) -> float:
    value = number_in(cell)
    if not cell:
        reason = "is empty; expected a number"
    elif value is None:
        reason = f"{cell[:40]!r} is not a number{decimal_comma(cell)}"
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
