"""Asset checks: what each demands, which keep rows back, our outcome as Dagster's. The rules are `runner.checks`'s."""

import dagster as dg

from hybrid_assets.control.objectives import Severity
from hybrid_assets.model.stages import CheckOutcome
from hybrid_assets.runner import promises

#: Objectives of service: the names of their checks, and what they demand.
_SERVICE = {
    "success_rate": "Enough kernels are answered by the backend itself.",
    "turnaround": "Kernels are answered within the time that the workload promises.",
    "inputs_age": "Inputs are no older than the workload promises when they are used.",
    "calibration_age": "Calibrations are no older than the workload promises when kernels run.",
}
_DEMANDS = {
    "row_count": "There are exactly as many rows as were asked for: nothing is silently missing.",
    "unique_key": "No two rows have the same key.",
    "schema": "Every column is there, of its type, and keys are not empty.",
    "no_input_refused": "Every input file could be read; a refused one is a row with its reason.",
    "shots_add_up": "Raw counts add up to the shots that were asked for.",
    "every_kernel_answered": "Every kernel has a result of its own backend, none of a fallback.",
    "no_ratio_above_proved_optimum": "Nothing beats a proved optimum or bound: that would be an error.",
    promises.LATENCY_CHECK: "The stage took no longer than its latency budget.",
    **_SERVICE,
}
#: Checks that warn or fail but do not keep rows from being published.
_NOT_BLOCKING = frozenset({"no_input_refused", "every_kernel_answered", promises.LATENCY_CHECK, *_SERVICE})


def check_spec(key: dg.AssetKey, name: str) -> dg.AssetCheckSpec:
    """Return the spec of an asset's check."""
    return dg.AssetCheckSpec(name, asset=key, description=_DEMANDS.get(name), blocking=name not in _NOT_BLOCKING)


def check_result(key: dg.AssetKey, check: CheckOutcome) -> dg.AssetCheckResult:
    """Return what Dagster records of an outcome."""
    is_error = check.blocking or check.facts.get("severity") == Severity.FAIL
    return dg.AssetCheckResult(
        passed=check.passed,
        asset_key=key,
        check_name=check.name,
        description=check.description,
        metadata=dict(check.facts),
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
    )
