"""What a workload promises (objectives of service, latency budgets) and whether a night kept it.

Put what is promised and how it is measured here; what is done about a broken promise is `fallback`'s.

| objective | measured as |
| --- | --- |
| ``success_rate`` | kernels that the backend itself answered, over all kernels |
| ``turnaround_s`` | 95th percentile (nearest rank) of the seconds from asking to the answer, or so far |
| ``max_inputs_age_s``, ``max_calibration_age_s`` | the oldest at execution, of kernels that the backend answered |
| latency budget of a stage | its wall time |

A figure over its limit warns; over ``fail_factor`` times its limit it fails. For the success rate that is counted in
kernels not answered: the promise allows the share ``1 - success_rate`` of them. Either way it is told, not blocked:
late numbers are still right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hybrid_assets.control.fallback import SOURCE_BACKEND
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.stages import CheckOutcome
from hybrid_assets.model.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Stages that may have a latency budget, as they are called in `stage_timings`.
STAGES: Final = (
    "normalized_inputs",
    "classical_baselines",
    "compiled_circuits",
    "quantum_results",
    "comparisons",
    "decisions",
)
#: Share of the kernels that are answered within the turnaround.
TURNAROUND_SHARE: Final = 0.95
#: Twice a limit is more than a slow night.
FAIL_FACTOR: Final = 2.0

_LIMITS: Final = ("turnaround_s", "max_inputs_age_s", "max_calibration_age_s")
_KEYS: Final = ("success_rate", *_LIMITS, "fail_factor")


class Severity(StrEnum):
    """How badly a promise was broken."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """A workload's promises; None: not promised."""

    #: Share of kernels that the backend itself answers, from 0 to 1.
    success_rate: float | None = None
    turnaround_s: float | None = None
    #: Ages at execution.
    max_inputs_age_s: float | None = None
    max_calibration_age_s: float | None = None
    #: Seconds a stage may take, by its name.
    latency_budget_s: Mapping[str, float] = field(default_factory=dict)
    #: From which multiple of a limit on a check fails instead of warning.
    fail_factor: float = FAIL_FACTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelService:
    """How one kernel was served."""

    #: Who answered, see `fallback`; None: nobody has yet.
    source: str | None
    #: Seconds from asking for it to its answer, or until now.
    turnaround_s: float
    #: Ages when the backend executed it; None: not known, or not executed.
    inputs_age_s: float | None = None
    calibration_age_s: float | None = None


def parse_objectives(raw: Mapping[str, object], *, where: str) -> Objectives:
    """Read ``{slo: {success_rate: 0.99, turnaround_s: 3600}, latency_budget_s: {quantum_results: 600}}``.

    Args:
        raw: The keys ``slo`` and ``latency_budget_s`` of a workload's section, either may be missing.
        where: The section, for messages, for example ``workloads.maxcut``.

    Raises:
        ConfigurationError: A key is unknown or a value out of range; the message names the place and the nearest word.
    """
    slo = _section(raw, "slo", where=where, known=_KEYS)
    budgets = _section(raw, "latency_budget_s", where=where, known=STAGES)
    place = f"{where}.slo"
    return Objectives(
        success_rate=_number(slo, "success_rate", place, most=1.0),
        turnaround_s=_number(slo, "turnaround_s", place),
        max_inputs_age_s=_number(slo, "max_inputs_age_s", place),
        max_calibration_age_s=_number(slo, "max_calibration_age_s", place),
        latency_budget_s={
            stage: limit_s
            for stage in budgets
            if (limit_s := _number(budgets, stage, f"{where}.latency_budget_s")) is not None
        },
        fail_factor=_number(slo, "fail_factor", place, least=1.0) or FAIL_FACTOR,
    )


def service_outcomes(objectives: Objectives, kernels: Sequence[KernelService]) -> tuple[CheckOutcome, ...]:
    """Return one outcome an objective of service that is promised; without any kernel each is kept."""
    factor = objectives.fail_factor
    own = [kernel for kernel in kernels if kernel.source == SOURCE_BACKEND]
    found: list[CheckOutcome] = []
    if objectives.success_rate is not None:
        found.append(_success(objectives.success_rate, answered=len(own), asked=len(kernels), factor=factor))
    if objectives.turnaround_s is not None:
        value = percentile((kernel.turnaround_s for kernel in kernels), share=TURNAROUND_SHARE)
        found.append(_below("turnaround", "95 % of the answers within", value, objectives.turnaround_s, factor))
    for name, what, ages, limit_s in (
        ("inputs_age", "Inputs up to", [k.inputs_age_s for k in own], objectives.max_inputs_age_s),
        ("calibration_age", "Calibrations up to", [k.calibration_age_s for k in own], objectives.max_calibration_age_s),
    ):
        if limit_s is not None:
            found.append(_age(name, what, ages, limit_s, factor))
    return tuple(found)


def stage_outcome(objectives: Objectives, stage: str, *, wall_s: float) -> CheckOutcome | None:
    """Return whether a stage kept its latency budget; None where it has none."""
    limit_s = objectives.latency_budget_s.get(stage)
    if limit_s is None:
        return None
    return _below("latency_budget", f"{stage} took", wall_s, limit_s, objectives.fail_factor)


def percentile(values: Iterable[float], *, share: float) -> float | None:
    """Return the least value that at least ``share`` of all values do not exceed (nearest rank); None without any."""
    ordered = sorted(values)
    # 0.07 x 100 is 7.000000000000001: a last digit must not add a rank.
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1] if ordered else None


def _success(promised: float, *, answered: int, asked: int, factor: float) -> CheckOutcome:
    missed, allowed = asked - answered, (1 - promised) * asked
    rate = answered / asked if asked else None
    text = f"{answered} of {asked} kernels were answered by the backend itself; promised are {100 * promised:g} %."
    return _outcome("success_rate", _severity(missed, allowed, factor), text, value=rate, limit=promised)


def _age(name: str, what: str, ages: Sequence[float | None], limit_s: float, factor: float) -> CheckOutcome:
    known = [age for age in ages if age is not None]
    outcome = _below(name, what, max(known, default=None), limit_s, factor, unit="s old at execution")
    if len(known) == len(ages) or not outcome.passed:
        return outcome
    text = f"The age of {len(ages) - len(known)} of {len(ages)} is not known; at most {limit_s:g} s is promised."
    return _outcome(name, Severity.WARN, text, value=outcome.facts["value"], limit=limit_s)


def _below(name: str, what: str, value: float | None, limit: float, factor: float, *, unit: str = "s") -> CheckOutcome:
    if value is None:
        return _outcome(name, Severity.OK, "Nothing to measure.", value=None, limit=limit)
    text = f"{what} {value:.4g} {unit}; the limit is {limit:g} s."
    return _outcome(name, _severity(value, limit, factor), text, value=value, limit=limit)


def _severity(value: float, limit: float, factor: float) -> Severity:
    # A part in 10^9 is forgiven: (1 - 0.9) x 10 is less than 1 in floating point. What is no number fails.
    spare = 1e-9 * max(limit, 1.0)
    if value <= limit + spare:
        return Severity.OK
    return Severity.WARN if value <= factor * limit + spare else Severity.FAIL


def _outcome(name: str, severity: Severity, text: str, *, value: float | None, limit: float) -> CheckOutcome:
    return CheckOutcome(
        name=name,
        passed=severity is Severity.OK,
        description=text,
        blocking=False,
        facts={"severity": severity.value, "value": value, "limit": limit},
    )


def _section(raw: Mapping[str, object], key: str, *, where: str, known: Sequence[str]) -> Mapping[str, object]:
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}.{key}: {value!r} is wrong; expected keys {', '.join(known)}.")
    for word in value:
        if word not in known:
            hint = nearest(str(word), known)
            raise ConfigurationError(f"{where}.{key}.{word}: unknown key. {hint}Known: {', '.join(known)}.")
    return value


def _number(
    section: Mapping[str, object], key: str, place: str, *, least: float = 0.0, most: float = math.inf
) -> float | None:
    value = section.get(key)
    if value is None:
        return None
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and least <= value <= most
    ):
        return float(value)
    span = f"from {least:g} to {most:g}" if math.isfinite(most) else f"of at least {least:g}"
    raise ConfigurationError(f"{place}.{key}: {value!r} is wrong; expected a number {span}.")
