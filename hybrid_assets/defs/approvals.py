"""`approve_job`: saying yes or no to a plan from the launchpad of the Dagster UI, with typed config."""

from typing import Any, Literal

import dagster as dg
from pydantic import Field

from hybrid_assets.defs.failures import translated
from hybrid_assets.model.gates import GateDecision
from hybrid_assets.runner import approving
from hybrid_assets.runner.project import Project

APPROVE_JOB = "approve_job"


class WordConfig(dg.Config):
    """What a person says about one plan."""

    night: str = Field(description="YYYY-MM-DD")
    plan_hash: str = Field(description="Hash of the plan or decision, at least its first 8 digits.")
    decision: Literal["approved", "rejected"] = Field(description="approved or rejected")
    by: str = Field(description="Who says it.")
    note: str = Field(description="Why.")
    expires_h: float | None = Field(default=None, gt=0, description="Hours it holds; empty: as long as the plan does.")


@dg.op(description="Records a person's word on a plan or decision, bound to its hash.")
def record_word(context: dg.OpExecutionContext, config: WordConfig, project: dg.ResourceParam[Project]) -> None:
    """Record it; a decision that waited for it is published anew."""
    with translated():
        about, word = approving.say(
            project,
            night=config.night,
            plan_hash=config.plan_hash,
            decision=GateDecision(config.decision),
            signer=config.by,
            reason=config.note,
            valid_s=None if config.expires_h is None else config.expires_h * 3600,
        )
    context.log.info("%s of %s, %s: %s by %s", about.kind, about.workload, word.night, word.decision, word.signer)


def approve_job() -> Any:
    """Return the job; it is refused with the reason when nothing has the hash now."""

    @dg.job(name=APPROVE_JOB, description="Approve or reject a plan or a decision by its hash.")
    def job() -> None:
        record_word()

    return job
