"""Hypothesis chooses what goes wrong and when, and shrinks what it finds to a short, readable night."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from hybrid_assets.testing.simulation.checks import ViolationError, is_over
from hybrid_assets.testing.simulation.scenario import Fault, draw
from hybrid_assets.testing.simulation.schedule import Parts, build_world, run_to_end
from hybrid_assets_tests.simulation.mutants import BlindProvider, BreakerlessLedger, LeaselessLedger


def quiet(scenario):
    """Nothing goes wrong by itself; two workers."""
    return replace(
        scenario,
        num_workers=2,
        num_faults=0,
        p_job_fails=0.0,
        outages_s=(),
        throttles_s=(),
        recalibrated_s=None,
    )


class Night(RuleBasedStateMachine):
    """A night in which every trouble is a rule; at the end it must come out well."""

    parts = Parts(scenario=quiet)

    @initialize(seed=st.integers(0, 50))
    def begin(self, seed):
        self.world = build_world(seed, parts=self.parts)

    def change(self, **values):
        self.world.scenario = self.world.provider.scenario = replace(self.world.scenario, **values)

    @rule(steps=st.integers(1, 12))
    def go_on(self, steps):
        for _ in range(steps):
            self.world.step()

    @rule(number=st.integers(0, 1))
    def kill(self, number):
        self.world.kill(number)

    @rule(fault=st.sampled_from(Fault))
    def strike(self, fault):
        self.world.forced = fault

    @rule(begins_in_s=st.integers(0, 20), lasts_s=st.integers(1, 300))
    def outage(self, begins_in_s, lasts_s):
        begin = self.world.now_s + begins_in_s
        self.change(outages_s=(*self.world.scenario.outages_s, (begin, begin + lasts_s)))

    @rule(lasts_s=st.integers(1, 60))
    def throttle(self, lasts_s):
        now_s = self.world.now_s
        self.change(throttles_s=(*self.world.scenario.throttles_s, (now_s, now_s + lasts_s)))

    @rule()
    def recalibrate(self):
        self.change(recalibrated_s=self.world.now_s)

    def teardown(self):
        if hasattr(self, "world"):
            run_to_end(self.world)
            assert is_over(self.world)


SETTINGS = settings(
    max_examples=60, stateful_step_count=12, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_whatever_goes_wrong_the_night_ends_well():
    run_state_machine_as_test(Night, settings=SETTINGS)


@pytest.mark.parametrize(
    ("parts", "promise"),
    [
        pytest.param(Parts(scenario=quiet, provider=BlindProvider), "P2", id="lookup by tag"),
        pytest.param(Parts(scenario=quiet, ledger=LeaselessLedger), "P4 a live lease", id="lease"),
        pytest.param(Parts(scenario=quiet, ledger=BreakerlessLedger), "P4 probes", id="breaker"),
    ],
)
def test_rules_find_what_is_missing(parts, promise):
    machine = type("Mutant", (Night,), {"parts": parts})
    searching = settings(SETTINGS, max_examples=600, phases=[Phase.generate], print_blob=False)
    with pytest.raises(ViolationError, match=f"^{promise}"):
        run_state_machine_as_test(machine, settings=searching)


def test_scenarios_differ():
    """A scenario that never varied would make every other test here a test of one night."""
    nights = [draw(Random(seed)) for seed in range(30)]  # noqa: S311 - replayable chance
    assert len({(night.num_workers, night.policy.slots, len(night.kernels)) for night in nights}) > 10
