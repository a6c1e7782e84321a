"""Reserved slots, fair share and ageing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.plans import PlanRules
from hybrid_assets.control.sharing import FreeSlots, Served, ShareRules, free_slots
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.queue import WorkClass
from hybrid_assets_tests.unit.control.queues import NOW, OVERHEAD_S, fixed_size, kernel, make_plan

ONE_SLOT = FreeSlots(total=1, exploratory=1)
PRODUCTION, EXPLORATORY = WorkClass.PRODUCTION, WorkClass.EXPLORATORY


def play(arrivals, *, rounds, round_s=10.0, until=None, sizes=1, usage=None, **shares):
    """Plan one job a round, with what was planned before as usage; return planned batches and when, in seconds.

    Args:
        arrivals: Function from the round to the kernels that arrive with it.
        rounds: How many at most.
        round_s: Seconds between rounds.
        until: Stop when this kernel has been planned.
        sizes: Kernels of a job.
        usage: Served before.
        shares: Rules.
    """
    queue, planned, used = {}, [], Counter(usage or {})
    rules = PlanRules(shares=ShareRules(**shares), job_overhead_s=OVERHEAD_S)
    for index in range(rounds):
        now_s = index * round_s
        queue |= {k.kernel_id: k for k in arrivals(index)}
        now = NOW + timedelta(seconds=now_s)
        done = make_plan(queue.values(), now=now, rules=rules, usage=used, sizes=fixed_size(sizes), free_slots=ONE_SLOT)
        for batch in done.batches:
            planned.append((batch, now_s))
            used.update({(batch.work_class, team): s for team, s in batch.charges_s})
            for name in batch.kernel_ids:
                del queue[name]
            if until in batch.kernel_ids:
                return planned
    return planned


def names(planned):
    return [name for batch, _ in planned for name in batch.kernel_ids]


def arriving(name, index, **facts):
    """Return a kernel that arrives with a round of 10 s."""
    return kernel(name, waited_s=-10 * index, **facts)


@pytest.mark.parametrize(
    ("running", "reserved", "expected"),
    [
        pytest.param({}, 0, (4, 4), id="idle"),
        pytest.param({}, 3, (4, 1), id="idle-reserved"),
        pytest.param({EXPLORATORY: 1}, 3, (3, 0), id="the-one-unreserved-slot-is-taken"),
        pytest.param({PRODUCTION: 3}, 3, (1, 1), id="production-sits-in-its-own-slots"),
        pytest.param({PRODUCTION: 4}, 1, (0, 0), id="all-taken"),
        pytest.param({EXPLORATORY: 6}, 1, (0, 0), id="fewer-slots-than-before"),
    ],
)
def test_free_slots_keeps_the_reserve_for_production(running, reserved, expected):
    found = free_slots(slots=4, running=running, reserved=reserved)
    assert (found.total, found.exploratory) == expected


@pytest.mark.parametrize("reserved", [-1, 4, 5])
def test_free_slots_refuses_a_reserve_that_starves_exploration(reserved):
    with pytest.raises(ConfigurationError, match=f"{reserved} of 4 slots cannot be reserved"):
        free_slots(slots=4, running={}, reserved=reserved)


@given(st.integers(1, 6), st.integers(0, 5), st.lists(st.sampled_from(WorkClass), max_size=30))
def test_exploration_never_holds_a_reserved_slot(slots, reserved, wishes):
    """However jobs come, exploratory ones hold at most the slots that are not reserved, and all together fit."""
    reserved = min(reserved, slots - 1)
    running = Counter()
    for wish in wishes:
        free = free_slots(slots=slots, running=running, reserved=reserved)
        if free.exploratory if wish is EXPLORATORY else free.total:
            running[wish] += 1
        assert running[EXPLORATORY] <= slots - reserved
        assert running.total() <= slots


@pytest.mark.parametrize("sizes", [1, 5])
@pytest.mark.parametrize("weights", [{"red": 1.0, "blue": 3.0}, {"red": 2.0, "blue": 1.0}, {}])
def test_served_seconds_converge_to_the_weights(weights, sizes):
    """Two teams that always wait are served in proportion; kernels of red are twice as long, which must not matter."""

    def arrivals(index):
        if index > 0:
            return []
        long = [kernel(f"r{i:04d}", expected_s=2.0, group="r") for i in range(300)]
        return long + [kernel(f"b{i:04d}", expected_s=1.0, group="b", team="blue") for i in range(300)]

    served = Counter()
    for batch, _ in play(arrivals, rounds=60, sizes=sizes, weights=weights):
        served.update(dict(batch.charges_s))
    per_weight = {team: served[team] / weights.get(team, 1.0) for team in ("red", "blue")}
    # What one is ahead of the other is at most one job, 2 s and 2 s a kernel.
    assert abs(per_weight["red"] - per_weight["blue"]) <= 2.0 + 2.0 * sizes


def test_teams_share_within_a_job_too():
    queue = [kernel(f"r{i}", waited_s=200) for i in range(8)] + [kernel(f"b{i}", team="blue") for i in range(8)]
    rules = PlanRules(shares=ShareRules(ageing_credit=1e-6))
    (first, *_) = make_plan(queue, sizes=fixed_size(8), rules=rules, free_slots=ONE_SLOT).batches
    assert Counter(name[0] for name in first.kernel_ids) == {"r": 4, "b": 4}


def test_no_kernel_is_overtaken_by_one_that_came_later_than_its_bound():
    """Red was served 50 s; each round a new team arrives that was served nothing.

    At a credit of 0.05 a second, 50 s are worth 1000 s: red's kernel is overtaken by the 100 that came within 1000 s
    (and at equal rank by none), never by a later one. Without a credit worth mentioning it is overtaken by all.
    """

    def arrivals(index):
        new = [arriving(f"n{index:03d}", index, team=f"team-{index}")]
        return [kernel("red", waited_s=0), *new] if index == 0 else new

    situation = {"rounds": 300, "until": "red", "usage": {(PRODUCTION, "red"): 50.0}}
    planned = play(arrivals, ageing_credit=0.05, **situation)
    assert names(planned)[-1] == "red"
    assert len(planned) == 101
    assert "red" not in names(play(arrivals, ageing_credit=1e-6, **situation))


@given(
    st.lists(st.tuples(st.sampled_from(WorkClass), st.sampled_from("abc"), st.integers(0, 5)), max_size=25),
    st.dictionaries(st.tuples(st.sampled_from(WorkClass), st.sampled_from("abc")), st.floats(0, 1000)),
)
def test_everything_that_arrives_is_planned_within_as_many_jobs_as_kernels(wishes, usage):
    """One slot, jobs of one kernel: each round that finds a kernel plans one, so nothing idles and nothing is left."""

    def arrivals(index):
        return [
            arriving(f"k{i:02d}", index, work_class=work_class, team=team, group=team)
            for i, (work_class, team, at) in enumerate(wishes)
            if at == index
        ]

    planned = play(arrivals, rounds=len(wishes) + 6, usage=usage)
    assert sorted(names(planned)) == [f"k{i:02d}" for i in range(len(wishes))]


def test_exploration_waits_for_production_and_then_gets_its_share():
    """Production always waits. After 600 s a tenth of the seconds is exploration's, not more."""

    def arrivals(index):
        new = [arriving(f"p{index:04d}", index, group="p")]
        explore = [kernel(f"e{i:04d}", waited_s=0, work_class=EXPLORATORY, group="e") for i in range(60)]
        return new + explore if index == 0 else new

    planned = play(arrivals, rounds=300, exploratory_patience_s=600.0, exploratory_share=0.1)
    early = [batch.work_class for batch, at_s in planned if at_s <= 600]
    assert set(early) == {PRODUCTION}
    explored = sum(batch.work_class is EXPLORATORY for batch, _ in planned)
    # All jobs are of 3 s, so the share of seconds is the share of jobs: 30 of 300, within the one that is being served.
    assert explored in {30, 31}


def test_exploration_takes_slots_that_production_leaves_idle():
    queue = [kernel("p", group="p"), kernel("e", group="e", work_class=EXPLORATORY)]
    done = make_plan(queue, free_slots=FreeSlots(total=2, exploratory=1))
    assert [batch.work_class for batch in done.batches] == [PRODUCTION, EXPLORATORY]


def test_production_goes_first_although_exploration_is_older_and_served_less():
    queue = [kernel("p", waited_s=1), kernel("e", waited_s=3000, work_class=EXPLORATORY)]
    done = make_plan(queue, usage={(PRODUCTION, "red"): 1e4}, free_slots=ONE_SLOT)
    assert [batch.work_class for batch in done.batches] == [PRODUCTION]


def test_served_leaves_the_callers_usage_alone():
    usage = {(PRODUCTION, "red"): 1.0}
    served = Served(ShareRules(), usage)
    served.charge(PRODUCTION, "red", 2.0)
    assert (served.used_s(PRODUCTION, "red"), usage[PRODUCTION, "red"]) == (3.0, 1.0)


@pytest.mark.parametrize(
    "rules",
    [
        {"weights": {"red": 0.0}},
        {"ageing_credit": 0.0},
        {"exploratory_share": 0.0},
        {"exploratory_share": 1.0},
        {"exploratory_patience_s": -1.0},
    ],
)
def test_rules_under_which_somebody_starves_are_refused(rules):
    with pytest.raises(ConfigurationError, match=r"sweep\.yaml"):
        ShareRules(**rules)
