"""`approve`: let a plan or a decision pass."""

from __future__ import annotations

import click

from hybrid_assets.model.gates import GateDecision
from hybrid_assets.settings import load_settings


@click.command(short_help="Approve a plan or a decision.")
@click.argument("plan_hash")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the one just over).")
@click.option("--by", "signer", required=True, help="Who approves.")
@click.option("--note", required=True, help="Why.")
@click.option("--expires", metavar="HOURS", type=click.FloatRange(min=0, min_open=True), help="Hours it holds.")
@click.pass_obj
def command(
    obj: dict[str, str | None], *, plan_hash: str, night: str | None, signer: str, note: str, expires: float | None
) -> int:
    r"""Approve what has this hash now (see `plan`); it lapses when calibration, inputs or kernels change.

    \b
    Example:
      hybrid-assets approve 3f9c21aa7b01 --by ada --note "within this week's budget" --expires 24
    """
    return speak(obj, GateDecision.APPROVED, plan_hash=plan_hash, night=night, signer=signer, note=note, hours=expires)


def speak(
    obj: dict[str, str | None],
    decision: GateDecision,
    *,
    plan_hash: str,
    night: str | None,
    signer: str,
    note: str,
    hours: float | None,
) -> int:
    """Record a person's word and say what it means; return the exit code."""
    from hybrid_assets.defs.night import resolve_night  # noqa: PLC0415 - imports dagster
    from hybrid_assets.runner.approving import say  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    chosen = resolve_night(settings, night)
    about, word = say(
        Project.open(settings),
        night=chosen,
        plan_hash=plan_hash,
        decision=decision,
        signer=signer,
        reason=note,
        valid_s=None if hours is None else hours * 3600,
    )
    until = "" if word.expires_at is None else f" until {word.expires_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"The {about.kind} of {about.workload} on {chosen} is {decision.value} by {word.signer}{until}.")
    if decision is GateDecision.APPROVED and about.kind == "plan":
        click.echo(f"Go on with: hybrid-assets run --night {chosen} --workload {about.workload}")
    return 0
