"""Killing a worker's process at an exact moment: SIGKILL before or after the n-th time it does something.

Put moments here. The process kills itself, so that nothing lies between the moment and its death; no handler, no
``finally`` and no ``atexit`` runs, as when the machine's memory is full.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.effects import Fetch, Find, Poll, Submit, Transaction
from hybrid_assets.runner.driver import Driver
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets.storage.payloads import PayloadStore
from hybrid_assets.storage.records import RecordLog
from hybrid_assets.storage.results import FileResultStore
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.acceptance.emulated import finish_night, into_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

#: Written by a process that has come to its moment.
MARKER = "reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something a worker does: a call of ``owner.name`` whose arguments match."""

    owner: Any
    name: str
    matches: Callable[..., bool] = lambda *_args, **_named: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """When a process dies."""

    #: One of `BOUNDARIES`, and which of its moments.
    boundary: str
    moment: int
    #: At the n-th time, from 1.
    nth: int = 1
    #: How long it stands there before: its lease runs on, and others may come.
    delay_s: float = 0.0


def _effect(kind: type) -> Deed:
    return Deed(owner=Driver, name="_execute", matches=lambda _driver, effect: isinstance(effect, kind))


def _transaction(op: str) -> Deed:
    return Deed(
        owner=Driver, name="_execute",
        matches=lambda _driver, effect: isinstance(effect, Transaction) and effect.op == op,
    )  # fmt: skip


def _file(name: str, folder: str) -> Deed:
    """A rename or link into a folder of the state."""
    return Deed(owner=os, name=name, matches=lambda _source, target, **_named: f"/{folder}/" in str(target))


_PUBLISH = Deed(owner=Warehouse, name="publish", matches=lambda _w, table, *_rows, **_named: table == "quantum_results")
_ORDER, _PAYLOAD, _ENQUEUE = (Deed(owner=o, name=n) for o, n in (
    (RecordLog, "put"), (PayloadStore, "put"), (SqlLedger, "enqueue"),
))  # fmt: skip
_PUT = Deed(owner=FileResultStore, name="put")
_CLOSE = Deed(owner=RecordLog, name="remove")
_BEFORE, _AFTER = False, True

#: Boundary -> its moments: what is done, whether the process dies after it, and how often it is done at least.
BOUNDARIES: dict[str, Sequence[tuple[Deed, bool, int]]] = {
    "enqueue": (
        (_ORDER, _AFTER, 1), (_PAYLOAD, _BEFORE, 9), (_PAYLOAD, _AFTER, 9),
        (_ENQUEUE, _BEFORE, 1), (_ENQUEUE, _AFTER, 1),
    ),
    "plan": ((_transaction("plan_batch"), _BEFORE, 2), (_transaction("plan_batch"), _AFTER, 2)),
    "before_submit": ((_transaction("record_intent"), _AFTER, 3), (_effect(Submit), _BEFORE, 3)),
    "after_submit": ((_effect(Submit), _AFTER, 3), (_transaction("record_job"), _BEFORE, 3)),
    "poll": ((_transaction("record_job"), _AFTER, 3), (_effect(Poll), _BEFORE, 3), (_effect(Poll), _AFTER, 3)),
    "fetch": ((_effect(Fetch), _BEFORE, 3), (_effect(Fetch), _AFTER, 3)),
    "store": ((_PUT, _BEFORE, 9), (_file("link", "results"), _BEFORE, 9), (_PUT, _AFTER, 9)),
    "finish": ((_transaction("finish_batch"), _BEFORE, 3), (_transaction("finish_batch"), _AFTER, 3)),
    "publish": (
        (_PUBLISH, _BEFORE, 1), (_file("replace", "quantum_results"), _BEFORE, 1),
        (_file("replace", "quantum_results"), _AFTER, 1), (_PUBLISH, _AFTER, 1), (_CLOSE, _AFTER, 1),
    ),
    "audit": (
        (_effect(Find), _BEFORE, 1), (_effect(Find), _AFTER, 1),
        (_transaction("record_audit"), _BEFORE, 3), (_transaction("record_audit"), _AFTER, 3),
    ),
}  # fmt: skip


def draw_kill(boundary: str, random: Random) -> Kill:
    """Return a kill at one of a boundary's moments."""
    moment = random.randrange(len(BOUNDARIES[boundary]))
    _, _, times = BOUNDARIES[boundary][moment]
    delay_s = random.choice((0.0, 0.0, 0.1, 0.7, 1.4))
    return Kill(boundary=boundary, moment=moment, nth=random.randint(1, times), delay_s=delay_s)


def arm(kill: Kill, marker: Path) -> None:
    """Make this process die at its moment."""
    deed, is_after, _ = BOUNDARIES[kill.boundary][kill.moment]
    original, count = getattr(deed.owner, deed.name), 0

    def armed(*args: Any, **named: Any) -> Any:
        nonlocal count
        is_hit = deed.matches(*args, **named) and (count := count + 1) == kill.nth
        if is_hit and not is_after:
            die(marker, kill.delay_s)
        answer = original(*args, **named)
        if is_hit:
            die(marker, kill.delay_s)
        return answer

    setattr(deed.owner, deed.name, armed)


def die(marker: Path, delay_s: float) -> None:
    """End this process as a power cut would, after standing still for a while."""
    marker.touch()
    time.sleep(delay_s)
    os.kill(os.getpid(), signal.SIGKILL)


def work(folder: Path, kill: Kill | None, within_s: float) -> None:
    """Be a worker: finish the night of a project, or die on the way."""
    into_log(folder)
    if kill is not None:
        arm(kill, folder / MARKER)
    finish_night(folder, within_s=within_s)


def main(boundary: str, words: Sequence[str]) -> None:
    """Be the command `hybrid-assets`, and die at a boundary's last moment."""
    from hybrid_assets.cli.main import main as command

    arm(Kill(boundary=boundary, moment=len(BOUNDARIES[boundary]) - 1), Path.cwd() / MARKER)
    command(words)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
