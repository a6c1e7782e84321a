"""The control plane with one mechanism taken out: each must break a promise that the simulation notices.

Put a mutant here for every mechanism a promise rests on; product code has no switch for any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hybrid_assets.model.queue import KernelState
from hybrid_assets.testing.ledger import InMemoryLedger
from hybrid_assets.testing.simulation.provider import SimulatedProvider
from hybrid_assets.testing.simulation.scenario import priced
from hybrid_assets.testing.simulation.schedule import Parts


class BlindProvider(SimulatedProvider):
    """No look-up by tag: every listing is empty."""

    def find(self, request_id, at_s):
        self.answer(at_s)
        return ()


class UnfencedLedger(InMemoryLedger):
    """A write counts, whoever makes it."""

    def _held(self, lease):
        return self._batches.get(lease.batch_id)


class LeaselessLedger(InMemoryLedger):
    """A batch may be taken over at any time."""

    def _is_claimable(self, batch, now):
        return super()._is_claimable(replace(batch, lease_until=None), now)


class UnreservedLedger(InMemoryLedger):
    """Budgets know what was spent, not what is on its way."""

    def _reserve(self, proposal):
        pass

    def _settle(self, batch, ending):
        self._charge(batch, ending)


class BreakerlessLedger(InMemoryLedger):
    """A breaker never hears of a failure."""

    def _store_breaker(self, after, *, batch_id, now):
        pass


class SlotlessLedger(InMemoryLedger):
    """A batch on its way takes no slot."""

    def plan_batch(self, proposal, *, slots, **terms):
        return super().plan_batch(proposal, slots=slots + 1, **terms)


class UnauditedLedger(InMemoryLedger):
    """Nobody looks for duplicates once a batch is over."""

    def _is_claimable(self, batch, now):
        return super()._is_claimable(batch, now) and not batch.status.is_final


class UnlimitedLedger(InMemoryLedger):
    """Submissions leave as fast as they come."""

    def record_intent(self, lease, *, now, rule, rate):
        return super().record_intent(lease, now=now, rule=rule, rate=None)


class CoinlessLedger(InMemoryLedger):
    """Bills are kept in seconds alone."""

    def finish_batch(self, lease, *, ending, rule, now):
        return super().finish_batch(lease, ending=replace(ending, billed_money=None), rule=rule, now=now)


class ForgivingLedger(InMemoryLedger):
    """Kernels of a submission that nobody knows the end of are sent again by themselves."""

    def _move(self, batch, outcome):
        if outcome.error_class == "SubmissionUnknownError":
            outcome = replace(outcome, state=KernelState.READY)
        super()._move(batch, outcome)


def unlisted(scenario):
    """The provider cannot list jobs."""
    return replace(scenario, policy=replace(scenario.policy, supports_find=False))


def impatient(scenario):
    """An empty listing proves absence at once."""
    object.__setattr__(scenario.policy, "settle_s", 0.0)
    return scenario


def unhurried(scenario):
    """A submission leaves however long its process stood still since its intent."""
    policy = replace(scenario.policy, rate=None)
    object.__setattr__(policy, "send_s", 1e6)
    return replace(scenario, policy=policy)


@dataclass(frozen=True)
class Mutant:
    """A control plane without one mechanism."""

    name: str
    parts: Parts
    #: Part of the names of the promises that may break first.
    breaks: tuple[str, ...]


MUTANTS = (
    Mutant("lookup by tag", Parts(provider=BlindProvider), ("P2",)),
    Mutant("settle time", Parts(scenario=impatient), ("P2",)),
    Mutant("send deadline", Parts(scenario=unhurried), ("P2",)),
    Mutant("fence", Parts(ledger=UnfencedLedger), ("P2", "P3", "P4")),
    Mutant("lease", Parts(ledger=LeaselessLedger), ("P4 a live lease",)),
    Mutant("budget reservation", Parts(ledger=UnreservedLedger), ("P4 budget",)),
    Mutant("breaker", Parts(ledger=BreakerlessLedger), ("P4 probes",)),
    Mutant("slots", Parts(ledger=SlotlessLedger), ("P4 slots",)),
    Mutant("audit", Parts(ledger=UnauditedLedger), ("P2", "P5")),
    Mutant("end of the unknown", Parts(ledger=ForgivingLedger, scenario=unlisted), ("P2 executed once",)),
    Mutant("bill in money", Parts(ledger=CoinlessLedger, scenario=priced), ("P2 books agree", "P4 spent")),
    Mutant("rate", Parts(ledger=UnlimitedLedger), ("P4 rate",)),
)
