"""`plan`: what a night would buy, before it does."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.model.costs import NOTHING
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.control.gates import GateAnswer
    from hybrid_assets.model.costs import Range
    from hybrid_assets.model.plans import PlanCell


@click.command(short_help="Show what a night would run and cost.")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the one just over).")
@click.option("--workload", "workloads", multiple=True, help="Only this workload (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@click.pass_obj
def command(obj: dict[str, str | None], *, night: str | None, workloads: Sequence[str], as_json: bool) -> int:
    r"""Show kernels, cache hits, shots, QPU seconds and money of a night, and why each cell runs; nothing is bought.

    \b
    Examples:
      hybrid-assets plan
      hybrid-assets plan --night 2026-11-20 --json
    """
    from hybrid_assets.cli.progress import progress  # noqa: PLC0415 - only when asked
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.defs.night import resolve_night, select  # noqa: PLC0415 - imports dagster
    from hybrid_assets.model.plans import SweepPlan  # noqa: PLC0415 - as above
    from hybrid_assets.runner.driver import utc_now  # noqa: PLC0415 - as above
    from hybrid_assets.runner.gating import ask_gate  # noqa: PLC0415 - as above
    from hybrid_assets.runner.planning import plan_workload  # noqa: PLC0415 - as above
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    chosen = resolve_night(settings, night)
    select(settings, workloads=workloads, backends=(), until=None)  # refuses unknown names
    answers: dict[str, GateAnswer] = {}
    cells: list[PlanCell] = []
    with progress() as report:
        project = Project.open(settings, report=report)
        for workload in workloads or tuple(settings.workloads):
            planned = plan_workload(project, chosen, workload)
            answers[workload] = ask_gate(project, chosen, workload, planned)
            cells += [one.plan for one in planned]
    plan = SweepPlan(night=chosen, cells=tuple(cells), made_at=utc_now())
    if as_json:
        click.echo(json.dumps(_document(plan, answers), indent=2, default=str))
        return 0
    columns = ("workload", "backend", "kernels", "known", "to run", "compiled", "shots", "QPU s", "money", "why")
    click.echo(draw(columns, [_row(cell) for cell in cells], title=f"Plan of {chosen}: low - likely - high"))
    for workload, answer in answers.items():
        click.echo(f"{workload}  {answer.plan_hash[:12]}  {answer.kind.value}: {answer.reason}")
    return 0


def _row(cell: PlanCell) -> tuple[Any, ...]:
    is_over = cell.done_kernels == cell.new_kernels
    return (
        cell.workload,
        cell.backend,
        cell.kernels,
        cell.cached_kernels + cell.done_kernels,
        cell.new_kernels - cell.done_kernels,
        f"{cell.compile_hits}/{cell.compile_hits + cell.compile_misses}",
        0 if is_over else cell.shots,
        _words(NOTHING if is_over else cell.qpu_s),
        _words(NOTHING if is_over else cell.money) if cell.is_metered else "free",
        cell.reason,
    )


def _words(amount: Range | None) -> str:
    return "unknown" if amount is None else f"{amount.low:.4g} - {amount.likely:.4g} - {amount.high:.4g}"


def _document(plan: Any, answers: dict[str, GateAnswer]) -> dict[str, Any]:
    gates = {
        workload: {"plan_hash": answer.plan_hash, "gate": answer.kind.value, "reason": answer.reason}
        for workload, answer in answers.items()
    }
    return {"night": plan.night, "plan_hash": plan.plan_hash, "gates": gates, "cells": [asdict(c) for c in plan.cells]}
