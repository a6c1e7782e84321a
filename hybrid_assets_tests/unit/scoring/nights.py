"""Synthetic nights with a planted effect, for the tests of gates and verdicts."""

from __future__ import annotations

from dataclasses import replace

from hybrid_assets.scoring.gates import ClaimRules
from hybrid_assets.scoring.verdict import decide

RULES = ClaimRules(
    metric="approximation_ratio",
    declared_metric="approximation_ratio",
    controls_of={"*": ("random",)},
    execution_kinds=("statevector",),
    required_baselines=("annealing",),
)


def row(instance, method, role, best, **more):
    """A row of ``comparisons`` with a reference of 100 that nobody reaches."""
    return {
        "workload": "maxcut",
        "backend": "aer",
        "instance": instance,
        "fingerprint": f"print of {instance}",
        "method": method,
        "role": role,
        "source": "backend" if role == "quantum" else None,
        "value": best,
        "best_value": best,
        "reference_value": 100.0,
        "reference_kind": "bound",
        "trials": 1000,
        "shots": 1000,
        **more,
    }


def night_of(effects, *, classical=90.0, control=80.0):
    """A night in which ``qaoa`` is ahead of the classical rival by these effects (in units of the reference)."""
    rows = []
    for k, effect in enumerate(effects):
        name = f"g{k:02}"
        rows += [
            row(name, "qaoa", "quantum", classical + 100 * effect),
            row(name, "random", "control", control),
            row(name, "annealing", "classical", classical),
        ]
    return rows


def names(rows):
    return {r["instance"]: 12 for r in rows}


def verdict_of(rows, *, instances=None, **changes):
    return decide(rows, instances=instances or names(rows), rules=replace(RULES, **changes))


def changed(rows, method, **columns):
    return [{**r, **columns} if r["method"] == method else r for r in rows]


PLANTED = night_of([0.01 + 0.002 * k for k in range(12)])
