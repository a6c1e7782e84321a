"""What the workload's section of the settings may hold."""

from __future__ import annotations

import re

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.workloads._portfolio_options import PortfolioOptions, parse_portfolio_options


def test_parse_options_defaults():
    assert parse_portfolio_options({}) == PortfolioOptions(
        budget=None,
        risk_aversion=0.5,
        periods_per_year=None,
        depths=(1, 2, 3),
        policy="ramp",
        grid_size=5,
        penalty=None,
        descent=True,
    )


def test_parse_options_reads_every_key():
    raw = {
        "budget": 4,
        "risk_aversion": 0,
        "periods_per_year": 252,
        "depths": [2, 1],
        "angles": {"policy": "grid", "size": 3},
        "penalty": 1.5,
        "descent": False,
    }
    assert parse_portfolio_options(raw) == PortfolioOptions(
        budget=4,
        risk_aversion=0.0,
        periods_per_year=252.0,
        depths=(2, 1),
        policy="grid",
        grid_size=3,
        penalty=1.5,
        descent=False,
    )


KNOWN = "Known: budget, risk_aversion, periods_per_year, depths, angles, penalty, descent."


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"depth": [1]}, f"portfolio.depth: unknown key. Did you mean 'depths'? {KNOWN}"),
        ({"zzz": 1}, f"portfolio.zzz: unknown key. {KNOWN}"),
        (
            {"angles": {"sizes": 3}},
            "portfolio.angles.sizes: unknown key. Did you mean 'size'? Known: policy, size.",
        ),
        ({"angles": "ramp"}, "portfolio.angles: 'ramp' is wrong; expected a mapping such as {policy: ramp} or"),
        ({"angles": {"policy": "fixed"}}, "portfolio.angles.policy: 'fixed' is wrong; expected ramp or grid."),
        (
            {"angles": {"policy": "ramp", "size": 3}},
            "portfolio.angles.size: 3 is wrong; expected left out unless angles.policy is grid.",
        ),
        (
            {"angles": {"policy": "grid", "size": 33}},
            "portfolio.angles.size: 33 is wrong; expected a whole number from 1 to 32.",
        ),
        ({"budget": 0}, "portfolio.budget: 0 is wrong; expected a whole number from 1 to 1000000."),
        ({"budget": True}, "portfolio.budget: True is wrong; expected a whole number from 1 to 1000000."),
        ({"budget": 2.0}, "portfolio.budget: 2.0 is wrong; expected a whole number from 1 to 1000000."),
        (
            {"risk_aversion": -1},
            "portfolio.risk_aversion: -1 is wrong; expected a finite number of at least 0.",
        ),
        (
            {"risk_aversion": float("nan")},
            "portfolio.risk_aversion: nan is wrong; expected a finite number of at least 0.",
        ),
        ({"periods_per_year": 0}, "portfolio.periods_per_year: 0 is wrong; expected a finite number above 0."),
        ({"penalty": "big"}, "portfolio.penalty: 'big' is wrong; expected auto or a finite number above 0."),
        ({"penalty": float("inf")}, "portfolio.penalty: inf is wrong; expected auto or a finite number above 0."),
        ({"depths": []}, "portfolio.depths: [] is wrong; expected a list such as [1, 2, 3]."),
        ({"depths": 3}, "portfolio.depths: 3 is wrong; expected a list such as [1, 2, 3]."),
        ({"depths": [0]}, "portfolio.depths: 0 is wrong; expected a whole number from 1 to 50."),
        ({"depths": [1, 1]}, "portfolio.depths: [1, 1] is wrong; expected a list of different numbers."),
        ({"descent": "no"}, "portfolio.descent: 'no' is wrong; expected true or false."),
    ],
)
def test_parse_options_refuses_with_key_value_and_remedy(raw, message):
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        parse_portfolio_options(raw)
