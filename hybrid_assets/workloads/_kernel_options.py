"""The options of the workload `kernel_classification`: keys, defaults and ranges. Keep out what is done with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.feature_map import ENTANGLEMENTS
from hybrid_assets.scoring.kernel_tuning import DEFAULT_BANDWIDTHS, DEFAULT_COSTS
from hybrid_assets.workloads._options import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bandwidths are tuned on simulated states; above this width that is no longer free.
MAX_COMPONENTS = 10
MAX_FOLDS = 20
MAX_REPETITIONS = 10
#: Values of one tuning grid; every classical rival gets as many settings.
MAX_GRID = 32
KEYS = ("num_components", "samples", "folds", "repetitions_of_map", "entanglement", "bandwidths", "C", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelOptions:
    """The workload's section of the settings, less the common keys."""

    #: Principal components, one qubit each.
    num_components: int = 4
    #: Rows in a stratified subset; None: all rows.
    samples: int | None = 40
    folds: int = 3
    #: Layers of the feature map.
    repetitions_of_map: int = 2
    #: ``linear`` or ``full``; the map without entanglement is a baseline.
    entanglement: str = "linear"
    #: Multipliers of the projected data to choose from, increasing.
    bandwidths: tuple[float, ...] = DEFAULT_BANDWIDTHS
    #: Penalties C of the support vector machine to choose from, increasing.
    costs: tuple[float, ...] = DEFAULT_COSTS
    #: Seed of the order of rows, hence of subset and folds.
    seed: int = 7


def parse_kernel_options(raw: Mapping[str, Any]) -> KernelOptions:
    """Return typed options from a section of the settings.

    Raises:
        ConfigurationError: A key is unknown or a value is wrong; the message names it.
    """
    section = Section("kernel_classification")
    section.refuse_unknown(raw, KEYS)
    default = KernelOptions()
    entangling = tuple(name for name in ENTANGLEMENTS if name != "none")
    samples = raw.get("samples", default.samples)
    return KernelOptions(
        num_components=section.integer(
            "num_components", raw.get("num_components", default.num_components), 1, MAX_COMPONENTS
        ),
        samples=None if samples == "all" else section.integer("samples", samples, 4, 5_000, alternative="all or "),
        folds=section.integer("folds", raw.get("folds", default.folds), 2, MAX_FOLDS),
        repetitions_of_map=section.integer(
            "repetitions_of_map", raw.get("repetitions_of_map", default.repetitions_of_map), 1, MAX_REPETITIONS
        ),
        entanglement=section.one_of("entanglement", raw.get("entanglement", default.entanglement), entangling),
        bandwidths=_grid(section, "bandwidths", raw.get("bandwidths", default.bandwidths)),
        costs=_grid(section, "C", raw.get("C", default.costs)),
        seed=section.integer("seed", raw.get("seed", default.seed), 0, 2**63 - 1),
    )


def _grid(section: Section, key: str, raw: object) -> tuple[float, ...]:
    expected = f"a list of 1 to {MAX_GRID} different finite numbers above 0, such as [0.1, 1, 10]"
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not 1 <= len(raw) <= MAX_GRID:
        raise section.wrong(key, raw, expected)
    for value in raw:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise section.wrong(key, raw, expected)
    if len(set(raw)) < len(raw):
        raise section.wrong(key, raw, expected)
    return tuple(sorted(float(value) for value in raw))
