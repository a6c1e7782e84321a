"""Paired effects: how far each quantum method is from the best of all its rivals, instance by instance.

Put the step from rows of ``comparisons`` to one number an instance here; keep tests, gates and words in `verdict`.

The effect of a quantum method on an instance is its quality MINUS that of the best rival there, classical baselines and
controls alike. Quality is the best value found. A relative metric is measured in units of the reference, so that
instances of different size weigh the same; an absolute one (an accuracy) as it is.

| on an instance | effect |
| --- | --- |
| method and a rival have a value | difference; if relative, over abs(reference), or abs(rival) without one |
| method failed or was answered by a fallback | `missing_effect`, or the worst observed if worse |
| no quantum method has a row (refused, not executed) | the same, for every method |
| other quantum methods have rows, this one has none | none: the method does not apply there (larger instances, say) |
| no rival has a value | the same: nothing can be claimed there |
| several names for one fingerprint | they are one instance, and the worst of their effects counts |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import IncomparableError, ResultIntegrityError
from hybrid_assets.model.results import ReferenceKind, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

#: `source` of a result that the backend itself gave; every other source is a fallback and enters no quantum claim.
BACKEND_SOURCE = "backend"
#: Effects this small are float64 rounding of sums taken in another order: a tie.
TIE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEffects:
    """One quantum method against the best of its rivals."""

    method: str
    #: Names of the distinct instances it applies to, in the order of ``effects``.
    instances: tuple[str, ...]
    #: One effect a distinct instance, in the order of their names; positive where the method is ahead.
    effects: tuple[float, ...]
    #: Instances on which the method has no value of its own.
    missing: tuple[str, ...]
    #: Smallest and largest effect any method could have had on these instances.
    possible_range: tuple[float, float]


def quality(row: Mapping[str, Any]) -> float | None:
    """Return what a row of ``comparisons`` found at best; None where it counts as missing.

    A quantum row that a fallback answered counts as missing.
    """
    if row["role"] == Role.QUANTUM and row["source"] != BACKEND_SOURCE:
        return None
    best = row["best_value"] if row["best_value"] is not None else row["value"]
    return None if best is None else float(best)


def scale_of(reference: float | None, rival: float) -> float:
    """Return the positive unit of a relative effect."""
    return abs(reference or 0.0) or abs(rival) or 1.0


def by_instance(
    rows: Sequence[Mapping[str, Any]], *, instances: Collection[str]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return the rows of one workload and backend as instance -> method -> row; every instance is there.

    Raises:
        ResultIntegrityError: A row repeats another one or belongs to an instance that is not listed.
        IncomparableError: Rows of one instance carry different fingerprints.
    """
    table: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in sorted(instances)}
    for row in rows:
        name, method = row["instance"], row["method"]
        if name not in table:
            raise ResultIntegrityError(
                f"A row of {method!r} belongs to {name!r}, which is not among the night's instances; list them all."
            )
        if method in table[name]:
            raise ResultIntegrityError(f"Two rows of {method!r} on {name!r}; a method has one row an instance.")
        table[name][method] = row
        if len(prints := {other["fingerprint"] for other in table[name].values()}) > 1:
            raise IncomparableError(f"Rows of {name!r} belong to different inputs: fingerprints {sorted(prints)}.")
    return table


def paired_effects(
    table: Mapping[str, Mapping[str, Mapping[str, Any]]], *, relative: bool, missing_effect: float
) -> tuple[PairedEffects, ...]:
    """Return the effects of every quantum method of a table (see `by_instance`), by method name.

    Args:
        table: instance -> method -> row of ``comparisons``.
        relative: Whether effects are measured in units of the reference.
        missing_effect: What an instance without a value counts; negative.
    """
    methods = {m for found in table.values() for m, row in found.items() if row["role"] == Role.QUANTUM}
    return tuple(
        _effects_of(m, _applicable(table, m), relative=relative, missing_effect=missing_effect) for m in sorted(methods)
    )


def _applicable(
    table: Mapping[str, Mapping[str, Mapping[str, Any]]], method: str
) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    """Return the instances a method has a row on, and those without any quantum row: there all have failed."""
    return {
        name: found
        for name, found in table.items()
        if method in found or not any(row["role"] == Role.QUANTUM for row in found.values())
    }


def _effects_of(
    method: str, table: Mapping[str, Mapping[str, Mapping[str, Any]]], *, relative: bool, missing_effect: float
) -> PairedEffects:
    observed = {name: _effect(found, method, relative=relative) for name, found in table.items()}
    floor = min([missing_effect, *(e for e in observed.values() if e is not None)])
    worst: dict[str, float] = {}
    first_name: dict[str, str] = {}
    for name, effect in observed.items():
        same = next((row["fingerprint"] for row in table[name].values()), name)
        first_name.setdefault(same, name)
        counted = floor if effect is None else effect
        worst[same] = min(counted, worst.get(same, counted))
    ceiling = max([_headroom(found, relative=relative) for found in table.values()], default=0.0)
    return PairedEffects(
        method=method,
        instances=tuple(first_name.values()),
        effects=tuple(worst.values()),
        missing=tuple(n for n, found in table.items() if method not in found or quality(found[method]) is None),
        possible_range=(floor, max([ceiling, *worst.values()])),
    )


def _effect(found: Mapping[str, Mapping[str, Any]], method: str, *, relative: bool) -> float | None:
    own, rival = (quality(found[method]) if method in found else None), best_rival(found)
    if own is None or rival is None:
        return None
    effect = (own - rival) / (scale_of(_reference(found), rival) if relative else 1.0)
    return 0.0 if abs(effect) <= TIE_TOLERANCE else effect


def best_rival(found: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return the best quality of all classical baselines and controls on an instance; None without one."""
    rivals = [q for row in found.values() if row["role"] != Role.QUANTUM and (q := quality(row)) is not None]
    return max(rivals, default=None)


def _reference(found: Mapping[str, Mapping[str, Any]]) -> float | None:
    return next((row["reference_value"] for row in found.values()), None)


def _headroom(found: Mapping[str, Mapping[str, Any]], *, relative: bool) -> float:
    """Return the largest effect an instance leaves: up to its proved reference, else a whole unit."""
    rival, reference = best_rival(found), _reference(found)
    kind = next((row["reference_kind"] for row in found.values()), None)
    if rival is None or reference is None or kind not in {ReferenceKind.PROVED, ReferenceKind.BOUND}:
        return 1.0
    room = (reference - rival) / (scale_of(reference, rival) if relative else 1.0)
    return 0.0 if room <= TIE_TOLERANCE else room
