"""What approvals say about a plan now: given, refused, ended, lapsed or none. Fail closed.

Put reading of approvals here; what follows from it is `gates`' (plans) and `deciding`'s (claims).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hybrid_assets.model.gates import GateDecision
from hybrid_assets.model.plans import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.gates import Approval


class Standing(StrEnum):
    """How a plan stands with those who may approve it."""

    GIVEN = "given"
    REJECTED = "rejected"
    EXPIRED = "expired"
    LAPSED = "lapsed"  # another plan of this night and workload was approved, and it is not this one any more
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an approval would have to be of."""

    night: str
    workload: str
    plan_hash: str
    #: What the hash was taken of, by name.
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The word that counts, and what it means now."""

    standing: Standing
    #: None only where nothing was said.
    approval: Approval | None
    #: One plain sentence.
    reason: str


def word_on(subject: Subject, approvals: Iterable[Approval], *, now: datetime) -> Word:
    """Return what counts of all that was said about a night's workload.

    The newest word on exactly this hash counts: a later rejection overrides an approval, of two words of one moment the
    rejection counts, and an ended approval does not bring an earlier one back. An approval dated after ``now`` was not
    given yet.
    """
    said = [
        approval
        for approval in approvals
        if (approval.night, approval.workload) == (subject.night, subject.workload) and not _is_early(approval, now)
    ]
    if own := _newest([approval for approval in said if approval.plan_hash == subject.plan_hash]):
        return _own_word(own, now)
    other = _newest([a for a in said if a.plan_hash != subject.plan_hash and _is_alike(a.parts, subject.parts)])
    if other is not None and other.decision is GateDecision.APPROVED and is_live(other, now=now):
        reason = f"The approval by {other.signer} has lapsed: {explain_lapse(other.parts, subject.parts)}"
        return Word(standing=Standing.LAPSED, approval=other, reason=reason)
    return Word(standing=Standing.MISSING, approval=None, reason="Nobody has approved it.")


def is_live(approval: Approval, *, now: datetime) -> bool:
    """Tell whether an approval still counts: it has not ended."""
    return approval.expires_at is None or now < approval.expires_at


def explain_lapse(approved_parts: Mapping[str, str], present_parts: Mapping[str, str]) -> str:
    """Return in one sentence which parts of an approved plan are others now.

    Args:
        approved_parts: Parts as they were stored with the approval; empty when they were not.
        present_parts: Parts of the plan as it is now, see `SweepPlan.parts_of`.
    """
    if not approved_parts:
        return "it was given for another plan, and does not tell what that rested on."
    changes = [_change(name, approved_parts.get(name), value) for name, value in present_parts.items()]
    changes += [f"{name} is not part of it any more" for name in approved_parts if name not in present_parts]
    found = [change for change in changes if change]
    return f"{', '.join(found)}." if found else "its parts are alike, but it was made under other rules."


def approval_command(plan_hash: str) -> str:
    """Return the command that approves a plan."""
    return f'hybrid-assets approve {plan_hash[:12]} --by NAME --note "WHY"'


def _own_word(own: Approval, now: datetime) -> Word:
    said = f"{own.signer} at {own.decided_at:%Y-%m-%d %H:%M}: {own.reason}"
    if own.decision is GateDecision.REJECTED:
        return Word(standing=Standing.REJECTED, approval=own, reason=f"Rejected by {said}")
    if not is_live(own, now=now):
        ended = f"The approval by {own.signer} ended at {own.expires_at:%Y-%m-%d %H:%M} UTC."
        return Word(standing=Standing.EXPIRED, approval=own, reason=ended)
    return Word(standing=Standing.GIVEN, approval=own, reason=f"Approved by {said}")


def _newest(said: Sequence[Approval]) -> Approval | None:
    return max(said, key=lambda a: (a.decided_at, a.decision is GateDecision.REJECTED), default=None)


def _is_early(approval: Approval, now: datetime) -> bool:
    return approval.decision is GateDecision.APPROVED and approval.decided_at > now


def _is_alike(approved_parts: Mapping[str, str], present_parts: Mapping[str, str]) -> bool:
    """Tell whether two approvals are about the same kind of thing: a plan's cost, or what is claimed of its results."""
    return not approved_parts or not approved_parts.keys().isdisjoint(present_parts)


def _change(name: str, approved: str | None, present: str) -> str | None:
    if approved == present:
        return None
    if approved is None:
        return f"{name} is new ({shortened(present)})"
    return f"{name} changed ({shortened(approved)} -> {shortened(present)})"
