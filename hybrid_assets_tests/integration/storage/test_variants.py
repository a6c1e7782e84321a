"""The index of results that answer the same question another time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.storage.variants import VariantIndex, variant_of

AT = datetime(2026, 11, 20, 23, 59, 59, 999_000, tzinfo=UTC)
PARTS = {"backend": "qpu", "artefact_fingerprint": "a", "values": np.array([[0.5, 1.0]]), "shots": 100}


def test_newest_result_of_a_variant_comes_first_whatever_order_they_were_stored_in(tmp_path):
    index = VariantIndex(tmp_path)
    for name, days in (("second", 1), ("third", 2), ("first", 0)):
        index.put("v", name, executed_at=AT + timedelta(days=days))
    index.put("other", "elsewhere", executed_at=AT + timedelta(days=9))
    assert list(VariantIndex(tmp_path).newest("v")) == [
        (name, AT + timedelta(days=days)) for name, days in (("third", 2), ("second", 1), ("first", 0))
    ]


def test_times_of_other_zones_are_compared_in_utc(tmp_path):
    index = VariantIndex(tmp_path)
    index.put("v", "later", executed_at=AT)
    # 00:30 in a zone one hour ahead is 23:30 UTC of the day before
    earlier = datetime(2026, 11, 21, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    index.put("v", "earlier", executed_at=earlier)
    assert [name for name, _ in index.newest("v")] == ["later", "earlier"]


def test_noting_a_result_twice_is_as_good_as_once(tmp_path):
    index = VariantIndex(tmp_path)
    for _ in range(2):
        index.put("v", "k", executed_at=AT)
    assert list(index.newest("v")) == [("k", AT)]


def test_an_unknown_variant_has_no_results(tmp_path):
    assert list(VariantIndex(tmp_path).newest("v")) == []


def test_a_name_that_leaves_the_folder_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be an id"):
        VariantIndex(tmp_path).put("../v", "k", executed_at=AT)


@pytest.mark.parametrize(
    ("name", "value"),
    [("backend", "other"), ("artefact_fingerprint", "b"), ("values", np.array([[0.5], [1.0]])), ("shots", 101)],
)
def test_every_part_makes_another_variant(name, value):
    assert variant_of(**{**PARTS, name: value}) != variant_of(**PARTS)


def test_equal_parts_make_the_same_variant():
    assert variant_of(**{**PARTS, "values": np.array([[0.5, 1.0]])}) == variant_of(**PARTS)
