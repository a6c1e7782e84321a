"""Telling a person what they should know: noticed where it happens or looked up, kept, delivered at least once.

What is to be told is written down first and crossed out after it was delivered; so a hook that is down, or a process
that dies, loses nothing, and an alarm that was told is not told again. Nothing here may fail a night: what goes wrong
with alarms is one sentence. The rules are `control.alerts`'s, the ways out `alert_hooks`'s.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.control import alerts as rules
from hybrid_assets.control.deciding import DecisionKind
from hybrid_assets.errors import ApprovalRequiredError, ConfigurationError, HybridAssetsError, ProviderError
from hybrid_assets.runner import alert_hooks
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.orders import Cell, open_orders
from hybrid_assets.runner.recalibrating import overtaken
from hybrid_assets.storage.files import locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hybrid_assets.control.alerts import Alarm
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.stages import CheckOutcome, StageOutcome
    from hybrid_assets.runner.project import Project
    from hybrid_assets.runner.recalibrating import Overtaken

#: Records of alarms: to be delivered, delivered; since when checks fail; when drift was looked for.
WAITING, TOLD, FAILING, LOOKED = "waiting", "told", "failing", "looked"
_SCOPE = "alerts"
#: Budgets of nights so long ago are nobody's concern any more, unless something of that night is under way.
RECENT_NIGHTS = 7
#: Seconds between two looks for drift: it asks every backend for its calibration.
DRIFT_LOOK_S = 300.0
#: After so many seconds no further delivery begins: a tick of a sensor may not take a minute.
DELIVERIES_S = 15.0
#: Version of the JSON document.
DOCUMENT_VERSION = 1


def note_outcome(project: Project, *, key: Sequence[str], night: str, outcome: StageOutcome) -> None:
    """Write down what the end of a stage has to tell: failed checks, a plan or a decision that waits for a person."""
    with _harmless(project):
        if project.settings.alerts is not None:
            _note_checks(project, "/".join(key), night, outcome.checks)
            _note(project, _gates(project, key, night, outcome))


def note_checks(project: Project, *, key: Sequence[str], night: str, checks: Sequence[CheckOutcome]) -> None:
    """Write down which checks kept a stage from publishing."""
    with _harmless(project):
        if project.settings.alerts is not None:
            _note_checks(project, "/".join(key), night, checks)


def note_drift(project: Project, backend: str, target: TargetDocument, found: Iterable[Overtaken]) -> None:
    """Write down which partitions a backend's calibration has overtaken."""
    with _harmless(project):
        sighting = len(project.calibrations.sightings(backend))
        _note(
            project,
            [
                rules.drift_alarm(
                    cell=one.cell.name,
                    backend=backend,
                    calibration_id=target.calibration_id,
                    sighting=sighting,
                    reasons=one.reasons,
                )
                for one in found
                if one.reasons
            ],
        )


def tell(project: Project, *, nights: Sequence[str] = ()) -> Sequence[str]:
    """Look what there is to tell, and deliver it and whatever waits; return one sentence for each failed delivery.

    Args:
        project: The project.
        nights: Nights at work, whose budgets are looked at however long ago they are.
    """
    if project.settings.alerts is None:
        return []
    try:
        _look(project, nights)
        return _deliver_all(project)
    except (HybridAssetsError, OSError) as exc:
        return [f"Alerts: {exc}"]


def undelivered(project: Project) -> Sequence[str]:
    """Return one sentence for each alarm that could not be delivered yet."""
    if project.settings.alerts is None:
        return []
    return [_waiting_sentence(record) for record in project.alerts.records(WAITING, _SCOPE)]


@contextmanager
def _harmless(project: Project) -> Iterator[None]:
    try:
        yield
    except (HybridAssetsError, OSError) as exc:
        project.report(f"Alerts: {exc}")


# --- what there is to tell


def _look(project: Project, nights: Sequence[str]) -> None:
    alerts, now = project.settings.alerts, utc_now()
    if alerts is None:
        return
    backends = tuple(project.settings.backends)
    _note(project, rules.breaker_alarms(project.ledger.breaker(name) for name in backends))
    windows = {f"{now:%Y-%m}", *nights, *(order.cell.night for order in open_orders(project))}
    windows |= {f"{now - timedelta(days=ago):%Y-%m-%d}" for ago in range(RECENT_NIGHTS + 1)}
    _note(project, rules.budget_alarms(project.ledger.budgets(), share=alerts.budget_share, windows=windows))
    if rules.AlarmKind.DRIFT in alerts.on and _is_due(project, now):
        for name in backends:
            try:
                target = project.target(name)
                note_drift(project, name, target, overtaken(project, name, target))
            except (ConfigurationError, ProviderError) as exc:
                project.report(f"Alerts: no drift can be seen on {name}. {exc}")


def _is_due(project: Project, now: datetime) -> bool:
    """Tell whether it is time to look for drift; then it is not for a while."""
    last = project.alerts.get(LOOKED, _SCOPE, "drift")
    if last and now < datetime.fromisoformat(last["at"]) + timedelta(seconds=DRIFT_LOOK_S):
        return False
    project.alerts.put(LOOKED, _SCOPE, "drift", {"at": now.isoformat()})
    return True


def _note_checks(project: Project, asset: str, night: str, checks: Sequence[CheckOutcome]) -> None:
    key = f"{night or 'latest'}.{asset.replace('/', '.')}"
    before = project.alerts.get(FAILING, _SCOPE, key) or {}
    after = rules.still_failing(before, checks, now=utc_now())
    if after != before:
        project.alerts.put(FAILING, _SCOPE, key, after)
    _note(project, rules.check_alarms(asset, night or "latest", after, checks))


def _gates(project: Project, key: Sequence[str], night: str, outcome: StageOutcome) -> Iterator[Alarm]:
    """Yield an alarm where a stage ended waiting for a person."""
    workload = key[0]
    if outcome.pending and len(key) == 3:
        cell = Cell(night=night, workload=workload, backend=key[1])
        code, sentence = project.pending.get(cell.name, (0, ""))
        if code == ApprovalRequiredError.exit_code:
            yield rules.gate_alarm(night=night, workload=workload, reason=sentence.removeprefix(f"{cell}: "))
    if key[-1] == "decisions" and not outcome.pending:
        for row in project.warehouse.read_rows("decisions", night=night, workload=workload):
            if row["decision"] == DecisionKind.WAIT_FOR_APPROVAL:
                yield rules.gate_alarm(night=night, workload=workload, reason=row["reason"])


def _note(project: Project, found: Iterable[Alarm]) -> None:
    """Write down what is new, before anything of it is delivered."""
    alerts = project.settings.alerts
    if alerts is None:
        return

    def is_known(name: str) -> bool:
        # In this order: who delivers writes the second before it removes the first.
        return any(project.alerts.get(kind, _SCOPE, name) is not None for kind in (WAITING, TOLD))

    for alarm in rules.new_alarms(found, on=alerts.on, is_known=is_known):
        document = {
            "version": DOCUMENT_VERSION,
            "id": alarm.alarm_id,
            "noted_at": utc_now().isoformat(),
            **{key: value for key, value in asdict(alarm).items() if key != "occurrence"},
        }
        project.alerts.put(WAITING, _SCOPE, alarm.alarm_id, {"alarm": document, "failures": 0})


# --- delivering


def _deliver_all(project: Project) -> list[str]:
    """Deliver what waits and whose time has come, the oldest first; nobody else does at the same time."""
    troubles = []
    with locked(project.home / "records" / "alerts") as is_ours:
        if not is_ours:
            return []
        until = time.monotonic() + DELIVERIES_S
        waiting = sorted(project.alerts.records(WAITING, _SCOPE), key=lambda record: record["alarm"]["noted_at"])
        for record in waiting:
            if time.monotonic() >= until:
                break
            if not _is_put_off(record) and (failed := _deliver(project, record)):
                troubles.append(failed)
    return troubles


def _deliver(project: Project, record: dict[str, Any]) -> str | None:
    name = record["alarm"]["id"]
    if project.alerts.get(TOLD, _SCOPE, name) is None:
        reason = alert_hooks.deliver(project.settings, json.dumps(record["alarm"], sort_keys=True).encode())
        now = utc_now()
        if reason is not None:
            failures = record["failures"] + 1
            next_at = now + timedelta(seconds=rules.retry_wait_s(failures))
            after = {**record, "failures": failures, "next_at": next_at.isoformat(), "error": reason}
            project.alerts.put(WAITING, _SCOPE, name, after)
            return _waiting_sentence(after)
        project.alerts.put(TOLD, _SCOPE, name, {"alarm": record["alarm"], "told_at": now.isoformat()})
    project.alerts.remove(WAITING, _SCOPE, name)
    return None


def _is_put_off(record: dict[str, Any]) -> bool:
    return "next_at" in record and utc_now() < datetime.fromisoformat(record["next_at"])


def _waiting_sentence(record: dict[str, Any]) -> str:
    alarm = record["alarm"]
    what = f"Alert not delivered yet: {alarm['kind']} {alarm['subject']}"
    if not record["failures"]:
        return f"{what}. The next `hybrid-assets collect` or sensor tick delivers it."
    again = datetime.fromisoformat(record["next_at"])
    return f"{what} ({record['failures']} failed, again from {again:%H:%M:%S} UTC on). {record['error']}"
