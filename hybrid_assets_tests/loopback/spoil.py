"""Well-formed but wrong results: what a client cannot see by itself. Put spoiling of outcomes here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybrid_assets_tests.loopback.programs import Outcomes


def spoiled(what: str, outcomes: Sequence[Outcomes]) -> list[Outcomes]:
    """Return the outcomes of a job, spoiled in the given way."""
    return _WAYS[what](list(outcomes))


def _flipped(outcomes: list[Outcomes]) -> list[Outcomes]:
    first = outcomes[0]
    mask = np.uint64(sum(1 << place for places in first.registers.values() for place in places))
    return [replace(first, shots=first.shots ^ mask), *outcomes[1:]]


def _half_shots(outcomes: list[Outcomes]) -> list[Outcomes]:
    return [replace(measured, shots=measured.shots[..., : measured.shots.shape[-1] // 2]) for measured in outcomes]


def _missing_pub(outcomes: list[Outcomes]) -> list[Outcomes]:
    return outcomes[:-1]


def _swapped_pubs(outcomes: list[Outcomes]) -> list[Outcomes]:
    return [outcomes[-1], *outcomes[1:-1], outcomes[0]] if len(outcomes) > 1 else outcomes


def _wider(outcomes: list[Outcomes]) -> list[Outcomes]:
    spare = 1 + max(place for measured in outcomes for places in measured.registers.values() for place in places)
    return [
        replace(measured, registers={name: (*places, spare) for name, places in measured.registers.items()})
        for measured in outcomes
    ]


_WAYS: dict[str, Callable[[list[Outcomes]], list[Outcomes]]] = {
    "flipped": _flipped,
    "half_shots": _half_shots,
    "missing_pub": _missing_pub,
    "swapped_pubs": _swapped_pubs,
    "wider": _wider,
}
