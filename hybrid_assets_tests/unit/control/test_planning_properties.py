"""What holds for every plan, whatever the queue and the situation."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.lanes import Closing
from hybrid_assets.control.plans import WaitReason
from hybrid_assets.model.queue import KernelState, WorkClass
from hybrid_assets_tests.unit.control.queues import NOW, OVERHEAD_S, ids, make_plan, queues, reasons, situations

FULL = {Closing.SIZE, Closing.MAX_PUBS, Closing.MAX_EXECUTIONS, Closing.MAX_PAYLOAD_BYTES, Closing.MAX_JOB_S}


def members(a_plan, queue):
    by_id = {k.kernel_id: k for k in queue}
    return [(batch, [by_id[name] for name in batch.kernel_ids]) for batch in a_plan.batches]


@given(queues, situations)
def test_plan_accounts_for_every_ready_kernel_exactly_once(queue, situation):
    done = make_plan(queue, **situation)
    named = [*itertools.chain(*ids(done)), *reasons(done), *(entry.kernel_id for entry in done.too_large)]
    counted = sum(len(entry.kernel_ids) for entry in done.waiting)
    assert counted == len(reasons(done))
    assert sorted(named) == sorted(
        k.kernel_id for k in queue if k.state is KernelState.READY and k.backend == done.backend
    )


@given(queues, situations)
def test_plan_never_exceeds_a_limit_of_a_job(queue, situation):
    limits, rules = situation["limits"], situation["rules"]
    for batch, kernels in members(make_plan(queue, **situation), queue):
        used = {
            "size": (len(kernels), situation["sizes"].size),
            "pubs": (len(kernels), limits.max_pubs),
            "executions": (sum(k.executions for k in kernels), limits.max_executions),
            "bytes": (sum(k.payload_bytes for k in kernels), limits.max_payload_bytes),
            "shots": (max(k.shots for k in kernels), limits.max_shots),
            "seconds": (batch.expected_s, rules.max_job_s),
        }
        assert {what: pair for what, pair in used.items() if pair[1] is not None and pair[0] > pair[1]} == {}


@given(queues, situations)
def test_plan_never_mixes_what_is_not_alike(queue, situation):
    for batch, kernels in members(make_plan(queue, **situation), queue):
        alike = {(k.work_class, k.group, k.split_group, k.shots) for k in kernels}
        assert len(alike) == 1
        assert alike == {(batch.work_class, batch.group, kernels[0].split_group, kernels[0].shots)}
        longest, shortest = max(k.expected_s for k in kernels), min(k.expected_s for k in kernels)
        rules = situation["rules"]
        assert longest <= rules.short_s or longest < shortest * rules.similar_factor


@given(queues, situations)
def test_plan_takes_no_slot_that_is_not_free_or_is_reserved(queue, situation):
    taken = Counter(batch.work_class for batch in make_plan(queue, **situation).batches)
    assert taken.total() <= situation["free_slots"].total
    assert taken[WorkClass.EXPLORATORY] <= situation["free_slots"].exploratory


@given(queues, situations)
def test_plan_leaves_a_kernel_for_want_of_a_slot_only_when_slots_are_used_up(queue, situation):
    done = make_plan(queue, **situation)
    found, slots = set(reasons(done).values()), situation["free_slots"]
    exploratory = sum(batch.work_class is WorkClass.EXPLORATORY for batch in done.batches)
    assert WaitReason.NO_SLOT not in found or len(done.batches) == slots.total
    assert WaitReason.RESERVED not in found or exploratory == slots.exploratory


@given(queues, situations)
def test_plan_never_spends_more_than_a_team_has(queue, situation):
    charged = Counter()
    for batch, kernels in members(make_plan(queue, **situation), queue):
        assert sum(dict(batch.charges_s).values()) == pytest.approx(batch.expected_s)
        assert batch.expected_s == pytest.approx(OVERHEAD_S + sum(k.expected_s for k in kernels))
        charged.update(dict(batch.charges_s))
    for team, available_s in situation["available_s"].items():
        assert charged[team] <= available_s + 1e-9


@given(queues, situations)
def test_plan_sends_a_batch_that_is_not_full_only_when_it_must(queue, situation):
    """It lingered long enough, its inputs would become too old, or nobody else may join."""
    for batch, kernels in members(make_plan(queue, **situation), queue):
        rules = situation["rules"].of(batch.work_class)
        waited_s = (NOW - min(k.enqueued_at for k in kernels)).total_seconds()
        inputs_age_s = (NOW - min(k.inputs_at for k in kernels)).total_seconds()
        must = {
            Closing.LINGER: waited_s >= rules.linger_s,
            Closing.FRESHNESS: rules.max_inputs_age_s is not None and inputs_age_s >= rules.max_inputs_age_s,
            Closing.SPLIT: kernels[0].split_group is not None,
        }
        assert batch.closing in FULL or must[batch.closing]


@given(queues, situations)
def test_plan_lets_nothing_linger_beyond_its_time(queue, situation):
    for entry in make_plan(queue, **situation).waiting:
        assert entry.until_at is None or entry.until_at > NOW


@given(queues, situations, st.randoms(use_true_random=False))
def test_plan_does_not_depend_on_the_order_of_the_queue(queue, situation, random):
    """And so a plan can be replayed."""
    shuffled = list(queue)
    random.shuffle(shuffled)
    assert make_plan(shuffled, **situation) == make_plan(queue, **situation)


@given(queues, situations)
def test_plan_keeps_kernels_waiting_until_their_back_off_ends(queue, situation):
    held = {k.kernel_id for k in queue if k.not_before is not None and k.not_before > NOW}
    assert held.isdisjoint(itertools.chain(*ids(make_plan(queue, **situation))))
