"""What a price table may look like, and how it is refused."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from hybrid_assets.errors import ProblemError
from hybrid_assets.workloads import _portfolio_prices
from hybrid_assets.workloads._portfolio_prices import read_prices

SHIPPED = Path(__file__).parents[3] / "data" / "inputs" / "portfolio"
GOOD = "date,B,A\n2024-01-05,10,20\n2024-01-12,11,19.5\n2024-01-19,12.1,2e1\n"


def read(tmp_path, text):
    path = tmp_path / "prices.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_prices(path, source="prices.csv")


def test_read_prices_sorts_assets_by_name(tmp_path):
    prices = read(tmp_path, GOOD)
    assert prices.assets == ("A", "B")
    assert prices.columns == ((20.0, 19.5, 20.0), (10.0, 11.0, 12.1))
    assert [str(day) for day in prices.dates] == ["2024-01-05", "2024-01-12", "2024-01-19"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeff" + GOOD, id="byte order mark"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(GOOD.replace(",", " , "), id="spaces"),
        pytest.param("\n" + GOOD + "\n\n", id="blank lines"),
        pytest.param(GOOD.replace("date", '"Date"'), id="quoted header"),
    ],
)
def test_read_prices_accepts_harmless_variants(tmp_path, text):
    assert read(tmp_path, text) == read(tmp_path, GOOD)


def table(*rows, header="date,A,B"):
    return "\n".join([header, *rows]) + "\n"


R1, R2, R3 = "2024-01-05,1,2", "2024-01-12,1,2", "2024-01-19,1,2"


@pytest.mark.parametrize(
    ("text", "message", "row", "column"),
    [
        ("", "prices.csv: the file is empty; expected a header `date,ASSET,...` and prices", None, None),
        (" \n\n", "prices.csv: the file is empty; expected a header `date,ASSET,...` and prices", None, None),
        (
            table(R1, header="day,A,B"),
            "prices.csv, row 1: the first column is 'day'; expected `date`, then one column per asset",
            1,
            None,
        ),
        (table(R1, header="date,A"), "prices.csv, row 1: has 1 assets; at least 2 are needed", 1, None),
        (
            table(header="date," + ",".join(f"A{k}" for k in range(21))),
            (
                "prices.csv, row 1: has 21 assets; the workload portfolio takes at most 20, one qubit each, and cannot "
                "decompose: split the file"
            ),
            1,
            None,
        ),
        (table(R1, header="date,A,"), "prices.csv, row 1: asset 2 has no name", 1, None),
        (table(R1, header="date,A,A"), "prices.csv, row 1, column 'A': this asset is there twice", 1, "A"),
        (
            table(R1, header="date,A," + "B" * 41),
            f"prices.csv, row 1: asset 2 is named '{'B' * 40}...'; use at most 40 printable characters",
            1,
            None,
        ),
        (
            table(R1, header="date,A,B\x1b[2J"),
            r"prices.csv, row 1: asset 2 is named 'B\x1b[2J'; use at most 40 printable characters",
            1,
            None,
        ),
        (table(R1, "2024-01-12,1"), "prices.csv, row 3: has 2 cells, the header has 3", 3, None),
        (table(R1, "", "2024-01-12,1,2,3"), "prices.csv, row 4: has 4 cells, the header has 3", 4, None),
        (
            table("05/01/2024,1,2"),
            "prices.csv, row 2, column 'date': '05/01/2024' is no date of the form YYYY-MM-DD",
            2,
            "date",
        ),
        (
            table("2024-02-30,1,2"),
            "prices.csv, row 2, column 'date': '2024-02-30' is no date of the form YYYY-MM-DD",
            2,
            "date",
        ),
        (
            table("2024-W01-1,1,2"),
            "prices.csv, row 2, column 'date': '2024-W01-1' is no date of the form YYYY-MM-DD",
            2,
            "date",
        ),
        (table(R1, R1), "prices.csv, row 3, column 'date': 2024-01-05 is there twice", 3, "date"),
        (
            table(R2, R1),
            "prices.csv, row 3, column 'date': 2024-01-05 comes after 2024-01-12; sort the rows by date, oldest first",
            3,
            "date",
        ),
        (
            table("2024-01-05,1,"),
            "prices.csv, row 2, column 'B': the price is empty; drop the row or the asset, nothing is filled in",
            2,
            "B",
        ),
        (table("2024-01-05,1,n/a"), "prices.csv, row 2, column 'B': 'n/a' is not a number", 2, "B"),
        (table("2024-01-05,1_0,1"), "prices.csv, row 2, column 'A': '1_0' is not a number", 2, "A"),
        (table("2024-01-05,0x10,1"), "prices.csv, row 2, column 'A': '0x10' is not a number", 2, "A"),
        (table("2024-01-05,\u0663,1"), "prices.csv, row 2, column 'A': '\u0663' is not a number", 2, "A"),
        (
            table(f"2024-01-05,{'x' * 999},1"),
            f"prices.csv, row 2, column 'A': '{'x' * 40}...' is not a number",
            2,
            "A",
        ),
        (table(R1, "2024-01-12,NaN,2"), "prices.csv, row 3, column 'A': 'NaN' is not a finite price", 3, "A"),
        (table(R1, "2024-01-12,-inf,2"), "prices.csv, row 3, column 'A': '-inf' is not a finite price", 3, "A"),
        (table(R1, "2024-01-12,1e999,2"), "prices.csv, row 3, column 'A': '1e999' is not a finite price", 3, "A"),
        (table("2024-01-05,0,1"), "prices.csv, row 2, column 'A': '0' is not above 0", 2, "A"),
        (table("2024-01-05,-3.5,1"), "prices.csv, row 2, column 'A': '-3.5' is not above 0", 2, "A"),
        (
            table(R1, "2024-01-12,1,3000001"),
            "prices.csv, row 3, column 'B': '3000001' is more than a millionfold change from 2; check the unit",
            3,
            "B",
        ),
        (
            table(R1, R2),
            "prices.csv: has 2 rows of prices; at least 3 are needed for two returns",
            None,
            None,
        ),
        (b"date,A,B\n2024-01-05,\xff,1\n", "prices.csv, row 2: is not UTF-8 text; save it as UTF-8", 2, None),
        (table('2024-01-05,"1,2'), "prices.csv, row 2: is not CSV: unexpected end of data", 2, None),
    ],
)
def test_read_prices_refuses_with_place_and_reason(tmp_path, text, message, row, column):
    with pytest.raises(ProblemError, match=f"^{re.escape(message)}$") as caught:
        read(tmp_path, text)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("prices.csv", row, column)


def test_read_prices_refuses_a_missing_file(tmp_path):
    with pytest.raises(ProblemError, match=r"^gone\.csv: cannot be read: No such file or directory$"):
        read_prices(tmp_path / "gone.csv", source="gone.csv")


def test_read_prices_refuses_what_is_no_file(tmp_path):
    """A named pipe would block the night."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ProblemError, match=r"^pipe\.csv: is not a regular file$"):
        read_prices(tmp_path / "pipe.csv", source="pipe.csv")


def test_read_prices_refuses_a_huge_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_portfolio_prices, "MAX_FILE_BYTES", 1024 * 1024)
    with pytest.raises(ProblemError, match=r"^prices\.csv: is larger than 1 MiB; use fewer assets"):
        read(tmp_path, b"x" * (1024 * 1024 + 1))


def test_shipped_files_match_the_checksums_in_their_readme():
    listed = dict(re.findall(r"`(\S+\.csv)` .*`([0-9a-f]{64})`", (SHIPPED / "README.md").read_text()))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SHIPPED.glob("*.csv")}
    assert len(found) == 2
    assert listed == found


def test_shipped_files_have_the_sizes_in_their_readme():
    rows = re.findall(r"`(\S+\.csv)` \| (\d+) \| (\d+) \| (\S+) \| (\S+) \|", (SHIPPED / "README.md").read_text())
    assert len(rows) == 2
    for name, assets, length, first, last in rows:
        prices = read_prices(SHIPPED / name, source=name)
        assert (len(prices.assets), len(prices.dates)) == (int(assets), int(length))
        assert (str(prices.dates[0]), str(prices.dates[-1])) == (first, last)
