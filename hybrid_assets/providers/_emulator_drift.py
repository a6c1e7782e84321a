"""Calibrations of the emulated QPU over time. Put drift here; the device's own snapshot comes from `_devices`.

    drift: {every_s: 86400, sigma: 0.1, qubits: all, seed: 7}
    drift:
      sigma: 0
      events: [{from_at: "2026-11-24T02:00:00+00:00", qubits: [4], factor: 8}]    # one bad qubit from then on

Periods of ``every_s`` seconds are counted from 1970-01-01 UTC, so the calibration in force at any time is computed, not
stored, and is the same on every machine. In each period every error of the snapshot is multiplied by its own
log-normal factor; periods are independent, so errors wander around the snapshot and never run away from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.model.fingerprint import seed_from

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.providers._section import Section

DRIFT_KEYS = ("every_s", "sigma", "qubits", "seed", "events")
EVENT_KEYS = ("from_at", "qubits", "factor")
#: Errors do not drift beyond this (those of the snapshot that are larger stay): an operation stays better than a guess.
MAX_ERROR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change that stays."""

    from_at: datetime
    #: Operations that touch one of them change, their readout too.
    qubits: frozenset[int]
    #: What their errors are multiplied by.
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How calibrations change."""

    every_s: float
    #: Standard deviation of the logarithm of the factors.
    sigma: float
    #: Qubits whose operations drift (an operation drifts when it touches one); None: all.
    qubits: frozenset[int] | None
    seed: int
    #: In order of time.
    events: tuple[Event, ...] = ()

    @classmethod
    def parse(cls, section: Section, *, seed: int) -> Drift | None:
        """Read the section; None where it is empty.

        Raises:
            ConfigurationError: A key is unknown or a value is wrong.
        """
        if not section.raw:
            return None
        return cls(
            every_s=section.number("every_s", 86_400.0, least=1.0),
            sigma=section.number("sigma", 0.1, most=3.0),
            qubits=_qubits(section),
            seed=section.integer("seed", seed),
            events=tuple(sorted(map(_event, section.sections("events", EVENT_KEYS)), key=lambda e: e.from_at)),
        )

    def period(self, at: datetime) -> int:
        """Return the number of the period a moment is in."""
        return math.floor(at.timestamp() / self.every_s)

    def num_events(self, at: datetime) -> int:
        """Return how many events have happened."""
        return sum(event.from_at <= at for event in self.events)

    def document(self, snapshot: TargetDocument, period: int, num_events: int = 0) -> TargetDocument:
        """Return the calibration of a period after some events; T1, T2, durations and structure stay the snapshot's."""
        places = sorted({(op.name, tuple(sorted(op.qubits or ()))) for op in snapshot.operations})
        generator = np.random.default_rng(seed_from("drift", str(self.seed), str(period)))
        drawn = np.exp(self.sigma * generator.standard_normal(len(places)))
        factors = {
            place: float(factor)
            for place, factor in zip(places, drawn, strict=True)
            if self.qubits is None or not self.qubits.isdisjoint(place[1])
        }
        begins = [datetime.fromtimestamp(period * self.every_s, UTC)]
        for event in self.events[:num_events]:
            begins.append(event.from_at)
            for place in places:
                if not event.qubits.isdisjoint(place[1]):
                    factors[place] = factors.get(place, 1.0) * event.factor
        return build_target_document(
            backend=snapshot.backend,
            num_qubits=snapshot.num_qubits,
            operations=[
                op
                if op.error is None
                else replace(op, error=_drifted(op.error, factors.get((op.name, tuple(sorted(op.qubits or ()))), 1.0)))
                for op in snapshot.operations
            ],
            dt_s=snapshot.dt_s,
            readout=[
                (_drifted(up, factor), _drifted(down, factor))
                for qubit, (up, down) in enumerate(snapshot.readout)
                for factor in (factors.get(("measure", (qubit,)), 1.0),)
            ],
            t1_t2_s=snapshot.t1_t2_s,
            faulty_qubits=snapshot.faulty_qubits,
            calibrated_at=max(begins),
        )


def _qubits(section: Section) -> frozenset[int] | None:
    qubits = section.raw.get("qubits", "all")
    if qubits != "all" and not (isinstance(qubits, list) and qubits and all(type(q) is int for q in qubits)):
        raise section.wrong("qubits", qubits, '"all" or a list of qubits such as [3, 4]')
    return None if qubits == "all" else frozenset(qubits)


def _event(section: Section) -> Event:
    from_at, qubits = section.moment("from_at"), _qubits(section)
    if from_at is None:
        raise section.wrong("from_at", None, "a time with its offset, such as 2026-11-24T02:00:00+00:00")
    if qubits is None:
        raise section.wrong("qubits", "all", "a list of qubits such as [3, 4]")
    return Event(from_at=from_at, qubits=qubits, factor=section.number("factor", 2.0, least=1e-3, most=1e3))


def _drifted(error: float, factor: float) -> float:
    return error if error >= MAX_ERROR else min(MAX_ERROR, error * factor)
