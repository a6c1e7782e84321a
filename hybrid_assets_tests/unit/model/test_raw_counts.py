"""Raw counts: rows and refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hybrid_assets.errors import ResultIntegrityError
from hybrid_assets.model.jobs import RawCounts

GOOD = RawCounts(
    num_bits=2,
    outcomes=np.array([0, 3, 1], dtype=np.uint64),
    counts=np.array([4, 6, 10], dtype=np.int64),
    offsets=np.array([0, 2, 3], dtype=np.int64),
)


def test_row_and_sums():
    outcomes, counts = GOOD.row(0)
    assert outcomes.tolist() == [0, 3]
    assert counts.tolist() == [4, 6]
    assert GOOD.row_sums().tolist() == [10, 10]
    # row 0: 4 x 1 + 6 x 2 = 16; row 1: 10 x 3 = 30
    assert GOOD.row_sums(np.array([1.0, 2.0, 3.0])).tolist() == [16, 30]
    GOOD.verify(num_bits=2, rows=2, shots=10)


@pytest.mark.parametrize(
    ("change", "asked", "message"),
    [
        pytest.param({}, {"num_bits": 3}, "Expected 3 bits an outcome, got 2.", id="width"),
        pytest.param({}, {"rows": 3}, "Expected 3 rows, got 2.", id="rows"),
        pytest.param({}, {"shots": 11}, "Row 0 has 10 shots instead of 11.", id="shots"),
        pytest.param({"counts": np.array([4, 6, 9])}, {}, "Row 1 has 9 shots instead of 10.", id="short"),
        pytest.param({"offsets": np.array([0, 2, 4])}, {}, "Row offsets do not match", id="offsets"),
        pytest.param(
            {"outcomes": np.array([0, 4, 1], dtype=np.uint64)}, {}, "An outcome is out of range", id="out-of-range"
        ),
        pytest.param({"counts": np.array([10, 0, 10])}, {}, "counted less than once", id="zero-count"),
    ],
)
def test_verify_refuses_what_was_not_asked_for(change, asked, message):
    counts = dataclasses.replace(GOOD, **change)
    with pytest.raises(ResultIntegrityError, match=message):
        counts.verify(**{"num_bits": 2, "rows": 2, "shots": 10, **asked})
