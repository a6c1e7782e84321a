"""What a schedule starts with: kernels, money, numbers and how bad the night will be, all drawn from its seed."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

from hybrid_assets.control.plans import ClassRules, PlanRules
from hybrid_assets.control.policy import DispatchPolicy
from hybrid_assets.control.retry import RetryRule
from hybrid_assets.model.ledger import BreakerRule, PostRate
from hybrid_assets.model.queue import BudgetUnit, KernelState, QueuedKernel, WorkClass

if TYPE_CHECKING:
    from collections.abc import Mapping

BACKEND = "simulated"
START = datetime(2026, 11, 23, 2, tzinfo=UTC)
NIGHT = "2026-11-23"
TEAM = "research"
#: Billed seconds: a job's own, and each kernel's; what one costs, and executions of a kernel.
OVERHEAD_S, KERNEL_S, PRICE_PER_S, SHOTS = 2.0, 3.0, 0.25, 100
#: Provider: longest time on the wire, longest delay of listings. Their sum is the policy's ``lag_s``.
WIRE_S, LISTING_S = 5.0, 15.0


class Nature(StrEnum):
    """What is in a kernel; nobody sees it before it runs."""

    HEALTHY = "healthy"
    POISON = "poison"  # brings its job down after execution
    REFUSED = "refused"  # the provider refuses any job that holds it
    SENSITIVE = "sensitive"  # fits only the target of before the recalibration


class Fault(StrEnum):
    """What may happen at one effect."""

    KILL_BEFORE = "kill before"
    KILL_AFTER = "kill after"
    PAUSE = "pause"  # the process stands still, maybe past its lease
    LOST_REQUEST = "lost request"
    LOST_REPLY = "lost reply"
    LATE_REQUEST = "late request"  # no answer, and it arrives after some time on the wire
    DUPLICATE = "duplicate delivery"
    CORRUPT = "corrupt transmission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A night before it happens."""

    kernels: tuple[QueuedKernel, ...]
    natures: dict[str, Nature]
    policy: DispatchPolicy
    rules: PlanRules
    #: One budget a unit.
    limits: Mapping[BudgetUnit, float]
    #: Else it asks for more than there is, and the ledger refuses.
    planner_knows_budgets: bool
    num_workers: int
    #: Kernels a planner puts into one job, and kernels a job can really hold.
    batch_size: int
    capacity: int
    #: Faults left to strike at single effects, and the chance of each effect to be struck.
    num_faults: int
    p_fault: float
    #: Probability that a job fails for no fault of its kernels, and that a failure names who is to blame.
    p_job_fails: float
    p_blames: float
    #: Times from the start at which the backend takes nothing (or answers 429).
    outages_s: tuple[tuple[float, float], ...] = ()
    throttles_s: tuple[tuple[float, float], ...] = ()
    recalibrated_s: float | None = None
    longest_queue_s: float = 30.0
    #: Whether the provider bills in money and tells no seconds.
    bills_money: bool = False
    #: How long a succeeded job's result may not be there yet.
    result_lag_s: float = 0.0
    faults: tuple[Fault, ...] = field(default_factory=lambda: tuple(Fault))


def draw(rng: Random) -> Scenario:
    """Draw a scenario; quiet nights and single troubles are as likely as everything at once."""
    number = rng.randint(1, 8)
    batch_size = rng.randint(1, 4)
    natures = {f"k{i}": _nature(rng) for i in range(number)}
    drawn = Scenario(
        kernels=tuple(_kernel(name, index) for index, name in enumerate(natures)),
        natures=natures,
        policy=_policy(rng),
        rules=PlanRules(production=ClassRules(linger_s=rng.choice((0.0, 0.0, 15.0))), job_overhead_s=OVERHEAD_S),
        limits=_limits(rng, number),
        planner_knows_budgets=rng.random() < 0.5,
        num_workers=rng.choice((1, 2, 2, 3)),
        batch_size=batch_size,
        capacity=rng.choice((1, 8, 8, 8)),
        num_faults=rng.choice((0, 3, 6, 12)),
        p_fault=rng.choice((0.02, 0.1, 0.3)),
        p_job_fails=rng.choice((0.0, 0.0, 0.3)),
        p_blames=rng.choice((0.0, 0.5)),
        outages_s=_spells(rng, chance=0.3, longest_s=400.0),
        throttles_s=_spells(rng, chance=0.2, longest_s=100.0),
        recalibrated_s=rng.uniform(0.0, 100.0) if rng.random() < 0.2 else None,
        longest_queue_s=rng.choice((0.0, 20.0, 60.0)),
        result_lag_s=rng.choice((0.0, 0.0, 10.0)),
    )
    coin = Random(copy(rng).random())  # noqa: S311 - no secret; of its own, so that a seed's night stays as it was
    return priced(drawn) if coin.random() < 0.3 else drawn


def priced(scenario: Scenario) -> Scenario:
    """Return the same night on a backend that is billed in money: what its seconds would have cost."""
    overhead_money = OVERHEAD_S * PRICE_PER_S
    return replace(
        scenario,
        bills_money=True,
        policy=replace(scenario.policy, overhead_s=0.0, overhead_money=overhead_money, price_per_s=0.0),
        kernels=tuple(replace(k, expected_s=0.0, expected_money=KERNEL_S * PRICE_PER_S) for k in scenario.kernels),
    )


def _limits(rng: Random, num_kernels: int) -> dict[BudgetUnit, float]:
    """Draw the limits; at most one unit is scarce."""
    total_s = num_kernels * (KERNEL_S + OVERHEAD_S)
    needed = {
        BudgetUnit.QPU_S: total_s,
        BudgetUnit.MONEY: total_s * PRICE_PER_S,
        BudgetUnit.SHOTS: float(num_kernels * SHOTS),
    }
    scarce = rng.choice((None, None, None, *BudgetUnit))
    plenty = {unit: 20.0 * amount for unit, amount in needed.items()}
    return plenty if scarce is None else plenty | {scarce: needed[scarce] * rng.choice((0.5, 1.0))}


def _policy(rng: Random) -> DispatchPolicy:
    return DispatchPolicy(
        slots=rng.randint(1, 3),
        lease_s=rng.choice((20.0, 60.0)),
        send_s=5.0,
        lag_s=WIRE_S + LISTING_S,
        settle_s=WIRE_S + LISTING_S + 5.0 + 1.0,
        hold_s=10.0,
        poll_first_s=1.0,
        poll_last_s=10.0,
        poll_growth=2.0,
        job_wait_s=rng.choice((45.0, 3600.0, 3600.0)),
        rate=rng.choice((None, None, PostRate(limit=3, window_s=60.0))),
        breaker=BreakerRule(threshold=2, pause_s=60.0),
        retry=RetryRule(first_wait_s=4.0, longest_wait_s=60.0),
        supports_find=rng.random() < 0.8,
        overhead_s=OVERHEAD_S,
        price_per_s=PRICE_PER_S,
        plan_every_s=20.0,
        budget_wait_s=120.0,
    )


def _nature(rng: Random) -> Nature:
    return rng.choices(tuple(Nature), weights=(82, 8, 4, 6))[0]


def _kernel(name: str, index: int) -> QueuedKernel:
    at = START + timedelta(milliseconds=index)
    return QueuedKernel(
        kernel_id=name,
        backend=BACKEND,
        night=NIGHT,
        workload="simulated",
        instance=name,
        label="p1",
        correlation_id=f"{NIGHT}/{name}",
        team=TEAM,
        work_class=WorkClass.PRODUCTION,
        group="alike",
        rows=1,
        shots=SHOTS,
        payload_bytes=100,
        expected_s=KERNEL_S,
        state=KernelState.READY,
        enqueued_at=at,
        inputs_at=at,
    )


def _spells(rng: Random, *, chance: float, longest_s: float) -> tuple[tuple[float, float], ...]:
    if rng.random() >= chance:
        return ()
    begin = rng.uniform(0.0, 120.0)
    return ((begin, begin + rng.uniform(1.0, longest_s)),)
