"""The options of the workload `portfolio`: keys, defaults and ranges. Keep out what is done with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.text import nearest

MAX_DEPTH = 50
#: A grid has size x size settings a depth; 32 x 32 already are 4 million executions of 4096 shots.
MAX_GRID_SIZE = 32
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
    _refuse_unknown(raw, KEYS, where="portfolio")
    angles = raw.get("angles", {})
    if not isinstance(angles, Mapping):
        raise _wrong("angles", angles, "a mapping such as {policy: ramp} or {policy: grid, size: 5}")
    _refuse_unknown(angles, ("policy", "size"), where="portfolio.angles")
    policy = angles.get("policy", "ramp")
    if policy not in POLICIES:
        raise _wrong("angles.policy", policy, " or ".join(POLICIES))
    if "size" in angles and policy != "grid":
        raise _wrong("angles.size", angles["size"], "left out unless angles.policy is grid")
    descent = raw.get("descent", True)
    if not isinstance(descent, bool):
        raise _wrong("descent", descent, "true or false")
    periods = raw.get("periods_per_year")
    penalty = raw.get("penalty", "auto")
    return PortfolioOptions(
        budget=None if raw.get("budget") is None else _integer("budget", raw["budget"], 1, 1_000_000),
        risk_aversion=_number("risk_aversion", raw.get("risk_aversion", 0.5), at_least_0=True),
        periods_per_year=None if periods is None else _number("periods_per_year", periods),
        depths=_depths(raw.get("depths", (1, 2, 3))),
        policy=cast("Literal['ramp', 'grid']", policy),
        grid_size=_integer("angles.size", angles.get("size", 5), 1, MAX_GRID_SIZE),
        penalty=None if penalty == "auto" else _number("penalty", penalty, alternative="auto or "),
        descent=descent,
    )


def _refuse_unknown(raw: Mapping[str, Any], known: tuple[str, ...], *, where: str) -> None:
    for key in raw:
        if key not in known:
            raise ConfigurationError(
                f"{where}.{key}: unknown key. {nearest(str(key), known)}Known: {', '.join(known)}."
            )


def _depths(raw: object) -> tuple[int, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise _wrong("depths", raw, "a list such as [1, 2, 3]")
    depths = tuple(_integer("depths", depth, 1, MAX_DEPTH) for depth in raw)
    if len(set(depths)) < len(depths):
        raise _wrong("depths", list(depths), "a list of different numbers")
    return depths


def _integer(key: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _wrong(key, value, f"a whole number from {least} to {most}")
    return value


def _number(key: str, value: object, *, at_least_0: bool = False, alternative: str = "") -> float:
    kind = f"{alternative}a finite number {'of at least' if at_least_0 else 'above'} 0"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(key, value, kind)
    if value < 0 or (value == 0 and not at_least_0):
        raise _wrong(key, value, kind)
    return float(value)


def _wrong(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"portfolio.{key}: {value!r} is wrong; expected {expected}.")
