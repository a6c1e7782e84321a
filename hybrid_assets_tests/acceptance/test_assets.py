"""What a stage's end means in Dagster: published, pending, refused, failed."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import dagster as dg
import pytest

from hybrid_assets.defs.assets import StageAsset, build_asset
from hybrid_assets.errors import BackendUnavailableError, CheckFailedError, ProblemError
from hybrid_assets.model.stages import CheckOutcome, StageOutcome

NIGHTS = dg.DailyPartitionsDefinition(start_date=date(2026, 11, 1).isoformat())


class FakeProject:
    """Remembers nothing and has one earlier night."""

    settings = SimpleNamespace(alerts=None)

    def remember(self, asset, night, outcome):
        return [0.5, outcome.numbers.get("effect", 0.0)]


def spec(name, stage, *, deps=()):
    return StageAsset(
        key=("w", name),
        table="comparisons",
        description="An asset of a test, nothing more.",
        group="test",
        kinds=frozenset({"python"}),
        team="research",
        stage=stage,
        checks=("rule",),
        deps=deps,
    )


def materialize(stage):
    """Run a stage and one downstream of it; return the result and whether the second ran."""
    ran = []

    def downstream(project, night):
        ran.append(night)
        return StageOutcome(rows=0, data_version="x", checks=(CheckOutcome(name="rule", passed=True, description=""),))

    assets = [spec("first", stage), spec("second", downstream, deps=(("w", "first"),))]
    result = dg.materialize(
        [build_asset(a, NIGHTS) for a in assets],
        partition_key="2026-11-02",
        resources={"project": FakeProject()},
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return result, ran == ["2026-11-02"]


def outcome(*, passed=True, **changes):
    check = CheckOutcome(name="rule", passed=passed, description="why")
    return StageOutcome(**{"rows": 3, "data_version": "abc", "checks": (check,), **changes})


def test_a_finished_stage_is_materialized_with_numbers_version_and_checks():
    result, went_on = materialize(lambda project, night: outcome(numbers={"effect": -0.25, "n": 2}, headline="effect"))
    assert result.success
    assert went_on
    event = result.asset_materializations_for_node("w__first")[0]
    assert event.metadata["dagster/row_count"].value == 3
    assert event.metadata["effect"].value == -0.25
    assert event.metadata["effect_by_night"].value.startswith("![trend](data:image/svg+xml;base64,")
    assert len(event.metadata["effect_by_night"].value) < 1000, "Dagster shows longer Markdown as a link only"
    assert event.tags["dagster/data_version"] == "abc"
    assert [e.passed for e in result.get_asset_check_evaluations()] == [True, True]


def test_a_pending_stage_publishes_nothing_and_holds_back_what_needs_it():
    result, went_on = materialize(lambda project, night: outcome(pending="2 jobs are still pending", checks=()))
    assert result.success
    assert not went_on
    assert not result.asset_materializations_for_node("w__first")


def test_a_failed_check_is_recorded_and_nothing_is_published():
    def stage(project, night):
        check = CheckOutcome(name="rule", passed=False, description="2 rows repeat another's key.")
        raise CheckFailedError("w/first was not published.", checks=(check,))

    result, went_on = materialize(stage)
    assert not result.success
    assert not went_on
    assert not result.asset_materializations_for_node("w__first")
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.blocking, evaluation.description) == (
        False,
        True,
        "2 rows repeat another's key.",
    )


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        pytest.param(ProblemError("no", file="x.csv"), False, id="input"),
        pytest.param(BackendUnavailableError("maintenance"), True, id="transient"),
    ],
)
def test_only_a_transient_error_is_retried(error, retried, monkeypatch):
    monkeypatch.setattr("hybrid_assets.defs.failures.TRANSIENT_PAUSE_S", 0)
    calls = []

    def stage(project, night):
        calls.append(night)
        raise error

    result, went_on = materialize(stage)
    assert not result.success
    assert not went_on
    assert len(calls) == (3 if retried else 1)
