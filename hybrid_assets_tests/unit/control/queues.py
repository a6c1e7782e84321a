"""Kernels, situations and plans to test with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from hybrid_assets.control.planning import plan
from hybrid_assets.control.plans import ClassRules, PlanRules
from hybrid_assets.control.sharing import FreeSlots
from hybrid_assets.control.sizing import SizeRules, SizeState
from hybrid_assets.model.jobs import JobLimits
from hybrid_assets.model.queue import KernelState, QueuedKernel, WorkClass

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
#: A job costs this much before its first kernel in all tests.
OVERHEAD_S = 2.0
MANY = FreeSlots(total=1000, exploratory=1000)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def kernel(name, *, waited_s=100.0, inputs_age_s=None, **facts):
    values = {
        "kernel_id": name,
        "backend": "qpu",
        "night": "2026-11-01",
        "workload": "maxcut",
        "instance": "i",
        "label": "",
        "correlation_id": name,
        "team": "red",
        "work_class": WorkClass.PRODUCTION,
        "group": "g",
        "rows": 1,
        "shots": 100,
        "payload_bytes": 10,
        "expected_s": 1.0,
        "state": KernelState.READY,
        "enqueued_at": ago(waited_s),
        "inputs_at": ago(waited_s if inputs_age_s is None else inputs_age_s),
    }
    return QueuedKernel(**(values | facts))


def fixed_size(size):
    """Return what makes jobs of this size at most."""
    return SizeState(rules=SizeRules(start=size))


def make_plan(queue, **situation):
    values = {
        "backend": "qpu",
        "free_slots": MANY,
        "now": NOW,
        "limits": JobLimits(),
        "rules": PlanRules(job_overhead_s=OVERHEAD_S),
        "sizes": fixed_size(4),
        "usage": {},
        "available_s": {},
    }
    return plan(queue, **(values | situation))


def ids(a_plan):
    return [batch.kernel_ids for batch in a_plan.batches]


def reasons(a_plan):
    return {name: entry.reason for entry in a_plan.waiting for name in entry.kernel_ids}


_kernels = st.builds(
    kernel,
    st.just(""),
    waited_s=st.integers(0, 200),
    team=st.sampled_from(["red", "blue", "green"]),
    work_class=st.sampled_from(WorkClass),
    group=st.sampled_from(["g", "h"]),
    split_group=st.sampled_from([None, None, None, "s"]),
    rows=st.integers(1, 5),
    shots=st.sampled_from([50, 100]),
    payload_bytes=st.integers(1, 50),
    expected_s=st.sampled_from([0.5, 1.0, 3.0, 30.0]),
    state=st.sampled_from([KernelState.READY] * 5 + [KernelState.BATCHED]),
    backend=st.sampled_from(["qpu"] * 5 + ["other"]),
    not_before=st.sampled_from([None, None, None, ago(1), ago(-1)]),
)
queues = st.lists(_kernels, max_size=40).map(
    lambda found: [replace(k, kernel_id=f"k{index:02d}") for index, k in enumerate(found)]
)
situations = st.fixed_dictionaries(
    {
        "free_slots": st.builds(
            lambda total, exploratory: FreeSlots(total=total, exploratory=min(total, exploratory)),
            st.integers(0, 12),
            st.integers(0, 12),
        ),
        "limits": st.builds(
            JobLimits,
            max_pubs=st.none() | st.integers(1, 5),
            max_executions=st.none() | st.integers(300, 1500),
            max_payload_bytes=st.none() | st.integers(40, 200),
            max_shots=st.sampled_from([None, 75]),
        ),
        "rules": st.builds(
            PlanRules,
            production=st.builds(ClassRules, linger_s=st.sampled_from([0, 60, 150])),
            exploratory=st.builds(
                ClassRules, linger_s=st.sampled_from([0, 150]), max_inputs_age_s=st.sampled_from([None, 100])
            ),
            job_overhead_s=st.just(OVERHEAD_S),
            max_job_s=st.sampled_from([None, 6.0, 40.0]),
        ),
        "sizes": st.builds(fixed_size, st.integers(1, 6)),
        "usage": st.dictionaries(
            st.tuples(st.sampled_from(WorkClass), st.sampled_from(["red", "blue"])), st.floats(0, 100)
        ),
        "available_s": st.dictionaries(st.sampled_from(["red", "blue"]), st.floats(0, 60)),
    }
)
