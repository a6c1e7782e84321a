"""What cards are made of: the card itself, tables of an answer, panels of charts. Put no subject here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.report.words import NOTHING, escape, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hybrid_assets.report.gathering import Row

#: Width of all panels of a wide card, of a narrow one, and the space between two.
WIDE, NARROW, GAP = 1120, 540, 20
#: Most panels beside each other.
MOST_BESIDE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One subject of the report."""

    key: str
    title: str
    #: What it is good for, one line.
    why: str
    body: str
    #: Names of the questions whose answers it shows.
    questions: Sequence[str]
    is_wide: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: which value, under which head, in which form."""

    key: str
    head: str
    show: Callable[[Any], str] = number
    #: HTML of a cell from its whole row, in place of the value's form.
    html: Callable[[Row], str] | None = None
    is_number: bool = True


def text_column(key: str, head: str, html: Callable[[Row], str] | None = None) -> Column:
    """Return a column of texts."""
    return Column(key=key, head=head, show=lambda value: NOTHING if value in (None, "") else str(value), html=html,
                  is_number=False)  # fmt: skip


def data_table(question: str, rows: Sequence[Row], columns: Sequence[Column], *, most: int = 200) -> str:
    """Return rows of an answer, in its order, as a table; says how many are left out beyond ``most``."""
    heads = "".join(f'<th data-c="{escape(c.key)}"{_align(c)}>{escape(c.head)}</th>' for c in columns)
    body = "".join(f"<tr>{''.join(_cell(c, row) for c in columns)}</tr>" for row in rows[:most])
    more = sentence(f"{len(rows) - most} more rows are not shown: ask the query below.") if len(rows) > most else ""
    return (
        f'<div class="scroll"><table data-q="{escape(question)}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )


def _align(column: Column) -> str:
    return ' class="n"' if column.is_number else ""


def _cell(column: Column, row: Row) -> str:
    inner = column.html(row) if column.html else escape(column.show(row[column.key]))
    return f"<td{_align(column)}>{inner}</td>"


def sentence(text: str) -> str:
    """Return a sentence under a chart or table."""
    return f'<p class="note">{escape(text)}</p>'


def missing(text: str) -> str:
    """Return what stands in a card without data: what would fill it."""
    return f'<p class="missing">{escape(text)}</p>'


def panel_width(count: int, whole: float = WIDE) -> float:
    """Return the width of each of so many panels: up to three beside each other."""
    beside = 2 if count == 4 else min(max(count, 1), MOST_BESIDE)
    return (whole - GAP * (beside - 1)) / beside


def panels(charts: Iterable[tuple[str, str]], *, beside: int) -> str:
    """Return charts with their titles, so many beside each other."""
    inner = "".join(f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>" for title, svg in charts)
    return f'<div class="panels p{beside}">{inner}</div>'


def folded(title: str, inner: str) -> str:
    """Return what is shown at a click, and always in print."""
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def chip(text: str, css: str) -> str:
    """Return a short word that stands out."""
    return f'<span class="chip {css}">{escape(text)}</span>'
