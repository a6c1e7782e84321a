"""From verdicts to what downstream may use."""

from __future__ import annotations

import pytest

from hybrid_assets.control.approvals import approval_command
from hybrid_assets.control.deciding import DecisionKind, decide_use, settle
from hybrid_assets.model.gates import Approval, GateDecision
from hybrid_assets_tests.unit.control.night_plans import NIGHT, NOW, at


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


def decided(*, version="v1", verdict="advantage_candidate"):
    return decide_use(verdicts(qpu=verdict), basis={"night": NIGHT, "versions": {"inputs": version, "qpu": None}})


def said(of, *, decision=GateDecision.APPROVED, ends=None, **facts):
    values = {
        "night": NIGHT,
        "workload": "maxcut",
        "plan_hash": of.plan_hash,
        "decision": decision,
        "signer": "ada",
        "reason": "seen",
        "decided_at": at(-1),
        "expires_at": ends,
        "parts": of.parts,
    }
    return Approval(**(values | facts))


CLAIM = decided()
CLASSICAL = decided(verdict="no_advantage")
#: The same claim from other inputs.
EARLIER = decided(version="v0")
POLICY_ROW = {"signer": "policy", "decided_at": NOW, "expires_at": None}


def settled(decision, *approvals):
    return settle(decision, approvals, night=NIGHT, workload="maxcut", now=NOW)


def test_settle_keeps_what_needs_no_person():
    """An approval cannot turn a night without a claim into one."""
    assert settled(CLASSICAL, said(CLASSICAL)) == {
        "night": NIGHT,
        "workload": "maxcut",
        "plan_hash": CLASSICAL.plan_hash,
        "decision": "use_classical",
        "reason": CLASSICAL.reason,
        **POLICY_ROW,
    }


@pytest.mark.parametrize(
    ("decision", "kind"), [(GateDecision.APPROVED, "use_quantum"), (GateDecision.REJECTED, "use_classical")]
)
def test_settle_follows_the_word_on_exactly_this_claim(decision, kind):
    assert settled(CLAIM, said(CLAIM, decision=decision, ends=at(1))) == {
        "night": NIGHT,
        "workload": "maxcut",
        "plan_hash": CLAIM.plan_hash,
        "decision": kind,
        "signer": "ada",
        "reason": "seen",
        "decided_at": at(-1),
        "expires_at": at(1),
    }


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param([], "Nobody has approved it.", id="nothing"),
        pytest.param([said(CLAIM, ends=NOW)], "The approval by ada ended at 2026-11-23 12:00 UTC.", id="ended"),
        pytest.param(
            [said(EARLIER)], "The approval by ada has lapsed: versions of inputs changed (v0 -> v1).", id="lapsed"
        ),
        pytest.param([said(CLAIM, night="2026-11-22")], "Nobody has approved it.", id="another-night"),
        pytest.param(
            [said(CLAIM, plan_hash="p", parts={"cost": "qpu: at most 1 QPU s"})], "Nobody has approved it.", id="a-plan"
        ),
    ],
)
def test_settle_waits_otherwise_and_says_why(words, why):
    how = f"To approve it: {approval_command(CLAIM.plan_hash)}"
    row = settled(CLAIM, *words)
    assert (row["decision"], row["reason"]) == ("wait_for_approval", f"{CLAIM.reason} {why} {how}")
    assert {key: row[key] for key in POLICY_ROW} == POLICY_ROW


def test_settle_lets_a_later_rejection_override():
    later = said(CLAIM, decision=GateDecision.REJECTED, decided_at=at(-0.5))
    assert settled(CLAIM, later, said(CLAIM))["decision"] == "use_classical"


def test_decision_names_everything_its_hash_was_taken_of():
    assert CLAIM.parts == {
        "verdict on qpu": "advantage_candidate",
        "night": NIGHT,
        "versions of inputs": "v1",
        "versions of qpu": "null",
    }
