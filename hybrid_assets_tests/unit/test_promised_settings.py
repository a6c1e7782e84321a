"""Ladders, objectives and latency budgets in `sweep.yaml`: read when it is loaded, refused by place."""

from __future__ import annotations

import pytest

from hybrid_assets.control.fallback import Rung, RungKind
from hybrid_assets.control.objectives import Objectives
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.settings import load_settings


def load(folder, promises):
    file = folder / "sweep.yaml"
    file.write_text(
        f"start: 2026-11-01\nworkloads:\n  maxcut: {{inputs: 'in/*.csv', {promises}}}\n"
        "backends:\n  qpu: {provider: emulator}\n  spare: {provider: aer}\n"
    )
    return load_settings(file)


def test_a_ladder_and_promises_are_read(tmp_path):
    settings = load(
        tmp_path,
        "fallback: [{other_backend: spare}, classical], slo: {success_rate: 0.9}, latency_budget_s: {decisions: 2}",
    )
    other = Rung(kind=RungKind.OTHER_BACKEND, backend="spare")
    assert settings.ladder("maxcut") == (other, Rung(kind=RungKind.CLASSICAL))
    assert settings.objectives("maxcut") == Objectives(success_rate=0.9, latency_budget_s={"decisions": 2.0})


def test_nothing_is_promised_by_default_nor_by_a_workload_that_is_gone(tmp_path):
    settings = load(tmp_path, "shots: 10")
    assert settings.ladder("maxcut") == ()
    assert settings.objectives("maxcut") == settings.objectives("gone") == Objectives()


@pytest.mark.parametrize(
    ("promises", "message"),
    [
        pytest.param(
            "fallback: [{other_backend: spar}]",
            r"workloads.maxcut.fallback\[0\]: unknown backend 'spar'. Did you mean 'spare'",
            id="backend",
        ),
        pytest.param("fallback: [simulatoin]", r"fallback\[0\]: unknown rung.*Did you mean 'simulation'", id="rung"),
        pytest.param(
            "slo: {turnaround: 5}", "slo.turnaround: unknown key. Did you mean 'turnaround_s'", id="objective"
        ),
        pytest.param("latency_budget_s: {reports: 5}", "latency_budget_s.reports: unknown key", id="stage"),
        pytest.param(
            "slo: {success_rate: 99}", "slo.success_rate: 99.0 is wrong; expected a number from 0 to 1", id="x"
        ),
    ],
)
def test_what_cannot_be_promised_is_refused_when_the_settings_are_loaded(tmp_path, promises, message):
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, promises)
