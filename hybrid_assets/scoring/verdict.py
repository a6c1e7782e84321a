"""Verdicts: what a night may claim for a workload on a backend. Rows of the view ``verdicts`` come from here.

| verdict | when |
| --- | --- |
| `advantage_candidate` | every gate passes for a quantum method |
| `inconclusive` | not all gates pass, but the interval of the effect reaches above 0 |
| `no_advantage` | otherwise: the default, also without any data |

| gate | passes when |
| --- | --- |
| those of `gates` | see there: instances, panel, controls, effort, references, metric, execution |
| `effect` | the lower end of the effect's interval is above 0, and the instances are enough for such an interval |
| `significance` | the one-sided paired p-value, Holm-adjusted over all quantum methods, is below `alpha` |

The effect is the median over instances of the paired effects (`effects`); the unit of replication is the instance. Its
interval holds for every distribution of effects (`statistics.median_interval`). The row tells of the method with the
strongest verdict, then the least p-value, the largest effect, the first name; the best of many is flattered, so that
the lower end is corrected for their number, as the p-value is. Fewer than six instances cannot reach 95 %, nor can a
few more where the method is the best of several: the interval is then from the least to the largest effect, and
``effect_confidence`` and the scope say what it is worth. One instance alone has as interval everything its reference
leaves possible, and no confidence.

Put what is said of a claim here; keep rules and gates in `gates`, statistics in `statistics`, numbers of one instance
in `effects`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.model.results import Role
from hybrid_assets.model.text import plural
from hybrid_assets.scoring.effects import PairedEffects, by_instance, paired_effects
from hybrid_assets.scoring.gates import ClaimRules, Gate, named, panel_gates
from hybrid_assets.scoring.statistics import MedianInterval, holm, median_interval, paired_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Table = Mapping[str, Mapping[str, Mapping[str, Any]]]


class Verdict(StrEnum):
    """What may be said of the quantum methods."""

    NO_ADVANTAGE = "no_advantage"
    INCONCLUSIVE = "inconclusive"
    ADVANTAGE_CANDIDATE = "advantage_candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one quantum method on one workload and backend."""

    paired: PairedEffects
    #: Median paired effect and its interval.
    effect: float
    interval: MedianInterval
    #: Least chance that the interval holds the median, the choice of the method counted; None: one instance shows none.
    confidence: float | None
    #: Holm-adjusted over the quantum methods.
    p_value: float
    gates: tuple[Gate, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """Return what the gates and the interval allow."""
        if self.gates and all(gate.passed for gate in self.gates):
            return Verdict.ADVANTAGE_CANDIDATE
        return Verdict.INCONCLUSIVE if self.interval.high > 0 else Verdict.NO_ADVANTAGE


def verdict_rows(
    rows: Sequence[Mapping[str, Any]],
    *,
    night: str,
    instances: Mapping[str, Mapping[str, int | None]],
    rules: Mapping[tuple[str, str], ClaimRules],
) -> list[dict[str, Any]]:
    """Return one row of ``verdicts`` for each workload and backend that has rules, data or not.

    Args:
        rows: Rows of ``comparisons`` of one night, in any order.
        night: The night.
        instances: Workload -> every instance of the night, failed and refused ones too -> its number of variables.
        rules: (workload, backend) -> rules of its claim.

    Raises:
        ResultIntegrityError: A row repeats another one or belongs to an instance that is not listed.
        IncomparableError: Rows of one instance carry different fingerprints.
    """
    return [
        {
            "night": night,
            "workload": workload,
            "backend": backend,
            **decide(
                [row for row in rows if (row["workload"], row["backend"]) == (workload, backend)],
                instances=instances.get(workload, {}),
                rules=of_cell,
            ),
        }
        for (workload, backend), of_cell in sorted(rules.items())
    ]


def decide(
    rows: Sequence[Mapping[str, Any]], *, instances: Mapping[str, int | None], rules: ClaimRules
) -> dict[str, Any]:
    """Return the verdict on one workload and backend as the columns of ``verdicts`` after its key.

    Args:
        rows: Its rows of ``comparisons``, in any order.
        instances: Every instance of the night, failed and refused ones too, with its number of variables (None:
            unknown).
        rules: What a claim needs.

    Raises:
        ResultIntegrityError: A row repeats another one or belongs to an instance that is not listed.
        IncomparableError: Rows of one instance carry different fingerprints.
    """
    table = by_instance(rows, instances=instances)
    evidence = gather_evidence(table, rules)
    if not evidence:
        return _row_without_data(len(instances), rules)
    strength = list(Verdict)
    best = min(evidence, key=lambda e: (-strength.index(e.verdict), e.p_value, -e.effect, e.paired.method))
    effects = best.paired.effects
    return {
        "metric": rules.metric,
        "num_instances": len(effects),
        "method": best.paired.method,
        "effect": best.effect,
        "effect_low": best.interval.low,
        "effect_high": best.interval.high,
        "effect_confidence": best.confidence,
        "p_value": best.p_value,
        "verdict": str(best.verdict),
        "scope": _scope(best, table, instances, rules),
        "reasons": "; ".join(f"{gate.name}: {gate.why}" for gate in best.gates if not gate.passed),
        "wins": sum(e > 0 for e in effects),
        "ties": sum(e == 0 for e in effects),
        "losses": sum(e < 0 for e in effects),
    }


def gather_evidence(table: Table, rules: ClaimRules) -> tuple[Evidence, ...]:
    """Return the evidence for every quantum method of a table (see `effects.by_instance`), by method name."""
    paired = paired_effects(table, relative=rules.relative, missing_effect=rules.missing_effect)
    adjusted = holm([paired_test(p.effects) for p in paired])
    return tuple(
        _evidence(p, p_value, table, rules, num_methods=len(paired))
        for p, p_value in zip(paired, adjusted, strict=True)
    )


def _evidence(paired: PairedEffects, p_value: float, table: Table, rules: ClaimRules, *, num_methods: int) -> Evidence:
    interval = median_interval(
        paired.effects,
        confidence=rules.confidence,
        chosen_from=num_methods,
        possible_range=paired.possible_range,
    )
    enough = interval.low_risk <= _most_risk(rules) / num_methods
    why = f"its interval begins at {interval.low:.3g}"
    if not enough:
        why += f"; {len(paired.effects)} instances are too few for an interval of the best of {num_methods}"
    gates = (
        *panel_gates(paired, table, rules),
        Gate(name="effect", passed=enough and interval.low > 0, why=why),
        Gate(name="significance", passed=p_value < rules.alpha, why=f"adjusted p {p_value:.3g} against {rules.alpha}"),
    )
    return Evidence(
        paired=paired,
        effect=float(np.median(paired.effects)),
        interval=interval,
        confidence=_confidence(interval, len(paired.effects), num_methods),
        p_value=p_value,
        gates=gates,
    )


def _confidence(interval: MedianInterval, num_instances: int, num_methods: int) -> float | None:
    """Return what an interval of the best of so many methods is worth: any of them may be the one (Bonferroni)."""
    if num_instances < 2:
        return None
    return max(0.0, 1 - num_methods * interval.low_risk - interval.high_risk)


def _most_risk(rules: ClaimRules) -> float:
    """Return the most that one end of an interval may risk."""
    return (1 - rules.confidence) / 2


def _row_without_data(num_instances: int, rules: ClaimRules) -> dict[str, Any]:
    return {
        "metric": rules.metric,
        "num_instances": num_instances,
        **dict.fromkeys(("method", "effect", "effect_low", "effect_high", "effect_confidence", "p_value")),
        "verdict": str(Verdict.NO_ADVANTAGE),
        "scope": f"No quantum method gave a result on {plural(num_instances, 'instance')}, so nothing is claimed.",
        "reasons": "data: no quantum method has a row",
        **dict.fromkeys(("wins", "ties", "losses"), 0),
    }


def _scope(best: Evidence, table: Table, instances: Mapping[str, int | None], rules: ClaimRules) -> str:
    methods = {role: sorted({m for f in table.values() for m, r in f.items() if r["role"] == role}) for role in Role}
    sizes = [size for name in best.paired.instances if (size := instances[name]) is not None]
    quantum = methods[Role.QUANTUM]
    best_of = f"the best of {len(quantum)} quantum methods" if len(quantum) > 1 else "the only quantum method"
    shots = max((f[best.paired.method]["shots"] or 0 for f in table.values() if best.paired.method in f), default=0)
    return (
        f"Concerns {rules.metric} of {best.paired.method}, {best_of}, "
        f"on {plural(len(best.paired.effects), 'instance')} of {_span(sizes)} ({named(best.paired.instances)}), "
        f"{len(best.paired.missing)} without a result counted as losses, "
        f"executed as {named(sorted(rules.execution_kinds)) or 'unknown'} with up to {shots} shots an instance, "
        f"against the best of {named(methods[Role.CLASSICAL]) or 'no baseline'} "
        f"and the controls {named(methods[Role.CONTROL]) or 'none'} on each instance. "
        f"{_limits_of_interval(best, rules, len(quantum))}{_limits_of_claim(rules)}"
    )


def _span(sizes: Sequence[int]) -> str:
    if not sizes:
        return "unknown size"
    least, most = min(sizes), max(sizes)
    return plural(most, "variable") if least == most else f"{least} to {most} variables"


def _limits_of_interval(best: Evidence, rules: ClaimRules, num_methods: int) -> str:
    if best.confidence is None:
        return "One instance shows no interval; the range beside its effect is that of every possible value. "
    if best.confidence >= rules.confidence:
        return ""
    worth = f"holds the median with {100 * best.confidence:g} %" if best.confidence else "promises nothing"
    chosen = f" of the best of {num_methods} methods" if num_methods > 1 else ""
    return (
        f"{len(best.paired.effects)} instances are too few for a {100 * rules.confidence:g} % interval{chosen}: "
        f"theirs, from the least to the largest effect, {worth}. "
    )


def _limits_of_claim(rules: ClaimRules) -> str:
    if rules.claims_run_time:
        return "Covers run time on these instances and this backend only."
    simulated = any(kind != ExecutionKind.QPU for kind in rules.execution_kinds)
    why = " (simulated or emulated executions cannot make one)" if simulated else ""
    return f"Covers solution quality on these instances only, and makes no run-time claim{why}."
