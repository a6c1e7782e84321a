"""What a claim needs: rules fixed beforehand, and small named gates that are each tried on their own.

| gate | passes when |
| --- | --- |
| `instances` | at least `min_instances` distinct instances, failed ones included |
| `classical_panel` | there is a classical value, and one of each baseline in `required_baselines`, wherever needed |
| `controls` | each control of the method has a value wherever needed; a method without controls fails |
| `equal_effort` | no control drew fewer samples than the method |
| `references` | there is a reference of an accepted kind wherever needed |
| `metric` | the metric was declared before the night: it is that of the last night that was judged, if there is one |
| `execution` | every execution kind is known, and all are `qpu` if run time is claimed |

Needed is where the method has a value: elsewhere it has already lost. What is not known does not pass, except that a
control without samples (an exact one) is no lesser effort. Two more gates, on the statistics, are in `verdict`.
Put a new condition that can be read off the rows here; keep statistics and words in `verdict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.model.results import CONFIDENCE, ReferenceKind, Role
from hybrid_assets.scoring.effects import PairedEffects, quality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Table = Mapping[str, Mapping[str, Mapping[str, Any]]]

#: Key of `ClaimRules.controls_of` for the methods it does not name.
ANY_METHOD = "*"
#: A sentence names so many things before it counts the rest.
MAX_NAMES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """What is compared and what a claim needs, fixed before any result is seen."""

    #: The metric that is compared, and the one declared before the night's results were seen (None: none was).
    metric: str
    declared_metric: str | None
    #: Method -> controls that repeat it without its quantum part: random bits with the same post-processing, the kernel
    #: without entanglement. `ANY_METHOD` stands for all methods not named.
    controls_of: Mapping[str, tuple[str, ...]]
    #: How the results came about, see `ExecutionKind`.
    execution_kinds: tuple[str, ...]
    #: Whether effects are measured in units of the reference (False: an accuracy).
    relative: bool = True
    #: Classical baselines that every instance must have a value of.
    required_baselines: tuple[str, ...] = ()
    #: Kinds of reference that support a claim.
    reference_kinds: tuple[ReferenceKind, ...] = (ReferenceKind.PROVED, ReferenceKind.BOUND)
    #: Whether the metric is a run time, which no simulation or emulation can show an advantage in.
    claims_run_time: bool = False
    #: Below ten instances a median has no 95 % interval worth the name, and one family says little.
    min_instances: int = 10
    #: Effect of an instance on which the method failed or is missing: all of the reference lost.
    missing_effect: float = -1.0
    alpha: float = 0.05
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if self.missing_effect >= 0:
            raise ConfigurationError(
                f"missing_effect must be negative, or failures would help; got {self.missing_effect}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition of a claim and how it went."""

    name: str
    passed: bool
    #: What was found, in a few words.
    why: str


def panel_gates(paired: PairedEffects, table: Table, rules: ClaimRules) -> Iterator[Gate]:
    """Try every gate that can be read off the rows of a table (see `effects.by_instance`) for one method."""

    def gate(name: str, *, against: Sequence[str], problem: str) -> Gate:
        return Gate(name=name, passed=not against, why=f"{problem} {named(against)}" if against else "holds")

    needed = {name: found for name, found in table.items() if _has_value(found, paired.method)}
    size = len(paired.effects)
    yield Gate(name="instances", passed=size >= rules.min_instances, why=f"{size} of at least {rules.min_instances}")
    yield gate("classical_panel", against=_without_panel(needed, rules), problem="no value of")
    controls = rules.controls_of.get(paired.method, rules.controls_of.get(ANY_METHOD, ()))
    lacking = _without_control(needed, controls) if controls else [f"{paired.method} (none is named)"]
    yield gate("controls", against=lacking, problem="no control")
    yield gate("equal_effort", against=_less_effort(needed, paired.method, controls), problem="fewer samples of")
    yield gate("references", against=_without_reference(needed, rules), problem="no accepted reference of")
    declared = rules.metric == rules.declared_metric
    yield Gate(name="metric", passed=declared, why=f"{rules.metric}, declared was {rules.declared_metric}")
    allowed = {ExecutionKind.QPU} if rules.claims_run_time else set(ExecutionKind)
    wrong = sorted(kind for kind in rules.execution_kinds if kind not in allowed)
    yield Gate(
        name="execution",
        passed=bool(rules.execution_kinds) and not wrong,
        why=f"{named(wrong) if rules.execution_kinds else 'nothing known'} cannot support the claim",
    )


def _has_value(found: Mapping[str, Mapping[str, Any]], method: str) -> bool:
    return method in found and quality(found[method]) is not None


def _without_panel(table: Table, rules: ClaimRules) -> list[str]:
    lacking = []
    for name, found in table.items():
        if not any(row["role"] == Role.CLASSICAL and quality(row) is not None for row in found.values()):
            lacking.append(f"any baseline on {name}")
        lacking += [f"{m} on {name}" for m in rules.required_baselines if not _has_value(found, m)]
    return lacking


def _without_control(table: Table, controls: Sequence[str]) -> list[str]:
    return [
        f"{control} on {name}"
        for name, found in table.items()
        for control in controls
        if not _has_value(found, control) or found[control]["role"] != Role.CONTROL
    ]


def _less_effort(table: Table, method: str, controls: Sequence[str]) -> list[str]:
    return [
        f"{control} on {name}"
        for name, found in table.items()
        for control in controls
        if control in found
        and (drawn := found[control]["trials"]) is not None
        and drawn < (found[method]["trials"] or 0)
    ]


def _without_reference(table: Table, rules: ClaimRules) -> list[str]:
    kinds = set(rules.reference_kinds)
    return [name for name, found in table.items() if {row["reference_kind"] for row in found.values()} - kinds]


def named(names: Sequence[str]) -> str:
    """List names in a sentence, the first few of many."""
    rest = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {rest} more" if rest > 0 else "")
