"""Every promise holds in every schedule, a seed replays exactly, and the faults really happen."""

from __future__ import annotations

from collections import Counter

import pytest

from hybrid_assets.model.queue import KernelState
from hybrid_assets.testing.simulation.__main__ import main
from hybrid_assets.testing.simulation.scenario import Fault
from hybrid_assets.testing.simulation.schedule import Parts, run_schedule
from hybrid_assets_tests.simulation.mutants import MUTANTS, unlisted

#: Far from the seeds with which the checks were developed.
FIRST_SEED = 700_000


def outcomes(number):
    return [run_schedule(seed) for seed in range(FIRST_SEED, FIRST_SEED + number)]


def assert_all_hold(found):
    assert [(o.seed, o.violation) for o in found if o.violation] == []


def test_promises_hold_in_some_schedules():
    found = outcomes(300)
    assert_all_hold(found)
    faults, states = Counter(), Counter()
    for outcome in found:
        faults.update(outcome.faults)
        states.update(outcome.states)
    assert set(faults) == set(Fault), "every kind of fault was met"
    assert states[KernelState.DONE] > states[KernelState.FAILED] > 0


def test_promises_hold_where_jobs_cannot_be_listed():
    """What is not known is left to a person, and never sent again."""
    found = [run_schedule(seed, parts=Parts(scenario=unlisted)) for seed in range(FIRST_SEED, FIRST_SEED + 200)]
    assert_all_hold(found)
    assert sum((o.faults for o in found), Counter())[Fault.LOST_REPLY] > 0


@pytest.mark.slow
def test_promises_hold_in_ten_thousand_schedules():
    assert_all_hold(outcomes(10_000))


def test_a_seed_replays_step_by_step():
    first, second = (run_schedule(11, with_trace=True) for _ in range(2))
    assert first == second
    assert len(first.trace) >= first.steps
    assert first.trace != run_schedule(12, with_trace=True).trace


def test_command_runs_schedules_and_replays_one(capsys):
    assert main(["--schedules", "5", "--seed", "3"]) == 0
    assert "5 schedules from seed 3: every promise held" in capsys.readouterr().out
    assert main(["--only", "3"]) == 0
    assert "Seed 3: every promise held" in capsys.readouterr().out


def test_command_prints_trace_and_seed_of_a_failure(capsys, monkeypatch):
    mutant = next(m for m in MUTANTS if m.name == "lease")
    monkeypatch.setattr(
        "hybrid_assets.testing.simulation.__main__.run_schedule",
        lambda seed, **options: run_schedule(seed, parts=mutant.parts, **options),
    )
    assert main(["--schedules", "20", "--seed", "1"]) == 1
    output = capsys.readouterr().out
    assert "P4 a live lease is nobody else's" in output
    assert "claim(" in output
    assert "--only " in output
