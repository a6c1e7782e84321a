"""What a person should be told: facts of now become alarms, each with an identity that says when it is the same one.

Put the rules here, as pure functions: what is worth an alarm, when it is told again, when a failed delivery is tried
again. Where facts come from and how alarms leave is `runner.alerting`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.budgets import TOLERANCE
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.queue import BreakerState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from hybrid_assets.model.queue import Breaker, Budget
    from hybrid_assets.model.stages import CheckOutcome

#: Seconds after the first failed delivery, doubled after each further one, and their limit.
FIRST_RETRY_S, MOST_RETRY_S = 60.0, 3600.0


class AlarmKind(StrEnum):
    """What may be told."""

    DRIFT = "drift"  # a calibration change overtook published results
    BUDGET = "budget"  # so much of it is spent or set aside
    GATE = "gate"  # a plan or a decision waits for a person
    CHECK = "check"  # rows broke a rule
    BREAKER = "breaker"  # nothing is submitted to a backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing a person should know."""

    kind: AlarmKind
    #: What it is about, e.g. a backend or ``night/workload/backend``.
    subject: str
    #: Tells one happening about a subject from the next: alarms that are alike in it are the same alarm.
    occurrence: str
    #: What happened, in one or two sentences, and the command that helps.
    text: str
    remedy: str
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def alarm_id(self) -> str:
        """The same whenever the same thing is seen again, in every process."""
        return fingerprint([self.kind.value, self.subject, self.occurrence])[:24]


def new_alarms(found: Iterable[Alarm], *, on: Collection[str], is_known: Callable[[str], bool]) -> list[Alarm]:
    """Return what is to be told: of the kinds that are wanted, and not told or waiting to be told already.

    Args:
        found: What is the case now, in any order; repeats count once.
        on: Kinds that are wanted.
        is_known: Tells whether an alarm's id was seen before.
    """
    wanted = {alarm.alarm_id: alarm for alarm in found if alarm.kind in on}
    return [alarm for name, alarm in wanted.items() if not is_known(name)]


def retry_wait_s(failures: int) -> float:
    """Return the seconds to wait after so many failed deliveries of one alarm, at least one."""
    return min(FIRST_RETRY_S * 2.0 ** min(failures - 1, 20), MOST_RETRY_S)


def breaker_alarms(breakers: Iterable[Breaker]) -> Iterator[Alarm]:
    """Yield an alarm for each breaker that is not closed: the same one until it was closed and opened again."""
    for one in breakers:
        if one.state is BreakerState.CLOSED or one.opened_at is None:
            continue
        by_itself = one.state is BreakerState.HALF_OPEN or one.retry_at is not None
        reason = (one.reason or "no reason is known").rstrip(".")
        yield Alarm(
            kind=AlarmKind.BREAKER,
            subject=one.backend,
            occurrence=one.opened_at.isoformat(),
            text=f"The breaker of {one.backend} is open since {one.opened_at:%Y-%m-%d %H:%M:%S} UTC: {reason}. "
            + ("It lets a probe through by itself." if by_itself else "It stays open until it is closed by hand."),
            remedy=f"hybrid-assets resume {one.backend}",
            facts={"backend": one.backend, "opened_at": one.opened_at.isoformat(), "is_closed_by_hand": not by_itself},
        )


def budget_alarms(budgets: Iterable[Budget], *, share: float, windows: Collection[str]) -> Iterator[Alarm]:
    """Yield an alarm for each budget of which so large a part is used: once for each limit that it is given.

    Args:
        budgets: All budgets.
        share: Part of the limit, above 0.
        windows: Nights and months that anybody still looks at.
    """
    for one in budgets:
        used = one.spent + one.reserved
        if one.window not in windows or used <= 0 or used < share * one.limit - TOLERANCE * max(one.limit, 1.0):
            continue
        yield Alarm(
            kind=AlarmKind.BUDGET,
            subject=one.budget_id,
            occurrence=f"{share:g} of {one.limit!r}",
            text=f"Team {one.team} has used {used:g} of {one.limit:g} {one.unit.value} of {one.window} "
            f"({one.spent:g} spent, {max(one.reserved, 0.0):g} set aside for jobs on their way).",
            remedy=f"hybrid-assets budget --team {one.team}",
            facts={
                "team": one.team,
                "window": one.window,
                "unit": one.unit.value,
                "limit": one.limit,
                "spent": one.spent,
                "reserved": max(one.reserved, 0.0),
            },
        )


def check_alarms(asset: str, night: str, failing: Mapping[str, str], checks: Iterable[CheckOutcome]) -> Iterator[Alarm]:
    """Yield an alarm for each failed check of an asset's partition.

    Args:
        asset: Key of the asset.
        night: Its partition.
        failing: Since when each check fails that failed before as well, by its name; see `still_failing`.
        checks: Outcomes of the latest materialization.
    """
    for one in checks:
        if not one.passed:
            kept = " Nothing was published." if one.blocking else ""
            yield Alarm(
                kind=AlarmKind.CHECK,
                subject=f"{night}/{asset}/{one.name}",
                occurrence=failing[one.name],
                text=f"Check {one.name} of {asset}, night {night}, failed: {one.description}{kept}",
                remedy=f"hybrid-assets show {night}",
                facts={"night": night, "asset": asset, "check": one.name, "is_blocking": one.blocking},
            )


def still_failing(before: Mapping[str, str], checks: Iterable[CheckOutcome], *, now: datetime) -> dict[str, str]:
    """Return since when each check fails: as before where it failed already, else since now.

    Args:
        before: What this returned for the partition's earlier materialization; checks that were not tried stay.
        checks: Outcomes of this one.
        now: Time of this one.
    """
    after = dict(before)
    for one in checks:
        if one.passed:
            after.pop(one.name, None)
        else:
            after.setdefault(one.name, now.isoformat())
    return after


def gate_alarm(*, night: str, workload: str, reason: str) -> Alarm:
    """Return the alarm that something waits for a person: another one for another plan or reason.

    Args:
        night: Night of the plan or decision.
        workload: Its workload.
        reason: Why it waits, with the command that approves it.
    """
    return Alarm(
        kind=AlarmKind.GATE,
        subject=f"{night}/{workload}",
        occurrence=reason,
        text=f"{workload}, night {night}, waits for a person. {reason}",
        remedy=f"hybrid-assets plan --night {night} --workload {workload}",
        facts={"night": night, "workload": workload},
    )


def drift_alarm(*, cell: str, backend: str, calibration_id: str, sighting: int, reasons: Mapping[str, str]) -> Alarm:
    """Return the alarm that a calibration overtook a published partition: one a partition and calibration.

    Args:
        cell: ``night/workload/backend``.
        backend: The backend.
        calibration_id: The one in force now.
        sighting: How many calibrations were seen by then; one that comes back is another happening.
        reasons: Why, by circuit.
    """
    first = next(iter(reasons.items()), None)
    example = f" {first[0]}: {first[1]}" if first else ""
    return Alarm(
        kind=AlarmKind.DRIFT,
        subject=cell,
        occurrence=f"{calibration_id} {sighting}",
        text=f"Calibration {calibration_id[:12]} of {backend} overtook {len(reasons)} circuits of {cell}.{example}",
        remedy=f"hybrid-assets calibration plan {backend}",
        facts={"cell": cell, "backend": backend, "calibration_id": calibration_id, "num_circuits": len(reasons)},
    )
