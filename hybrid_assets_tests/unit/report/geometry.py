"""What texts of a drawing cover, with the widths of DejaVu Sans: the widest of the common fonts of browsers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

#: Advance widths in thousandths of the size.
_WIDTHS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592,
         818, 592, 592, 525),
        strict=True,
    )
) | dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684,
         989, 685, 611, 685),
        strict=True,
    )
) | {" ": 318, ".": 318, ",": 318, ":": 337, "-": 361, "_": 500, "/": 337, "(": 390, ")": 390, "[": 390, "]": 390,
     "'": 275, "+": 838, "%": 950, "<": 838, ">": 838, "=": 838, '"': 460, "&": 780,
     ";": 337, "|": 337, "!": 401}  # fmt: skip
#: Above and below the baseline, as parts of the size.
_ASCENT, _DESCENT = 0.76, 0.24


@dataclass(frozen=True)
class Box:
    """A text and the rectangle it covers."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box, *, slack: float = 0.3) -> bool:
        """Whether two texts cover a common place."""
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )


def width(text: str, size: float) -> float:
    """Return how wide a text is."""
    return size * sum(_WIDTHS.get(char, 636 if char.isascii() else 1000) for char in text) / 1000


def drawings(html: str) -> list[str]:
    """Return every drawing of a page."""
    return re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)


def boxes(svg: str) -> tuple[tuple[float, float], list[Box]]:
    """Return size of a drawing, and what its texts cover."""
    root = ET.fromstring(svg)  # noqa: S314 - made by the code under test
    left, top, wide, tall = map(float, root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    size = float(root.attrib["font-size"])
    found = []
    for node in root.iter("text"):
        title = node.find("title")
        text = (node.text or "") if title is None else (title.tail or "")
        length, x, y = width(text, size), float(node.attrib["x"]), float(node.attrib["y"])
        start = x - {"start": 0.0, "middle": length / 2, "end": length}[node.attrib.get("text-anchor", "start")]
        found.append(Box(text, start, y - _ASCENT * size, start + length, y + _DESCENT * size))
    return (wide, tall), found


def flaws(svg: str) -> list[str]:
    """Return what is wrong with the texts of a drawing: beyond its edge, or over each other."""
    (wide, tall), found = boxes(svg)
    said = [
        f"{box.text!r} leaves the drawing"
        for box in found
        if box.left < 0 or box.top < 0 or box.right > wide or box.bottom > tall
    ]
    for index, one in enumerate(found):
        said += [f"{one.text!r} covers {other.text!r}" for other in found[index + 1 :] if one.overlaps(other)]
    return said
