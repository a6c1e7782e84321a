"""The options of the workload `maxcut`: keys, defaults and ranges. Keep out what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from hybrid_assets.circuits.angles import MAX_FIXED_DEPTH
from hybrid_assets.workloads._options import MAX_DEPTH, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    section = Section("maxcut")
    section.refuse_unknown(raw, KEYS)
    policy, grid_size = section.angles(raw.get("angles", {}), POLICIES)
    most, remark = (MAX_FIXED_DEPTH, " (deeper: policy ramp or grid)") if policy == "fixed" else (MAX_DEPTH, "")
    return MaxCutOptions(
        depths=section.depths(raw.get("depths", (1,)), most=most, remark=remark),
        policy=cast("Literal['fixed', 'ramp', 'grid']", policy),
        grid_size=grid_size,
        descent=section.flag("descent", raw.get("descent", True)),
    )
