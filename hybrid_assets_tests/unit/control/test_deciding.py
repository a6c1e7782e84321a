"""From verdicts to what downstream may use."""

from __future__ import annotations

import pytest

from hybrid_assets.control.deciding import DecisionKind, decide_use


def verdicts(**by_backend):
    return [{"backend": backend, "verdict": verdict, "reasons": ""} for backend, verdict in by_backend.items()]


@pytest.mark.parametrize(
    ("rows", "kind", "reason"),
    [
        pytest.param(
            verdicts(aer="no_advantage", qpu="inconclusive"),
            DecisionKind.USE_CLASSICAL,
            "no_advantage on aer, inconclusive on qpu: the best classical answer is used.",
            id="no-claim",
        ),
        pytest.param([], DecisionKind.USE_CLASSICAL, "no verdict: the best classical answer is used.", id="no-data"),
        pytest.param(
            verdicts(aer="no_advantage", qpu="advantage_candidate"),
            DecisionKind.WAIT_FOR_APPROVAL,
            "advantage_candidate on qpu: a person has to look before it is used.",
            id="candidate",
        ),
    ],
)
def test_decide_use_fails_closed(rows, kind, reason):
    decision = decide_use(rows)
    assert (decision.kind, decision.reason) == (kind, reason)


def test_plan_hash_changes_with_the_evidence_but_not_with_its_order():
    one = decide_use(verdicts(a="no_advantage", b="inconclusive")).plan_hash
    assert decide_use(verdicts(b="inconclusive", a="no_advantage")).plan_hash == one
    assert decide_use(verdicts(a="inconclusive", b="no_advantage")).plan_hash != one
