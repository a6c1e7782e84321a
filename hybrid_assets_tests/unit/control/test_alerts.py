"""What is worth an alarm, and when it is the same one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control import alerts
from hybrid_assets.control.alerts import AlarmKind
from hybrid_assets.model.queue import Breaker, BreakerState, Budget, BudgetUnit
from hybrid_assets.model.stages import CheckOutcome

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NIGHT = "2026-11-23"


def breaker(state=BreakerState.OPEN, *, opened_at=NOW, retry_at=NOW + timedelta(minutes=1), reason="maintenance."):
    return Breaker(backend="torino", state=state, opened_at=opened_at, retry_at=retry_at, reason=reason)


def budget(**changes):
    return replace(
        Budget(budget_id="research/2026-11-23/qpu_s", team="research", window=NIGHT, limit=100.0, spent=70.0), **changes
    )


def check(name="row_count", *, passed=False, blocking=True):
    return CheckOutcome(name=name, passed=passed, description="2 rows for 3 kernels.", blocking=blocking)


def budgets_told(*budgets, share=0.8, windows=(NIGHT,)):
    return list(alerts.budget_alarms(budgets, share=share, windows=windows))


def ids(found):
    return [alarm.alarm_id for alarm in found]


def test_an_open_breaker_is_told_with_its_reason_and_the_remedy():
    (alarm,) = alerts.breaker_alarms([breaker()])
    assert (alarm.kind, alarm.subject, alarm.remedy) == (AlarmKind.BREAKER, "torino", "hybrid-assets resume torino")
    assert alarm.text == (
        "The breaker of torino is open since 2026-11-24 03:00:00 UTC: maintenance. It lets a probe through by itself."
    )


def test_a_breaker_closed_by_hand_only_says_so():
    (alarm,) = alerts.breaker_alarms([breaker(retry_at=None)])
    assert alarm.text.endswith("It stays open until it is closed by hand.")


def test_a_closed_breaker_is_no_alarm():
    assert list(alerts.breaker_alarms([Breaker(backend="torino")])) == []


def test_a_breaker_is_one_alarm_through_its_probes_and_another_when_it_opens_again():
    first, probing = breaker(), breaker(BreakerState.HALF_OPEN)
    again = breaker(opened_at=NOW + timedelta(hours=1))
    one, same, other = ids(alerts.breaker_alarms([first, probing, again]))
    assert one == same != other


@pytest.mark.parametrize(
    ("spent", "reserved", "is_told"),
    [
        pytest.param(79.9, 0.0, False, id="below"),
        pytest.param(80.0, 0.0, True, id="reached"),
        pytest.param(70.0, 10.0, True, id="set-aside-counts"),
        pytest.param(0.1 + 0.7 * 100 + 9.9, 0.0, True, id="rounding-does-not-hide-it"),
        pytest.param(130.0, 0.0, True, id="over"),
        pytest.param(0.0, 0.0, False, id="nothing"),
    ],
)
def test_a_budget_is_told_from_its_share_on(spent, reserved, is_told):
    assert bool(budgets_told(budget(spent=spent, reserved=reserved))) is is_told


def test_a_budget_of_nothing_is_told_only_when_something_is_used():
    assert budgets_told(budget(limit=0.0, spent=0.0)) == []
    assert len(budgets_told(budget(limit=0.0, spent=1.0))) == 1


def test_a_budget_is_told_once_a_limit_whatever_is_spent_further():
    told, later, raised = budgets_told(budget(spent=80.0), budget(spent=95.0), budget(spent=190.0, limit=200.0))
    assert told.alarm_id == later.alarm_id != raised.alarm_id
    assert told.text == (
        "Team research has used 80 of 100 qpu_s of 2026-11-23 (80 spent, 0 set aside for jobs on their way)."
    )


def test_budgets_of_windows_nobody_looks_at_are_silent():
    assert budgets_told(budget(spent=99.0, window="2025-01-01")) == []


def test_units_are_budgets_of_their_own():
    shots = budget(budget_id="research/2026-11-23/shots", unit=BudgetUnit.SHOTS, spent=90.0)
    assert len(set(ids(budgets_told(budget(spent=90.0), shots)))) == 2


def test_a_check_that_fails_again_is_the_same_alarm_until_it_passed():
    """Failing at 3 and 4 is one happening; passing at 5 and failing at 6 is the next."""
    failing, seen = {}, []
    for hour, passed in ((3, False), (4, False), (5, True), (6, False)):
        checks = [check(passed=passed)]
        failing = alerts.still_failing(failing, checks, now=NOW.replace(hour=hour))
        seen.append(ids(alerts.check_alarms("maxcut/aer/quantum_results", NIGHT, failing, checks)))
    assert seen[0] == seen[1] != seen[3]
    assert seen[2] == []
    assert len(seen[3]) == 1


def test_a_check_that_was_not_tried_stays_as_it_was():
    before = {"row_count": "2026-11-24T01:00:00+00:00"}
    assert alerts.still_failing(before, [check("schema", passed=True)], now=NOW) == before


@pytest.mark.parametrize(("blocking", "ending"), [(True, "Nothing was published."), (False, "3 kernels.")])
def test_a_failed_check_says_whether_it_kept_rows_back(blocking, ending):
    checks = [check(blocking=blocking)]
    failing = alerts.still_failing({}, checks, now=NOW)
    (alarm,) = alerts.check_alarms("maxcut/decisions", NIGHT, failing, checks)
    assert alarm.text.startswith("Check row_count of maxcut/decisions, night 2026-11-23, failed: 2 rows for 3 kernels.")
    assert alarm.text.endswith(ending)


def test_a_gate_is_another_alarm_when_it_waits_for_another_reason():
    first, same, ended = (
        alerts.gate_alarm(night=NIGHT, workload="maxcut", reason=reason)
        for reason in ("Nobody has approved it.", "Nobody has approved it.", "The approval by ada ended.")
    )
    assert first.alarm_id == same.alarm_id != ended.alarm_id


def test_drift_is_one_alarm_a_calibration_and_another_when_a_calibration_comes_back():
    def drift(calibration_id, sighting):
        return alerts.drift_alarm(
            cell=f"{NIGHT}/maxcut/torino",
            backend="torino",
            calibration_id=calibration_id,
            sighting=sighting,
            reasons={"petersen/p1": "It fell to 0.8."},
        )

    assert drift("a" * 64, 2).alarm_id == drift("a" * 64, 2).alarm_id
    assert len({drift("a" * 64, 2).alarm_id, drift("b" * 64, 3).alarm_id, drift("a" * 64, 4).alarm_id}) == 3
    assert drift("a" * 64, 2).text == (
        "Calibration aaaaaaaaaaaa of torino overtook 1 circuits of 2026-11-23/maxcut/torino. "
        "petersen/p1: It fell to 0.8."
    )


def test_only_wanted_kinds_that_are_not_known_are_new_and_repeats_count_once():
    opened, spent = list(alerts.breaker_alarms([breaker()])), budgets_told(budget(spent=90.0))
    both = [*opened, *spent, *opened]
    assert alerts.new_alarms(both, on=("breaker", "budget"), is_known=lambda _: False) == [*opened, *spent]
    assert alerts.new_alarms(both, on=("budget",), is_known=lambda _: False) == spent
    assert alerts.new_alarms(both, on=("breaker", "budget"), is_known=lambda name: name in ids(opened)) == spent


@given(st.integers(min_value=1, max_value=10_000))
def test_the_wait_after_failures_grows_and_stays_bounded(failures):
    waits = alerts.retry_wait_s(failures), alerts.retry_wait_s(failures + 1)
    assert alerts.FIRST_RETRY_S <= waits[0] <= waits[1] <= alerts.MOST_RETRY_S


def test_the_first_waits_are_one_two_and_four_minutes():
    assert [alerts.retry_wait_s(failures) for failures in (1, 2, 3)] == [60.0, 120.0, 240.0]
