"""`budget`: what teams may spend, have spent and have left; and setting one limit by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from hybrid_assets.model.queue import Budget

#: Names of `model.queue.BudgetUnit`, which is not imported for ``--help``.
UNITS = ("qpu_s", "shots", "money")


@click.group(short_help="Show budgets, or set one.", invoke_without_command=True)
@click.option("--team", help="Only this team's.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.pass_context
def command(ctx: click.Context, *, team: str | None, as_json: bool) -> int:
    r"""Show every budget: limit, spent, set aside for jobs on their way, left.

    \b
    Examples:
      hybrid-assets budget
      hybrid-assets budget set research --per night --unit qpu_s 120
    """
    if ctx.invoked_subcommand is not None:
        if team or as_json:
            raise UsageError("--team and --json are for the list: hybrid-assets budget --team research --json")
        return 0
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.control.budgets import room  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.naming import team_named  # noqa: PLC0415 - as above
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores

    settings = load_settings(ctx.obj["config"])
    budgets = Project.open(settings).ledger.budgets()
    if team is not None:
        team_named(settings, team, others=[budget.team for budget in budgets])
        budgets = [budget for budget in budgets if budget.team == team]
    rows = [(*_row(budget), room(budget)) for budget in budgets]
    columns = ("team", "window", "unit", "limit", "spent", "reserved", "left")
    if as_json:
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
    elif rows:
        click.echo(draw(columns, rows, title="Budgets"))
    else:
        click.echo("No budget is open yet: those of sweep.yaml are opened when a night asks for its first kernels.")
    return 0


@command.command("set", short_help="Set one limit by hand.")
@click.argument("team")
@click.argument("limit", type=click.FloatRange(min=0))
@click.option(
    "--per", type=click.Choice(["night", "month"]), default="night", show_default=True, help="Window of time."
)
@click.option("--unit", type=click.Choice(UNITS), default="qpu_s", show_default=True, help="What is counted.")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night, or of which month (default: the one just over).")
@click.pass_obj
def set_limit(obj: dict[str, str | None], *, team: str, limit: float, per: str, unit: str, night: str | None) -> int:
    r"""Raise or lower a team's limit for one night or month; it holds until sweep.yaml names another one.

    A night's window is that of its kernels, a month's that of the submission (UTC, by default the present one).

    \b
    Examples:
      hybrid-assets budget set research --per night --unit qpu_s 120 --night 2026-11-20
      hybrid-assets budget set research --per month --unit money 500
    """
    from hybrid_assets.control.budgets import room  # noqa: PLC0415 - with the verb
    from hybrid_assets.model.queue import BudgetUnit  # noqa: PLC0415 - as above
    from hybrid_assets.runner import naming, spending  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.driver import utc_now  # noqa: PLC0415 - as above
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    project = Project.open(settings)
    naming.team_named(settings, team, others=[budget.team for budget in project.ledger.budgets()])
    if per == "month":
        window = naming.night_named(settings, night)[:7] if night else f"{utc_now():%Y-%m}"
    elif night:
        window = naming.night_named(settings, night)
    else:
        from hybrid_assets.defs.night import resolve_night  # noqa: PLC0415 - imports dagster

        window = resolve_night(settings, None)
    budget, woken = spending.set_limit(project, team=team, window=window, unit=BudgetUnit(unit), limit=limit)
    click.echo(f"{budget.budget_id}: limit {budget.limit:g}, {budget.spent:g} spent, {room(budget):g} left.")
    if room(budget) < 0:
        click.echo("More than that is spent or set aside already: nothing more is submitted.")
    if woken:
        click.echo(f"{woken} kernels that waited for money are planned again: hybrid-assets collect")
    return 0


def _row(budget: Budget) -> tuple[str, str, str, float, float, float]:
    # Sums of floats that were taken off again may fall short of zero in their last digits.
    return budget.team, budget.window, budget.unit.value, budget.limit, budget.spent, max(budget.reserved, 0.0)
