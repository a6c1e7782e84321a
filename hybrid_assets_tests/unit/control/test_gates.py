"""A plan spends only within its phase, below its thresholds, or with a live approval of exactly that plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.approvals import approval_command, explain_lapse
from hybrid_assets.control.gates import GateAnswer, GateKind, GateRules, NightUse, Phase, gate
from hybrid_assets.errors import ApprovalRequiredError, ConfigurationError, UsageError
from hybrid_assets.model.gates import GateDecision
from hybrid_assets_tests.unit.control.night_plans import NIGHT, NOW, at, cell, plan, word

#: The plan of one cell takes up to 100 QPU s, 160 of money and 20 kernels.
PLAN = plan()
RULES = GateRules(approve_over_qpu_s=50.0, limited_qpu_s=30.0, limited_kernels=10)
COMMAND = f"To approve it: {approval_command(PLAN.hash_of('maxcut'))}"
OVER = "maxcut on qpu: The night may take up to 100 QPU s; more than 50 needs an approval."


def ask(a_plan=PLAN, *, approvals=(), rules=RULES, phase=Phase.BROAD, **situation):
    return gate(a_plan, "maxcut", approvals=approvals, rules=rules, phase=phase, now=NOW, **situation)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(
    "free",
    [
        pytest.param(cell(is_metered=False, qpu_s=None, money=None), id="simulator"),
        pytest.param(cell(kernels=0, cached_kernels=5, qpu_s=0.0, money=0.0), id="all-known"),
    ],
)
def test_gate_is_open_where_nothing_is_bought(free, phase):
    answer = ask(plan(free), phase=phase)
    assert (answer.kind, answer.max_kernels) == (GateKind.OPEN, None)


def test_gate_refuses_every_purchase_in_phase_simulate_even_with_an_approval():
    answer = ask(approvals=[word(PLAN)], phase=Phase.SIMULATE)
    assert (answer.kind, answer.needs_approval) == (GateKind.REFUSED, False)
    assert answer.reason == (
        "Phase simulate: maxcut may not use qpu. "
        "Set workloads.maxcut.phase in sweep.yaml to limited or broad to let it."
    )
    with pytest.raises(ConfigurationError, match="Phase simulate"):
        answer.require()


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        pytest.param({"approve_over_qpu_s": 100.0, "approve_over_money": 160.0}, GateKind.OPEN, id="just-not-over"),
        pytest.param({"approve_over_qpu_s": 99.9}, GateKind.WAITS, id="seconds"),
        pytest.param({"approve_over_money": 159.9}, GateKind.WAITS, id="money"),
        pytest.param({}, GateKind.OPEN, id="no-threshold"),
        pytest.param({"approve_over_money": float("nan")}, GateKind.WAITS, id="no-number"),
    ],
)
def test_gate_waits_over_a_threshold(limits, kind):
    assert ask(rules=GateRules(**limits)).kind is kind


def test_gate_adds_up_the_cells_that_spend_and_what_the_night_has_used():
    """60 + 60 s are over 100, free cells do not count; 60 s are over once 50 are used."""
    rules = GateRules(approve_over_qpu_s=100.0, approve_over_money=1000.0)
    two = plan(cell(qpu_s=60.0), cell(backend="qpu2", qpu_s=60.0), cell(backend="aer", qpu_s=900.0, is_metered=False))
    one = plan(cell(qpu_s=60.0, money=100.0))
    assert ask(two, rules=rules).kind is GateKind.WAITS
    assert ask(one, rules=rules).kind is GateKind.OPEN
    assert ask(one, rules=rules, used=NightUse(qpu_s=50.0)).kind is GateKind.WAITS
    assert ask(one, rules=rules, used=NightUse(money=950.0)).kind is GateKind.WAITS


@pytest.mark.parametrize("unknown", [{"qpu_s": None}, {"money": None}])
def test_gate_waits_where_the_cost_is_not_known(unknown):
    """Fail closed, without any threshold too; a person may still approve it."""
    a_plan = plan(cell(**unknown))
    answer = ask(a_plan, rules=GateRules())
    assert (answer.kind, answer.needs_approval) == (GateKind.WAITS, True)
    assert answer.reason.startswith("maxcut on qpu: What it may cost is not known. Nobody has approved it. To approve")
    assert ask(a_plan, rules=GateRules(), approvals=[word(a_plan)]).kind is GateKind.OPEN


OTHER = plan(cell(calibration_id="cal-0", inputs_version="in-0"))
LAPSED = "The approval by ada has lapsed: calibration of qpu changed (cal-0 -> cal-1), inputs changed (in-0 -> in-1)."
REJECTED = GateDecision.REJECTED


@pytest.mark.parametrize(
    ("said", "kind", "why"),
    [
        pytest.param([], GateKind.WAITS, "Nobody has approved it.", id="nothing"),
        pytest.param(
            [word(PLAN, hours=-2, ends=0)],
            GateKind.WAITS,
            "The approval by ada ended at 2026-11-23 12:00 UTC.",
            id="ends-now",
        ),
        pytest.param(
            [word(PLAN, hours=-1, decision=REJECTED), word(PLAN, hours=-2)],
            GateKind.REFUSED,
            "Rejected by ada at 2026-11-23 11:00: looks right",
            id="rejected-later",
        ),
        pytest.param(
            [word(PLAN), word(PLAN, decision=REJECTED)],
            GateKind.REFUSED,
            "Rejected by ada at 2026-11-23 11:00: looks right",
            id="same-moment",
        ),
        pytest.param(
            [word(PLAN, hours=-3), word(PLAN, hours=-2, ends=-1)],
            GateKind.WAITS,
            "The approval by ada ended at 2026-11-23 11:00 UTC.",
            id="earlier-one-does-not-come-back",
        ),
        pytest.param([word(PLAN, hours=1)], GateKind.WAITS, "Nobody has approved it.", id="dated-later"),
        pytest.param([word(OTHER)], GateKind.REFUSED, LAPSED, id="lapsed"),
        pytest.param(
            [word(OTHER, parts={})],
            GateKind.REFUSED,
            "The approval by ada has lapsed: it was given for another plan, and does not tell what that rested on.",
            id="lapsed-without-parts",
        ),
        pytest.param([word(OTHER, hours=-2, ends=-1)], GateKind.WAITS, "Nobody has approved it.", id="lapsed-and-over"),
        pytest.param([word(OTHER, decision=REJECTED)], GateKind.WAITS, "Nobody has approved it.", id="other-rejected"),
        pytest.param(
            [word(OTHER, parts={"verdict on qpu": "advantage_candidate"})],
            GateKind.WAITS,
            "Nobody has approved it.",
            id="said-of-a-claim",
        ),
        pytest.param([word(PLAN, night="2026-11-22")], GateKind.WAITS, "Nobody has approved it.", id="another-night"),
        pytest.param([word(PLAN, workload="portfolio")], GateKind.WAITS, "Nobody has approved it.", id="another-one"),
    ],
)
def test_gate_stays_shut_without_a_live_approval_of_exactly_this_plan(said, kind, why):
    answer = ask(approvals=said)
    assert (answer.kind, answer.reason) == (kind, f"{OVER} {why} {COMMAND}")
    with pytest.raises(ApprovalRequiredError) as caught:
        answer.require()
    assert (caught.value.exit_code, caught.value.facts) == (4, {"plan_hash": PLAN.hash_of("maxcut")})


def test_gate_opens_with_the_newest_approval():
    again = word(PLAN, hours=-1, ends=1)
    answer = ask(approvals=[again, word(PLAN, hours=-2, decision=REJECTED)])
    assert (answer.kind, answer.approval) == (GateKind.OPEN, again)
    assert answer.reason == (
        "The night may take up to 100 QPU s; more than 50 needs an approval. "
        "Approved by ada at 2026-11-23 11:00: looks right"
    )
    answer.require()


def test_gate_caps_phase_limited_at_what_the_night_has_left():
    """Of 10 kernels and 30 s, 4 and 12 are used."""
    answer = ask(phase=Phase.LIMITED, used=NightUse(kernels=4, qpu_s=12.0))
    assert (answer.kind, answer.max_kernels, answer.max_qpu_s) == (GateKind.CAPPED, 6, 18.0)
    assert answer.reason == (
        "No threshold is passed. Phase limited: 6 kernels and 18 QPU s are left tonight; wanted: 20 kernels, up to "
        "100 QPU s."
    )
    answer.require()


def test_gate_opens_phase_limited_where_all_of_it_fits():
    answer = ask(plan(cell(kernels=10, qpu_s=30.0)), phase=Phase.LIMITED)
    assert (answer.kind, answer.max_kernels, answer.max_qpu_s) == (GateKind.OPEN, 10, 30.0)


@pytest.mark.parametrize("more", [{"kernels": 11, "qpu_s": 30.0}, {"kernels": 10, "qpu_s": 30.1}])
def test_gate_caps_phase_limited_by_kernels_and_by_seconds(more):
    assert ask(plan(cell(**more)), phase=Phase.LIMITED).kind is GateKind.CAPPED


@pytest.mark.parametrize("used", [NightUse(kernels=10), NightUse(qpu_s=30.0), NightUse(qpu_s=float("nan"))])
def test_gate_refuses_phase_limited_that_is_used_up(used):
    answer = ask(phase=Phase.LIMITED, approvals=[word(PLAN)], used=used)
    assert (answer.kind, answer.needs_approval) == (GateKind.REFUSED, False)
    assert "to broad to let more through." in answer.reason


def test_gate_caps_phase_limited_in_money_where_no_seconds_are_billed():
    """25 of money a night, 5 used: 20 of the 60 that are wanted are left; 5 + 20 do not pass the threshold of 30."""
    rules = replace(RULES, limited_kernels=100, limited_money=25.0, approve_over_money=30.0)
    priced = plan(cell(qpu_s=0.0, money=60.0, phase="limited"))
    answer = ask(priced, phase=Phase.LIMITED, rules=rules, used=NightUse(kernels=1, money=5.0))
    assert (answer.kind, answer.max_kernels, answer.max_money) == (GateKind.CAPPED, 99, 20.0)
    assert answer.reason.endswith(
        "Phase limited: 99 kernels and 30 QPU s and 20 of money are left tonight; wanted: 20 kernels, up to 0 QPU s, "
        "up to 60 of money."
    )
    used_up = ask(priced, phase=Phase.LIMITED, rules=rules, used=NightUse(kernels=1, money=25.0))
    assert used_up.kind is GateKind.REFUSED
    assert "100 kernels and 30 QPU s and 25 of money a night and has used 1 and 0 and 25 on" in used_up.reason
    fits = ask(plan(cell(qpu_s=0.0, money=20.0, phase="limited")), phase=Phase.LIMITED, rules=rules)
    assert fits.kind is GateKind.OPEN


def test_gate_asks_in_phase_limited_only_where_the_capped_part_is_over():
    """30 of the 100 s may go: not over 30 s; at 1.60 a second 48 of money: over 47."""
    assert ask(phase=Phase.LIMITED, rules=replace(RULES, approve_over_qpu_s=30.0)).kind is GateKind.CAPPED
    assert ask(phase=Phase.LIMITED, rules=replace(RULES, approve_over_qpu_s=29.0)).kind is GateKind.WAITS
    assert ask(phase=Phase.LIMITED, rules=replace(RULES, approve_over_money=48.0)).kind is GateKind.CAPPED
    assert ask(phase=Phase.LIMITED, rules=replace(RULES, approve_over_money=47.0)).kind is GateKind.WAITS


def test_gate_keeps_the_cap_of_phase_limited_with_an_approval():
    answer = ask(phase=Phase.LIMITED, rules=replace(RULES, approve_over_qpu_s=1.0), approvals=[word(PLAN)])
    assert (answer.kind, answer.max_kernels, answer.max_qpu_s) == (GateKind.CAPPED, 10, 30.0)


def test_gate_names_the_nearest_workload():
    with pytest.raises(UsageError, match=r"no workload 'maxcat'\. Did you mean 'maxcut'"):
        gate(PLAN, "maxcat", approvals=(), rules=RULES, phase=Phase.BROAD, now=NOW)


@pytest.mark.parametrize(
    ("caps", "count"),
    [
        pytest.param({}, 4, id="no-cap"),
        pytest.param({"max_kernels": 2}, 2, id="kernels"),
        pytest.param({"max_qpu_s": 9.0}, 3, id="seconds-just-reached"),
        pytest.param({"max_qpu_s": 8.9}, 2, id="seconds"),
        pytest.param({"max_money": 50.0}, 2, id="money-just-reached"),
        pytest.param({"max_money": 49.0}, 1, id="money"),
        pytest.param({"max_kernels": 0}, 0, id="none"),
        pytest.param({"kind": GateKind.WAITS}, 0, id="shut"),
    ],
)
def test_answer_allows_the_first_kernels_within_its_caps(caps, count):
    """Their high estimates add up to 2, 5, 9, 10 s."""
    answer = GateAnswer(**({"kind": GateKind.CAPPED, "reason": "", "plan_hash": ""} | caps))
    assert answer.allowed([(2.0, 20.0), (3.0, 30.0), (4.0, 40.0), (1.0, 10.0)]) == count


def test_explain_lapse_names_what_is_new_and_what_is_gone_and_shortens_fingerprints():
    before = {"calibration of a": "x", "inputs": "0123456789abcdef01", "kernels": "same"}
    after = {"calibration of b": "y", "inputs": "fedcba987654321098", "kernels": "same"}
    assert explain_lapse(before, after) == (
        "calibration of b is new (y), inputs changed (0123456789ab -> fedcba987654), calibration of a is not part of "
        "it any more."
    )
    assert explain_lapse(before, before) == "its parts are alike, but it was made under other rules."


PLANS = (PLAN, OTHER, plan(cell(qpu_s=101.0)), plan(cell(kernels_hash="k2")))
words = st.builds(
    word,
    st.sampled_from(PLANS),
    decision=st.sampled_from(GateDecision),
    hours=st.integers(-3, 2),
    ends=st.none() | st.integers(-2, 2),
    night=st.sampled_from([NIGHT, "2026-11-22"]),
    workload=st.sampled_from(["maxcut", "portfolio"]),
)


@given(st.lists(words, max_size=6), st.sampled_from(PLANS), st.sampled_from([Phase.LIMITED, Phase.BROAD]))
def test_gate_never_opens_over_a_threshold_without_a_live_approval_of_exactly_that_plan(said, a_plan, phase):
    """Said again in other words: the last word on this hash is an approval that has begun and not ended."""
    answer = ask(a_plan, approvals=said, phase=phase, rules=replace(RULES, limited_qpu_s=1e6, limited_kernels=1000))
    about = [w for w in said if (w.night, w.workload, w.plan_hash) == (NIGHT, "maxcut", a_plan.hash_of("maxcut"))]
    begun = [w for w in about if w.decision is REJECTED or w.decided_at <= at(0)]
    last = max((w.decided_at for w in begun), default=None)
    newest = [w for w in begun if w.decided_at == last]
    is_live = bool(newest) and all(w.decision is GateDecision.APPROVED for w in newest)
    # Two approvals of one moment with different ends: either may count.
    live_ends = {w.expires_at is None or w.expires_at > NOW for w in newest}
    if not is_live or live_ends == {False}:
        assert not answer.lets_through
    elif live_ends == {True}:
        assert answer.kind is GateKind.OPEN
    if answer.lets_through:
        assert answer.approval in about


@given(st.lists(words, max_size=4), st.floats(0, 200), st.floats(0, 60), st.integers(0, 12))
def test_gate_never_lets_more_through_than_phase_limited_has_left(said, high_s, used_s, used_kernels):
    used = NightUse(kernels=used_kernels, qpu_s=used_s)
    a_plan = plan(cell(kernels=8, qpu_s=high_s))
    answer = ask(a_plan, approvals=said, phase=Phase.LIMITED, used=used)
    allowed = answer.allowed([(high_s / 8, 0.0)] * 8)
    assert allowed == 0 or allowed + used_kernels <= RULES.limited_kernels
    assert allowed == 0 or allowed * (high_s / 8) + used_s <= RULES.limited_qpu_s + 1e-9
