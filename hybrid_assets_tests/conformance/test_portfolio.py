"""The workload `portfolio` keeps every promise of the protocol, on the shipped prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_assets import registry
from hybrid_assets.errors import ProblemError
from hybrid_assets.testing.workload import assert_workload_api
from hybrid_assets.workloads.portfolio import Portfolio

SHIPPED = sorted((Path(__file__).parents[2] / "data" / "inputs" / "portfolio").glob("*.csv"))


def test_portfolio_is_registered():
    assert isinstance(registry.workload("portfolio"), Portfolio)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"depths": [2, 1]}, id="ramp"),
        pytest.param({"depths": [1], "angles": {"policy": "grid", "size": 2}}, id="grid"),
        pytest.param({"depths": [1], "budget": 3, "penalty": 0.5, "descent": False}, id="own budget and penalty"),
    ],
)
def test_portfolio_conforms_on_the_shipped_prices(options):
    assert len(SHIPPED) == 2
    assert_workload_api(Portfolio(), SHIPPED, options, max_qubits=12)


def test_portfolio_conforms_on_two_constant_assets(tmp_path):
    """The least instance there is: nothing to gain, both choices optimal."""
    path = tmp_path / "flat.csv"
    path.write_text("date,A,B\n2024-01-01,1,2\n2024-01-02,1,2\n2024-01-03,1,2\n")
    assert_workload_api(Portfolio(), [path], {"depths": [1]})


def test_portfolio_refuses_one_file_and_still_loads_the_others(tmp_path):
    workload = Portfolio()
    options = workload.parse_options({})
    path = tmp_path / "bad.csv"
    path.write_text("date,A,B\n2024-01-01,1,nan\n")
    with pytest.raises(ProblemError, match=r"^bad\.csv, row 2, column 'B'"):
        workload.load(path, source="bad.csv", options=options)
    assert [workload.load(good, source=good.name, options=options).num_variables for good in SHIPPED] == [10, 12]
