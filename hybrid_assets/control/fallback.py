"""The fallback ladder: who answers for a kernel where its backend does not, in which order, and what the row says.

Put which rung is next here; asking another backend, reading a store, simulating and solving are the runner's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.queue import BreakerState, KernelState
from hybrid_assets.model.text import nearest

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from hybrid_assets.model.queue import Breaker, QueuedKernel

#: ``source`` of a row that the backend itself answered. No other source may enter a quantum claim.
SOURCE_BACKEND: Final = "backend"
#: ``source`` of a row that nobody answered.
SOURCE_FAILED: Final = "failed"
#: A backend that has let nothing through for so long is not waited for: longer than a provider's restart, shorter than
#: a night.
PATIENCE_S: Final = 900.0


class RungKind(StrEnum):
    """Who may answer instead."""

    OTHER_BACKEND = "other_backend"
    #: A result of the same structure, values and shots on the same backend, of another calibration or repetition.
    CACHED = "cached"
    SIMULATION = "simulation"
    CLASSICAL = "classical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rung of a ladder."""

    kind: RungKind
    #: With OTHER_BACKEND: its name.
    backend: str | None = None
    #: With CACHED: how old the result may be, in seconds since it was executed.
    max_age_s: float | None = None

    @property
    def source(self) -> str:
        """Value of the column ``source`` of a row that it answered; also its name in a ladder."""
        return f"{self.kind}:{self.backend}" if self.kind is RungKind.OTHER_BACKEND else self.kind.value


class TroubleKind(StrEnum):
    """Why a backend's answer is not waited for."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    OVERDUE = "overdue"
    UNAVAILABLE = "unavailable"
    #: A gate let it not through: it was never sent.
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why the ladder applies to a kernel."""

    kind: TroubleKind
    #: A sentence without its period, with the figures.
    detail: str

    @property
    def may_still_answer(self) -> bool:
        """Whether the backend may answer later: the kernel stays in its queue, and its result is kept."""
        return self.kind in {TroubleKind.OVERDUE, TroubleKind.UNAVAILABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """Which rungs could answer for a kernel now."""

    #: Backends that would take it: breaker closed, gate open, the kernel fits.
    backends: Collection[str] = ()
    #: Age of the newest result that rung ``cached`` may use; None: there is none.
    cached_age_s: float | None = None
    can_simulate: bool = False
    #: Whether the classical baselines have an answer to its instance.
    has_classical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackStep:
    """What answers for a kernel, for its row."""

    #: None: nobody is left, the row says that it failed.
    rung: Rung | None
    #: Columns ``source`` and ``source_reason``.
    source: str
    reason: str


def may_claim(source: str) -> bool:
    """Tell whether rows of this source may enter a quantum claim: those of the backend itself, never a fallback.

    Another QPU's answer may not either: the claim would be about a backend that did not give it.
    """
    return source == SOURCE_BACKEND


def trouble_of(
    kernel: QueuedKernel,
    *,
    now: datetime,
    asked_at: datetime | None = None,
    turnaround_s: float | None = None,
    breaker: Breaker | None = None,
    patience_s: float = PATIENCE_S,
) -> Trouble | None:
    """Return why a kernel's backend is not waited for any more; None: it has answered, or may still in time.

    A FAILED kernel whose remedy is to be compiled again is in trouble as well: try the remedy before the ladder.

    Args:
        kernel: As the ledger knows it.
        now: Time of the question.
        asked_at: When this night asked for it, where that was after another one had; None: when it was enqueued.
        turnaround_s: The workload's objective, see `objectives`; None: it is waited for without end.
        breaker: The backend's.
        patience_s: How long the breaker may have been open, and the kernel have waited for it.
    """
    match kernel.state:
        case KernelState.DONE:
            return None
        case KernelState.FAILED:
            return Trouble(kind=TroubleKind.FAILED, detail=f"{kernel.backend} failed: {_error(kernel)}")
        case KernelState.CANCELLED:
            return Trouble(kind=TroubleKind.CANCELLED, detail=f"it was cancelled on {kernel.backend}: {_error(kernel)}")
        case KernelState.READY | KernelState.BATCHED:
            waited_s = (now - (asked_at or kernel.enqueued_at)).total_seconds()
    if turnaround_s is not None and waited_s > turnaround_s:
        detail = f"{kernel.backend} has not answered in {waited_s:.0f} s, the objective is {turnaround_s:g} s"
        return Trouble(kind=TroubleKind.OVERDUE, detail=detail)
    # A batch that is on its way is past the breaker.
    if kernel.state is KernelState.READY and breaker is not None and breaker.state is not BreakerState.CLOSED:
        shut_s = (now - breaker.opened_at).total_seconds() if breaker.opened_at else 0.0
        if min(shut_s, waited_s) > patience_s:
            why = f" ({breaker.reason})" if breaker.reason else ""
            detail = f"the breaker of {kernel.backend} has been open for {shut_s:.0f} s, patience is {patience_s:g} s"
            return Trouble(kind=TroubleKind.UNAVAILABLE, detail=detail + why)
    return None


def next_rung(
    ladder: Sequence[Rung],
    *,
    trouble: Trouble,
    backend: str,
    available: Available,
    tried: Mapping[str, str] | None = None,
) -> FallbackStep:
    """Return the first rung of a ladder that can answer and was not tried; without one, the row that says ``failed``.

    Args:
        ladder: Rungs in the order of the settings.
        trouble: Why the ladder applies.
        backend: The kernel's own, which is no other one.
        available: Who could answer now.
        tried: Rungs that were asked and did not answer: `Rung.source`, and why in words without a period.
    """
    passed: list[str] = []
    for rung in ladder:
        why = (tried or {}).get(rung.source) or _why_not(rung, backend=backend, available=available)
        if why is None:
            return FallbackStep(rung=rung, source=rung.source, reason=_reason(trouble, passed))
        passed.append(f"{rung.source}: {why}")
    nobody = "no other rung could answer" if ladder else "no fallback is set"
    return FallbackStep(rung=None, source=SOURCE_FAILED, reason=_reason(trouble, [*passed, nobody]))


def parse_ladder(raw: object, *, where: str, backends: Collection[str] = ()) -> tuple[Rung, ...]:
    """Read ``fallback: [{other_backend: aer2}, {cached: 86400}, simulation, classical]``.

    Args:
        raw: The value of the key; None or empty: no ladder.
        where: The key with its place, for messages, for example ``workloads.maxcut.fallback``.
        backends: Names that ``other_backend`` may have; empty: any.

    Raises:
        ConfigurationError: It is no such list; the message names the place and the nearest right word.
    """
    if raw is None:
        return ()
    if isinstance(raw, str | Mapping) or not isinstance(raw, Sequence):
        raise _wrong(where, raw, "a list such as [{cached: 86400}, simulation, classical]")
    rungs: list[Rung] = []
    for index, item in enumerate(raw):
        rung = _parse_rung(item, f"{where}[{index}]", backends)
        if rung.source in {other.source for other in rungs}:
            raise ConfigurationError(f"{where}[{index}]: {rung.source!r} is there twice. Remove one of the two.")
        rungs.append(rung)
    return tuple(rungs)


def _parse_rung(item: object, place: str, backends: Collection[str]) -> Rung:
    word, value = next(iter(item.items())) if isinstance(item, Mapping) and len(item) == 1 else (item, None)
    known = [kind.value for kind in RungKind]
    if not isinstance(word, str) or word not in known:
        hint = nearest(word, known) if isinstance(word, str) else ""
        raise ConfigurationError(f"{place}: unknown rung {item!r}. {hint}Known: {', '.join(known)}.")
    match kind := RungKind(word):
        case RungKind.OTHER_BACKEND:
            if not isinstance(value, str) or not value:
                raise _wrong(place, item, "{other_backend: NAME}")
            if backends and value not in backends:
                hint = nearest(value, backends)
                raise ConfigurationError(f"{place}: unknown backend {value!r}. {hint}Known: {', '.join(backends)}.")
            return Rung(kind=kind, backend=value)
        case RungKind.CACHED:
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
                raise _wrong(place, item, "{cached: SECONDS}, how old a result may be")
            return Rung(kind=kind, max_age_s=float(value))
        case RungKind.SIMULATION | RungKind.CLASSICAL:
            if item != word:
                raise _wrong(place, item, f"the bare word {word}")
            return Rung(kind=kind)


def _wrong(place: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{place}: {value!r} is wrong; expected {expected}.")


def _why_not(rung: Rung, *, backend: str, available: Available) -> str | None:
    """Return why a rung cannot answer; None when it can."""
    match rung.kind:
        case RungKind.OTHER_BACKEND:
            if rung.backend == backend:
                return "it is the backend that does not answer"
            return None if rung.backend in available.backends else "it takes nothing now"
        case RungKind.CACHED:
            if available.cached_age_s is None:
                return "there is no earlier result"
            is_fresh = rung.max_age_s is not None and available.cached_age_s <= rung.max_age_s
            most = "no age" if rung.max_age_s is None else f"{rung.max_age_s:g} s"
            return None if is_fresh else f"the newest result is {available.cached_age_s:g} s old, allowed is {most}"
        case RungKind.SIMULATION:
            return None if available.can_simulate else "it cannot be simulated"
        case RungKind.CLASSICAL:
            return None if available.has_classical else "there is no classical answer"


def _reason(trouble: Trouble, passed: Sequence[str]) -> str:
    text = "; ".join([trouble.detail, *passed])
    return f"{text[0].upper()}{text[1:]}."


def _error(kernel: QueuedKernel) -> str:
    code = f" {kernel.error_code}" if kernel.error_code else ""
    message = (kernel.error_message or "no reason is known").rstrip(". ")
    return f"{kernel.error_class or 'unknown error'}{code}: {message}"
