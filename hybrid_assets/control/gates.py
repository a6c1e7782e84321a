"""Whether a workload's plan may spend: phases, thresholds and approvals. Fail closed.

| situation | answer |
| --- | --- |
| nothing metered is asked for | OPEN |
| phase ``simulate`` | REFUSED; an approval does not help |
| phase ``limited``, its share of the night is used up | REFUSED; an approval does not help |
| cost not known, or over a threshold, and approved | OPEN, or CAPPED in phase ``limited`` |
| the same, never approved or the approval has ended | WAITS |
| the same, rejected, or the approval has lapsed | REFUSED until it is approved anew |
| phase ``limited``, more than its share | CAPPED |
| else | OPEN |

Put what lets a plan through here; what was said about it is `approvals`', what a plan is `model.plans`'. Budgets hold
besides: a gate never widens them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hybrid_assets.control.approvals import Standing, Subject, approval_command, word_on
from hybrid_assets.errors import ApprovalRequiredError, ConfigurationError
from hybrid_assets.model.costs import total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from hybrid_assets.control.approvals import Word
    from hybrid_assets.model.gates import Approval
    from hybrid_assets.model.plans import PlanCell, SweepPlan


class Phase(StrEnum):
    """How far a workload may go on backends that cost money."""

    SIMULATE = "simulate"  # not at all
    LIMITED = "limited"  # a capped part of each night
    BROAD = "broad"  # as far as budgets and approvals allow


class GateKind(StrEnum):
    """What a gate says."""

    OPEN = "open"
    CAPPED = "capped"  # a part of the kernels may go
    WAITS = "waits"  # for an approval
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """When a plan needs a person, and what phase ``limited`` lets through at most."""

    #: A workload's night that may cost more money needs an approval; None: money alone never does.
    approve_over_money: float | None = None
    approve_over_qpu_s: float | None = None
    #: Billed seconds and kernels of a workload's night in phase ``limited``.
    limited_qpu_s: float = 60.0
    limited_kernels: int = 10
    #: Money of such a night; None: not capped. What is billed in money and not in seconds has no other price cap.
    limited_money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightUse:
    """What a workload's night was already let through on metered backends, before this plan: it counts as well."""

    kernels: int = 0
    #: High estimates of what still runs, bills of what is over.
    qpu_s: float = 0.0
    money: float = 0.0


UNUSED = NightUse()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """Whether a workload's plan may spend, and why."""

    kind: GateKind
    #: One or two sentences with the figures and what to do.
    reason: str
    #: What an approval would have to be of.
    plan_hash: str
    #: Kernels, billed seconds and money (of their high estimates) that may still go to metered backends; None: no cap.
    max_kernels: int | None = None
    max_qpu_s: float | None = None
    max_money: float | None = None
    #: Whether an approval would change the answer.
    needs_approval: bool = False
    #: The word that counted, where one was needed.
    approval: Approval | None = None

    @property
    def lets_through(self) -> bool:
        """Whether any kernel may go to a metered backend."""
        return self.kind in {GateKind.OPEN, GateKind.CAPPED}

    def allowed(self, high: Iterable[tuple[float, float]]) -> int:
        """Return how many of the first metered kernels may go.

        Args:
            high: The most each may be billed in seconds and in money, in an order that is the same whenever the plan is
                made.
        """
        if not self.lets_through:
            return 0
        count, used_s, used_money = 0, 0.0, 0.0
        for each_s, each_money in high:
            used_s, used_money = used_s + each_s, used_money + each_money
            is_over = self.max_qpu_s is not None and not used_s <= self.max_qpu_s
            is_dear = self.max_money is not None and not used_money <= self.max_money
            if is_over or is_dear or count == self.max_kernels:
                break
            count += 1
        return count

    def require(self) -> None:
        """Refuse to go on where nothing is let through.

        Raises:
            ApprovalRequiredError: A person has to approve first.
            ConfigurationError: The phase lets nothing through.
        """
        if self.lets_through:
            return
        if self.needs_approval:
            raise ApprovalRequiredError(self.reason, plan_hash=self.plan_hash)
        raise ConfigurationError(self.reason)


def gate(
    plan: SweepPlan,
    workload: str,
    *,
    approvals: Iterable[Approval],
    rules: GateRules,
    phase: Phase,
    now: datetime,
    used: NightUse = UNUSED,
) -> GateAnswer:
    """Decide whether a workload's part of a plan may spend.

    Args:
        plan: The night's plan.
        workload: The part that is asked about.
        approvals: Everything that was said, in any order, about other plans too.
        rules: Thresholds and caps.
        phase: The workload's.
        now: Time of the question.
        used: What was let through tonight before and is not part of the plan.

    Returns:
        The answer; it concerns metered backends only, the others are always free to run.

    Raises:
        UsageError: The plan has no such workload.
    """
    plan_hash = plan.hash_of(workload)
    spending = [cell for cell in plan.cells_of(workload) if cell.buys]
    if not spending:
        return GateAnswer(kind=GateKind.OPEN, reason="Nothing is bought: all of it is free or known.",
                          plan_hash=plan_hash)  # fmt: skip
    cap = _cap(rules, used) if phase is Phase.LIMITED else None
    if closed := _closed(spending, phase=phase, cap=cap, rules=rules, used=used):
        return GateAnswer(kind=GateKind.REFUSED, reason=closed, plan_hash=plan_hash)
    approval = None
    if why := _why_approve(spending, cap=cap, rules=rules, used=used):
        subject = Subject(night=plan.night, workload=workload, plan_hash=plan_hash, parts=plan.parts_of(workload))
        word = word_on(subject, approvals, now=now)
        if word.standing is not Standing.GIVEN:
            return _waiting(word, why=f"{workload} on {_names(spending)}: {why}", plan_hash=plan_hash)
        approval = word.approval
        why = f"{why} {word.reason}"
    return _let_through(spending, cap, why=why or "No threshold is passed.", plan_hash=plan_hash, approval=approval)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cap:
    """What phase ``limited`` still lets through."""

    kernels: int
    qpu_s: float
    money: float | None

    @property
    def is_used_up(self) -> bool:
        return self.kernels <= 0 or not self.qpu_s > 0 or (self.money is not None and not self.money > 0)

    def __str__(self) -> str:
        money = "" if self.money is None else f" and {self.money:g} of money"
        return f"{self.kernels} kernels and {self.qpu_s:g} QPU s{money}"


def _cap(rules: GateRules, used: NightUse) -> _Cap:
    return _Cap(
        kernels=rules.limited_kernels - used.kernels,
        qpu_s=rules.limited_qpu_s - used.qpu_s,
        money=None if rules.limited_money is None else rules.limited_money - used.money,
    )


def _closed(
    spending: Sequence[PlanCell], *, phase: Phase, cap: _Cap | None, rules: GateRules, used: NightUse
) -> str | None:
    """Return why the phase lets nothing through; None where it lets something through."""
    workload, night = spending[0].workload, spending[0].night
    how = f"Set workloads.{workload}.phase in sweep.yaml to"
    if phase is Phase.SIMULATE:
        return f"Phase simulate: {workload} may not use {_names(spending)}. {how} limited or broad to let it."
    if cap is not None and cap.is_used_up:
        spent = "" if rules.limited_money is None else f" and {used.money:g}"
        return (
            f"Phase limited: {workload} has {_cap(rules, UNUSED)} a night "
            f"and has used {used.kernels} and {used.qpu_s:g}{spent} on {night}. {how} broad to let more through."
        )
    return None


def _names(spending: Sequence[PlanCell]) -> str:
    return ", ".join(cell.backend for cell in spending)


def _why_approve(spending: Sequence[PlanCell], *, cap: _Cap | None, rules: GateRules, used: NightUse) -> str | None:
    """Return why a person has to look at it; None where nobody has to."""
    qpu_s, money = total(cell.qpu_s for cell in spending), total(cell.money for cell in spending)
    if qpu_s is None or money is None:
        return "What it may cost is not known."
    high_s, high_money = qpu_s.high, money.high
    if cap is not None and high_s > cap.qpu_s:
        high_money = min(high_money, cap.qpu_s * max(map(_price, spending)))
        high_s = cap.qpu_s
    if cap is not None and cap.money is not None:
        high_money = min(high_money, cap.money)
    for what, high, limit in (
        ("QPU s", used.qpu_s + high_s, rules.approve_over_qpu_s),
        ("of money", used.money + high_money, rules.approve_over_money),
    ):
        # Written so that a figure that is no number is over every limit.
        if limit is not None and not high <= limit:
            return f"The night may take up to {high:g} {what}; more than {limit:g} needs an approval."
    return None


def _price(cell: PlanCell) -> float:
    """Return the money a second costs; without any seconds it may be anything."""
    if cell.qpu_s is None or cell.money is None or cell.qpu_s.high <= 0:
        return math.inf
    return cell.money.high / cell.qpu_s.high


def _waiting(word: Word, *, why: str, plan_hash: str) -> GateAnswer:
    is_refused = word.standing in {Standing.REJECTED, Standing.LAPSED}
    return GateAnswer(
        kind=GateKind.REFUSED if is_refused else GateKind.WAITS,
        reason=f"{why} {word.reason} To approve it: {approval_command(plan_hash)}",
        plan_hash=plan_hash,
        needs_approval=True,
        approval=word.approval,
    )


def _let_through(
    spending: Sequence[PlanCell], cap: _Cap | None, *, why: str, plan_hash: str, approval: Approval | None
) -> GateAnswer:
    qpu_s, kernels = total(cell.qpu_s for cell in spending), sum(cell.new_kernels for cell in spending)
    if cap is None:
        return GateAnswer(kind=GateKind.OPEN, reason=why, plan_hash=plan_hash, approval=approval)
    wanted = [(qpu_s, cap.qpu_s, "QPU s")]
    if cap.money is not None:
        wanted.append((total(cell.money for cell in spending), cap.money, "of money"))
    fits = kernels <= cap.kernels and all(high is not None and high.high <= most for high, most, _ in wanted)
    said = ", ".join(f"{'unknown' if high is None else f'up to {high.high:g}'} {unit}" for high, _, unit in wanted)
    reason = f"{why} Phase limited: {cap} are left tonight; wanted: {kernels} kernels, {said}."
    return GateAnswer(
        kind=GateKind.OPEN if fits else GateKind.CAPPED,
        reason=reason,
        plan_hash=plan_hash,
        max_kernels=cap.kernels,
        max_qpu_s=cap.qpu_s,
        max_money=cap.money,
        approval=approval,
    )
