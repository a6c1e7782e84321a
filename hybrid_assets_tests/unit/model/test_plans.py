"""A plan's hash changes with everything an approval rests on, and with nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid_assets.model.costs import Range
from hybrid_assets_tests.unit.control.night_plans import at, cell, plan

BASE = cell()


def hash_of(*cells, **facts):
    return plan(*cells, **facts).hash_of("maxcut")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param({"backend": "qpu2"}, "calibration of qpu2", id="backend"),
        pytest.param({"calibration_id": "cal-2"}, "calibration of qpu", id="calibration"),
        pytest.param({"inputs_version": "in-2"}, "inputs", id="inputs"),
        pytest.param({"kernels_hash": "k2"}, "kernels", id="kernels"),
        pytest.param({"new_kernels": 19}, "kernels", id="new-kernels"),
        pytest.param({"shots": 1001}, "kernels", id="shots"),
        pytest.param({"qpu_s": Range(low=0, likely=0, high=100.001)}, "cost", id="seconds"),
        pytest.param({"qpu_s": None}, "cost", id="unknown-seconds"),
        pytest.param({"money": Range(low=0, likely=0, high=160.01)}, "cost", id="money"),
        pytest.param({"is_metered": False}, "cost", id="metered"),
    ],
)
def test_plan_hash_changes_with_a_part_that_tells_why(change, part):
    changed = replace(BASE, **change)
    before, after = plan(BASE), plan(changed)
    assert hash_of(changed) != hash_of(BASE)
    assert after.plan_hash != before.plan_hash
    assert after.parts_of("maxcut")[part] != before.parts_of("maxcut").get(part)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"qpu_s": Range(low=1, likely=2, high=100.0)}, id="likely-cost"),
        pytest.param({"qpu_s": Range(low=0, likely=0, high=100.0 + 1e-9)}, id="rounding-of-sums"),
        pytest.param({"reason": "other words"}, id="words"),
        pytest.param({"compile_hits": 2, "compile_misses": 0}, id="compile-cache"),
        pytest.param({"phase": "limited"}, id="phase"),
    ],
)
def test_plan_hash_stays_where_nothing_changes_that_was_approved(change):
    assert hash_of(replace(BASE, **change)) == hash_of(BASE)


def test_plan_hash_knows_neither_the_time_nor_the_order_but_the_night():
    two = replace(BASE, backend="aer")
    assert hash_of(BASE, two) == hash_of(two, BASE)
    assert hash_of(BASE, made_at=at(5)) == hash_of(BASE)
    assert hash_of(BASE, night="2026-11-24") != hash_of(BASE)


def test_plan_hash_of_a_workload_does_not_depend_on_the_others():
    other = replace(BASE, workload="portfolio")
    assert hash_of(BASE, other) == hash_of(BASE)
    assert plan(BASE, other).plan_hash != plan(BASE).plan_hash
    assert plan(BASE, other).hash_of("portfolio") != hash_of(BASE)


def test_parts_read_as_sentences_do():
    free = replace(BASE, backend="aer", is_metered=False, new_kernels=3, kernels_hash="k9")
    assert plan(BASE, free).parts_of("maxcut") == {
        "calibration of aer": "cal-1",
        "calibration of qpu": "cal-1",
        "inputs": "in-1",
        "kernels": "aer: 3 new, 1000 executions, k9; qpu: 20 new, 1000 executions, k1",
        "cost": "aer: free; qpu: at most 100 QPU s, at most 160 of money",
    }
    assert plan(BASE).parts["maxcut: inputs"] == "in-1"


def test_total_adds_up_what_is_spent():
    """Free cells are left out; one unknown figure makes the sum unknown."""
    free = replace(BASE, backend="aer", is_metered=False)
    unknown = replace(BASE, backend="qpu2", money=None)
    seconds, money = plan(BASE, free, unknown).total("maxcut")
    assert seconds.high == 200.0  # 100 + 100
    assert money is None
