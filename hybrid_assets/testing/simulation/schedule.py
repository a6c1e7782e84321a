"""One schedule from its seed to its verdict. Put what a run of the world needs and how it ends here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hybrid_assets.testing.ledger import InMemoryLedger
from hybrid_assets.testing.simulation.checks import ViolationError, Watch, check_end, is_over
from hybrid_assets.testing.simulation.provider import SimulatedProvider
from hybrid_assets.testing.simulation.scenario import NIGHT, TEAM, Scenario, draw
from hybrid_assets.testing.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets.control.ledger import JobLedger

#: Far beyond what any schedule needs: one that is not over by then never will be.
MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a schedule is run with; a test exchanges one to see that the checks notice."""

    ledger: Callable[[], JobLedger] = InMemoryLedger
    provider: Callable[..., SimulatedProvider] = SimulatedProvider
    scenario: Callable[[Scenario], Scenario] = lambda scenario: scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a schedule ended."""

    seed: int
    #: The broken promise; None: all held.
    violation: str | None
    steps: int
    virtual_s: float
    faults: Counter[str]
    states: Counter[str]
    #: What happened, step by step, where it was asked for.
    trace: tuple[str, ...] = ()


def run_schedule(seed: int, *, parts: Parts | None = None, with_trace: bool = False) -> Outcome:
    """Run the schedule of a seed: the same seed, the same steps."""
    world = build_world(seed, parts=parts or Parts(), with_trace=with_trace)
    violation = None
    try:
        run_to_end(world)
    except ViolationError as exc:
        violation = str(exc)
    return Outcome(
        seed=seed,
        violation=violation,
        steps=world.steps,
        virtual_s=world.now_s,
        faults=Counter(world.struck),
        states=Counter(kernel.state for kernel in world.ledger.kernels()),
        trace=tuple(world.trace or ()),
    )


def build_world(seed: int, *, parts: Parts, with_trace: bool = False) -> World:
    """Return the world of a seed before its first step."""
    rng = Random(seed)  # noqa: S311 - replayable chance is the point
    scenario = parts.scenario(draw(rng))
    ledger = parts.ledger()
    for unit, limit in scenario.limits.items():
        ledger.set_budget(f"{TEAM}/{NIGHT}/{unit}", team=TEAM, window=NIGHT, limit=limit, unit=unit)
    provider = parts.provider(scenario=scenario, rng=rng)
    return World(
        scenario=scenario,
        rng=rng,
        ledger=ledger,
        provider=provider,
        watch=Watch(),
        trace=[] if with_trace else None,
    )


def run_to_end(world: World) -> None:
    """Step until everything is over, then check it.

    Raises:
        ViolationError: A promise was broken on the way or at the end.
    """
    while world.steps < MOST_STEPS:
        worker = world.step()
        if worker.effect is None and is_over(world):
            check_end(world)
            return
    open_kernels = [k.kernel_id for k in world.ledger.kernels() if not k.state.is_final]
    raise ViolationError(f"P5 every wait ends: {open_kernels} are not over after {MOST_STEPS} steps")
