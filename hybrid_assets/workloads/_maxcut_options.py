"""The options of the workload `maxcut`: keys, defaults and ranges. Keep out what is done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from hybrid_assets.circuits.angles import MAX_FIXED_DEPTH
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.text import nearest

#: Deeper circuits are beyond what a nightly sweep can execute.
MAX_DEPTH = 50
#: A grid has size x size settings a depth; 32 x 32 already are 4 million executions of 4096 shots.
MAX_GRID_SIZE = 32
POLICIES = ("fixed", "ramp", "grid")
KEYS = ("depths", "angles", "descent")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCutOptions:
    """The workload's section of the settings, less the common keys."""

    #: QAOA depths, one kernel each (one for each part of a decomposed instance).
    depths: tuple[int, ...] = (1,)
    #: ``fixed`` falls back to ``ramp`` on graphs that are not regular; the kernel's facts say so.
    policy: Literal["fixed", "ramp", "grid"] = "fixed"
    #: Values of each slope in a grid.
    grid_size: int = 5
    #: Whether samples are also scored after a one-flip descent.
    descent: bool = True


def parse_maxcut_options(raw: Mapping[str, Any]) -> MaxCutOptions:
    """Return typed options from a section of the settings.

    Raises:
        ConfigurationError: A key is unknown or a value is wrong; the message names it.
    """
    _refuse_unknown(raw, KEYS, where="maxcut")
    angles = raw.get("angles", {})
    if not isinstance(angles, Mapping):
        raise _wrong("angles", angles, "a mapping such as {policy: fixed} or {policy: grid, size: 5}")
    _refuse_unknown(angles, ("policy", "size"), where="maxcut.angles")
    policy = angles.get("policy", "fixed")
    if policy not in POLICIES:
        raise _wrong("angles.policy", policy, "fixed, ramp or grid")
    if "size" in angles and policy != "grid":
        raise _wrong("angles.size", angles["size"], "left out unless angles.policy is grid")
    descent = raw.get("descent", True)
    if not isinstance(descent, bool):
        raise _wrong("descent", descent, "true or false")
    return MaxCutOptions(
        depths=_depths(raw.get("depths", (1,)), most=MAX_FIXED_DEPTH if policy == "fixed" else MAX_DEPTH),
        policy=cast("Literal['fixed', 'ramp', 'grid']", policy),
        grid_size=_integer("angles.size", angles.get("size", 5), most=MAX_GRID_SIZE),
        descent=descent,
    )


def _refuse_unknown(raw: Mapping[str, Any], known: tuple[str, ...], *, where: str) -> None:
    for key in raw:
        if key not in known:
            raise ConfigurationError(
                f"{where}.{key}: unknown key. {nearest(str(key), known)}Known: {', '.join(known)}."
            )


def _depths(raw: object, *, most: int) -> tuple[int, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise _wrong("depths", raw, "a list such as [1, 2, 3]")
    depths = tuple(_integer("depths", depth, most=most) for depth in raw)
    if len(set(depths)) < len(depths):
        raise _wrong("depths", list(depths), "a list of different numbers")
    return depths


def _integer(key: str, value: object, *, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        limit = " (deeper: policy ramp or grid)" if most == MAX_FIXED_DEPTH else ""
        raise _wrong(key, value, f"a whole number from 1 to {most}{limit}")
    return value


def _wrong(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"maxcut.{key}: {value!r} is wrong; expected {expected}.")
