"""The options of the workload `portfolio`: keys, defaults and ranges. Keep out what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from hybrid_assets.workloads._options import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES = ("ramp", "grid")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioOptions:
    """The workload's section of the settings, less the common keys."""

    #: How many assets to choose; None: half of them, rounded down.
    budget: int | None = None
    #: q of ``mean.x - q x^T covariance x``.
    risk_aversion: float = 0.5
    #: None: as many as the dates show.
    periods_per_year: float | None = None
    #: QAOA depths, one kernel each.
    depths: tuple[int, ...] = (1, 2, 3)
    policy: Literal["ramp", "grid"] = "ramp"
    #: Values of each angle scale in a grid.
    grid_size: int = 5
    #: Weight of (number of ones - budget)^2 in the QUBO; None: derived, see `auto_penalty`.
    penalty: float | None = None
    #: Whether samples are also scored after a one-flip descent.
    descent: bool = True


KEYS = ("budget", "risk_aversion", "periods_per_year", "depths", "angles", "penalty", "descent")


def parse_portfolio_options(raw: Mapping[str, Any]) -> PortfolioOptions:
    """Return typed options from a section of the settings.

    Raises:
        ConfigurationError: A key is unknown or a value is wrong; the message names it.
    """
    section = Section("portfolio")
    section.refuse_unknown(raw, KEYS)
    angles = section.angles(raw.get("angles", {}), POLICIES)
    periods = raw.get("periods_per_year")
    penalty = raw.get("penalty", "auto")
    return PortfolioOptions(
        budget=None if raw.get("budget") is None else section.integer("budget", raw["budget"], 1, 1_000_000),
        risk_aversion=section.number("risk_aversion", raw.get("risk_aversion", 0.5), at_least_0=True),
        periods_per_year=None if periods is None else section.number("periods_per_year", periods),
        depths=section.depths(raw.get("depths", (1, 2, 3))),
        policy=cast("Literal['ramp', 'grid']", angles.policy),
        grid_size=angles.grid_size,
        penalty=None if penalty == "auto" else section.number("penalty", penalty, alternative="auto or "),
        descent=section.flag("descent", raw.get("descent", True)),
    )
