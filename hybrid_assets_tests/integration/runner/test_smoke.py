"""The smoke gate through the real control plane: what passes, what does not, and what it may cost."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from hybrid_assets.circuits.importing import import_for_good
from hybrid_assets.errors import BudgetExceededError, UsageError
from hybrid_assets.model.jobs import RawCounts
from hybrid_assets.model.queue import BreakerState, KernelState
from hybrid_assets.model.smoke import Finding
from hybrid_assets.runner import smoke
from hybrid_assets.runner.collecting import collect, progress
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.smoke import run_smoke
from hybrid_assets.runner.steering import set_breaker
from hybrid_assets_tests.integration.runner.nights import open_night, reopen, run_night

#: Of one job: 29 rows x 768 shots x 0.25 ms = 5.6 s, 2 s of overhead, circuits 0.04 s, and a step of 1 s set aside.
ESTIMATE_S = 8.6
#: What the emulator bills for it: 7.6 s, rounded up.
BILL_S = 8.0
#: Another backend of the same project.
IDEAL = "  aer: {provider: aer}\n"
#: No queue, and errors as a mixture with random bits, which takes a tenth of the time of a full simulation.
FAST = "queue_median_s: 0, queue_sigma: 0, retry_wait_s: 0.01, density_matrix_qubits: 0"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The cache of the reference circuits: compiling them takes a second."""
    import_for_good()
    folder = tmp_path_factory.mktemp("reference")
    project = open_night(folder, top=IDEAL)
    set_breaker(project, "qpu", is_open=True, note="compile only")
    run_smoke(project, backend="qpu", max_qpu_s=30, wait_s=0)
    run_smoke(project, backend="aer", max_qpu_s=0)
    project.close()
    return folder / "data" / "state" / "circuits"


@pytest.fixture
def folder(tmp_path, compiled):
    """A folder for a project whose reference circuits are compiled."""
    shutil.copytree(compiled, tmp_path / "data" / "state" / "circuits")
    return tmp_path


def posts(project):
    return len(project.provider("qpu").posts())


def findings(report):
    return {each.label: each.finding for each in report.kernels}


def states(project):
    return {kernel.state for kernel in project.ledger.kernels()}


def gate(project, *, backend="qpu", cap=30.0, wait_s=60.0, name="gate-1"):
    """Run the gate; one name always gives the same seeds, and so the same shots."""
    return run_smoke(project, backend=backend, max_qpu_s=cap, wait_s=wait_s, smoke_id=name)


# --- passing


def test_a_noisy_backend_passes_and_the_books_agree_with_the_cap(folder):
    project = open_night(folder)
    report = gate(project)
    assert report.exit_code == 0, findings(report)
    assert set(findings(report).values()) == {Finding.OK}
    assert [len(each.rows) for each in report.kernels] == [3, 4, 4, 8, 8, 2]
    (job,) = project.provider("qpu").books()
    (seen,) = report.jobs
    assert (seen.provider_job_id, seen.status, seen.billed_s) == (job["job_id"], "SUCCEEDED", job["billed_s"])
    assert report.billed_s == job["billed_s"] == BILL_S
    (budget,) = project.ledger.budgets()
    assert (budget.team, budget.limit, budget.spent) == ("smoke/qpu/gate-1", 30.0, BILL_S)
    assert budget.reserved == pytest.approx(0)
    assert report.calibration_ids == [project.provider("qpu").target().calibration_id]


def test_an_ideal_simulator_passes_with_nothing_but_chance_explained(folder):
    report = gate(open_night(folder, top=IDEAL), backend="aer", cap=0)
    assert (report.exit_code, report.billed_s) == (0, 0.0)
    assert {each.expected_success for each in report.kernels} == {1.0}
    bits = report.kernels[0]
    assert {(row.low, row.observed, row.high) for row in bits.rows} == {(1.0, 1.0, 1.0)}


def test_a_metered_backend_needs_no_approval_but_the_cap(folder):
    project = open_night(folder, backend=f"{FAST}, metered: true, price_per_s: 2.0", top="approvals: {over_money: 1}\n")
    assert gate(project).exit_code == 0


def test_no_night_takes_its_kernels_and_none_of_them_shares_its_job(folder, monkeypatch):
    """Kernels of a night wait that could share a job with it: as many shots, the same calibration and class."""
    monkeypatch.setattr(smoke, "SHOTS", 100)
    project = open_night(folder, backend=f"{FAST}, wait_s: 0")
    set_breaker(project, "qpu", is_open=True, note="let them wait")
    run_night(project)
    waiting = {kernel.kernel_id for kernel in project.ledger.kernels(states=(KernelState.READY,))}
    set_breaker(project, "qpu", is_open=False, note="go on")
    report = gate(project)
    assert len(waiting) == 2
    batches = project.ledger.batches()
    assert sorted(len(batch.kernel_ids) for batch in batches) == [2, 6]
    assert {order.cell.workload for order in open_orders(project)} == {"maxcut"}
    assert [one.cell.workload for one in progress(project)] == ["maxcut"]
    assert (report.night, len(report.jobs)) == (project.ledger.kernels(workload=smoke.WORKLOAD)[0].night, 1)


def test_every_run_is_a_new_execution_of_the_same_circuits(folder):
    project = open_night(folder, backend=FAST)
    first, second = gate(project, name="a"), gate(project, name="b")
    assert posts(project) == 2
    ids = [{each.kernel_id for each in report.kernels} for report in (first, second)]
    assert ids[0].isdisjoint(ids[1])
    assert len(project.ledger.placements("qpu")) == 6


def test_the_same_name_again_buys_nothing_and_says_the_same(folder):
    project = open_night(folder, backend=FAST)
    assert gate(project) == gate(reopen(folder))
    assert posts(project) == 1


def test_a_name_that_is_no_name_is_refused(folder):
    with pytest.raises(UsageError, match="is no name of a smoke run"):
        gate(open_night(folder), name="../else")


# --- the cap


@pytest.mark.parametrize(
    "limits", [{"cap": float("nan")}, {"cap": float("inf")}, {"cap": -1}, {"wait_s": float("nan")}]
)
def test_a_cap_or_a_wait_that_is_no_limit_is_refused(folder, limits):
    project = open_night(folder, backend=FAST)
    with pytest.raises(UsageError, match="A cap is a finite number"):
        gate(project, **limits)
    assert project.ledger.budgets() == []


def test_a_cap_below_the_estimate_sends_nothing(folder):
    project = open_night(folder, backend=FAST)
    with pytest.raises(BudgetExceededError, match=r"billed 8\.6 s on qpu, --max-qpu-s is 8\.5\. Nothing was sent.*9\."):
        gate(project, cap=8.5)
    assert (posts(project), project.ledger.kernels()) == (0, [])
    assert gate(project, cap=8.7).billed_s <= 8.7


def test_what_a_run_has_spent_counts_when_it_goes_on(folder):
    project = open_night(
        folder, backend=f"{FAST}, max_attempts: 1, faults: {{job_failures: {{rate: 1, billed: true}}}}"
    )
    first = gate(project, cap=9)
    assert first.billed_s == BILL_S
    with pytest.raises(BudgetExceededError, match=r"and 8\.0 s of it are used"):
        gate(project, cap=9)
    assert posts(project) == 1


def test_no_retry_is_sent_beyond_the_cap_and_nobody_waits_for_room(folder):
    """The first job fails and is billed 8 of 10.5 s; what is left pays for no second one of the same size."""
    project = open_night(folder, backend=f"{FAST}, faults: {{job_failures: {{rate: 1, billed: true}}}}")
    report = gate(project, cap=10.5, wait_s=3600)
    assert report.exit_code == BudgetExceededError.exit_code
    assert sum(job["billed_s"] for job in project.provider("qpu").books()) == report.billed_s <= 10.5
    assert states(project) == {KernelState.CANCELLED}
    assert set(findings(report).values()) == {Finding.NO_RESULT}


# --- not passing


class Lying:
    """A backend whose results are well formed and not true."""

    def __init__(self, honest, spoil):
        self._honest, self._spoil = honest, spoil

    def __getattr__(self, name):
        return getattr(self._honest, name)

    def fetch(self, handle):
        result = self._honest.fetch(handle)
        pubs = tuple(replace(pub, counts=self._spoil(pub.counts)) for pub in result.pubs)
        return replace(result, pubs=pubs)


def _rebuilt(counts, rows):
    """Return counts of (outcomes, times) a row."""
    return RawCounts(
        num_bits=counts.num_bits,
        outcomes=np.concatenate([outcomes for outcomes, _ in rows]).astype(np.uint64),
        counts=np.concatenate([times for _, times in rows]).astype(np.int64),
        offsets=np.cumsum([0, *(times.size for _, times in rows)]).astype(np.int64),
    )


def reversed_bits(counts):
    rows = []
    for outcomes, times in map(counts.row, range(counts.num_rows)):
        turned = np.array([int(f"{int(outcome):0{counts.num_bits}b}"[::-1], 2) for outcome in outcomes])
        order = np.argsort(turned)
        rows.append((turned[order], times[order]))
    return _rebuilt(counts, rows)


def reversed_rows(counts):
    return _rebuilt(counts, [counts.row(row) for row in reversed(range(counts.num_rows))])


def random_bits(counts):
    rng = np.random.default_rng(7)
    drawn = [rng.integers(0, 1 << counts.num_bits, int(counts.row_sums()[row])) for row in range(counts.num_rows)]
    return _rebuilt(counts, [np.unique(row, return_counts=True) for row in drawn])


@pytest.mark.parametrize(
    ("spoil", "off"),
    [
        pytest.param(reversed_bits, {"bits"}, id="bits"),
        # Of the four Bell settings three are alike, and the fourth is the last: turned round it is seen too.
        pytest.param(reversed_rows, {"bits", "bell", "ghz4", "rotation", "phase", "ring_qaoa"}, id="rows"),
        pytest.param(random_bits, {"bits", "bell", "ghz4", "rotation", "phase", "ring_qaoa"}, id="random"),
    ],
)
def test_a_backend_that_lies_is_found_out(folder, spoil, off):
    project = open_night(folder, backend=FAST)
    project._providers["qpu"] = Lying(project.provider("qpu"), spoil)
    report = gate(project)
    assert {label for label, finding in findings(report).items() if finding is Finding.OFF} == off
    assert report.exit_code == 7


def test_errors_so_large_that_random_bits_would_pass_are_no_pass(folder, monkeypatch):
    monkeypatch.setattr("hybrid_assets.runner.smoke_report.expected_success", lambda exposure, target: 0.3)
    report = gate(open_night(folder, backend=FAST))
    assert set(findings(report).values()) == {Finding.NO_POWER}
    assert report.exit_code == 7


def test_results_that_are_not_what_was_asked_for_fail_the_gate(folder):
    faults = "faults: {wrong_results: {rate: 1, kinds: [short], times: 1000}}"
    project = open_night(folder, backend=f"{FAST}, {faults}")
    report = gate(project, cap=60)
    assert report.exit_code == 7
    assert set(findings(report).values()) == {Finding.NO_RESULT}
    assert all("shots instead of 768" in each.reason for each in report.kernels)
    assert report.billed_s <= 60


def test_kernels_the_backend_refuses_fail_the_gate_and_are_tried_again_under_its_name(folder):
    """A pipeline's second try has the name of the first: after a repair it must not find the old failure."""
    faults = "faults: {kernel_failures: {rate: 1, names_pub: true}}"
    project = open_night(folder, backend=f"{FAST}, {faults}")
    refused = gate(project)
    assert refused.exit_code == 7
    assert all("cannot be executed" in each.reason for each in refused.kernels)
    assert states(project) == {KernelState.FAILED}
    assert gate(open_night(folder, backend=FAST)).exit_code == 0


def test_results_that_are_wrong_once_are_fetched_again(folder):
    faults = "faults: {wrong_results: {rate: 1, kinds: [swapped], times: 1}}"
    project = open_night(folder, backend=f"{FAST}, {faults}")
    report = gate(project)
    assert (report.exit_code, posts(project)) == (0, 1)


# --- waiting


def test_a_backend_that_is_down_ends_the_wait_and_leaves_nothing_queued(folder):
    faults = "faults: {outages: [{after_s: 0, for_s: 100000}]}"
    project = open_night(folder, backend=f"{FAST}, breaker_pause_s: 3600, {faults}")
    report = gate(project, wait_s=60)
    assert (report.exit_code, report.billed_s, report.jobs) == (6, 0.0, [])
    assert all("is down" in each.reason for each in report.kernels)
    assert states(project) == {KernelState.CANCELLED}


def test_a_job_that_waits_too_long_is_cancelled_and_the_run_goes_on_under_its_name(folder):
    project = open_night(folder, backend=FAST.replace("queue_median_s: 0", "queue_median_s: 1000000000"))
    late = gate(project, wait_s=0.5)
    assert late.exit_code == 6
    assert {each.reason for each in late.kernels} <= {"its job was not over in time", "its turn did not come in time"}
    assert states(project) == {KernelState.CANCELLED}
    assert {job["status"] for job in project.provider("qpu").books()} <= {"CANCELLED"}
    again = gate(open_night(folder, backend=FAST))
    assert (again.exit_code, again.billed_s) == (0, BILL_S)
    assert [each.kernel_id for each in again.kernels] == [each.kernel_id for each in late.kernels]


def test_a_run_that_was_killed_loses_nothing(folder, monkeypatch):
    """Its kernels are in the ledger under their cap: whoever drives the backend executes them, the name finds them."""

    def die(*args, **kwargs):
        raise SystemExit(137)

    project = open_night(folder, backend=FAST)
    with monkeypatch.context() as patch:
        patch.setattr(smoke, "wait_for", die)
        with pytest.raises(SystemExit):
            gate(project)
    other = reopen(folder)
    assert list(collect(other, wait_s=20.0)) == []
    assert states(other) == {KernelState.DONE}
    assert gate(reopen(folder)).exit_code == 0
    assert posts(other) == 1


def test_an_interrupted_run_takes_back_what_it_asked_for(folder, monkeypatch):
    project, real = open_night(folder), smoke.wait_for

    def interrupt(*args, **kwargs):
        monkeypatch.setattr(smoke, "wait_for", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(smoke, "wait_for", interrupt)
    with pytest.raises(KeyboardInterrupt):
        gate(project)
    assert (posts(project), states(project)) == (0, {KernelState.CANCELLED})
    assert project.ledger.breaker("qpu").state is BreakerState.CLOSED
