"""Reading a report as a person with a database would: its tables, marked numbers and SQL. It must be well-formed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree import ElementTree as ET

from hybrid_assets.storage.snapshot import query

_NUMBER = re.compile(r"[-+]?[\d,]+(?:\.\d+)?(?:e[-+]?\d+)?")
MISSING = "\u2013"


@dataclass(frozen=True)
class Table:
    """A table of a question: keys of its columns, texts of its cells."""

    question: str
    columns: list[str]
    rows: list[list[str]]


class Page:
    """A report, read."""

    def __init__(self, html: str) -> None:
        self.html = html
        body = re.search(r"<body>.*</body>", html, flags=re.DOTALL)[0]
        self.body = ET.fromstring(body)  # noqa: S314 - made by the code under test
        self.sql = {node.attrib["data-q"]: node.text for node in self.body.iter("pre")}
        self.marks = [
            (node.attrib["data-q"], node.attrib["data-c"], text_of(node))
            for node in self.body.iter("b")
            if "data-q" in node.attrib
        ]
        self.tables = [
            Table(
                question=node.attrib["data-q"],
                columns=[head.attrib["data-c"] for head in node.iter("th")],
                rows=[[text_of(cell) for cell in row.iter("td")] for row in node.find("tbody")],
            )
            for node in self.body.iter("table")
        ]

    def card(self, key):
        """Return a card's element."""
        return next(node for node in self.body.iter("section") if node.attrib.get("id") == key)

    def ask(self, home, question):
        """Return the rows of a question, asked by the text that the page shows."""
        columns, rows = query(home, self.sql[question])
        return [dict(zip(columns, row, strict=True)) for row in rows]


def text_of(node):
    """Return all text of an element."""
    return "".join(node.itertext())


def says(text, value):
    """Tell whether a text says a value: equal for words, within half a unit of the last digit shown for numbers."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return text == MISSING
    if isinstance(value, bool | str | date | datetime):
        return True
    found = _NUMBER.match(text)
    if not found:
        return False
    shown = float(found[0].replace(",", ""))
    factor = 1e-3 if text.endswith(" ms") else 1.0
    return math.isclose(shown * factor, value, rel_tol=0.006, abs_tol=1e-12) or shown == 0 == value
