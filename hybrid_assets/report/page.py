"""The page: cards in their order, with the SQL behind each, in one file without anything from elsewhere.

Put what surrounds the cards here; nothing in the page is a script, and nothing is loaded.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from hybrid_assets.report.cards import comparison, operations, physics, quality, record, sensitivity, spending
from hybrid_assets.report.cards.tiles import QUESTIONS as TILE_QUESTIONS
from hybrid_assets.report.cards.tiles import tiles_html
from hybrid_assets.report.styles import STYLE
from hybrid_assets.report.words import escape, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.report.cards.parts import Card
    from hybrid_assets.report.gathering import Evidence, Row

#: In their order on the page; narrow ones that follow each other stand in two columns.
CARDS = (
    comparison.tonight,
    comparison.troubles,
    quality.quality,
    comparison.pareto,
    spending.spending,
    physics.calibration,
    operations.batches,
    physics.drift,
    sensitivity.sensitivity,
    operations.waterfall,
    operations.coverage,
    record.record,
)
#: A report must stay easy to mail; beyond this its points lose their tooltips.
MOST_BYTES = 190_000
_POINTS = re.compile(r'<g class="dot (s\d)">(.*?)</g>', re.DOTALL)
_POINT = re.compile(r'<circle cx="([^"]*)" cy="([^"]*)"')
#: A browser that meets a script or an address in it, by whatever way, is told to refuse both.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def night_page(evidence: Evidence, *, earlier: str | None = None) -> str:
    """Return a night's report; one that grows too large says its points by place alone, without tooltips.

    Args:
        evidence: All that is known of the night.
        earlier: The night before it that has a report too.
    """
    page = _night_page(evidence, earlier)
    if len(page.encode()) <= MOST_BYTES:
        return page
    note = "<p>The points of the charts have no tooltips, to keep the file small: ask the queries.</p></footer>"
    return _POINTS.sub(_bare_points, page).replace("</footer>", note)


def _bare_points(found: re.Match[str]) -> str:
    """Return points as one stroke: a round end of no length each."""
    moves = "".join(f"M{x} {y}h0" for x, y in _POINT.findall(found[2]))
    return f'<path class="dots {found[1]}" d="{moves}"/>'


def _night_page(evidence: Evidence, earlier: str | None) -> str:
    night = evidence.night
    shown: set[str] = set(TILE_QUESTIONS)
    made = [make(evidence) for make in CARDS]
    cards = "".join(
        "".join(_card(card, evidence, shown) for card in group) if is_wide else _columns(list(group), evidence, shown)
        for is_wide, group in groupby(made, key=lambda card: card.is_wide)
    )
    before = f' · <a href="{escape(earlier)}.html">{escape(earlier)}</a>' if earlier else ""
    body = (
        f'<header><h1>Night {escape(night)}</h1><p><a href="index.html">all nights</a>{before} · quantum '
        "kernels beside "
        "their classical rivals; the default verdict is no advantage</p></header><main>"
        f'{tiles_html(evidence)}{_sql(TILE_QUESTIONS, evidence)}<div class="cards">{cards}</div></main>'
        f"<footer><p>Made again by <code>hybrid-assets report --night {escape(night)}</code>; the numbers by "
        f"<code>hybrid-assets replay --night {escape(night)}</code>; the night by "
        f"<code>hybrid-assets run --night {escape(night)}</code>. Times are UTC, costs in the settings' currency: "
        "the provider's bill, or billed seconds times <code>price_per_s</code>. Every number is a row of a query shown "
        'with its card: <code>hybrid-assets sql "…"</code> asks it again.</p></footer>'
    )
    return _document(f"Night {night}", body)


def index_page(nights: Sequence[Row]) -> str:
    """Return the list of all nights that have a report, the last one first.

    Args:
        nights: ``night`` (text), ``verdicts``, ``candidates`` and ``effect`` of each; all but the first may be None.
    """
    rows = "".join(
        f'<tr><td><a href="{escape(row["night"])}.html">{escape(row["night"])}</a></td>'
        f'<td class="n">{number(row["verdicts"])}</td><td class="n">{number(row["candidates"])}</td>'
        f'<td class="n">{number(row["effect"], digits=3, sign=True)}</td></tr>'
        for row in nights
    )
    body = (
        "<header><h1>Nights</h1><p>One report a night, each a file of its own</p></header><main><section "
        'class="card wide">'
        '<div class="scroll"><table><thead><tr><th>night</th><th class="n">verdicts</th><th class="n">advantage '
        f'candidates</th><th class="n">largest effect</th></tr></thead><tbody>{rows}</tbody></table></div>'
        "</section></main>"
        "<footer><p>Made again by <code>hybrid-assets report --all</code>.</p></footer>"
    )
    return _document("Nights", body)


def _columns(group: Sequence[Card], evidence: Evidence, shown: set[str]) -> str:
    """Return narrow cards in two columns, each as tall as its own: none waits for its neighbor to end."""
    made = [_card(card, evidence, shown) for card in group]
    return "".join(f'<div class="column">{"".join(made[first::2])}</div>' for first in (0, 1))


def _card(card: Card, evidence: Evidence, shown: set[str]) -> str:
    css = "card wide" if card.is_wide else "card"
    new = [name for name in card.questions if name not in shown]
    shown.update(new)
    return (
        f'<section class="{css}" id="{card.key}"><h2>{escape(card.title)}</h2><p class="why">{escape(card.why)}</p>'
        f"{card.body}{_sql(card.questions, evidence, new)}</section>"
    )


def _sql(questions: Sequence[str], evidence: Evidence, new: Sequence[str] | None = None) -> str:
    """Return the text of questions, of each once a page."""
    shown = questions if new is None else new
    texts = "".join(f'<pre data-q="{escape(name)}">{escape(evidence.sql(name))}</pre>' for name in shown)
    others = [name for name in questions if name not in shown]
    also = f'<p class="note">Also from: {escape(", ".join(others))} (shown above).</p>' if others else ""
    return f'<details class="sql"><summary>SQL of these numbers</summary>{texts}{also}</details>'


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )
