"""Which answer may be used downstream. Put the rules from verdicts, and what people said of them, to decisions here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.approvals import Standing, Subject, Word, approval_command, word_on
from hybrid_assets.model.fingerprint import canonical_json, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from hybrid_assets.model.gates import Approval


class DecisionKind(StrEnum):
    """What downstream may use."""

    USE_CLASSICAL = "use_classical"
    #: Only after a person has approved exactly this claim.
    USE_QUANTUM = "use_quantum"
    #: A claim in favor of a QPU is never used unseen.
    WAIT_FOR_APPROVAL = "wait_for_approval"


#: Signer of what needed no person.
POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision and why."""

    kind: DecisionKind
    reason: str
    #: Hash of the verdicts and the content of the tables they rest on; an approval is bound to it.
    plan_hash: str
    #: What the hash was taken of, by name, so that a lapsed approval can tell what changed.
    parts: Mapping[str, str] = field(default_factory=dict)


def decide_use(verdicts: Sequence[Mapping[str, Any]], *, basis: Mapping[str, Any]) -> Decision:
    """Decide what downstream may use: the classical answer, unless some backend's verdict is a candidate.

    Args:
        verdicts: Rows with ``backend`` and ``verdict``, one a backend.
        basis: What else the decision rests on, as JSON: night, workload, data versions.
    """
    evidence = sorted((row["backend"], row["verdict"]) for row in verdicts)
    candidates = [backend for backend, verdict in evidence if verdict == "advantage_candidate"]
    if candidates:
        kind = DecisionKind.WAIT_FOR_APPROVAL
        reason = f"advantage_candidate on {', '.join(candidates)}: a person has to look before it is used."
    else:
        kind = DecisionKind.USE_CLASSICAL
        found = ", ".join(f"{verdict} on {backend}" for backend, verdict in evidence) or "no verdict"
        reason = f"{found}: the best classical answer is used."
    parts = {f"verdict on {backend}": str(verdict) for backend, verdict in evidence} | dict(_named(basis))
    return Decision(kind=kind, reason=reason, plan_hash=fingerprint([evidence, dict(basis)]), parts=parts)


def settle(
    decision: Decision, approvals: Iterable[Approval], *, night: str, workload: str, now: datetime
) -> dict[str, Any]:
    """Return the row of `decisions`: what the policy decided, or what a person said where it needs one.

    | the newest word on exactly this decision | row |
    | --- | --- |
    | approved, not ended | ``use_quantum``, with signer, note and end |
    | rejected | ``use_classical``, with signer and note |
    | ended, of another decision (lapsed), none | ``wait_for_approval``, with the reason and the command |

    Args:
        decision: From `decide_use`.
        approvals: Everything that was said, in any order, about other plans too.
        night: Night of the decision.
        workload: Its workload.
        now: Time of the decision; what a person said keeps the time when it was said.
    """
    row: dict[str, Any] = {
        "night": night,
        "workload": workload,
        "plan_hash": decision.plan_hash,
        "decision": decision.kind.value,
        "signer": POLICY,
        "reason": decision.reason,
        "decided_at": now,
        "expires_at": None,
    }
    if decision.kind is not DecisionKind.WAIT_FOR_APPROVAL:
        return row
    subject = Subject(night=night, workload=workload, plan_hash=decision.plan_hash, parts=decision.parts)
    return row | _spoken(word_on(subject, approvals, now=now), decision)


def _spoken(word: Word, decision: Decision) -> dict[str, Any]:
    kinds = {Standing.GIVEN: DecisionKind.USE_QUANTUM, Standing.REJECTED: DecisionKind.USE_CLASSICAL}
    if word.approval is None or word.standing not in kinds:
        how = approval_command(decision.plan_hash)
        return {"reason": f"{decision.reason} {word.reason} To approve it: {how}"}
    return {
        "decision": kinds[word.standing].value,
        "signer": word.approval.signer,
        "reason": word.approval.reason,
        "decided_at": word.approval.decided_at,
        "expires_at": word.approval.expires_at,
    }


def _named(basis: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in basis.items():
        if isinstance(value, Mapping):
            yield from ((f"{key} of {name}", _text(inner)) for name, inner in value.items())
        else:
            yield key, _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else canonical_json(value)
