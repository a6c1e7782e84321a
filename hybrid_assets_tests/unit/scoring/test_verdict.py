"""The three verdicts from synthetic nights, and the rate of false candidates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.errors import IncomparableError, ResultIntegrityError
from hybrid_assets.model.results import ReferenceKind
from hybrid_assets.scoring.verdict import Verdict, decide, verdict_rows
from hybrid_assets_tests.unit.scoring.nights import PLANTED, RULES, changed, names, night_of, row, verdict_of


def test_a_planted_effect_on_twelve_instances_is_a_candidate():
    """Effects .010 .012 ... .032: median .021; all positive, so p = 2^-12; one method, so Holm changes nothing."""
    result = verdict_of(PLANTED)
    assert result["verdict"] == "advantage_candidate"
    assert result["effect"] == pytest.approx(0.021)
    assert 0.01 <= result["effect_low"] < 0.021 < result["effect_high"] <= 0.032
    assert result["p_value"] == pytest.approx(2**-12)
    assert (result["wins"], result["ties"], result["losses"], result["num_instances"]) == (12, 0, 0, 12)
    assert (result["method"], result["metric"], result["reasons"]) == ("qaoa", "approximation_ratio", "")


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        pytest.param([0.01, 0.012, 0.014, 0.016], "inconclusive", id="the same effect on four instances"),
        pytest.param([0.02, -0.02] * 6, "inconclusive", id="mixed signs"),
        pytest.param([0.0] * 12, "no_advantage", id="ties"),
        pytest.param([1e-12] * 12, "no_advantage", id="ahead by rounding"),
        pytest.param([-0.01 * k for k in range(1, 13)], "no_advantage", id="losses"),
        pytest.param([0.0] * 11 + [0.05], "no_advantage", id="one win among ties"),
        pytest.param([-0.02], "inconclusive", id="one instance shows nothing"),
    ],
)
def test_verdict_follows_the_effects(effects, expected):
    assert verdict_of(night_of(effects))["verdict"] == expected


def test_one_instance_with_a_rival_at_the_proved_optimum_leaves_no_room():
    rows = [{**r, "reference_kind": "proved"} for r in night_of([-0.02], classical=100.0)]
    result = verdict_of(rows)
    assert (result["verdict"], result["effect_low"], result["effect_high"]) == ("no_advantage", -1.0, 0.0)


def test_an_effect_against_classical_rivals_but_not_the_control_is_none():
    """Random bits with the same post-processing do as well: the best of all rivals is what counts."""
    rows = [r if r["method"] != "random" else {**r, "best_value": 90.0 + k} for k, r in enumerate(PLANTED)]
    best = {r["instance"]: r["best_value"] for r in PLANTED if r["method"] == "qaoa"}
    matched = [{**r, "best_value": best[r["instance"]]} if r["method"] == "random" else r for r in rows]
    result = verdict_of(matched)
    assert (result["verdict"], result["effect"], result["ties"]) == ("no_advantage", 0.0, 12)


def test_failures_stay_in_as_losses():
    """12 planted wins and 13 instances that failed, were refused or were answered by a fallback: median -1."""
    failed = changed(night_of([0.5] * 4), "qaoa", best_value=None, value=None)
    fallback = changed(night_of([0.5] * 4), "qaoa", source="simulation")
    late = [
        {**r, "instance": kind + r["instance"], "fingerprint": kind + r["instance"]}
        for kind, rows in (("failed ", failed), ("fallback ", fallback))
        for r in rows
    ]
    instances = {**names(PLANTED + late), **dict.fromkeys(["a", "b", "c", "d", "e"])}
    result = verdict_of(PLANTED + late, instances=instances)
    assert (result["verdict"], result["effect"], result["num_instances"]) == ("inconclusive", -1.0, 25)
    assert (result["wins"], result["losses"]) == (12, 13)
    assert "13 without a result counted as losses" in result["scope"]
    many_more = {**instances, **dict.fromkeys(f"refused {k}" for k in range(12))}
    assert verdict_of(PLANTED + late, instances=many_more)["verdict"] == "no_advantage"


def test_a_method_is_not_compared_where_it_does_not_apply():
    """Two larger instances are decomposed: only another method has rows there, so they are not losses of ``qaoa``."""
    merged = [{**r, "method": "qaoa+merge"} if r["method"] == "qaoa" else r for r in night_of([-0.1] * 2)]
    larger = [{**r, "instance": f"large-{r['instance']}", "fingerprint": f"large {r['fingerprint']}"} for r in merged]
    result = verdict_of([*PLANTED, *larger])
    assert (result["verdict"], result["method"]) == ("advantage_candidate", "qaoa")
    assert (result["num_instances"], result["losses"]) == (12, 0)
    assert "large-g00" not in result["scope"]


def test_a_few_failures_do_not_void_a_broad_effect():
    """24 wins and one refused instance: sum of ranks 1..24 of 25 lost one is still far in the tail."""
    rows = night_of([0.01 + 0.002 * k for k in range(24)], classical=50.0, control=40.0)
    result = verdict_of(rows, instances={**names(rows), "refused": None})
    assert (result["verdict"], result["losses"]) == ("advantage_candidate", 1)


def test_a_failure_is_never_better_than_the_worst_observed_loss():
    """A method 1.5 references behind: an instance it did not answer cannot count only -1."""
    rows = night_of([-1.5] * 3)
    result = verdict_of(rows, instances={**names(rows), "lost": 5})
    assert (result["effect"], result["effect_low"], result["effect_high"]) == (-1.5, -1.5, -1.5)


def test_an_instance_without_any_rival_supports_nothing():
    rows = [r for r in PLANTED if r["method"] == "qaoa"]
    assert (verdict_of(rows)["verdict"], verdict_of(rows)["effect"]) == ("no_advantage", -1.0)


def test_an_accuracy_is_compared_as_it_is():
    """Accuracies .95 against .90: effect .05, not .05/.90; best-known references are accepted when the rules say so."""
    rows = [
        {**r, "best_value": r["best_value"] / 100, "reference_value": 0.9, "reference_kind": "best_known"}
        for r in night_of([0.05] * 12)
    ]
    result = verdict_of(rows, relative=False, reference_kinds=(ReferenceKind.BEST_KNOWN,))
    assert result["effect"] == pytest.approx(0.05)
    assert result["verdict"] == "advantage_candidate"
    assert verdict_of(rows, reference_kinds=(ReferenceKind.BEST_KNOWN,))["effect"] == pytest.approx(0.05 / 0.9)


@pytest.mark.parametrize(
    ("reference", "rival", "own", "expected"),
    [
        pytest.param(-10.0, -12.0, -11.0, 0.1, id="negative reference: 1/10"),
        pytest.param(0.0, -4.0, -3.0, 0.25, id="reference 0: 1/4 of the rival"),
        pytest.param(None, 4.0, 5.0, 0.25, id="no reference: 1/4 of the rival"),
        pytest.param(0.0, 0.0, 0.5, 0.5, id="nothing to scale by"),
    ],
)
def test_a_relative_effect_keeps_its_sign_where_the_reference_is_not_positive(reference, rival, own, expected):
    rows = [
        row(f"g{k}", method, role, best, reference_value=reference)
        for k in range(2)
        for method, role, best in (("qaoa", "quantum", own), ("annealing", "classical", rival))
    ]
    assert verdict_of(rows)["effect"] == pytest.approx(expected)


def test_holm_corrects_for_every_quantum_method():
    """Six wins among zeros: raw p = 1/64 = .0156, one method: significant; five more methods that lose: 6/64 > .05."""
    rows = night_of([0.05] * 6, classical=50.0, control=40.0)
    losers = [
        {**r, "method": f"worse_{k}", "best_value": 45.0} for k in range(5) for r in rows if r["method"] == "qaoa"
    ]
    assert verdict_of(rows, min_instances=6)["verdict"] == "advantage_candidate"
    result = verdict_of(rows + losers, min_instances=6)
    assert (result["verdict"], result["method"]) == ("inconclusive", "qaoa")
    assert result["p_value"] == pytest.approx(6 / 64)


def test_the_interval_is_corrected_for_every_quantum_method():
    """Ten wins of twelve: of one method the third least effect is above 0; of nine only the least, a loss, is safe."""
    rows = night_of([-0.01, -0.02] + [0.05 + 0.001 * k for k in range(10)])
    losers = [
        {**r, "method": f"worse_{k}", "best_value": 45.0} for k in range(8) for r in rows if r["method"] == "qaoa"
    ]
    alone, among = verdict_of(rows), verdict_of(rows + losers)
    assert (alone["verdict"], alone["effect_low"]) == ("advantage_candidate", pytest.approx(0.05))
    assert (among["verdict"], among["method"], among["effect_low"]) == ("inconclusive", "qaoa", pytest.approx(-0.02))
    assert among["effect_high"] == alone["effect_high"]
    assert "effect: its interval begins at -0.02" in among["reasons"]


def test_too_few_instances_for_an_interval_pass_no_gate_and_say_so():
    """Five wins: their extremes hold the median with 1 - 2/32; six of 3 methods would need 1/64 <= .025/3.

    The best of 3 may have been any of them: 1 - 3/64 - 1/64 = 15/16.
    """
    few = verdict_of(night_of([0.05] * 5), min_instances=5)
    assert few["verdict"] == "inconclusive"
    assert "5 instances are too few for an interval of the best of 1" in few["reasons"]
    told = "theirs, from the least to the largest effect, holds the median with 93.75 %."
    assert f"5 instances are too few for a 95 % interval: {told}" in few["scope"]
    six = night_of([0.05] * 6)
    assert "too few" not in verdict_of(six)["scope"]
    more = [{**r, "method": f"same_{k}"} for k in range(2) for r in six if r["method"] == "qaoa"]
    best = verdict_of(six + more, min_instances=6)
    assert "6 instances are too few for an interval of the best of 3" in best["reasons"]
    assert f"6 instances are too few for a 95 % interval of the best of 3 methods: {told}" in best["scope"]


@pytest.mark.parametrize(
    ("instances", "methods", "worth"),
    [
        pytest.param(1, 1, None, id="one instance shows nothing of the spread"),
        pytest.param(2, 1, 1 - 2 / 4, id="two: from one to the other"),
        pytest.param(2, 4, 0.0, id="the best of four on two: 1 - 4/4 - 1/4 is nothing"),
        pytest.param(5, 1, 1 - 2 / 32, id="five: 93.75 %"),
        pytest.param(6, 1, 1 - 2 / 64, id="six reach 95 %"),
        pytest.param(7, 6, 1 - 7 / 128, id="seven do not where the method is the best of six"),
        pytest.param(8, 6, 1 - 7 / 256, id="eight do"),
    ],
)
def test_a_verdict_tells_what_its_interval_is_worth(instances, methods, worth):
    """The ends are the least and the largest of n effects, each beyond the median with 2^-n; m may have been chosen."""
    rows = night_of([0.01 * k for k in range(1, instances + 1)])
    more = [{**r, "method": f"same_{k}"} for k in range(methods - 1) for r in rows if r["method"] == "qaoa"]
    found = verdict_of(rows + more)
    assert found["effect_confidence"] == (None if worth is None else pytest.approx(worth))
    assert ("too few for a 95 %" in found["scope"]) == (worth is not None and worth < 0.95)
    assert ("largest effect, promises nothing." in found["scope"]) == (worth == 0)
    assert ("One instance shows no interval" in found["scope"]) == (worth is None)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        pytest.param([10], "on 1 instance of 10 variables", id="one"),
        pytest.param([1, 1], "on 2 instances of 1 variable", id="alike"),
        pytest.param([10, 12], "on 2 instances of 10 to 12 variables", id="a span"),
    ],
)
def test_a_scope_says_sizes_as_a_person_would(sizes, said):
    rows = night_of([0.01] * len(sizes))
    scope = verdict_of(rows, instances=dict(zip(names(rows), sizes, strict=True)))["scope"]
    assert f"of qaoa, the only quantum method, {said} (" in scope


def ahead(method, effects):
    return [{**r, "method": method} for r in night_of(effects) if r["method"] == "qaoa"]


@pytest.mark.parametrize(
    ("alpha_effects", "zeta_effects", "changes", "best"),
    [
        pytest.param([0.02] * 12, [0.03] * 12, {}, "zeta", id="equal p: the larger effect"),
        pytest.param([0.02] * 12, [0.02] * 12, {}, "alpha", id="all equal: the first name"),
        pytest.param([0.05] * 11 + [-0.06], [0.02] * 12, {}, "zeta", id="the smaller p before the larger effect"),
        pytest.param(
            [0.05] * 12, [0.02] * 11 + [-0.01], {"controls_of": {"zeta": ("random",)}}, "zeta",
            id="the stronger verdict before the smaller p",
        ),
    ],
)  # fmt: skip
def test_the_row_tells_of_the_best_quantum_method(alpha_effects, zeta_effects, changes, best):
    rows = [r for r in PLANTED if r["role"] != "quantum"] + ahead("alpha", alpha_effects) + ahead("zeta", zeta_effects)
    result = verdict_of(rows, **changes)
    assert (result["method"], result["verdict"]) == (best, "advantage_candidate")


@pytest.mark.parametrize("effects", [[0.3, -0.1, 0.3], [-0.1, 0.3, 0.3]])
def test_copies_of_an_input_count_once_and_at_their_worst(effects):
    rows = [{**r, "fingerprint": "the same"} for r in night_of(effects, classical=50.0, control=40.0)]
    result = verdict_of(rows)
    assert (result["num_instances"], result["losses"]) == (1, 1)
    assert result["effect"] == pytest.approx(-0.1)


def test_a_method_without_samples_is_judged_by_its_value():
    assert verdict_of([{**r, "best_value": None} for r in PLANTED]) == verdict_of(PLANTED)


@settings(deadline=None, max_examples=20)
@given(st.randoms(use_true_random=False), st.lists(st.integers(-3, 3), min_size=2, max_size=12))
def test_verdict_does_not_depend_on_the_order_of_rows_or_instances(random, steps):
    rows = night_of([k / 64 for k in steps])
    rows += [{**r, "method": "zeta", "best_value": 91.0} for r in rows if r["method"] == "qaoa"]
    instances = {**names(rows), "lost": None}
    shuffled = random.sample(rows, len(rows))
    mixed = {name: instances[name] for name in random.sample(sorted(instances), len(instances))}
    assert verdict_of(shuffled, instances=mixed) == verdict_of(rows, instances=instances)


def test_names_of_methods_do_not_decide():
    renamed = [{**r, "method": {"qaoa": "aaa"}.get(r["method"], r["method"])} for r in PLANTED]
    assert {**verdict_of(renamed), "method": 0, "scope": 0} == {**verdict_of(PLANTED), "method": 0, "scope": 0}


def test_scope_says_what_a_claim_covers():
    scope = verdict_of(PLANTED)["scope"]
    for part in (
        "approximation_ratio of qaoa", "on 12 instances of 12 variables (", "g00, g01", "0 without a result",
        "executed as statevector", "up to 1000 shots", "annealing", "controls random", "solution quality",
        "makes no run-time claim (simulated or emulated executions cannot make one)",
    ):  # fmt: skip
        assert part in scope
    assert "simulated" not in verdict_of(PLANTED, execution_kinds=("qpu",))["scope"]
    bare = verdict_of([r for r in PLANTED if r["role"] == "quantum"], instances=dict.fromkeys(names(PLANTED)))["scope"]
    for part in ("of unknown size", "against the best of no baseline", "controls none"):
        assert part in bare


def test_no_data_gives_no_advantage():
    for rows in ([], [r for r in PLANTED if r["role"] != "quantum"]):
        result = decide(rows, instances=names(PLANTED), rules=RULES)
        assert (result["verdict"], result["num_instances"], result["effect"]) == ("no_advantage", 12, None)
        assert "nothing is claimed" in result["scope"]
        assert set(result) == set(verdict_of(PLANTED))


def test_verdict_rows_give_one_row_a_cell_with_rules():
    """Two cells of one night, one without data; rows of other cells do not enter."""
    other = changed(night_of([-0.1] * 12), "qaoa", backend="emulator")
    rows = [*PLANTED, *[{**r, "backend": "emulator"} for r in other]]
    rules = {("portfolio", "aer"): RULES, ("maxcut", "emulator"): RULES, ("maxcut", "aer"): RULES}
    result = verdict_rows(rows, night="2026-11-01", instances={"maxcut": names(rows)}, rules=rules)
    assert [(r["night"], r["workload"], r["backend"], r["verdict"]) for r in result] == [
        ("2026-11-01", "maxcut", "aer", "advantage_candidate"),
        ("2026-11-01", "maxcut", "emulator", "no_advantage"),
        ("2026-11-01", "portfolio", "aer", "no_advantage"),
    ]


def test_rows_must_belong_together():
    with pytest.raises(ResultIntegrityError, match="Two rows of 'qaoa' on 'g00'"):
        verdict_of([*PLANTED, PLANTED[0]])
    with pytest.raises(ResultIntegrityError, match="'g11', which is not among"):
        verdict_of(PLANTED, instances=names(PLANTED[:-3]))
    with pytest.raises(IncomparableError, match="different inputs"):
        verdict_of([*PLANTED, row("g00", "tabu", "classical", 1.0, fingerprint="another")])


def test_every_verdict_has_its_word():
    assert list(Verdict) == ["no_advantage", "inconclusive", "advantage_candidate"]


@pytest.mark.parametrize("num_methods", [1, 3])
def test_nights_without_any_effect_rarely_give_a_candidate(num_methods):
    """300 null nights of 12 instances, methods and rival drawn alike: at most 5 % candidates, up to 2 sigma (.025).

    With one method the effect is symmetric about 0, the worst case; three methods are corrected for their number.
    """
    rng = np.random.default_rng(77)
    candidates = 0
    for _ in range(300):
        values = rng.normal(90.0, 2.0, size=(12, num_methods + 1))
        rows = night_of([0.0] * 12, control=0.0)
        rows = [r for r in rows if r["method"] != "qaoa"]
        for k, drawn in enumerate(values):
            rows[2 * k + 1]["best_value"] = drawn[-1]
            rows += [row(f"g{k:02}", f"qaoa_{m}", "quantum", drawn[m]) for m in range(num_methods)]
        candidates += verdict_of(rows)["verdict"] == "advantage_candidate"
    assert candidates / 300 <= 0.05 + 0.025
