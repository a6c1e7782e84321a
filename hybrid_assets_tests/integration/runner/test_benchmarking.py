"""Benchmarks through the real control plane: what they execute, what they leave alone, and what they add up."""

from __future__ import annotations

from collections import Counter

import pytest

from hybrid_assets.errors import ApprovalRequiredError, ConfigurationError
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.runner.benchmarking import run_benchmark, unapproved
from hybrid_assets.runner.benchmarking_cases import Wanted
from hybrid_assets.runner.collecting import collect, progress
from hybrid_assets.runner.comparing import compare
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.exporting import export_attempts
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.recalibrating import latest_cells
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets.runner.steering import set_breaker
from hybrid_assets.storage.snapshot import query
from hybrid_assets_tests.integration.cli.commands import until
from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE, open_night, run_night
from hybrid_assets_tests.integration.runner.pools import with_shared_pool

#: No queue, and errors as a mixture with random bits, which takes a tenth of the time of a full simulation.
FAST = "queue_median_s: 0, queue_sigma: 0, retry_wait_s: 0.01, density_matrix_qubits: 0, price_per_s: 1.5"
TOP = "  aer: {provider: aer}\nbenchmark: {repetitions: 2, shots: [32, 64]}\nbaseline_limit_s: 1\n"
#: Tables of a night that a benchmark must not touch.
OF_NIGHTS = ("normalized_inputs", "compiled_circuits", "quantum_results", "comparisons", "verdicts", "job_attempts")
LATER = "2026-11-21"


def opened(folder, *, backend="", workload="", top=TOP, graphs=None):
    project = open_night(folder, backend=f"{FAST}{backend}", workload=workload, top=top, graphs=graphs)
    return with_shared_pool(project)


def benchmark(project, night=NIGHT, **wanted):
    return run_benchmark(project, Wanted(night=night, **wanted))


def paid(project):
    """In how many jobs that succeeded each kernel was, as the emulator has it."""
    jobs = project.provider("qpu").books()
    return Counter(name for job in jobs if job["status"] is JobStatus.SUCCEEDED for name in job["kernel_ids"])


def posts(project):
    return len(project.provider("qpu").posts())


def trials(project, **partition):
    return project.warehouse.read_rows("benchmark_trials", **partition)


def asked(project):
    """Return the kernels of all benchmarks."""
    return [kernel for kernel in project.ledger.kernels() if kernel.night.startswith("benchmark-")]


def state_of_nights(project):
    """Return what is published of nights, by table and partition."""
    return {
        (table, *sorted(part.items())): project.warehouse.data_version(table, **part)
        for table in OF_NIGHTS
        for part in project.warehouse.partitions(table)
    }


class Story:
    """A night, then its benchmark on both backends, then the same command again."""

    def __init__(self, folder):
        self.project = project = opened(folder)
        run_night(project)
        solve_baselines(project, night=NIGHT, workload="maxcut")
        compare(project, night=NIGHT, workload="maxcut", backend="qpu")
        export_attempts(project, night=NIGHT)
        self.night_before, self.night_kernels = state_of_nights(project), set(paid(project))
        self.outcome = benchmark(project)
        self.posts = posts(project)
        self.again = benchmark(project)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Story(tmp_path_factory.mktemp("benchmark"))


# --- what is executed


def test_every_backend_runs_every_choice_in_every_repetition(story):
    """Two repetitions, two values of shots, two backends; depth 1 is all there is."""
    assert story.outcome.is_over
    assert len(story.outcome.published) == 8
    found = {(row["backend"], row["trial"]) for row in trials(story.project)}
    assert found == {(b, f"r{r}-s{s}-d1") for b in ("qpu", "aer") for r in (1, 2) for s in (32, 64)}


def test_each_repetition_is_executed_anew_and_paid_once(story):
    """No kernel of a night or of another trial answers: 2 graphs x 4 trials on the QPU, each in one job of its own."""
    own = {name: times for name, times in paid(story.project).items() if name not in story.night_kernels}
    assert set(own) == {kernel.kernel_id for kernel in asked(story.project) if kernel.backend == "qpu"}
    assert list(own.values()) == [1] * 8
    attempts = story.project.warehouse.read_rows("benchmark_attempts", backend="qpu")
    assert Counter(row["trial"] for row in attempts) == Counter(
        row["trial"] for row in trials(story.project, backend="qpu")
    )
    assert sum(row["num_pubs"] for row in attempts) == 8


def test_no_job_holds_kernels_of_a_benchmark_and_of_a_night(tmp_path):
    """Alike as they are, and waiting together: a shared job would make the figures of both wrong."""
    project = opened(tmp_path, top=TOP.replace("shots: [32, 64]", "shots: [100]"), graphs={"square": SQUARE})
    set_breaker(project, "qpu", is_open=True, note="until both wait")
    run_night(project)
    benchmark(project, backends=("qpu",), repetitions=1)
    set_breaker(project, "qpu", is_open=False, note="over")
    collect(project, wait_s=20)
    jobs = [job["kernel_ids"] for job in project.provider("qpu").books()]
    assert [len(names) for names in jobs] == [1, 1]
    assert benchmark(project, backends=("qpu",), repetitions=1).is_over


def test_the_same_command_again_sends_nothing(story):
    assert len(story.again.known) == 8
    assert (story.again.published, posts(story.project)) == ([], story.posts)


def test_every_row_says_how_it_was_made_and_every_quantum_row_what_it_took(story):
    columns, rows = query(story.project.home, "FROM benchmark_runs")
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    made = ("provider", "provider_version", "identity", "times", "executions", "calibration_ids", "compile_seed",
            "classical_seed", "python_version", "qiskit_version", "aer_version", "runtime_version", "dagster_version",
            "hybrid_assets_version", "began_at", "fingerprint", "shots")  # fmt: skip
    took = ("cost", "qpu_cost", "overhead_cost", "retry_cost", "cost_per_result", "retry_rate", "throughput_per_s",
            "queue_median_s", "compile_s", "latency_n", "latency_median_s", "latency_max_s", "trial_wall_s",
            "kernel_seeds", "method_shots", "depth", "value", "value_low", "value_high", "ratio")  # fmt: skip
    assert {row["role"] for row in found} == {"quantum", "control", "classical"}
    assert [name for name in made for row in found if row[name] is None] == []
    assert [name for name in took for row in found if row["role"] == "quantum" and row[name] is None] == []
    key = ("backend", "instance", "method", "repetition", "shots", "depth")
    quantum = [tuple(row[name] for name in key) for row in found if row["role"] == "quantum"]
    assert len(set(quantum)) == len(quantum) == 2 * 2 * 2 * 2 * 2  # backends, graphs, methods, repetitions, shots
    assert {(row["backend"], row["times"]) for row in found} == {("aer", "simulated"), ("qpu", "emulated")}
    shots = {(row["shots"], row["method_shots"]) for row in found if row["role"] == "quantum"}
    assert shots == {(32, 32), (64, 64)}  # of the one setting that the policy of fixed angles has


def test_repetitions_differ_in_their_shots(story):
    """Each has seeds of its own: the same counts twice would be one repetition, reported twice."""
    seeds = {
        row["kernel_seeds"] for row in story.project.warehouse.read_rows("benchmark_scores") if row["kernel_seeds"]
    }
    assert len(seeds) == 2 * 2 * 2 * 2  # backends, graphs, repetitions, shots


# --- nights


def test_the_night_itself_is_left_as_it_was(story):
    project = story.project
    export_attempts(project, night=NIGHT)
    assert state_of_nights(project) == story.night_before
    assert list(open_orders(project)) == list(progress(project)) == []
    assert [cell.night for cell in latest_cells(project, "qpu", "quantum_results")] == [NIGHT]
    assert list(latest_cells(project, "aer", "quantum_results")) == []


def test_a_night_finds_no_result_of_a_benchmark(tmp_path):
    """Under ``reuse: always`` it would show a repetition that somebody chose to count."""
    project = opened(tmp_path, top=TOP.replace("shots: [32, 64]", "shots: [100]"), graphs={"square": SQUARE})
    benchmark(project, repetitions=1, backends=("qpu",))
    before = posts(project)
    assert not project.warehouse.partitions("quantum_results")
    run_night(project)
    assert posts(project) == before + 1


# --- figures


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """A benchmark whose first attempts often fail, and are billed all the same."""
    faults = ", max_attempts: 9, seed: 3, faults: {job_failures: {rate: 0.5, billed: true}}"
    project = opened(tmp_path_factory.mktemp("troubled"), backend=f"{faults}, breaker_threshold: 99")
    assert benchmark(project, backends=("qpu",), repetitions=3).is_over
    return project


def test_parts_of_the_cost_add_up_to_the_jobs_of_each_trial(troubled):
    price, retried = 1.5, 0
    for row in trials(troubled):
        jobs = troubled.warehouse.read_rows("benchmark_attempts", backend="qpu", trial=row["trial"])
        good = [job["billed_s"] for job in jobs if job["status"] == "SUCCEEDED"]
        bad = [job["billed_s"] for job in jobs if job["status"] != "SUCCEEDED"]
        retried += len(bad)
        assert row["overhead_cost"] == pytest.approx(2.0 * price * len(good))  # the emulator's 2 s a job
        assert row["qpu_cost"] == pytest.approx(price * sum(good) - row["overhead_cost"])
        assert row["retry_cost"] == pytest.approx(price * sum(bad))
        assert row["cost"] == pytest.approx(row["qpu_cost"] + row["overhead_cost"] + row["retry_cost"])
        assert row["cost"] == pytest.approx(sum(job["cost"] for job in jobs))
        assert row["cost_per_result"] == pytest.approx(row["cost"] / row["num_results"])
        assert row["retry_rate"] == pytest.approx(sum(job["num_pubs"] for job in jobs) / row["num_kernels"] - 1)
        assert row["num_failed_jobs"] == len(bad)
    assert retried > 0


def test_the_bill_of_all_trials_is_the_backends_own(troubled):
    billed = sum(job["billed_s"] for job in troubled.provider("qpu").books())
    assert sum(row["billed_s"] for row in trials(troubled)) == pytest.approx(billed)


def test_batching_is_held_against_one_job_a_kernel(story):
    """Two kernels of some 0.05 s: 3 s billed for one job of both, 3 s for each alone."""
    for row in trials(story.project, backend="qpu"):
        assert (row["num_jobs"], row["billed_s"], row["unbatched_s"]) == (1, 3.0, 6.0)
        assert (row["batching_saved_s"], row["batching_paid"]) == (3.0, True)
    for row in trials(story.project, backend="aer"):
        assert (row["cost"], row["batching_paid"]) == (0.0, None)


def test_a_duplicate_that_the_network_made_is_on_the_bill(tmp_path, monkeypatch):
    """Every submission makes two jobs: the second one is found when its results are long at home."""
    project = opened(tmp_path, graphs={"square": SQUARE})
    provider = type(project.provider("qpu"))
    submit = provider.submit

    def twice(self, request):
        handle = submit(self, request)
        submit(self, request)
        return handle

    monkeypatch.setattr(provider, "submit", twice)
    assert benchmark(project, backends=("qpu",), repetitions=1).is_over
    billed = sum(job["billed_s"] for job in project.provider("qpu").books())
    found = trials(project)
    assert [row["num_duplicates"] for row in found] == [1, 1]
    assert sum(row["billed_s"] for row in found) == pytest.approx(billed) == 12.0
    assert [(row["num_jobs"], row["cost"], row["retry_cost"]) for row in found] == [(1, 9.0, 4.5)] * 2


def test_latencies_are_those_of_the_ledger(story):
    (row,) = trials(story.project, backend="qpu", trial="r1-s64-d1")
    kernels = [k for k in asked(story.project) if (k.backend, k.shots) == ("qpu", 64)]
    batches = {batch.batch_id: batch for batch in story.project.ledger.batches(night=f"benchmark-{NIGHT}")}
    known = sorted((batches[k.batch_id].finished_at - k.enqueued_at).total_seconds() for k in kernels)
    assert set(row["latencies_s"]) <= set(known)
    assert (row["latency_n"], row["latency_max_s"]) == (2, max(row["latencies_s"]))
    assert (row["latency_p95_s"], row["latency_p99_s"]) == (None, None)


# --- fixed inputs


def test_inputs_stay_as_they_were_when_it_began(tmp_path):
    project = opened(tmp_path, graphs={"square": SQUARE})
    benchmark(project, repetitions=1, backends=("aer",))
    before = {row["fingerprint"] for row in project.warehouse.read_rows("benchmark_scores")}
    opened(tmp_path, graphs={"square": "source,target\n0,1\n1,2\n2,0\n", "more": SQUARE})
    outcome = benchmark(project, repetitions=2, backends=("aer",))
    assert (len(outcome.known), len(outcome.published)) == (2, 2)
    assert {row["fingerprint"] for row in project.warehouse.read_rows("benchmark_scores")} == before
    assert {row["instance"] for row in project.warehouse.read_rows("benchmark_scores")} == {"square"}
    benchmark(project, night=LATER, repetitions=1, backends=("aer",))
    assert {row["instance"] for row in project.warehouse.read_rows("benchmark_scores", night=LATER)} == {
        "square",
        "more",
    }


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"workload": "descent: false"}, r"workloads\.maxcut", id="workload"),
        pytest.param({"backend": ", optimization_level: 1"}, r"backends\.qpu", id="backend"),
    ],
)
def test_trials_of_another_set_up_are_refused(tmp_path, change, named):
    first = opened(tmp_path, graphs={"square": SQUARE})
    set_breaker(first, "qpu", is_open=True, note="not needed")
    benchmark(first, repetitions=1)
    changed = opened(tmp_path, graphs={"square": SQUARE}, **change)
    with pytest.raises(ConfigurationError, match=rf"^{named} in .* changed since this benchmark began on "):
        benchmark(changed, repetitions=1)


def test_longer_waits_and_other_repetitions_are_no_other_set_up(tmp_path):
    benchmark(opened(tmp_path, graphs={"square": SQUARE}), repetitions=1, backends=("aer",))
    patient = opened(tmp_path, graphs={"square": SQUARE}, workload="team: others")
    assert benchmark(patient, repetitions=1, backends=("aer",)).is_over


# --- what does not end at once


def test_a_backend_that_waits_keeps_no_other_from_going_on(tmp_path):
    project = opened(tmp_path, graphs={"square": SQUARE})
    set_breaker(project, "qpu", is_open=True, note="maintenance")
    outcome = benchmark(project)
    assert not outcome.is_over
    assert {row["backend"] for row in trials(project)} == {"aer"}
    (note,) = outcome.notes
    assert note.startswith("r1-s32-d1 of maxcut/qpu: 1 kernels are pending")
    assert note.endswith("The same command goes on with it.")
    set_breaker(project, "qpu", is_open=False, note="over")
    assert benchmark(project).is_over
    assert set(paid(project).values()) == {1}
    assert {row["sittings"] for row in trials(project, trial="r1-s32-d1", backend="qpu")} == {2}
    assert {row["sittings"] for row in trials(project, trial="r2-s32-d1", backend="qpu")} == {1}


class Died(BaseException):
    """What no handler catches, as a death."""


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param("hybrid_assets.runner.benchmarking_trials", "ask_for", id="before-the-queue"),
        pytest.param("hybrid_assets.runner.benchmarking_trials", "wait_for", id="in-the-queue"),
        pytest.param("hybrid_assets.runner.benchmarking", "rows_of", id="before-the-rows"),
    ],
)
def test_a_benchmark_that_died_goes_on_and_pays_nothing_twice(tmp_path, monkeypatch, owner, name):
    project = opened(tmp_path, graphs={"square": SQUARE})

    def die(*_args, **_named):
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(f"{owner}.{name}", die)
        with pytest.raises(Died):
            benchmark(project, backends=("qpu",), repetitions=1)
    again = opened(tmp_path, graphs={"square": SQUARE})
    assert benchmark(again, backends=("qpu",), repetitions=1).is_over
    assert list(paid(again).values()) == [1, 1]
    assert [row["sittings"] for row in trials(again)] == [2, 1]


def test_a_circuit_that_was_replaced_between_death_and_going_on_buys_nothing_twice(tmp_path, monkeypatch):
    """Kernel ids hold circuit and calibration: what was asked for first stays what is waited for."""
    backend = ", drift: {every_s: 1}, keep_ratio: 1"
    project = opened(tmp_path, backend=backend, graphs={"square": SQUARE})

    def die(*_args, **_named):
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr("hybrid_assets.runner.benchmarking_trials.wait_for", die)
        with pytest.raises(Died):
            benchmark(project, backends=("qpu",), repetitions=1)
    (waiting,) = asked(project)
    before = project.ledger.placements("qpu")
    normalize_inputs(project, night=NIGHT, workload="maxcut")

    def is_replaced():
        compile_circuits(project, night=NIGHT, workload="maxcut", backend="qpu")
        return project.ledger.placements("qpu") != before

    until(is_replaced)
    again = opened(tmp_path, backend=backend, graphs={"square": SQUARE})
    assert benchmark(again, backends=("qpu",), repetitions=1).is_over
    assert len(asked(again)) == 2
    assert paid(again)[waiting.kernel_id] == 1
    assert list(paid(again).values()) == [1, 1]


def test_kernels_that_fail_for_good_stay_in(tmp_path):
    """They are not tried until they succeed: the next command finds the trial over."""
    poison = ", faults: {kernel_failures: {rate: 1, names_pub: true}}"
    project = opened(tmp_path, backend=poison, graphs={"square": SQUARE})
    outcome = benchmark(project, backends=("qpu",), repetitions=1)
    assert outcome.is_over
    assert "1 kernels ended without a result" in " ".join(outcome.notes)
    (row, _) = trials(project)
    assert (row["num_kernels"], row["num_results"], row["cost_per_result"]) == (1, 0, None)
    scores = project.warehouse.read_rows("benchmark_scores", trial="r1-s32-d1")
    assert {score["value"] for score in scores if score["role"] == "quantum"} == {None}


# --- money


def test_a_metered_backend_tells_what_it_may_cost_and_sends_nothing_before(tmp_path):
    project = opened(tmp_path, backend=", metered: true", graphs={"square": SQUARE})
    (sentence,) = unapproved(project, Wanted(night=NIGHT))
    assert sentence.startswith("4 trials on qpu cost money, at most ")
    assert posts(project) == 0
    assert benchmark(project).is_over
    assert unapproved(project, Wanted(night=NIGHT)) == []


def test_a_gate_holds_for_a_benchmark_as_for_a_night(tmp_path):
    project = opened(tmp_path, backend=", metered: true", workload="phase: simulate", graphs={"square": SQUARE})
    with pytest.raises(ApprovalRequiredError, match=r"maxcut/qpu r1-s32-d1: .*simulate"):
        benchmark(project, backends=("qpu",))
    assert posts(project) == 0


def test_a_threshold_counts_all_trials_together(tmp_path):
    """A trial may take 14 s in all its attempts; the first is let through, the one that passes 20 s is not."""
    top = f"{TOP}approvals: {{over_qpu_s: 20}}\n"
    project = opened(tmp_path, backend=", metered: true", top=top, graphs={"square": SQUARE})
    with pytest.raises(ApprovalRequiredError, match="needs an approval"):
        benchmark(project, backends=("qpu",), repetitions=9)
    assert 0 < len(trials(project)) < 18


def test_a_budget_of_the_night_counts_for_a_benchmark_too(tmp_path):
    """One job is expected to take 3 s with its step: the third finds no room in 7 s, and waits for a person."""
    top = f"{TOP}budgets: [{{team: research, per: night, qpu_s: 7}}]\n"
    project = opened(tmp_path, backend=", wait_s: 1", top=top, graphs={"square": SQUARE})
    outcome = benchmark(project, backends=("qpu",))
    assert (outcome.is_over, outcome.exit_code) == (False, 5)
    assert sum(job["billed_s"] for job in project.provider("qpu").books()) <= 7
