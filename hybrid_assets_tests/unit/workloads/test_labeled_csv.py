"""Reading labeled data: what is taken, and every refusal with file, row and column."""

from __future__ import annotations

import os

import numpy as np
import pytest

from hybrid_assets.errors import ProblemError
from hybrid_assets.workloads import _labeled_csv
from hybrid_assets.workloads._labeled_csv import read_labeled_csv


def read(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labeled_csv(path, source="in/data.csv")


def test_reading_sorts_columns_and_keeps_rows(tmp_path):
    table = read(tmp_path, "b,a,label\n1,2,x\n-3e-1, .5 ,y\n")
    assert table.feature_names == ("a", "b")
    assert np.array_equal(table.features, [[2, 1], [0.5, -0.3]])
    assert table.classes == ("x", "y")


def test_reading_takes_a_byte_order_mark_blank_lines_quotes_and_carriage_returns(tmp_path):
    table = read(tmp_path, b'\xef\xbb\xbf"a",label\r\n1,"x, y"\r\n\r\n2,z\r\n')
    assert table.feature_names == ("a",)
    assert table.classes == ("x, y", "z")


@pytest.mark.parametrize(
    ("content", "row", "column", "reason"),
    [
        pytest.param("", None, None, "the file is empty; expected a header `feature,...,label` and rows", id="empty"),
        pytest.param("a,label\n", None, None, "has a header but no rows", id="no rows"),
        pytest.param(
            "a,class\n1,x\n", 1, None, "the last column is 'class'; expected features, then `label`", id="no label"
        ),
        pytest.param(
            "label,a\nx,1\n", 1, None, "the last column is 'a'; expected features, then `label`", id="label not last"
        ),
        pytest.param(
            "label\nx\n", 1, None, "has 1 columns; from 2 to 200 are taken, `label` included", id="no features"
        ),
        pytest.param(
            ",".join(f"f{k}" for k in range(200)) + ",label\n",
            1,
            None,
            "has 201 columns; from 2 to 200 are taken, `label` included",
            id="too many columns",
        ),
        pytest.param("a,,label\n1,2,x\n", 1, None, "column 2 has no name", id="unnamed"),
        pytest.param("a,a,label\n1,2,x\n", 1, "a", "this column is there twice", id="twice"),
        pytest.param("label,label\n1,x\n", 1, "label", "this column is there twice", id="label twice"),
        pytest.param(
            "a\x07,label\n1,x\n",
            1,
            None,
            "column 1 is named 'a\\x07'; use at most 64 printable characters",
            id="control character",
        ),
        pytest.param("a,label\n1,x\n1,2,x\n", 3, None, "has 3 cells, the header has 2", id="long row"),
        pytest.param("a,label\n1\n", 2, None, "has 1 cells, the header has 2", id="short row"),
        pytest.param(
            "a,label\n1,x\n,x\n",
            3,
            "a",
            "the cell is empty; drop the row or the column, nothing is filled in",
            id="empty cell",
        ),
        pytest.param("a,label\nNaN,x\n", 2, "a", "'NaN' is not a finite number", id="nan"),
        pytest.param("a,label\n-inf,x\n", 2, "a", "'-inf' is not a finite number", id="inf"),
        pytest.param("a,label\n1e999,x\n", 2, "a", "'1e999' is beyond 1e+100; check the unit", id="overflow"),
        pytest.param("a,label\n-1e101,x\n", 2, "a", "'-1e101' is beyond 1e+100; check the unit", id="too large"),
        pytest.param("a,label\nred,x\n", 2, "a", "'red' is not a number", id="text"),
        pytest.param("a,label\n1_000,x\n", 2, "a", "'1_000' is not a number", id="underscore"),
        pytest.param("a,label\n٣,x\n", 2, "a", "'٣' is not a number", id="other digits"),
        pytest.param('a,label\n"1,5",x\n', 2, "a", "'1,5' is not a number", id="decimal comma"),
        pytest.param("a,label\n1,\n", 2, "label", "the label is empty; drop the row", id="empty label"),
        pytest.param(
            f"a,label\n1,{'x' * 65}\n",
            2,
            "label",
            f"'{'x' * 64}...' is no class name; use at most 64 printable characters",
            id="long label",
        ),
        pytest.param(b"a,label\n1,\xff\n", 2, None, "is not UTF-8 text; save it as UTF-8", id="not utf-8"),
        pytest.param('a,label\n"1,x\n', 2, None, "is not CSV: unexpected end of data", id="open quote"),
        pytest.param(
            "a,label\n" + "1,x\n" * 5_001, 5_002, None, "has more than 5000 rows of data; cut the file", id="many rows"
        ),
        pytest.param(
            b"a" * (5 * 1024 * 1024 + 1), None, None, "is larger than 5 MiB; cut rows or columns", id="large file"
        ),
    ],
)
def test_reading_refuses(tmp_path, content, row, column, reason):
    with pytest.raises(ProblemError) as caught:
        read(tmp_path, content)
    place = "in/data.csv" + (f", row {row}" if row else "") + (f", column {column!r}" if column else "")
    assert str(caught.value) == f"{place}: {reason}"
    assert (caught.value.file, caught.value.row, caught.value.column) == ("in/data.csv", row, column)


def test_reading_takes_as_many_rows_as_the_cap(tmp_path, monkeypatch):
    monkeypatch.setattr(_labeled_csv, "MAX_ROWS", 3)
    assert len(read(tmp_path, "a,label\n" + "1,x\n" * 3).classes) == 3


def test_reading_refuses_a_folder(tmp_path):
    with pytest.raises(ProblemError) as caught:
        read_labeled_csv(tmp_path, source="in/folder.csv")
    assert str(caught.value) == "in/folder.csv: cannot be read: Is a directory"


def test_reading_refuses_a_pipe_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ProblemError, match=r"^pipe\.csv: is not a regular file$"):
        read_labeled_csv(tmp_path / "pipe.csv", source="pipe.csv")
