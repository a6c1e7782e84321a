"""Queue, run time and bill of the emulated QPU, as arithmetic."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.providers._emulator_machine import circuit_duration_s
from hybrid_assets.providers._emulator_queue import Waiting, billed_s, plan_starts, queue_wait_s
from hybrid_assets.providers._parsed import parse
from hybrid_assets_tests.unit.providers.pubs import compiled, line_device, measured_qubits, qaoa

JOBS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50)), max_size=20)


def waiting(jobs):
    return [Waiting(job_id=str(i), eligible_us=eligible, run_us=run) for i, (eligible, run) in enumerate(jobs)]


def plan(jobs, *, slots, busy=(), now=0):
    return plan_starts(waiting(jobs), busy_until_us=busy, slots=slots, not_before_us=now)


def test_one_slot_runs_jobs_one_after_the_other():
    # Eligible at 5: 5-15. Eligible at 7, slot free at 15: 15-25. Eligible at 40: 40-50.
    assert plan([(5, 10), (7, 10), (40, 10)], slots=1) == [5, 15, 40]


def test_two_slots_run_two_jobs_at_once():
    # 0-10 and 0-4; the third takes the slot that is free at 4, the fourth the one free at 10.
    assert plan([(0, 10), (0, 4), (0, 9), (0, 1)], slots=2) == [0, 0, 4, 10]


def test_jobs_wait_for_those_that_run_already():
    # Slots are free at 8 and 20; of three busy times only the two latest can belong to two slots.
    assert plan([(0, 5), (0, 5)], slots=2, busy=(20, 8, 3), now=2) == [8, 13]


@given(jobs=JOBS, slots=st.integers(1, 4), busy=st.lists(st.integers(0, 60), max_size=4), now=st.integers(0, 50))
def test_starts_are_first_in_first_out_within_the_slots(jobs, slots, busy, now):
    busy = busy[:slots]
    starts = plan(jobs, slots=slots, busy=busy, now=now)
    assert starts == sorted(starts)
    assert all(start >= max(now, eligible) for start, (eligible, _) in zip(starts, jobs, strict=True))
    for index, start in enumerate(starts):
        running = sum(starts[i] <= start < starts[i] + jobs[i][1] for i in range(index + 1))
        assert running + sum(end > start for end in busy) <= slots


@given(jobs=JOBS, slots=st.integers(1, 4))
def test_no_slot_idles_while_a_job_could_start(jobs, slots):
    """Every start has a reason: the job became eligible then, its predecessor started then, or a slot came free."""
    starts = plan(jobs, slots=slots)
    for index, start in enumerate(starts):
        ends = {starts[i] + jobs[i][1] for i in range(index)}
        assert start in {jobs[index][0], starts[index - 1] if index else 0, *ends}


@given(jobs=JOBS, slots=st.integers(1, 4))
def test_planning_one_by_one_from_the_latest_ends_gives_the_same(jobs, slots):
    """A submission plans only itself, from as many latest ends as there are slots; that must not change anything."""
    ends, starts = [], []
    for job in jobs:
        latest = sorted(ends, reverse=True)[:slots]
        starts += plan([job], slots=slots, busy=latest, now=starts[-1] if starts else 0)
        ends.append(starts[-1] + job[1])
    assert starts == plan(jobs, slots=slots)


def test_nothing_starts_in_times_that_are_closed():
    def after_closure(moment):
        return 30 if 10 <= moment < 30 else moment

    jobs = waiting([(5, 10), (6, 10)])
    starts = plan_starts(jobs, busy_until_us=(), slots=1, not_before_us=0, next_open_us=after_closure)
    assert starts == [5, 30]  # the first runs on through the closure, the second would start in it at 15


def test_queue_wait_has_its_median_and_sigma():
    assert queue_wait_s(0.5, median_s=40.0, sigma=0.7) == pytest.approx(40.0)
    assert queue_wait_s(0.8413447, median_s=40.0, sigma=0.7) == pytest.approx(40.0 * math.exp(0.7), rel=1e-5)
    assert queue_wait_s(0.1, median_s=40.0, sigma=0.0) == pytest.approx(40.0)
    assert queue_wait_s(0.0, median_s=40.0, sigma=0.7) > 0.0


@pytest.mark.parametrize(
    ("run_s", "step_s", "expected"),
    [
        pytest.param(3.4, 0.0, 3.4, id="as it is"),
        pytest.param(3.4, 1.0, 4.0, id="up"),
        pytest.param(4.0, 1.0, 4.0, id="a multiple stays"),
        pytest.param(0.1 + 0.2, 0.1, 0.3, id="rounding errors cost nothing"),
        pytest.param(0.0, 1.0, 0.0, id="nothing"),
    ],
)
def test_bills_are_rounded_up(run_s, step_s, expected):
    assert billed_s(run_s, step_s) == pytest.approx(expected)


def test_circuit_duration_is_its_longest_path():
    """On the line device: sx and x 30 ns, cz 70 ns, rz 0, measure 1 us."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(3, 3)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.rz(0.3, 1)
    circuit.cz(1, 2)
    circuit.sx(0)
    circuit.measure([0, 1, 2], [0, 1, 2])
    parsed = parse(circuit, num_slots=0, measured_qubits=(0, 1, 2))
    # sx 30 + cz 70 + cz 70 + measure 1000; the second sx and the measurement of qubit 0 run beside it.
    assert circuit_duration_s(parsed, line_device(3)) == pytest.approx(1.17e-6)


def test_every_layer_makes_a_circuit_longer():
    device = line_device(3)
    durations = []
    for depth in (1, 2, 3):
        isa = compiled(qaoa(3, ((0, 1), (1, 2)), depth), device)
        parsed = parse(isa, num_slots=2 * depth, measured_qubits=measured_qubits(isa))
        durations.append(circuit_duration_s(parsed, device))
    assert 1e-6 < durations[0] < durations[1] < durations[2] < 1e-5
