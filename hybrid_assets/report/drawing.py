"""SVG as text: a canvas with few shapes, and what most charts share: legend and axes. Put no chart here (`plots`).

Colors are classes (`styles`), so that a drawing follows light and dark. All text has one size and states its anchor, so
that what it covers can be computed from the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybrid_assets.report.words import escape, fitted, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.report.scales import Scale

#: Size of all text in charts, in pixels of the viewBox.
SIZE = 11
#: Distance of two lines of text.
LINE = 15
#: Class of a bar in a legend: drawn as one, in no series' color.
BAR = "span bars"
#: Distinct colors of series; more begin again.
COLORS = 8


def px(value: float) -> str:
    """Return a coordinate with one decimal at most."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


@dataclass(slots=True, kw_only=True)
class Canvas:
    """A drawing that grows by shapes."""

    width: float
    height: float
    #: What it shows, for who cannot see it.
    label: str
    parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "start", css: str = "", width: float | None = None
    ) -> None:
        """Write a text on a baseline; one wider than ``width`` is cut and told in full by its tooltip."""
        short = text if width is None else fitted(text, SIZE, width)
        if not short:
            return
        title = f"<title>{escape(text)}</title>" if short != text else ""
        css = f' class="{css}"' if css else ""
        where = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(f'<text x="{px(x)}" y="{px(y)}"{where}{css}>{title}{escape(short)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """Draw a straight line."""
        self.parts.append(f'<line class="{css}" x1="{px(x1)}" y1="{px(y1)}" x2="{px(x2)}" y2="{px(y2)}"/>')

    def path(self, d: str, css: str) -> None:
        """Draw a path."""
        if d:
            self.parts.append(f'<path class="{css}" d="{d}"/>')

    def polyline(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw a line through points."""
        self.path("M" + "L".join(f"{px(x)} {px(y)}" for x, y in points) if len(points) > 1 else "", css)

    def rect(self, x: float, y: float, width: float, height: float, css: str, title: str = "") -> None:
        """Draw a rectangle; ``title`` is its tooltip."""
        inner = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(
            f'<rect class="{css}" x="{px(x)}" y="{px(y)}" width="{px(width)}" height="{px(height)}">{inner}</rect>'
        )

    def dots(self, points: Sequence[tuple[float, float, str]], css: str, *, radius: float) -> None:
        """Draw points (x, y, tooltip) of one class."""
        circles = (
            f'<circle cx="{px(x)}" cy="{px(y)}" r="{px(radius)}"><title>{escape(title)}</title></circle>'
            for x, y, title in points
        )
        self.parts.append(f'<g class="{css}">{"".join(circles)}</g>' if points else "")

    def svg(self) -> str:
        """Return the drawing."""
        box = f"0 0 {px(self.width)} {px(self.height)}"
        head = f'<svg viewBox="{box}" font-size="{SIZE}" role="img" aria-label="{escape(self.label)}">'
        return f"{head}{''.join(self.parts)}</svg>"


def color(index: int) -> str:
    """Return the class of a series."""
    return f"s{index % COLORS}"


def draw_legend(canvas: Canvas, entries: Sequence[tuple[str, str]], *, top: float, left: float = 4) -> float:
    """Write (class, name) of each series in as many lines as it takes.

    Returns:
        The y below it.
    """
    x, y = left, top
    room = canvas.width - left - 4
    for css, name in entries:
        short = fitted(name, SIZE, room - 20)
        needed = 20 + width_of(short, SIZE)
        if x > left and x + needed > canvas.width - 4:
            x, y = left, y + LINE
        if css.startswith(BAR):
            canvas.line(x + 6, y - 11, x + 6, y + 3, css)
        else:
            canvas.rect(x, y - 7, 12, 5, f"key {css}")
        canvas.text(x + 16, y, name, width=room - 20)
        x += needed + 10
    return y + LINE if entries else top


def left_margin(scale_texts: Sequence[str]) -> float:
    """Return the room that the texts of a vertical axis need."""
    return 10 + max((width_of(text, SIZE) for text in scale_texts), default=0.0)


def draw_rows(canvas: Canvas, scale: Scale, *, left: float, right: float) -> None:
    """Draw a vertical axis: a line across and a number at each tick."""
    canvas.path("".join(f"M{px(left)} {px(scale(tick))}H{px(right)}" for tick in scale.ticks), "grid")
    for tick, text in zip(scale.ticks, scale.tick_texts(), strict=True):
        canvas.text(left - 5, scale(tick) + 4, text, anchor="end", css="dim")


def draw_columns(canvas: Canvas, ticks: Sequence[tuple[float, str]], *, baseline: float) -> None:
    """Write texts centered under positions, as many as fit; one that would leave the canvas is moved inside."""
    taken = -1.0
    for x, text in ticks:
        half = width_of(text, SIZE) / 2
        middle = min(max(x, half + 1), canvas.width - half - 1)
        if middle - half > taken:
            canvas.text(middle, baseline, text, anchor="middle", css="dim")
            taken = middle + half + 6
