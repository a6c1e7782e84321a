"""Content hashes."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_assets.model.fingerprint import array_fingerprint, canonical_json, fingerprint, seed_from


def test_fingerprint_ignores_key_order_only():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_has_no_canonical_form(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": number})


def test_array_fingerprint_sees_shape_and_value_but_not_the_sign_of_zero():
    values = np.array([[0.0, 1.0]])
    assert array_fingerprint(values) == array_fingerprint(np.array([[-0.0, 1.0]]))
    assert array_fingerprint(values) != array_fingerprint(values.T)
    assert array_fingerprint(values) != array_fingerprint(values + 1e-15)


def test_seed_from_keeps_parts_apart_and_is_the_same_everywhere():
    assert seed_from("ab", "c") != seed_from("a", "bc")
    # first 8 bytes of sha256(b"a") are ca978112ca1bbdca, halved
    assert seed_from("a") == 0xCA978112CA1BBDCA >> 1
