"""`reject`: keep a plan or a decision from passing."""

from __future__ import annotations

import click

from hybrid_assets.cli.approve import speak
from hybrid_assets.model.gates import GateDecision


@click.command(short_help="Reject a plan or a decision.")
@click.argument("plan_hash")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the one just over).")
@click.option("--by", "signer", required=True, help="Who rejects.")
@click.option("--note", required=True, help="Why.")
@click.pass_obj
def command(obj: dict[str, str | None], *, plan_hash: str, night: str | None, signer: str, note: str) -> int:
    r"""Reject what has this hash now; it overrides an earlier approval.

    \b
    Example:
      hybrid-assets reject 3f9c21aa7b01 --by ada --note "wait for the new calibration"
    """
    return speak(obj, GateDecision.REJECTED, plan_hash=plan_hash, night=night, signer=signer, note=note, hours=None)
