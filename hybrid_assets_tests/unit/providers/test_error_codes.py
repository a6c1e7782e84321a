"""Error codes and what each lets us do."""

from __future__ import annotations

import pytest

from hybrid_assets import errors
from hybrid_assets.providers import _error_codes
from hybrid_assets.providers._error_codes import CODES, ERROR_CLASSES, CodeClass, classify, error_class


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("5203", "transient"),
        ("3203", "transient"),  # inside the range 3202-3204
        ("1202", "wait"),
        ("1305", "split"),
        ("6000", "split"),
        ("1106", "recompile"),
        ("2001", "other_backend"),
        ("1517", "never"),
        ("9998", "never"),
        ("", "never"),
        (None, "never"),
    ],
)
def test_a_code_has_its_class_and_an_unknown_one_is_terminal(code, expected):
    assert classify(code) == expected


def test_no_code_is_listed_in_two_classes():
    listed = [code for kind, codes in _error_codes._LISTED.items() for code in _error_codes._expanded({kind: codes})]
    assert len(listed) == len(set(listed)) == len(CODES)


def test_every_class_stands_for_an_exception_of_ours():
    assert set(ERROR_CLASSES) == set(CodeClass)
    assert all(issubclass(getattr(errors, name), errors.HybridAssetsError) for name in ERROR_CLASSES.values())
    assert error_class("5203") == "TransientProviderError"
