"""Binary quadratic problems and their documents."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import (
    BinaryQuadratic,
    Fold,
    LabeledData,
    OpaqueProblem,
    problem_from_document,
    problem_to_document,
)

numbers = st.floats(-5, 5, allow_nan=False).map(lambda x: x + 0.0)


@st.composite
def problems(draw):
    n = draw(st.integers(1, 6))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=8))
    pairs = tuple(sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]}))
    return BinaryQuadratic(
        num_variables=n,
        linear=tuple(draw(st.lists(numbers, min_size=n, max_size=n))),
        pairs=pairs,
        weights=tuple(draw(st.lists(numbers, min_size=len(pairs), max_size=len(pairs)))),
        offset=draw(numbers),
        cardinality=draw(st.none() | st.integers(0, n)),
    )


def all_bits(n):
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1


@given(problems())
def test_value_table_agrees_with_values_bit_by_bit(problem):
    bits = all_bits(problem.num_variables)
    np.testing.assert_allclose(problem.value_table(), problem.values(bits), atol=1e-9)
    np.testing.assert_array_equal(problem.feasible_table(), problem.feasible(bits))


@given(problems())
def test_document_round_trip_through_json_is_exact(problem):
    assert problem_from_document(json.loads(json.dumps(problem_to_document(problem)))) == problem


def test_variable_i_is_bit_i_of_an_outcome():
    """Outcome 0b01 sets variable 0 only: 10 + 1; outcome 0b10 variable 1 only: 10 + 2."""
    problem = BinaryQuadratic(num_variables=2, linear=(1.0, 2.0), pairs=((0, 1),), weights=(-5.0,), offset=10.0)
    np.testing.assert_array_equal(problem.value_table(), [10, 11, 12, 8])


@pytest.mark.parametrize("pairs", [((1, 0),), ((0, 0),), ((0, 3),), ((1, 2), (0, 1)), ((0, 1), (0, 1))], ids=str)
def test_pairs_that_are_not_sorted_distinct_and_in_range_are_refused(pairs):
    with pytest.raises(ConfigurationError, match="pairs must be distinct, sorted"):
        BinaryQuadratic(num_variables=3, linear=(0.0,) * 3, pairs=pairs, weights=(1.0,) * len(pairs))


def test_value_table_refuses_what_would_not_fit():
    problem = BinaryQuadratic(num_variables=21, linear=(0.0,) * 21, pairs=(), weights=())
    with pytest.raises(ConfigurationError, match="value table of 21 variables would not fit; the cap is 20"):
        problem.value_table()


def test_other_problems_round_trip():
    data = LabeledData(
        features=np.array([[0.1, 2.0], [3.0, 4.5]]),
        labels=np.array([0, 1]),
        feature_names=("a", "b"),
        class_names=("x", "y"),
        folds=(Fold(train=(0,), test=(1,)),),
        num_components=1,
    )
    back = problem_from_document(json.loads(json.dumps(problem_to_document(data))))
    assert problem_to_document(back) == problem_to_document(data)
    opaque = OpaqueProblem(document={"n": [1, 2]})
    assert problem_from_document(problem_to_document(opaque)) == opaque


def test_unknown_kind_of_problem_is_named():
    with pytest.raises(ConfigurationError, match="Unknown kind of problem 'tsp'"):
        problem_from_document({"kind": "tsp"})
