"""References from baselines, and the rows of one instance."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.results import BaselineResult, Reference, ReferenceKind, Role, Score
from hybrid_assets.scoring.compare import ComparisonKey, comparison_rows, reference_of

KEY = ComparisonKey(night="2026-11-01", workload="maxcut", backend="aer", instance="petersen", fingerprint="f" * 64)
PROVED = Reference(value=12.0, kind=ReferenceKind.PROVED)


def baseline(name="annealing", value=12.0, *, bound=None, proved=False, **more):
    return BaselineResult(
        baseline=name, version="1", value=value, bound=bound, proved=proved, wall_s=0.5, cpu_s=0.4, seed=1, **more
    )


def score(method="qaoa", role=Role.QUANTUM, *, value=9.0, best=12.0, **more):
    return Score(method=method, role=role, value=value, value_low=8.5, value_high=9.5, best_value=best, **more)


def rows_of(scores, baselines, reference=PROVED, **more):
    options = {"cost_of": lambda _: 0.25, "source_of": lambda _: "backend", **more}
    rows = comparison_rows(KEY, scores=scores, baseline_results=baselines, reference=reference, **options)
    return {row["method"]: row for row in rows}


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [
        pytest.param([], None, id="no baseline"),
        pytest.param([baseline(value=None)], None, id="nothing found"),
        pytest.param([baseline(value=11.0), baseline("tabu", 12.0)], (12.0, "best_known"), id="best value"),
        pytest.param(
            [baseline(value=11.0, bound=15.0), baseline("sdp", 10.0, bound=13.5)], (13.5, "bound"), id="least bound"
        ),
        pytest.param([baseline(value=None, bound=13.0)], (13.0, "bound"), id="a bound without a value"),
        pytest.param(
            [baseline("highs", 12.0, bound=12.0, proved=True), baseline("sdp", 11.0, bound=13.5)],
            (12.0, "proved"),
            id="proved optimum",
        ),
        pytest.param([baseline("exact", 12.0, proved=True)], (12.0, "proved"), id="proved without a bound"),
        pytest.param(
            [baseline("tabu", 12.0), baseline("sdp", 11.0, bound=12.0000001)],
            (12.0, "proved"),
            id="a value that reaches a bound is proved",
        ),
        pytest.param(
            [baseline("svm", 0.95, fold_values=(0.9, 1.0)), baseline("dummy", 0.5)],
            (0.95, "best_known"),
            id="classification",
        ),
        pytest.param([baseline("exact", -3.0, proved=True)], (-3.0, "proved"), id="negative optimum"),
    ],
)
def test_reference_of_prefers_proofs_to_bounds_to_values(baselines, expected):
    for order in (baselines, baselines[::-1]):
        reference = reference_of(order)
        assert (reference and (reference.value, reference.kind)) == expected


@pytest.mark.parametrize(
    ("baselines", "named"),
    [
        pytest.param(
            [baseline("highs", 12.0, proved=True), baseline("exact", 13.0, proved=True)],
            ["highs", "exact"],
            id="two proved optima",
        ),
        pytest.param(
            [baseline("highs", 12.0, proved=True), baseline("tabu", 12.1)],
            ["highs", "tabu"],
            id="a value above a proved optimum",
        ),
        pytest.param(
            [baseline("sdp", 10.0, bound=11.9), baseline("tabu", 12.0)],
            ["sdp", "tabu"],
            id="a value above a bound",
        ),
        pytest.param(
            [baseline("sdp", 10.0, bound=11.5), baseline("highs", 12.0, proved=True)],
            ["sdp", "highs"],
            id="a bound below a proved optimum",
        ),
        pytest.param([baseline("sdp", 12.0, bound=11.0)], ["sdp", "its own bound"], id="its own bound"),
        pytest.param([baseline("highs", None, proved=True)], ["highs", "no value"], id="a proof of nothing"),
        pytest.param([baseline("tabu", math.nan)], ["tabu", "not finite"], id="NaN"),
        pytest.param([baseline("sdp", 1.0, bound=math.inf)], ["sdp", "not finite"], id="no bound is None"),
    ],
)
def test_reference_of_refuses_contradictions_and_names_both_sides(baselines, named):
    for order in (baselines, baselines[::-1]):
        with pytest.raises(ResultIntegrityError) as caught:
            reference_of(order)
        assert all(name in str(caught.value) for name in named)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(20, 30)), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_reference_of_is_no_less_than_any_value_in_any_order(pairs, random):
    baselines = [baseline(f"b{k}", float(v), bound=float(b)) for k, (v, b) in enumerate(pairs)]
    reference = reference_of(baselines)
    assert reference.value >= max(v for v, _ in pairs)
    assert reference_of(random.sample(baselines, len(baselines))) == reference


def test_comparison_rows_hold_one_row_a_method_in_the_order_of_roles():
    rows = rows_of(
        [score("random", Role.CONTROL), score("qaoa_2"), score("qaoa_1")],
        [baseline("tabu"), baseline("random_greedy", role=Role.CONTROL), baseline("highs", proved=True)],
    )
    assert list(rows) == ["qaoa_1", "qaoa_2", "random", "random_greedy", "highs", "tabu"]
    assert {row["fingerprint"] for row in rows.values()} == {"f" * 64}
    columns = [set(row) for row in rows.values()]
    assert all(each == columns[0] for each in columns)


def test_comparison_rows_compute_ratios_and_the_success_interval():
    """9/12 = .75; 3 of 100 has the Wilson interval (.0102545, .0845194)."""
    scored = score(successes=3, trials=100, shots=4096, feasible_rate=0.5, facts={"wall_s": 1.5})
    row = rows_of([scored], [baseline()])["qaoa"]
    assert (row["ratio"], row["best_ratio"], row["p_opt"]) == (0.75, 1.0, 0.03)
    assert (row["p_opt_low"], row["p_opt_high"]) == pytest.approx((0.0102545240, 0.0845193643), abs=1e-9)
    expected = {"shots": 4096, "trials": 100, "cost": 0.25, "wall_s": 1.5, "feasible_rate": 0.5, "source": "backend"}
    assert {name: row[name] for name in expected} == expected
    assert (row["reference_value"], row["reference_kind"], row["role"]) == (12.0, "proved", "quantum")


def test_comparison_rows_keep_what_is_unknown_unknown():
    """No reference, no ratio; no trials, no success probability but the whole interval; a failed baseline has a row."""
    rows = rows_of([score(successes=0, trials=0)], [baseline(value=None)], reference=None)
    assert [rows["qaoa"][name] for name in ("p_opt", "p_opt_low", "p_opt_high")] == [None, 0.0, 1.0]
    for row in rows.values():
        assert [row[n] for n in ("ratio", "best_ratio", "reference_value", "reference_kind")] == [None] * 4
    assert rows["annealing"]["value"] is None
    assert rows["annealing"]["cost"] == 0.0


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_ratio_is_undefined_unless_the_reference_is_positive(value):
    reference = Reference(value=value, kind=ReferenceKind.PROVED)
    row = rows_of([score(value=value - 1, best=value)], [baseline(value=value)], reference)["qaoa"]
    assert (row["ratio"], row["best_ratio"]) == (None, None)


@pytest.mark.parametrize("kind", [ReferenceKind.PROVED, ReferenceKind.BOUND])
def test_a_method_cannot_beat_a_proof(kind):
    reference = Reference(value=12.0, kind=kind)
    with pytest.raises(ResultIntegrityError, match=r"'qaoa' reports 12\.5, above the .* reference 12\.0 of 'petersen'"):
        rows_of([score(best=12.5)], [baseline()], reference)
    rounding = rows_of([score(best=12.0 + 1e-12)], [baseline()], reference)["qaoa"]
    assert rounding["best_ratio"] == 1.0


def test_a_method_can_beat_the_best_known_value():
    reference = Reference(value=10.0, kind=ReferenceKind.BEST_KNOWN)
    row = rows_of([score(best=12.5)], [baseline(value=10.0)], reference)["qaoa"]
    assert (row["best_ratio"], row["verdict"]) == (1.25, "inconclusive")


@pytest.mark.parametrize(
    ("scores", "baselines", "expected"),
    [
        pytest.param([score(best=12.0)], [baseline(value=11.0)], "inconclusive", id="ahead of every rival"),
        pytest.param([score(best=12.0)], [baseline(value=12.0)], "no_advantage", id="a tie"),
        pytest.param([score(best=12.0)], [baseline(value=12.0 - 1e-11)], "no_advantage", id="ahead by rounding"),
        pytest.param([score(best=11.0)], [baseline(value=12.0)], "no_advantage", id="behind"),
        pytest.param(
            [score(best=12.0), score("random", Role.CONTROL, best=12.0)],
            [baseline(value=11.0)],
            "no_advantage",
            id="ahead of the classical rival but not of the control",
        ),
        pytest.param([score(value=None, best=None)], [baseline()], "no_advantage", id="failed"),
        pytest.param([score()], [baseline(value=None)], "no_advantage", id="no rival"),
    ],
)
def test_row_verdict_tells_of_a_quantum_method_and_its_best_rival(scores, baselines, expected):
    rows = rows_of(scores, baselines)
    assert rows["qaoa"]["verdict"] == expected
    assert all(row["verdict"] is None for name, row in rows.items() if name != "qaoa")


def test_a_fallback_is_recorded_and_claims_nothing():
    rows = rows_of([score(), score("random", Role.CONTROL)], [baseline(value=5.0)], source_of=lambda _: "simulation")
    assert (rows["qaoa"]["source"], rows["qaoa"]["verdict"]) == ("simulation", "no_advantage")
    assert rows["random"]["source"] is None


def test_methods_of_one_instance_have_different_names():
    with pytest.raises(ResultIntegrityError, match="share a name"):
        rows_of([score("tabu")], [baseline("tabu")])


@pytest.mark.parametrize("field", ["value", "value_low", "value_high", "best_value"])
def test_a_score_is_finite_or_missing(field):
    with pytest.raises(ResultIntegrityError, match="not finite"):
        rows_of([replace(score(), **{field: math.nan})], [baseline()])


def test_a_baselines_folds_give_its_interval():
    """Mean .94, s^2 .001, five folds: half-width 2.776445 sqrt(.001 (1/5 + 1/4)) = .0588975; else none."""
    svm = baseline("svm", 0.94, fold_values=(0.90, 0.92, 0.94, 0.96, 0.98))
    known = Reference(value=0.94, kind=ReferenceKind.BEST_KNOWN)
    row = rows_of([], [svm], known, test_share=0.2)["svm"]
    assert (row["value_low"], row["value_high"]) == pytest.approx((0.94 - 0.0588975, 0.94 + 0.0588975), abs=1e-6)
    assert rows_of([], [svm], known)["svm"]["value_low"] is None


def test_facts_are_json_whatever_a_plug_in_puts_there():
    facts = {
        "n": np.int64(3),
        "x": np.array([1.5, np.nan]),
        "nested": {"t": (1, None)},
        "flag": True,
        "o": Role.QUANTUM,
    }
    row = rows_of([score(facts={**facts, "odd": {1}})], [baseline(facts={"sweeps": 7})])
    assert json.loads(row["qaoa"]["facts"]) == {
        "n": 3, "x": [1.5, None], "nested": {"t": [1, None]}, "flag": True, "o": "quantum", "odd": "{1}",
    }  # fmt: skip
    assert json.loads(row["annealing"]["facts"]) == {"sweeps": 7, "version": "1", "bound": None, "proved": False}
