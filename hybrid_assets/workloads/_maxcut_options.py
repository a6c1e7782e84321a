"""The options of the workload `maxcut`: keys, defaults and ranges. Keep out what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from hybrid_assets.circuits.angles import MAX_FIXED_DEPTH
from hybrid_assets.workloads._options import MAX_DEPTH, TRAINED, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.workloads._options import Training

POLICIES = ("fixed", "ramp", "grid", TRAINED)
KEYS = ("depths", "angles", "descent")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCutOptions:
    """The workload's section of the settings, less the common keys."""

    #: QAOA depths, one kernel each (one for each part of a decomposed instance).
    depths: tuple[int, ...] = (1,)
    #: ``fixed`` falls back to ``ramp`` on graphs that are not regular; the kernel's facts say so. ``optimize`` begins
    #: at these and improves them on the backend, in rounds.
    policy: Literal["fixed", "ramp", "grid", "optimize"] = "fixed"
    #: Values of each slope in a grid.
    grid_size: int = 5
    #: Rounds of ``optimize``; None with the other policies.
    training: Training | None = None
    #: Whether samples are also scored after a one-flip descent.
    descent: bool = True


def parse_maxcut_options(raw: Mapping[str, Any]) -> MaxCutOptions:
    """Return typed options from a section of the settings.

    Raises:
        ConfigurationError: A key is unknown or a value is wrong; the message names it.
    """
    section = Section("maxcut")
    section.refuse_unknown(raw, KEYS)
    angles = section.angles(raw.get("angles", {}), POLICIES)
    is_fixed = angles.policy == "fixed"
    most, remark = (MAX_FIXED_DEPTH, " (deeper: policy ramp, grid or optimize)") if is_fixed else (MAX_DEPTH, "")
    return MaxCutOptions(
        depths=section.depths(raw.get("depths", (1,)), most=most, remark=remark),
        policy=cast("Literal['fixed', 'ramp', 'grid', 'optimize']", angles.policy),
        grid_size=angles.grid_size,
        training=angles.training,
        descent=section.flag("descent", raw.get("descent", True)),
    )
