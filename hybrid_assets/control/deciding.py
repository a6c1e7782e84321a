"""Which answer may be used downstream. Put the rule from verdicts to decisions here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DecisionKind(StrEnum):
    """What downstream may use."""

    USE_CLASSICAL = "use_classical"
    #: A claim in favor of a QPU is never used unseen.
    WAIT_FOR_APPROVAL = "wait_for_approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision and why."""

    kind: DecisionKind
    reason: str
    #: Hash of the verdicts and the content of the tables they rest on; an approval would be bound to it.
    plan_hash: str


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
    return Decision(kind=kind, reason=reason, plan_hash=fingerprint([evidence, dict(basis)]))
