"""`maxcut` passes the conformance test of workloads on shipped inputs, whole and decomposed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_assets.testing.workload import assert_workload_api
from hybrid_assets.workloads.maxcut import MaxCut

FOLDER = Path(__file__).parents[2] / "data" / "inputs" / "maxcut"


@pytest.mark.parametrize(
    ("names", "options", "max_qubits"),
    [
        (["petersen", "frucht", "florentine-families", "gaussian-dense-n10"], {"depths": [1, 2]}, 8),
        (["petersen", "gaussian-dense-n10"], {"angles": {"policy": "grid", "size": 3}}, 10),
        (["karate-club"], {"angles": {"policy": "ramp"}, "depths": [3], "descent": False}, 8),
        (["petersen", "florentine-families"], {"angles": {"policy": "optimize", "rounds": 3}, "depths": [1, 2]}, 10),
        (["florentine-families"], {"angles": {"policy": "optimize", "size": 4, "shots": 40}}, 5),
    ],
    ids=["fixed, some decomposed", "grid, whole", "ramp, decomposed", "trained, some decomposed", "trained in parts"],
)
def test_maxcut_keeps_the_promises_of_a_workload(names, options, max_qubits):
    assert_workload_api(MaxCut(), [FOLDER / f"{name}.csv" for name in names], options, max_qubits=max_qubits)
