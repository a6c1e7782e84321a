"""References and comparisons: every method's number beside its rivals on the same instance.

Rows of the view ``comparisons`` come from here, one a method. Their ``verdict`` tells of one instance and one quantum
method only, in the words of the verdicts: `inconclusive` where it found a better value than every rival there,
`no_advantage` otherwise. One instance is never an `advantage_candidate`; classical rows and controls have None.

Put what is said of one instance here; keep what is said of a workload in `verdict`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ContradictionError, ResultIntegrityError
from hybrid_assets.model.results import Reference, ReferenceKind, Role
from hybrid_assets.scoring.effects import TIE_TOLERANCE, best_rival, quality, scale_of
from hybrid_assets.scoring.statistics import corrected_resampled_interval, wilson_interval
from hybrid_assets.scoring.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hybrid_assets.model.results import BaselineResult, Score

#: Solvers prove to their own tolerances (HiGHS: 1e-6); proofs closer than this, relative to 1 or more, agree.
PROOF_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonKey:
    """What the rows of one instance have in common."""

    night: str
    workload: str
    backend: str
    instance: str
    fingerprint: str


def reference_of(baseline_results: Sequence[BaselineResult]) -> Reference | None:
    """Return what an instance is measured against, or None when no baseline found anything.

    The proved optimum, if there is one: a baseline proved it, or a value reaches the least proved bound. Else the least
    proved bound; else the best value any baseline found.

    Raises:
        ResultIntegrityError: A value is not finite, or a proof has none.
        ContradictionError: Two proofs contradict each other, or a value contradicts a proof; both are named.
    """
    for result in baseline_results:
        _refuse_unusable(result)
    values = [(r.value, r.baseline) for r in baseline_results if r.value is not None]
    # a proved optimum is a bound as well; of equal bounds the first name speaks
    bounds = [(r.bound, r.baseline) for r in baseline_results if r.bound is not None]
    bounds += [(r.value, r.baseline) for r in baseline_results if r.proved and r.value is not None]
    if not bounds:
        return Reference(value=max(values)[0], kind=ReferenceKind.BEST_KNOWN) if values else None
    bound, by = min(bounds)
    _refuse_excess(values, bound, f"the bound {bound} that {by!r} proved")
    if values and (best := max(values)[0]) >= bound - _slack(best, bound):
        return Reference(value=best, kind=ReferenceKind.PROVED)
    return Reference(value=bound, kind=ReferenceKind.BOUND)


def comparison_rows(
    key: ComparisonKey,
    *,
    scores: Sequence[Score],
    baseline_results: Sequence[BaselineResult],
    reference: Reference | None,
    cost_of: Callable[[Score], float | None],
    source_of: Callable[[Score], str],
    test_share: float | None = None,
) -> list[dict[str, Any]]:
    """Return one row for each method that was scored and each baseline, by role and method.

    Args:
        key: Columns that all rows share.
        scores: Quantum methods and controls.
        baseline_results: Every baseline on this instance, failed ones (value None) too.
        reference: See `reference_of`.
        cost_of: Money a method's kernels cost; a baseline costs none.
        source_of: Which rung answered a method's kernels, `effects.BACKEND_SOURCE` or a fallback; asked for quantum
            methods only.
        test_share: Share of rows in a test fold, for the intervals of baselines that have fold values.

    Returns:
        Rows of ``comparisons``. ``ratio`` (of ``value``) and ``best_ratio`` are None unless the reference is positive,
        and exactly 1.0 where a value meets a proof up to its tolerance. ``wall_s`` of a score is its fact of that name.

    Raises:
        ResultIntegrityError: Two rows share a method name, or a value is not finite.
        ContradictionError: A value beats a proof.
    """
    rows = [_score_row(score, cost_of(score), source_of) for score in scores]
    rows += [_baseline_row(result, test_share) for result in baseline_results]
    found = {row["method"]: row for row in rows}
    if len(found) < len(rows):
        raise ResultIntegrityError(f"Two methods on {key.instance!r} share a name: {[row['method'] for row in rows]}.")
    if reference is not None and reference.kind is not ReferenceKind.BEST_KNOWN:
        best = [(q, row["method"]) for row in rows if (q := quality(row)) is not None]
        _refuse_excess(best, reference.value, f"the {reference.kind} reference {reference.value} of {key.instance!r}")
    rival = best_rival(found)
    return [
        {
            **asdict(key),
            **row,
            "reference_value": None if reference is None else reference.value,
            "reference_kind": None if reference is None else str(reference.kind),
            "ratio": _ratio(row["value"], reference),
            "best_ratio": _ratio(row["best_value"], reference),
            "verdict": _verdict(row, rival, reference),
        }
        for row in sorted(rows, key=lambda row: (list(Role).index(Role(row["role"])), row["method"]))
    ]


def _score_row(score: Score, cost: float | None, source_of: Callable[[Score], str]) -> dict[str, Any]:
    _refuse_not_finite(score.method, score.value, score.value_low, score.value_high, score.best_value)
    p_opt = p_low = p_high = None
    if score.successes is not None and score.trials is not None:
        p_low, p_high = wilson_interval(score.successes, score.trials)
        p_opt = score.successes / score.trials if score.trials else None
    return {
        "method": score.method,
        "role": str(score.role),
        "source": source_of(score) if score.role is Role.QUANTUM else None,
        "value": score.value,
        "value_low": score.value_low,
        "value_high": score.value_high,
        "best_value": score.best_value,
        "p_opt": p_opt,
        "p_opt_low": p_low,
        "p_opt_high": p_high,
        "trials": score.trials,
        "feasible_rate": score.feasible_rate,
        "shots": score.shots,
        "cost": cost,
        "wall_s": score.facts.get("wall_s"),
        "facts": _json(score.facts),
    }


def _baseline_row(result: BaselineResult, test_share: float | None) -> dict[str, Any]:
    _refuse_unusable(result)
    low = high = None
    if test_share is not None:
        low, high = corrected_resampled_interval(result.fold_values, test_share=test_share)
    return {
        "method": result.baseline,
        "role": str(result.role),
        "value": result.value,
        "value_low": low,
        "value_high": high,
        "best_value": result.value,
        **dict.fromkeys(("source", "p_opt", "p_opt_low", "p_opt_high", "trials", "feasible_rate")),
        "shots": 0,
        "cost": 0.0,
        "wall_s": result.wall_s,
        "facts": _json({**result.facts, "version": result.version, "bound": result.bound, "proved": result.proved}),
    }


def _verdict(row: Mapping[str, Any], rival: float | None, reference: Reference | None) -> str | None:
    if row["role"] != Role.QUANTUM:
        return None
    own = quality(row)
    if own is None or rival is None:
        return str(Verdict.NO_ADVANTAGE)
    ahead = own - rival > TIE_TOLERANCE * scale_of(reference.value if reference else None, rival)
    return str(Verdict.INCONCLUSIVE if ahead else Verdict.NO_ADVANTAGE)


def _ratio(value: float | None, reference: Reference | None) -> float | None:
    if value is None or reference is None or reference.value <= 0:
        return None
    if reference.kind is not ReferenceKind.BEST_KNOWN and value > reference.value:
        return 1.0  # within the tolerance of the proof, or the row would have been refused
    return value / reference.value


def _slack(a: float, b: float) -> float:
    return PROOF_TOLERANCE * max(1.0, abs(a), abs(b))


def _refuse_excess(values: Iterable[tuple[float, str]], bound: float, proof: str) -> None:
    for value, method in values:
        if value > bound + _slack(value, bound):
            raise ContradictionError(
                f"{method!r} reports {value}, above {proof}. One of them is wrong: check both before using either."
            )


def _refuse_unusable(result: BaselineResult) -> None:
    _refuse_not_finite(result.baseline, result.value, result.bound)
    if result.proved and result.value is None:
        raise ResultIntegrityError(f"{result.baseline!r} claims a proof but gives no value.")
    if result.value is not None and result.bound is not None:
        _refuse_excess([(result.value, result.baseline)], result.bound, f"its own bound {result.bound}")


def _refuse_not_finite(method: str, *numbers: float | None) -> None:
    if not all(math.isfinite(number) for number in numbers if number is not None):
        raise ResultIntegrityError(f"{method!r} reports a number that is not finite: {numbers}. Missing is None.")


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(_plain(facts), sort_keys=True, allow_nan=False)


def _plain(fact: object) -> object:
    """Return a fact as JSON knows it: numpy scalars and arrays as Python's, what is not finite as null."""
    if isinstance(fact, Mapping):
        return {str(name): _plain(part) for name, part in fact.items()}
    if isinstance(fact, list | tuple):
        return [_plain(part) for part in fact]
    if hasattr(fact, "tolist"):
        return _plain(fact.tolist())
    if isinstance(fact, float) and not math.isfinite(fact):
        return None
    return fact if isinstance(fact, bool | int | float | str | None) else str(fact)
