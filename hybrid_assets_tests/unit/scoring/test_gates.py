"""Each gate by itself: the planted effect stays, one condition is taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.scoring.gates import MAX_NAMES, named
from hybrid_assets_tests.unit.scoring.nights import PLANTED, RULES, changed, night_of, verdict_of


@pytest.mark.parametrize(
    ("rows", "changes", "gate"),
    [
        pytest.param(PLANTED[: 9 * 3], {}, "instances", id="nine instances"),
        pytest.param(
            [{**r, "fingerprint": r["fingerprint"].replace("g11", "g00").replace("g10", "g01").replace("g09", "g02")}
             for r in PLANTED],
            {}, "instances", id="twelve names of nine inputs",
        ),
        pytest.param([r for r in PLANTED if r["method"] != "annealing"], {}, "classical_panel", id="no baseline"),
        pytest.param(PLANTED[:2] + PLANTED[3:], {}, "classical_panel", id="no baseline on one instance"),
        pytest.param(PLANTED, {"required_baselines": ("annealing", "tabu")}, "classical_panel", id="a baseline lacks"),
        pytest.param(
            [r for r in PLANTED if r["method"] != "annealing"], {"required_baselines": ()}, "classical_panel",
            id="a control is no classical baseline",
        ),
        pytest.param([r for r in PLANTED if r["method"] != "random"], {}, "controls", id="no control"),
        pytest.param(PLANTED[:1] + PLANTED[2:], {}, "controls", id="no control on one instance"),
        pytest.param(changed(PLANTED, "random", best_value=None, value=None), {}, "controls", id="a failed control"),
        pytest.param(changed(PLANTED, "random", role="classical"), {}, "controls", id="a control by name only"),
        pytest.param(PLANTED, {"controls_of": {}}, "controls", id="no control named"),
        pytest.param(PLANTED, {"controls_of": {"*": ()}}, "controls", id="no control wanted"),
        pytest.param(changed(PLANTED, "random", trials=999), {}, "equal_effort", id="a control with fewer samples"),
        pytest.param(
            [{**r, "reference_kind": "best_known"} for r in PLANTED], {}, "references", id="only best known values"
        ),
        pytest.param(
            [{**r, "reference_kind": None, "reference_value": None} for r in PLANTED], {}, "references", id="none"
        ),
        pytest.param(PLANTED, {"declared_metric": "p_opt"}, "metric", id="another metric was declared"),
        pytest.param(PLANTED, {"declared_metric": None}, "metric", id="no metric was declared"),
        pytest.param(PLANTED, {"execution_kinds": ()}, "execution", id="executed nobody knows how"),
        pytest.param(PLANTED, {"execution_kinds": ("qpu", "guessed")}, "execution", id="an unknown kind"),
        pytest.param(PLANTED, {"alpha": 2.0**-12}, "significance", id="p not below alpha"),
    ],
)  # fmt: skip
def test_no_candidate_once_one_gate_fails(rows, changes, gate):
    """The planted effect stays; only the named condition is taken away, and only that gate says so."""
    result = verdict_of(rows, **changes)
    assert result["verdict"] == "inconclusive"
    assert [reason.split(":")[0] for reason in result["reasons"].split("; ")] == [gate]


def test_the_interval_is_a_gate_of_its_own():
    """Seven large wins and five small losses of 12: signed ranks 63 of 78 (p = .035), yet the median may be below 0."""
    effects = [0.05] * 7 + [-0.001] * 5
    result = verdict_of(night_of(effects))
    assert (result["verdict"], result["reasons"].split(":")[0]) == ("inconclusive", "effect")
    assert result["effect_low"] <= 0 < result["effect"]
    assert result["p_value"] < RULES.alpha


@pytest.mark.parametrize("kind", ["statevector", "density_matrix", "depolarized_mixture"])
def test_no_simulation_can_claim_run_time(kind):
    result = verdict_of(PLANTED, claims_run_time=True, execution_kinds=("qpu", kind))
    assert (result["verdict"], result["reasons"].split(":")[0]) == ("inconclusive", "execution")
    assert kind in result["reasons"]


def test_only_a_qpu_can_claim_run_time():
    result = verdict_of(PLANTED, claims_run_time=True, execution_kinds=("qpu",))
    assert result["verdict"] == "advantage_candidate"
    assert result["scope"].endswith("Covers run time on these instances and this backend only.")


def test_controls_can_be_named_for_each_method():
    """A method with its own pipeline needs its own control; another's control does not stand in."""
    assert verdict_of(PLANTED, controls_of={"qaoa": ("random+descent",), "*": ("random",)})["verdict"] == "inconclusive"
    assert verdict_of(PLANTED, controls_of={"qaoa": ("random",)})["verdict"] == "advantage_candidate"


def test_named_lists_the_first_few():
    assert named(["a", "b"]) == "a, b"
    assert named([str(k) for k in range(MAX_NAMES + 2)]).endswith(", 11 and 2 more")


def test_rules_refuse_a_reward_for_failures():
    with pytest.raises(ConfigurationError, match="missing_effect"):
        replace(RULES, missing_effect=0.0)
