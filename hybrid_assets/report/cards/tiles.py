"""The tiles on top: the night in seven numbers. Put a number here only if somebody acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.model.text import plural
from hybrid_assets.report.words import NOTHING, escape, number, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybrid_assets.report.gathering import Evidence

#: Questions the tiles rest on.
QUESTIONS = ("tiles", "budgets", "calibration", "breakers")
#: Part of a budget below which what is left is a warning.
LITTLE_LEFT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number, what it is, and what to know of it."""

    title: str
    value: str
    note: str
    #: Column of the question `tiles`; empty: the number is from another one.
    column: str = ""
    css: str = ""


def tiles_html(evidence: Evidence) -> str:
    """Return the row of tiles."""
    return f'<section class="tiles">{"".join(map(_html, _tiles(evidence)))}</section>'


def _html(tile: Tile) -> str:
    marks = f' data-q="tiles" data-c="{tile.column}"' if tile.column else ""
    return (
        f'<div class="tile {tile.css}"><h3>{escape(tile.title)}</h3><b{marks}>{escape(tile.value)}</b>'
        f"<p>{escape(tile.note)}</p></div>"
    )


def _tiles(evidence: Evidence) -> Iterator[Tile]:
    found = evidence["tiles"][0]
    yield Tile(
        title="Verdicts",
        value=number(found["candidates"]),
        note=f"advantage candidates of {plural(found['verdicts'], 'verdict')}; {found['inconclusive']} inconclusive",
        column="candidates",
        css="good" if found["candidates"] else "",
    )
    yield Tile(
        title="Lowest ratio",
        value=number(found["ratio"], digits=3),
        note=f"of a sample to the reference, median over instances: {found['ratio_cell']}; the highest is "
        f"{number(found['highest_ratio'], digits=3)}"
        if found["ratio"] is not None
        else "no comparison has a positive reference yet",
        column="ratio",
    )
    yield Tile(
        title="Best gap to classical",
        value=number(found["effect"], digits=3, sign=True),
        note=f"effect of {found['effect_cell']}, the largest; the least is "
        f"{number(found['least_effect'], digits=3, sign=True)}"
        if found["effect"] is not None
        else "no verdict tonight",
        column="effect",
    )
    yield _billed(evidence)
    yield _budget(evidence)
    yield _calibration(evidence)
    yield _breaker(evidence)


def _billed(evidence: Evidence) -> Tile:
    found = evidence["tiles"][0]
    kinds = {kind for row in evidence["kernels"] for kind in (row["execution"] or "").split(", ") if kind}
    origin = (
        ""
        if kinds and kinds <= {"qpu"}
        else "no QPU: simulated or emulated; "
        if "qpu" not in kinds
        else "partly emulated; "
    )
    return Tile(
        title="QPU time billed",
        value=seconds(found["billed_s"]),
        note=f"{origin}cost {number(found['cost'])}, ran {seconds(found['run_s'])} in {plural(found['jobs'], 'job')}, "
        f"{found['jobs_not_succeeded']} not succeeded",
        column="billed_s",
        css="warn" if found["jobs_not_succeeded"] or found["duplicates"] else "",
    )


def _budget(evidence: Evidence) -> Tile:
    rows = [row for row in evidence["budgets"] if row["limit"]]
    if not rows:
        return Tile(title="Budget left", value=NOTHING, note="no budget is recorded: `budgets` in sweep.yaml sets one")
    tight = min(rows, key=lambda row: row["left_over"] / row["limit"])
    part = tight["left_over"] / tight["limit"]
    return Tile(
        title="Budget left",
        value=f"{part:.0%}",
        note=f"the tightest: {tight['team']} {tight['period']}, {number(tight['left_over'])} of "
        f"{number(tight['limit'])} {tight['unit']}",
        css="bad" if part <= 0 else "warn" if part < LITTLE_LEFT else "",
    )


def _calibration(evidence: Evidence) -> Tile:
    rows = evidence["calibration"]
    if not rows:
        return Tile(title="Calibration", value=NOTHING, note="no backend of tonight tells its errors")
    last = max(rows, key=lambda row: (row["calibrated_at"], row["backend"]))
    return Tile(
        title="Calibration",
        value=number(last["median_two_qubit_error"], digits=3),
        note=f"median two-qubit error of {last['backend']}, calibrated {last['calibrated_at']:%Y-%m-%d %H:%M} UTC",
    )


def _breaker(evidence: Evidence) -> Tile:
    ends = [row for row in evidence["breakers"] if row["kind"] == "end"]
    opened = sum(row["state"] == "open" for row in evidence["breakers"] if row["kind"] == "change")
    if not ends:
        return Tile(
            title="Breaker", value=NOTHING, note="nothing was sent to a backend tonight, or it was not recorded"
        )
    held = [row["backend"] for row in ends if row["state"] != "closed"]
    return Tile(
        title="Breaker",
        value="open" if held else "closed",
        note=f"{', '.join(held) or 'every backend'}; opened {plural(opened, 'time')} tonight",
        css="bad" if held else "warn" if opened else "",
    )
