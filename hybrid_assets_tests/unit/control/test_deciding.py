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
    decision = decide_use(rows, basis={})
    assert (decision.kind, decision.reason) == (kind, reason)


def plan_hash(*, basis="v1", **by_backend):
    return decide_use(verdicts(**by_backend), basis={"inputs": basis}).plan_hash


def test_plan_hash_changes_with_the_evidence_and_its_basis_but_not_with_its_order():
    one = plan_hash(a="no_advantage", b="inconclusive")
    assert plan_hash(b="inconclusive", a="no_advantage") == one
    assert plan_hash(a="inconclusive", b="no_advantage") != one
    assert plan_hash(a="no_advantage", b="inconclusive", basis="v2") != one
