"""The conformance check must catch what it promises to catch."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from hybrid_assets.baselines.exact_enumeration import ExactEnumeration
from hybrid_assets.model.problem import Fold, LabeledData
from hybrid_assets.model.results import BaselineResult, Role
from hybrid_assets.testing.baseline import assert_baseline_api
from hybrid_assets_tests.unit.baselines.quadratics import instance, maxcut, portfolio

PETERSEN = instance(maxcut(nx.petersen_graph()))


def altered(**columns):
    """Make a baseline that is right but for these columns of its result."""

    class Altered(ExactEnumeration):
        def solve(self, instance, *, seed, limit_s):
            return replace(super().solve(instance, seed=seed, limit_s=limit_s), **columns)

    return Altered()


def test_a_right_baseline_passes():
    assert_baseline_api(ExactEnumeration(), PETERSEN)
    assert_baseline_api(ExactEnumeration(), instance(portfolio(6, 2)))


def test_an_unsupported_instance_is_not_solved():
    class Refusing(ExactEnumeration):
        def supports(self, *_):
            return False

        def solve(self, *_, **__):
            raise NotImplementedError

    assert_baseline_api(Refusing(), PETERSEN)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param({"value": 13.0}, "value 13.0, but its solution is worth 12.0", id="overstated"),
        pytest.param({"solution": (0,) * 9}, "the solution has 9 bits", id="short"),
        pytest.param({"solution": (2,) * 10}, "not 0/1", id="not bits"),
        pytest.param({"bound": 11.0, "proved": False}, "bound 11.0 is below its own value", id="bound below value"),
        pytest.param({"bound": None}, "proved without a bound", id="no bound"),
        pytest.param({"bound": 14.0}, "proved 12.0, but its bound is 14.0", id="open gap"),
        pytest.param({"value": None}, "a solution without a value", id="no value"),
        pytest.param({"value": None, "solution": ()}, "proved, but nothing was found", id="empty proof"),
        pytest.param({"value": 0.0, "solution": (0,) * 10, "bound": 0.0}, "below the optimum 12.0", id="false proof"),
        pytest.param({"bound": float("inf")}, "say None where there is none", id="infinite bound"),
        pytest.param({"baseline": "other"}, "names another baseline", id="other name"),
        pytest.param({"seed": 8}, "records seed 8", id="other seed"),
        pytest.param({"wall_s": -1.0}, "wall_s is -1.0", id="negative time"),
        pytest.param({"wall_s": 0.0, "cpu_s": 0.0}, "nothing was measured", id="no time"),
        pytest.param({"role": Role.QUANTUM}, "cannot have role", id="quantum"),
    ],
)
def test_a_wrong_result_is_caught(columns, message):
    with pytest.raises(AssertionError, match=message):
        assert_baseline_api(altered(**columns), PETERSEN)


def test_an_infeasible_solution_is_caught():
    with pytest.raises(AssertionError, match="the solution is infeasible"):
        assert_baseline_api(altered(solution=(1,) * 6), instance(portfolio(6, 2)))


def test_a_value_that_depends_on_the_call_is_caught():
    class Drifting(ExactEnumeration):
        calls = 0

        def solve(self, instance, *, seed, limit_s):
            Drifting.calls += 1
            right = super().solve(instance, seed=seed, limit_s=limit_s)
            return right if Drifting.calls % 2 else replace(right, bound=12.5)

    with pytest.raises(AssertionError, match="the same seed gave bound"):
        assert_baseline_api(Drifting(), PETERSEN)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param({"name": "Exact-1"}, "not lower snake case", id="name"),
        pytest.param({"version": " "}, "version is empty", id="version"),
        pytest.param({"supports": lambda *_: 1}, "not a bool", id="supports"),
    ],
)
def test_a_wrong_member_is_caught(members, message):
    with pytest.raises(AssertionError, match=message):
        assert_baseline_api(type("Wrong", (ExactEnumeration,), members)(), PETERSEN)


def test_a_class_without_solve_is_caught():
    class Half:
        name, version = "half", "1"

    with pytest.raises(AssertionError, match="lacks a member"):
        assert_baseline_api(Half(), PETERSEN)


DATA = instance(
    LabeledData(
        features=np.zeros((4, 1)),
        labels=np.array([0, 1, 0, 1]),
        feature_names=("x",),
        class_names=("a", "b"),
        folds=(Fold(train=(0, 1), test=(2, 3)), Fold(train=(2, 3), test=(0, 1))),
        num_components=1,
    )
)


class _Classifier:
    name, version = "classifier", "1"

    def __init__(self, **columns):
        self.columns = columns

    def supports(self, instance):
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance, *, seed, limit_s):
        assert self.supports(instance)
        assert limit_s > 0
        result = BaselineResult(
            baseline=self.name,
            version=self.version,
            value=0.75,
            bound=None,
            proved=False,
            wall_s=0.1,
            cpu_s=0.1,
            seed=seed,
            fold_values=(0.5, 1.0),
        )
        return replace(result, **self.columns)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param({"value": 0.8}, "value 0.8 is not the folds' mean 0.75", id="mean"),
        pytest.param({"fold_values": (0.75,)}, "1 values, 2 folds", id="folds"),
        pytest.param({"fold_values": (0.0, 1.5)}, "outside 0 .. 1", id="range"),
        pytest.param({"value": None}, "no accuracy", id="none"),
        pytest.param({"bound": 1.0}, "an accuracy has no bound", id="bound"),
    ],
)
def test_a_wrong_accuracy_is_caught(columns, message):
    wrong = type("Wrong", (_Classifier,), {"__init__": lambda self: _Classifier.__init__(self, **columns)})
    with pytest.raises(AssertionError, match=message):
        assert_baseline_api(wrong(), DATA)


def test_a_right_classifier_passes():
    assert_baseline_api(_Classifier(), DATA)
