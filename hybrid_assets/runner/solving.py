"""Stage `classical_baselines`: every rival on every instance; an unchanged instance is not solved again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hybrid_assets import registry
from hybrid_assets.model.fingerprint import canonical_json, fingerprint, seed_from
from hybrid_assets.model.results import BaselineResult, Role
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner import checks
from hybrid_assets.scoring.compare import reference_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.protocols import BaselineSolver
    from hybrid_assets.runner.project import Project


def solve_baselines(project: Project, *, night: str, workload: str) -> StageOutcome:
    """Solve what is not solved yet and publish one row an instance and baseline.

    Raises:
        ResultIntegrityError: Two proofs contradict each other.
        CheckFailedError: A row is missing or doubled.
    """
    with project.timed(night, workload, "classical_baselines"):
        rows: list[dict[str, Any]] = []
        solved = expected = 0
        for instance in project.accepted(night, workload):
            solvers = registry.baselines_for(instance)
            outcomes = [_solve(project, solver, instance) for solver in solvers]
            expected += len(solvers)
            solved += sum(fresh for _, fresh in outcomes)
            reference_of([result for result, _ in outcomes])  # refuses contradicting proofs before publication
            rows += [_row(night, workload, instance, result) for result, _ in outcomes]
        outcomes_checked = (
            checks.row_count(rows, expected=expected, of="instances x baselines"),
            checks.unique(rows, key=("instance", "baseline")),
            checks.schema(project.warehouse, "classical_baselines", rows, {"night": night, "workload": workload}),
        )
        checks.require(outcomes_checked, what=f"{workload}/classical_baselines of {night}")
        published = project.warehouse.publish(
            "classical_baselines", rows, partition={"night": night, "workload": workload}
        )
    return StageOutcome(
        rows=len(rows),
        data_version=published.data_version,
        numbers={
            "newly_solved": solved,
            "proved_share": sum(row["proved"] for row in rows) / len(rows) if rows else 0.0,
            "cpu_s": sum(row["cpu_s"] for row in rows),
        },
        checks=outcomes_checked,
        sample=tuple({k: row[k] for k in ("instance", "baseline", "value", "proved")} for row in rows[:10]),
    )


def rivals_of(project: Project, instance: ProblemInstance) -> Sequence[BaselineResult]:
    """Return every baseline's result on an instance; what is not solved yet is solved, nothing is published."""
    return [_solve(project, solver, instance)[0] for solver in registry.baselines_for(instance)]


def baseline_results(project: Project, *, night: str, workload: str) -> Mapping[str, Sequence[BaselineResult]]:
    """Return the published baselines of each instance."""
    results: dict[str, list[BaselineResult]] = {}
    for row in project.warehouse.read_rows("classical_baselines", night=night, workload=workload):
        results.setdefault(row["instance"], []).append(_result(row))
    return results


def _solve(project: Project, solver: BaselineSolver, instance: ProblemInstance) -> tuple[BaselineResult, bool]:
    """Return a baseline's result and whether it was solved just now."""
    limit_s = project.settings.baseline_limit_s
    seed = seed_from(str(project.settings.seed), solver.name, instance.fingerprint) % (1 << 31)
    key = fingerprint([instance.fingerprint, solver.name, solver.version, seed, limit_s])
    known = project.baselines.get(key)
    if known is not None:
        return known, False
    project.report(f"{solver.name} on {instance.name}")
    result = solver.solve(instance, seed=seed, limit_s=limit_s)
    project.baselines.put(key, result)
    return result, True


def _row(night: str, workload: str, instance: ProblemInstance, result: BaselineResult) -> dict[str, Any]:
    return {
        "night": night,
        "workload": workload,
        "instance": instance.name,
        "fingerprint": instance.fingerprint,
        "baseline": result.baseline,
        "version": result.version,
        "role": result.role.value,
        "value": result.value,
        "bound": result.bound,
        "proved": result.proved,
        "wall_s": result.wall_s,
        "cpu_s": result.cpu_s,
        "seed": result.seed,
        "fold_values": list(result.fold_values),
        "facts": canonical_json(dict(result.facts)),
    }


def _result(row: dict[str, Any]) -> BaselineResult:
    names = ("baseline", "version", "value", "bound", "proved", "wall_s", "cpu_s", "seed")
    return BaselineResult(
        **{name: row[name] for name in names},
        role=Role(row["role"]),
        fold_values=tuple(row["fold_values"]),
        facts=json.loads(row["facts"]),
    )
