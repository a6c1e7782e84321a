"""Approvals of plans: what a person said about one plan of one night, until when. Put records here, no decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class GateDecision(StrEnum):
    """What was said about a plan."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word on one plan; the newest one about a plan hash counts."""

    night: str
    workload: str
    #: Fingerprint of everything the plan rests on: it is another one when calibration, inputs or costs change.
    plan_hash: str
    decision: GateDecision
    #: Who said it.
    signer: str
    #: Why, in their words.
    reason: str
    decided_at: datetime
    #: From then on it counts as not given; None: it holds for as long as the plan does.
    expires_at: datetime | None = None
    #: What the plan rested on, part by part, see `SweepPlan.parts_of`: tells later which part changed.
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)
