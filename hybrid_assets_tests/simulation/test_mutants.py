"""The gate: whatever mechanism is taken out of the control plane, the simulation notices."""

from __future__ import annotations

import pytest

from hybrid_assets.testing.simulation.schedule import run_schedule
from hybrid_assets_tests.simulation.mutants import MUTANTS

#: Each is caught within 250 schedules from the first seed; the rest is room for changes of the world.
FAST_SCHEDULES = 1_500
#: What the gate allows, from other seeds.
MOST_SCHEDULES = 10_000


def first_violation(mutant, *, first_seed, schedules):
    for seed in range(first_seed, first_seed + schedules):
        if violation := run_schedule(seed, parts=mutant.parts).violation:
            return violation
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught(mutant):
    violation = first_violation(mutant, first_seed=1, schedules=FAST_SCHEDULES)
    assert violation is not None, f"nothing noticed that there is no {mutant.name}"
    assert violation.startswith(mutant.breaks)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1_000_000, 2_000_000, 3_000_000])
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught_from_any_seed(mutant, seed):
    violation = first_violation(mutant, first_seed=seed, schedules=MOST_SCHEDULES)
    assert violation is not None, f"nothing noticed that there is no {mutant.name}"
    assert violation.startswith(mutant.breaks)
