"""The plot of the calibration study as an SVG, written by hand: nothing the project depends on draws one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import numpy as np

    from hybrid_assets_tests.bench.calibration import Month

#: Policies that are drawn, with their color: hues that the color-blind can tell apart.
COLORS = {"never": "#999999", "always": "#0072b2", "ours": "#d55e00", "ours, 0.98": "#009e73"}
WIDTH, HEIGHT = 860, 330
#: Lines of the grid in 1.
STEPS = 100
LEFT, RIGHT, TOP, BOTTOM, GAP = 64, 16, 50, 44, 34


def svg(months: dict[str, dict[str, Month]]) -> str:
    """Return the quality of each policy by night, the mean over instances; one panel a kind of drift, one scale."""
    shown = {
        title: {name: found[name].quality.mean(axis=0) for name in COLORS if name in found}
        for title, found in months.items()
    }
    every = [float(value) for lines in shown.values() for line in lines.values() for value in line]
    low, high = math.floor(min(every) * STEPS) / STEPS, math.ceil(max(every) * STEPS) / STEPS
    size = (WIDTH - LEFT - RIGHT - GAP * (len(shown) - 1)) / len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="12" fill="#222222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_legend(),
    ]
    for number, (title, lines) in enumerate(shown.items()):
        parts += _panel(title, lines, left=LEFT + number * (size + GAP), size=size, low=low, high=high)
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    parts.append(
        f'<text transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        "expected / noise-free value</text>"
    )
    return "\n".join([*parts, "</svg>\n"])


def _panel(title: str, lines: dict[str, np.ndarray], *, left: float, size: float, low: float, high: float) -> list[str]:
    bottom = HEIGHT - BOTTOM

    def y_of(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - TOP)

    parts = [f'<text x="{left + size / 2:.0f}" y="{TOP - 8}" text-anchor="middle">{escape(title)}</text>']
    for step in range(round((high - low) * STEPS) + 1):
        value = low + step / STEPS
        y = y_of(value)
        parts.append(f'<line x1="{left:.1f}" x2="{left + size:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e5e5"/>')
        if left == LEFT:
            parts.append(f'<text x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for name, line in lines.items():
        step = size / max(len(line) - 1, 1)
        points = " ".join(f"{left + night * step:.1f},{y_of(float(value)):.1f}" for night, value in enumerate(line))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[name]}" stroke-width="1.8"/>')
    last = len(next(iter(lines.values())))
    for label, x, anchor in (
        ("1", left, "start"),
        ("night", left + size / 2, "middle"),
        (str(last), left + size, "end"),
    ):
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="{anchor}">{label}</text>')
    return parts


def _legend() -> list[str]:
    parts = []
    for number, (name, color) in enumerate(COLORS.items()):
        x = LEFT + 150 * number
        parts.append(f'<line x1="{x}" x2="{x + 24}" y1="16" y2="16" stroke="{color}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 30}" y="20">{escape(name)}</text>')
    return parts
