"""Edge lists that are refused, by file, row and column; and those that are read."""

from __future__ import annotations

import os

import pytest

from hybrid_assets.errors import ProblemError
from hybrid_assets.workloads._maxcut_edges import MAX_FILE_BYTES, read_edges

HEADER = "source,target,weight\n"
KINDS = "nodes are whole numbers from 0, or names that begin with a letter"
NO_ID = f"is not a node id; {KINDS}; numbers have up to 18 digits"
NO_NAME = "is no name of a node: a letter, then at most 60 characters in all"
OF_ONE_KIND = f"{KINDS}, of one kind in a file"


def read(tmp_path, content):
    path = tmp_path / "graph.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_edges(path, source="inputs/graph.csv")


@pytest.mark.parametrize(
    ("content", "edges"),
    [
        pytest.param("source,target\n0,1\n", {(0, 1): 1.0}, id="single edge"),
        pytest.param(HEADER + "3,1,-2.5\n1,7,1e3\n", {(1, 3): -2.5, (1, 7): 1000.0}, id="weights, any direction"),
        pytest.param(HEADER + "0,1,.5\n1,2,+2.\n", {(0, 1): 0.5, (1, 2): 2.0}, id="number formats"),
        pytest.param("\ufeffsource,target\r\n0,1\r\n", {(0, 1): 1.0}, id="byte-order mark and CRLF"),
        pytest.param(" source , target \n 0 , 1 \n", {(0, 1): 1.0}, id="spaces"),
        pytest.param("source,target\n\n0,1\n\n\n", {(0, 1): 1.0}, id="empty lines"),
        pytest.param('"source","target"\n"0","1"\n', {(0, 1): 1.0}, id="quotes"),
        pytest.param("source,target\n0,1", {(0, 1): 1.0}, id="no newline at the end"),
        pytest.param("source,target\n007,8\n", {(7, 8): 1.0}, id="leading zeros"),
        pytest.param("source,target\n0,999999999999999999\n", {(0, 999999999999999999): 1.0}, id="18 digits"),
    ],
)
def test_read_edges_reads(tmp_path, content, edges):
    assert read(tmp_path, content) == (edges, [])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + "Ben,anna,2\nZoë K.,anna,3\n", id="names"),
        pytest.param(HEADER + " anna , Zoë K. ,3\nanna,Ben,2\n", id="rows and ends in another order"),
    ],
)
def test_nodes_may_have_names_which_are_numbered_in_their_order(tmp_path, content):
    """Sorted, capitals come first: Ben 0, Zoë K. 1, anna 2."""
    assert read(tmp_path, content) == ({(0, 2): 2.0, (1, 2): 3.0}, ["Ben", "Zoë K.", "anna"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", ": the file is empty; expected a header `source,target[,weight]` and edges", id="empty"),
        pytest.param("\n  \n", ": the file is empty; expected a header `source,target[,weight]` and edges", id="blank"),
        pytest.param(HEADER, ": has a header but no edge", id="header only"),
        pytest.param(
            "0,1\n1,2\n", ", row 1, column '0': expected the header `source,target[,weight]`.", id="no header"
        ),
        pytest.param(
            "source,traget\n0,1\n",
            ", row 1, column 'traget': expected the header `source,target[,weight]`. Did you mean 'target'?",
            id="misspelt column",
        ),
        pytest.param(
            "source,target,wieght\n0,1,2\n",
            ", row 1, column 'wieght': expected the header `source,target[,weight]`. Did you mean 'weight'?",
            id="misspelt weight",
        ),
        pytest.param("source\n0\n", ", row 1: the column 'target' is missing from the header", id="one column"),
        pytest.param(
            "source,target,weight,color\n0,1,2,3\n",
            ", row 1: has 4 columns; expected the header `source,target[,weight]`",
            id="too many columns",
        ),
        pytest.param("source,target\n0,1\n1,2,3\n", ", row 3: has 3 cells, the header has 2", id="too many cells"),
        pytest.param(HEADER + "0,1\n", ", row 2: has 2 cells, the header has 3", id="too few cells"),
        pytest.param(
            "source,target\n0,1\n\n2,-3\n",
            ", row 4, column 'target': -3 is negative; node ids are whole numbers from 0",
            id="negative id, empty lines count",
        ),
        pytest.param(
            "source,target\n0.5,1\n",
            f", row 2, column 'source': '0.5' {NO_ID}",
            id="fraction id",
        ),
        pytest.param(
            "source,target\nMedici,1\n",
            f", row 2, column 'target': 1 is a number, and the nodes above have names; {OF_ONE_KIND}",
            id="a number among names",
        ),
        pytest.param(
            "source,target\n0,1\n0,Medici\n",
            f", row 3, column 'target': 'Medici' is a name, and the nodes above have numbers; {OF_ONE_KIND}",
            id="a name among numbers",
        ),
        pytest.param(
            "source,target\nanna,_ben\n",
            f", row 2, column 'target': '_ben' {NO_NAME}",
            id="no letter first",
        ),
        pytest.param(
            "source,target\nanna,b\u202een\n",
            f", row 2, column 'target': 'b\\u202een' {NO_NAME}",
            id="unprintable name",
        ),
        pytest.param(
            f"source,target\nanna,{'b' * 61}\n",
            f", row 2, column 'target': '{'b' * 40}...' {NO_NAME}",
            id="long name",
        ),
        pytest.param(
            "source,target\nanna,ben\nAnna,carl\n",
            ", row 3, column 'source': 'Anna' was 'anna' above; write a node's name in one way",
            id="one name, two spellings",
        ),
        pytest.param("source,target\nanna,\n", ", row 2, column 'target': is empty; expected a node id", id="no name"),
        pytest.param(
            "source,target\nanna,anna\n", ", row 2: the edge joins node anna to itself; remove the row", id="own friend"
        ),
        pytest.param(
            "source,target\nben,anna\nanna,ben\n",
            ", row 3: the edge anna,ben was already given in row 2; edges have no direction, keep one",
            id="friends twice",
        ),
        pytest.param(
            "source,target\n1_0,1\n",
            f", row 2, column 'source': '1_0' {NO_ID}",
            id="underscore id",
        ),
        pytest.param(
            "source,target\n\u0663,1\n",
            f", row 2, column 'source': '\u0663' {NO_ID}",
            id="foreign digits",
        ),
        pytest.param(
            "source,target\n1000000000000000000,1\n",
            f", row 2, column 'source': '1000000000000000000' {NO_ID}",
            id="huge id",
        ),
        pytest.param("source,target\n0,\n", ", row 2, column 'target': is empty; expected a node id", id="missing id"),
        pytest.param("source,target\n4,4\n", ", row 2: the edge joins node 4 to itself; remove the row", id="loop"),
        pytest.param(
            "source,target\n0,1\n1,2\n1,0\n",
            ", row 4: the edge 1,0 was already given in row 2; edges have no direction, keep one",
            id="duplicate, other direction",
        ),
        pytest.param(
            HEADER + "0,1,1\n0,1,2\n",
            ", row 3: the edge 0,1 was already given in row 2; edges have no direction, keep one",
            id="duplicate, other weight",
        ),
        pytest.param(HEADER + "0,1,nan\n", ", row 2, column 'weight': nan is not finite; expected a number", id="nan"),
        pytest.param(
            HEADER + "0,1,-inf\n", ", row 2, column 'weight': -inf is not finite; expected a number", id="inf"
        ),
        pytest.param(HEADER + "0,1,heavy\n", ", row 2, column 'weight': 'heavy' is not a number", id="text weight"),
        pytest.param(HEADER + "0,1,1_0\n", ", row 2, column 'weight': '1_0' is not a number", id="underscore weight"),
        pytest.param(
            HEADER + '0,1,"1,5"\n',
            ", row 2, column 'weight': '1,5' is not a number; write 1.5, with a point",
            id="comma for the point",
        ),
        pytest.param(HEADER + "0,1,\n", ", row 2, column 'weight': is empty; expected a number", id="missing weight"),
        pytest.param(
            HEADER + "0,1,0.0\n",
            ", row 2, column 'weight': the weight is 0, which is no edge; remove the row",
            id="zero weight",
        ),
        pytest.param(
            HEADER + "0,1,1e999\n",
            ", row 2, column 'weight': 1e999 is out of range; magnitudes go from 1e-09 to 1e+09, rescale all weights",
            id="overflow",
        ),
        pytest.param(
            HEADER + "0,1,-1e-320\n",
            ", row 2, column 'weight': -1e-320 is out of range; magnitudes go from 1e-09 to 1e+09, rescale all weights",
            id="subnormal",
        ),
        pytest.param('source,target\n0,"1\n', ", row 2: is not valid CSV: unexpected end of data", id="open quote"),
        pytest.param(
            b"source,target\n0,1\n2,\xff\n", ", row 3: is not UTF-8 text; save the file as UTF-8", id="not UTF-8"
        ),
        pytest.param(
            "source,target\n0,1\n".encode("utf-16"),
            ", row 1: is not UTF-8 text; save the file as UTF-8",
            id="UTF-16",
        ),
        pytest.param(
            b"x" * (MAX_FILE_BYTES + 1), ": is larger than 1,048,576 bytes, the cap for an edge list", id="huge file"
        ),
        pytest.param(
            "source,target\n" + "".join(f"0,{k}\n" for k in range(1, 401)),
            ": has 401 nodes; the cap is 400",
            id="too many nodes",
        ),
    ],
)
def test_read_edges_refuses(tmp_path, content, message):
    with pytest.raises(ProblemError) as refusal:
        read(tmp_path, content)
    assert str(refusal.value) == f"inputs/graph.csv{message}"
    assert refusal.value.file == "inputs/graph.csv"
    assert refusal.value.exit_code == 3


def test_read_edges_refusal_carries_row_and_column(tmp_path):
    with pytest.raises(ProblemError) as refusal:
        read(tmp_path, HEADER + "0,1,1\n1,2,nan\n")
    assert (refusal.value.row, refusal.value.column) == (3, "weight")


def test_read_edges_reads_a_file_of_exactly_the_cap(tmp_path):
    content = "source,target\n0,1\n"
    assert read(tmp_path, content + "\n" * (MAX_FILE_BYTES - len(content))) == ({(0, 1): 1.0}, [])


def test_read_edges_reads_exactly_the_most_nodes(tmp_path):
    assert len(read(tmp_path, "source,target\n" + "".join(f"0,{k}\n" for k in range(1, 400)))[0]) == 399


def test_read_edges_refuses_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ProblemError, match=r"^here\.csv: is not a file$"):
        read_edges(tmp_path / "no.csv", source="here.csv")
    with pytest.raises(ProblemError, match=r"^here\.csv: is not a file$"):
        read_edges(tmp_path, source="here.csv")


def test_read_edges_refuses_a_pipe_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ProblemError, match="is not a file"):
        read_edges(tmp_path / "pipe.csv", source="pipe.csv")


def test_read_edges_tells_why_a_file_cannot_be_opened(tmp_path):
    with pytest.raises(ProblemError, match=r"^here\.csv: cannot be read: File name too long$"):
        read_edges(tmp_path / ("x" * 300), source="here.csv")
