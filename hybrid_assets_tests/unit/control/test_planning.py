"""Which kernels make the next jobs, and why the others wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hybrid_assets.control.lanes import Closing
from hybrid_assets.control.plans import ClassRules, PlanRules, WaitReason
from hybrid_assets.control.sharing import FreeSlots, ShareRules
from hybrid_assets.control.sizing import JobObservation, SizeRules, SizeState, observe
from hybrid_assets.errors import CapacityError, ConfigurationError
from hybrid_assets.model.jobs import JobLimits
from hybrid_assets.model.queue import WorkClass
from hybrid_assets_tests.unit.control.queues import NOW, ago, fixed_size, ids, kernel, make_plan, reasons


def lingering(seconds, **rules):
    return PlanRules(production=ClassRules(linger_s=seconds, **rules))


def test_plan_batches_the_oldest_first_and_says_why():
    queue = [kernel("c", waited_s=10), kernel("a", waited_s=30), kernel("b", waited_s=20)]
    done = make_plan(queue, sizes=fixed_size(2))
    assert ids(done) == [("a", "b"), ("c",)]
    first, second = done.batches
    # 2 s of overhead and 1 s a kernel
    assert (first.closing, first.limit, first.expected_s, first.charges_s) == (Closing.SIZE, 2, 4.0, (("red", 4.0),))
    assert first.reason == "size 2; led by a of team red: waited 30 s, team served 0 s at weight 1"
    assert (second.closing, second.limit) == (Closing.LINGER, None)


@pytest.mark.parametrize(
    ("limits", "rules", "expected"),
    [
        pytest.param(JobLimits(max_pubs=2), {}, (Closing.MAX_PUBS, 2), id="pubs"),
        pytest.param(JobLimits(max_executions=299), {}, (Closing.MAX_EXECUTIONS, 299), id="executions"),
        pytest.param(JobLimits(max_payload_bytes=29), {}, (Closing.MAX_PAYLOAD_BYTES, 29), id="bytes"),
        # 2 s of overhead and 3 kernels of 1 s each are 5 s
        pytest.param(JobLimits(), {"max_job_s": 4.5}, (Closing.MAX_JOB_S, 4), id="seconds"),
    ],
)
def test_plan_closes_a_batch_at_the_limit_it_names(limits, rules, expected):
    done = make_plan([kernel(name) for name in "abc"], limits=limits, rules=PlanRules(**rules))
    assert ids(done) == [("a", "b"), ("c",)]
    assert (done.batches[0].closing, done.batches[0].limit) == expected


@pytest.mark.parametrize(
    ("limits", "rules", "message"),
    [
        pytest.param(JobLimits(max_shots=99), {}, "needs 100 shots a row, the backend takes 99", id="shots"),
        pytest.param(JobLimits(max_executions=199), {}, "needs 200 executions, the backend takes 199", id="rows"),
        pytest.param(JobLimits(max_payload_bytes=10), {}, "needs 11 payload bytes, the backend takes 10", id="bytes"),
        pytest.param(JobLimits(), {"max_job_s": 11}, "needs 12 seconds of QPU time, the backend takes 11", id="time"),
    ],
)
def test_plan_names_a_kernel_that_fits_no_job_and_plans_the_others(limits, rules, message):
    large = kernel("large", rows=2, payload_bytes=11, expected_s=10.0)
    small = kernel("small", shots=90, payload_bytes=1)
    done = make_plan([large, small], limits=limits, rules=PlanRules(**rules))
    assert ids(done) == [("small",)]
    (refusal,) = done.too_large
    with pytest.raises(CapacityError, match=f"Kernel large {message} in one job"):
        raise refusal.error


def test_plan_keeps_long_and_short_kernels_apart():
    """Up to 2 s all are alike; then up to 8 s, up to 32 s."""
    lengths = {"a": 0.1, "b": 2.0, "c": 2.1, "d": 7.9, "e": 8.1}
    done = make_plan([kernel(name, expected_s=s) for name, s in lengths.items()])
    assert ids(done) == [("a", "b"), ("c", "d"), ("e",)]


def test_plan_waits_for_company_until_the_oldest_kernel_lingered_long_enough():
    queue = [kernel("old", waited_s=50), kernel("new", waited_s=1)]
    done = make_plan(queue, rules=lingering(60))
    assert ids(done) == []
    (entry,) = done.waiting
    assert (entry.kernel_ids, entry.reason) == (("old", "new"), WaitReason.LINGER)
    assert entry.until_at == done.look_again_at == NOW + timedelta(seconds=10)
    assert ids(make_plan(queue, rules=lingering(60), now=NOW + timedelta(seconds=10))) == [("old", "new")]


def test_a_full_batch_does_not_linger_and_its_rest_does():
    queue = [kernel(name, waited_s=1) for name in "abcde"]
    done = make_plan(queue, rules=lingering(60), sizes=fixed_size(4))
    assert ids(done) == [("a", "b", "c", "d")]
    assert reasons(done) == {"e": WaitReason.LINGER}


def test_a_lingering_group_does_not_hold_up_another():
    queue = [kernel("oldest", group="thin", waited_s=20), *(kernel(n, group="full", waited_s=1) for n in "abcd")]
    done = make_plan(queue, rules=lingering(60), free_slots=FreeSlots(total=1, exploratory=1))
    assert ids(done) == [("a", "b", "c", "d")]
    assert reasons(done) == {"oldest": WaitReason.LINGER}


def test_freshness_forces_a_batch_out_before_linger_is_over():
    """A job is expected to take 100 s, so inputs that may be 600 s old must leave when they are 500 s old."""
    sizes = SizeState(latency_usual_s=96.0, kernel_s=1.0, rules=SizeRules(start=4))
    rules = lingering(3600, max_inputs_age_s=600)
    early = make_plan([kernel("k", waited_s=10, inputs_age_s=499)], rules=rules, sizes=sizes)
    assert early.look_again_at == NOW + timedelta(seconds=1)
    (batch,) = make_plan([kernel("k", waited_s=10, inputs_age_s=500)], rules=rules, sizes=sizes).batches
    assert batch.closing is Closing.FRESHNESS


def test_a_search_for_a_poison_kernel_does_not_linger():
    queue = [kernel("a", split_group="s"), kernel("b", split_group="s"), kernel("c")]
    done = make_plan(queue, rules=lingering(3600))
    assert ids(done) == [("a", "b")]
    assert done.batches[0].closing is Closing.SPLIT
    assert reasons(done) == {"c": WaitReason.LINGER}


def test_plan_names_the_slot_the_back_off_and_the_reserve_as_reasons():
    queue = [
        kernel("first", group="a", waited_s=200),
        kernel("second", group="b"),
        kernel("held", not_before=ago(-5)),
        kernel("explore", work_class=WorkClass.EXPLORATORY),
    ]
    assert reasons(make_plan(queue, free_slots=FreeSlots(total=1, exploratory=0))) == {
        "second": WaitReason.NO_SLOT,
        "held": WaitReason.BACK_OFF,
        "explore": WaitReason.NO_SLOT,
    }
    assert reasons(make_plan(queue, free_slots=FreeSlots(total=3, exploratory=0)))["explore"] is WaitReason.RESERVED


def test_plan_spends_a_budget_to_its_end_and_no_further():
    """A job costs 2 s and 1 s a kernel: 4 s pay for two kernels, and blue is not held up."""
    queue = [kernel(name, waited_s=9) for name in "abc"] + [kernel("d", team="blue", group="h")]
    done = make_plan(queue, available_s={"red": 4.0})
    assert ids(done) == [("d",), ("a", "b")] or ids(done) == [("a", "b"), ("d",)]
    assert reasons(done) == {"c": WaitReason.BUDGET}


def test_teams_share_a_job_and_its_overhead_by_kernel():
    """Two kernels of red and one of blue: 2 s and 1 s of their own, and 2/3 and 1/3 of 3 s of overhead."""
    queue = [kernel("a"), kernel("b"), kernel("c", team="blue")]
    (batch,) = make_plan(queue, rules=PlanRules(job_overhead_s=3.0)).batches
    assert batch.charges_s == (("blue", pytest.approx(2.0)), ("red", pytest.approx(4.0)))


def test_a_budget_that_another_job_used_up_is_a_reason_even_without_a_slot():
    queue = [kernel("a", group="g"), kernel("b", group="h")]
    done = make_plan(queue, available_s={"red": 5.0}, free_slots=FreeSlots(total=1, exploratory=1))
    assert reasons(done) == {"b": WaitReason.BUDGET}


def test_jobs_are_small_while_slots_are_free_and_large_when_kernels_press():
    """100 kernels over 4 slots are 25 a job; over one slot 40, the size that drains fastest."""
    sizes = SizeState(exact_size=40.0, exact_easy_size=10.0)
    queue = [kernel(f"{index:03d}", waited_s=10) for index in range(100)]
    many = make_plan(queue, sizes=sizes, free_slots=FreeSlots(total=4, exploratory=4))
    assert [len(batch) for batch in ids(many)] == [25, 25, 25, 25]
    one = make_plan(queue, sizes=sizes, free_slots=FreeSlots(total=1, exploratory=1))
    assert [len(batch) for batch in ids(one)] == [40]
    few = make_plan(queue[:12], sizes=sizes, free_slots=FreeSlots(total=4, exploratory=4))
    assert [len(batch) for batch in ids(few)] == [10, 2]


def test_decisions_say_what_was_made_and_what_was_not():
    queue = [kernel(name, waited_s=1) for name in "abcde"]
    made, left = make_plan(queue, rules=lingering(60)).decisions()
    assert (made.size, made.limit, made.decided_at, made.backend) == (4, 4, NOW, "qpu")
    assert (left.size, left.reason) == (1, "not planned: waits for company until 2026-11-01T12:00:59+00:00")


def test_a_batch_shrinks_after_failures():
    failed = JobObservation(size=16, turnaround_s=20.0, run_s=3.0, is_failed=True)
    sizes = observe(fixed_size(16), failed)
    assert sizes.size < 16
    queue = [kernel(f"{index:02d}") for index in range(16)]
    done = make_plan(queue, sizes=sizes, free_slots=FreeSlots(total=1, exploratory=1))
    assert len(ids(done)[0]) == sizes.size


def test_fairness_counts_what_was_served_and_weights():
    """Red was served 30 s at weight 3, blue 20 s at weight 1: 10 against 20, so red goes first."""
    queue = [kernel("r", group="r"), kernel("b", group="b", team="blue")]
    usage = {(WorkClass.PRODUCTION, "red"): 30.0, (WorkClass.PRODUCTION, "blue"): 20.0}
    rules = PlanRules(shares=ShareRules(weights={"red": 3.0}))
    assert ids(make_plan(queue, usage=usage, rules=rules)) == [("r",), ("b",)]
    assert ids(make_plan(queue, usage=usage)) == [("b",), ("r",)]


def test_where_money_is_billed_and_no_seconds_it_counts_in_fair_shares():
    """Red's job of 5.00 puts blue's 1.00 and 1.00 before red's second, although all of red's ids are smaller."""
    price = {"expected_s": 0.0, "expected_money": 5.0}
    cheap = {"expected_s": 0.0, "expected_money": 1.0, "team": "blue"}
    queue = [kernel(n, group=n, **price) for n in "ab"] + [kernel(n, group=n, **cheap) for n in "xy"]
    assert ids(make_plan(queue, rules=PlanRules(job_overhead_s=0.0))) == [("a",), ("x",), ("y",), ("b",)]
    mixed = [replace(each, group="g") for each in queue]
    assert ids(make_plan(mixed)) == [("a", "x", "y", "b")], "within a job too"


def test_equal_kernels_are_ordered_by_id():
    assert ids(make_plan([kernel("b"), kernel("a")], sizes=fixed_size(1))) == [("a",), ("b",)]


@pytest.mark.parametrize("rules", [{"job_overhead_s": -1}, {"short_s": 0}, {"similar_factor": 1}])
def test_rules_that_mean_nothing_are_refused(rules):
    with pytest.raises(ConfigurationError, match=next(iter(rules))):
        PlanRules(**rules)


def test_plan_of_nothing_is_empty():
    done = make_plan([replace(kernel("k"), backend="other")])
    assert (done.batches, done.waiting, done.too_large, done.look_again_at) == ((), (), (), None)


def test_exploratory_jobs_of_one_plan_share_the_slots_that_are_not_reserved():
    queue = [kernel(name, group=name, work_class=WorkClass.EXPLORATORY) for name in "abc"]
    done = make_plan(queue, free_slots=FreeSlots(total=3, exploratory=1))
    assert ids(done) == [("a",)]
    assert reasons(done) == {"b": WaitReason.RESERVED, "c": WaitReason.RESERVED}


def test_kernels_of_other_shots_get_another_job():
    queue = [kernel("a", shots=50), kernel("b", shots=100), kernel("c", shots=50)]
    assert ids(make_plan(queue)) == [("a", "c"), ("b",)]


def test_jobs_of_one_plan_count_for_the_next_ones_turn():
    """Jobs of 3 s each and equal waits: red, then blue, then red again, although all of red's ids are smaller."""
    queue = [kernel(name, group=name) for name in "abc"] + [kernel(n, group=n, team="blue") for n in "xyz"]
    assert ids(make_plan(queue)) == [("a",), ("x",), ("b",), ("y",), ("c",), ("z",)]
