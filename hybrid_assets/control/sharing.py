"""Who comes next: slots reserved for production, weighted fair share between teams, ageing.

Put what orders kernels and classes here; which kernels then share a job is `lanes`', when it leaves is `planning`'s.

Within a class the kernel with the least rank goes first: seconds its team was served, divided by the team's weight,
less a credit for every second it waited. A kernel that was enqueued more than ``served / weight / ageing_credit``
seconds after another (of the other's team) can so never overtake it: what may stand before a kernel is finite, whatever
arrives later. Where the provider bills money and tells no seconds, a unit of money stands for a second served.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.queue import WorkClass

if TYPE_CHECKING:
    from collections.abc import Mapping

#: QPU seconds that were served to a team in a class, over a window the caller chooses (a day, say). The window bounds
#: how long one who did not ask for long may catch up at the cost of others.
Usage: TypeAlias = "Mapping[tuple[WorkClass, str], float]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSlots:
    """Jobs that may start now."""

    total: int
    #: How many of them may be exploratory; the others are reserved.
    exploratory: int


def free_slots(*, slots: int, running: Mapping[WorkClass, int], reserved: int) -> FreeSlots:
    """Count the jobs that may start.

    Exploratory jobs take idle slots, but never more at once than are not reserved.

    Args:
        slots: Jobs the backend may hold at once.
        running: Jobs on their way, by class.
        reserved: Slots that only production may take.

    Raises:
        ConfigurationError: Nothing would be left for exploration, for ever.
    """
    if not 0 <= reserved < slots:
        raise ConfigurationError(
            f"{reserved} of {slots} slots cannot be reserved for production: exploratory kernels would wait for ever. "
            "Reserve fewer slots in sweep.yaml."
        )
    total = max(slots - sum(running.values()), 0)
    exploratory = slots - reserved - running.get(WorkClass.EXPLORATORY, 0)
    return FreeSlots(total=total, exploratory=max(min(total, exploratory), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRules:
    """How teams and classes share a backend."""

    #: By team; a team that is not named has weight 1.
    weights: Mapping[str, float] = field(default_factory=dict)
    #: QPU seconds of another team's service that one second of waiting outweighs.
    ageing_credit: float = 0.05
    #: What exploratory kernels may take of the QPU seconds although production waits, once they waited too long.
    exploratory_share: float = 0.1
    #: Seconds an exploratory kernel waits before that share is given to it.
    exploratory_patience_s: float = 3600.0

    def __post_init__(self) -> None:
        if any(weight <= 0 for weight in self.weights.values()):
            raise ConfigurationError(f"Every weight must be positive, not {dict(self.weights)}; see sweep.yaml.")
        if self.ageing_credit <= 0 or not 0 < self.exploratory_share < 1 or self.exploratory_patience_s < 0:
            raise ConfigurationError(
                f"ageing_credit ({self.ageing_credit}) must be positive, exploratory_share ({self.exploratory_share}) "
                f"in (0, 1) and exploratory_patience_s ({self.exploratory_patience_s}) not negative; see sweep.yaml."
            )


class Served:
    """Seconds served to teams so far, what is being planned included."""

    def __init__(self, rules: ShareRules, usage: Usage) -> None:
        self.rules = rules
        self._used_s = dict(usage)

    def used_s(self, work_class: WorkClass, team: str) -> float:
        """Return the seconds a team was served in a class."""
        return self._used_s.get((work_class, team), 0.0)

    def weight(self, team: str) -> float:
        """Return a team's weight."""
        return self.rules.weights.get(team, 1.0)

    def rank(self, team: str, *, used_s: float, waited_s: float) -> float:
        """Return a kernel's rank; the least goes first."""
        return used_s / self.weight(team) - self.rules.ageing_credit * waited_s

    def charge(self, work_class: WorkClass, team: str, seconds: float) -> None:
        """Add what was planned for a team."""
        self._used_s[work_class, team] = self.used_s(work_class, team) + seconds

    def is_exploration_first(self, waited_s: float) -> bool:
        """Say whether an exploratory kernel that waited so long may go before production.

        Args:
            waited_s: Seconds the oldest exploratory kernel has waited.
        """
        if waited_s <= self.rules.exploratory_patience_s:
            return False
        explored_s = sum(s for (work_class, _), s in self._used_s.items() if work_class is WorkClass.EXPLORATORY)
        return explored_s < self.rules.exploratory_share * sum(self._used_s.values())
