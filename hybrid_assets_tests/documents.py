"""Code that stands in the documentation, taken out to be run: what is not here is not tested."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block."""

    language: str
    #: The word after the language: which file it is.
    name: str
    text: str
    #: Heading it stands under.
    heading: str


def blocks(path: Path, *languages: str) -> list[Block]:
    """Return the fenced blocks of a page, of these languages where some are given."""
    page = path.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(page):
        above = _HEADING.findall(page[: match.start()])
        block = Block(language=match[1], name=match[2] or "", text=match[3], heading=above[-1] if above else "")
        if not languages or block.language in languages:
            found.append(block)
    return found


def commands_of(block: Block) -> list[str]:
    """Return the lines after ``$`` of a ``console`` block, continued lines joined."""
    found: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and (found[-1].endswith("\\") or found[-1].count('"') % 2):
            found[-1] += "\n" + line
    return found


def questions() -> list[Block]:
    """Return the ten SQL questions."""
    return blocks(DOCS / "sql_questions.md", "sql")
