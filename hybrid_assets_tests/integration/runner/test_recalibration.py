"""A calibration change on the emulated QPU reruns exactly what it affects."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.providers.emulator import EmulatorProvider
from hybrid_assets.runner import executing
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.kernels import templates
from hybrid_assets.runner.placing import place
from hybrid_assets.runner.recalibrating import overtaken
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets.storage.results import FileResultStore
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.integration.runner.nights import NIGHT, PRISM, SQUARE, execute, open_night, rows, run_night

PAST = "2026-11-01T00:00:00+00:00"


def events(*changes):
    """Return the drift section of changes that have happened: (qubit, factor)."""
    found = ", ".join(f"{{from_at: '{PAST}', qubits: [{qubit}], factor: {factor}}}" for qubit, factor in changes)
    return f"drift: {{sigma: 0, events: [{found}]}}"


def calibrated(folder, *changes, more=""):
    """Open the project after these changes."""
    return open_night(folder, backend=f"{events(*changes)}{more}")


@pytest.fixture
def night(tmp_path):
    """A published night: a square, and a prism that uses qubits the square does not; return folder and qubits."""
    project = calibrated(tmp_path)
    assert run_night(project).numbers["executed"] == 2
    used = {row["instance"]: set(row["used_qubits"]) for row in circuits(project)}
    return tmp_path, used


def circuits(project):
    return project.warehouse.read_rows("compiled_circuits", night=NIGHT, workload="maxcut", backend="qpu")


def again(project):
    """Run compile and execute stages again; return the instances that were executed anew."""
    before = {row["instance"]: row["kernel_id"] for row in rows(project)}
    compile_circuits(project, night=NIGHT, workload="maxcut", backend="qpu")
    outcome = execute(project)
    assert outcome.pending is None
    changed = {row["instance"] for row in rows(project) if row["kernel_id"] != before[row["instance"]]}
    assert outcome.numbers["executed"] == len(changed)
    return changed


def faulty_from_now_on(monkeypatch, qubit):
    """Let the device report a qubit as out of order."""
    real = EmulatorProvider.target

    def broken(provider, at=None):
        found = real(provider, at)
        names = ("backend", "num_qubits", "operations", "dt_s", "readout", "t1_t2_s", "calibrated_at")
        return build_target_document(**{name: getattr(found, name) for name in names}, faulty_qubits=[qubit])

    monkeypatch.setattr(EmulatorProvider, "target", broken)


def looked(project):
    """Return what the sensor would act upon."""
    return list(overtaken(project, "qpu", project.provider("qpu").target()))


def test_one_bad_qubit_reruns_exactly_the_kernels_that_use_it(night):
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = calibrated(folder, (qubit, 20))
    (found,) = looked(project)
    assert found == looked(project)[0]  # however often it is asked
    assert again(project) == {"prism"}
    prism = next(row for row in circuits(project) if row["instance"] == "prism")
    assert prism["placement"] == "recompile"
    assert qubit not in prism["used_qubits"]
    assert prism["basis_calibration_id"] == project.provider("qpu").target().calibration_id
    assert looked(project) == []
    assert again(project) == set()


def test_a_change_elsewhere_or_a_small_one_reruns_nothing(night):
    folder, used = night
    unused = min(set(range(133)) - used["prism"] - used["square"])
    for changes in (((unused, 100),), ((min(used["prism"]), 1.02),)):
        project = calibrated(folder, *changes)
        assert looked(project) == []
        assert again(project) == set()
        assert all(row["expected_success_now"] is not None for row in circuits(project))


def test_many_small_steps_are_caught_when_their_sum_passes_the_threshold(night):
    """Each step lowers the prism's expected success by less than the threshold of 5 %."""
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    reran = []
    for steps in range(1, 13):
        project = calibrated(folder, *[(qubit, 1.25)] * steps)
        reran += again(project)
        if reran:
            break
    assert reran == ["prism"]
    assert steps > 1


def test_noise_around_the_threshold_does_not_flap(night):
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    changes = [(qubit, 20)]
    assert again(calibrated(folder, *changes)) == {"prism"}
    for _ in range(3):
        changes += [(qubit, 0.05), (qubit, 20)]
        assert again(calibrated(folder, *changes[:-1])) == set()
        assert again(calibrated(folder, *changes)) == set()


def test_a_recompile_that_died_after_it_moved_circuits_is_asked_for_again(night):
    """At every stage: circuits placed, published, executed; whoever looks again sees what is behind."""
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = calibrated(folder, (qubit, 20))
    target, options = project.provider("qpu").target(), project.compile_options("qpu")
    (prism,) = [found for found in project.accepted(NIGHT, "maxcut") if found.name == "prism"]
    template = list(templates(project, workload="maxcut", instance=prism, target=target, options=options))
    place(project, "qpu", template, target=target, options=options, decides=True)
    (found,) = looked(project)
    assert list(found.reasons) == ["prism/qaoa_p1"]
    assert "Another circuit stands for it" in found.reasons["prism/qaoa_p1"]
    compile_circuits(project, night=NIGHT, workload="maxcut", backend="qpu")
    (next_found,) = looked(project)
    assert list(next_found.reasons) == ["prism/qaoa_p1"]
    assert next_found.epoch != found.epoch
    execute(project)
    assert looked(project) == []


def test_an_older_night_that_moves_circuits_does_not_hide_the_latest(night):
    folder, used = night
    run_night(calibrated(folder), "2026-11-21")
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = calibrated(folder, (qubit, 20))
    assert again(project) == {"prism"}
    (found,) = looked(project)
    assert (found.cell.night, list(found.reasons)) == ("2026-11-21", ["prism/qaoa_p1"])


def test_the_reason_names_what_changed_most(night):
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = calibrated(folder, (qubit, 20))
    (found,) = looked(project)
    assert re.search(rf"Most of it: \w+ on [\d, ]*\b{qubit}\b", found.reasons["prism/qaoa_p1"])
    again(project)
    prism = next(row for row in circuits(project) if row["instance"] == "prism")
    assert prism["placement_reason"].startswith(f"{found.reasons['prism/qaoa_p1']} Now: cached 0.")
    assert prism["seed"] in range(7, 7 + project.backend("qpu").recompile_seeds)


def test_a_workload_that_left_a_backend_is_not_looked_at(night):
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = open_night(
        folder, backend=f"{events((qubit, 20))}", workload="backends: [other]", top="  other: {provider: aer}"
    )
    assert looked(project) == []


def test_a_faulty_qubit_moves_what_uses_it_and_nothing_else(night, monkeypatch):
    """It changes the target's structure, and with it the compile key of every template."""
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    faulty_from_now_on(monkeypatch, qubit)
    project = calibrated(folder)
    assert again(project) == {"prism"}
    prism = next(row for row in circuits(project) if row["instance"] == "prism")
    assert qubit not in prism["used_qubits"]
    assert prism["placement"] == "move"
    assert f"Qubit {qubit} is faulty." in prism["placement_reason"]
    assert again(project) == set()
    assert looked(project) == []


def test_a_circuit_moves_as_a_whole_where_that_is_best(night):
    """With one seed, a compile for the new calibration does worse than the same gates elsewhere."""
    folder, used = night
    before = next(row for row in circuits(calibrated(folder)) if row["instance"] == "prism")
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = calibrated(folder, (qubit, 20), more=", recompile_seeds: 1")
    assert again(project) == {"prism"}
    prism = next(row for row in circuits(project) if row["instance"] == "prism")
    assert (prism["placement"], prism["seed"]) == ("relayout", before["seed"])
    assert "but not so: the circuit that is moved is" in prism["miss_reason"]
    scores = re.search(r"Now: cached (\S+), re-layout (\S+), best of 1 compile (\S+)\.$", prism["placement_reason"])
    cached, moved, compiled = map(float, scores.groups())
    assert moved > max(cached, compiled)
    assert prism["expected_success"] == prism["expected_success_now"] == pytest.approx(moved, rel=1e-3)
    assert qubit not in prism["used_qubits"]
    same = ("two_qubit_gates", "depth", "num_slots", "structure_fingerprint", "template_key")
    assert [prism[name] for name in same] == [before[name] for name in same]
    parts = project.circuits.get(prism["compile_key"]).facts.key_parts
    target = project.provider("qpu").target()
    assert (parts["relayout"], parts["calibration"]) == (before["compile_key"], target.calibration_id)
    assert again(project) == set()
    assert looked(project) == []


def test_a_moved_circuit_stays_where_it_is_when_another_qubit_turns_faulty(night, monkeypatch):
    """The target's structure and every key change; a circuit elsewhere is known again all the same."""
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    change, more = (qubit, 20), ", recompile_seeds: 1"
    project = calibrated(folder, change, more=more)
    assert again(project) == {"prism"}
    moved = next(row for row in circuits(project) if row["instance"] == "prism")
    assert moved["placement"] == "relayout"
    faulty_from_now_on(monkeypatch, qubit)
    assert again(calibrated(folder, change, more=more)) == set()
    prism = next(row for row in circuits(project) if row["instance"] == "prism")
    assert (prism["compile_key"], prism["placement"]) == (moved["compile_key"], "relayout")


def test_the_circuit_that_stood_is_kept_where_it_is_the_best_still(night):
    """All qubits twice as bad: nothing is better elsewhere, and the one compile is the one that stands."""
    folder, _ = night
    project = calibrated(folder, *[(qubit, 2) for qubit in range(133)], more=", recompile_seeds: 1")
    before = next(row for row in circuits(project) if row["instance"] == "square")
    assert "square" in again(project)  # it was decided about, and its results follow the decision
    square = next(row for row in circuits(project) if row["instance"] == "square")
    assert (square["placement"], square["compile_key"]) == ("keep", before["compile_key"])
    scores = re.search(r"Now: cached (\S+), no better layout, best of 1 compile (\S+)\.$", square["placement_reason"])
    assert [float(score) for score in scores.groups()] == pytest.approx([square["expected_success_now"]] * 2, rel=1e-3)
    assert looked(project) == []


def test_the_next_night_reuses_what_no_change_affects(night):
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    project = calibrated(folder, (qubit, 20))
    outcome = run_night(project, "2026-11-21")
    assert (outcome.numbers["executed"], outcome.numbers["reused"]) == (1, 1)


#: A change that only the policy sees, and one that the rule sees, too.
@pytest.mark.parametrize("factor", [1.01, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("policy", ["keep", "rerun", "reject"])
def test_a_change_between_submission_and_run_is_flagged_and_handled(tmp_path, policy, factor):
    """And what was done about it lasts: whoever runs the night again finds the same."""
    project = open_night(tmp_path, backend="drift: {sigma: 0}", graphs={"square": SQUARE})
    run_night(project)
    used = circuits(project)[0]["used_qubits"]
    project.close()
    at = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    project = open_night(
        tmp_path,
        backend=f"drift: {{sigma: 0, events: [{{from_at: '{at}', qubits: {used}, factor: {factor}}}]}}, "
        f"queue_median_s: 4000000, queue_sigma: 0, on_recalibration: {policy}",
        graphs={"square": SQUARE, "prism": PRISM},
    )
    run_night(project)
    num_posts = len(project.provider("qpu").posts())
    for _ in range(2):
        found = {row["instance"]: row for row in rows(project)}
        # the square's result was known; the prism was asked for before the change and ran after it
        assert (found["square"]["source"], found["square"]["calibration_changed"]) == ("backend", False)
        prism = found["prism"]
        if policy == "reject":
            assert prism["source"] == "failed"
            assert "on_recalibration is reject" in prism["source_reason"]
        else:
            assert (prism["source"], prism["calibration_changed"]) == ("backend", policy == "keep")
        execute(project)
    assert len(project.provider("qpu").posts()) == num_posts
    # the square's job, the prism's, and that of the rerun
    assert num_posts == (3 if policy == "rerun" else 2)


@pytest.mark.parametrize("policy", ["keep", "reject"])
def test_a_change_before_the_submission_is_none_between_it_and_the_run(tmp_path, policy):
    """A kernel of a standing circuit is asked for under the present calibration, not under its circuit's basis."""
    more = f", reuse: night, on_recalibration: {policy}"
    run_night(calibrated(tmp_path, more=more))
    project = calibrated(tmp_path, (5, 1.5), more=more)
    run_night(project, "2026-11-21")
    found = rows(project, "2026-11-21")
    assert {(row["source"], row["calibration_changed"]) for row in found} == {("backend", False)}
    assert all(row["basis_calibration_id"] != row["executed_calibration_id"] for row in found)


class Killed(BaseException):
    """Ends a stage where a process would be gone."""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "place",
    [
        (SqlLedger, "place"),
        (executing, "keep_order"),
        (SqlLedger, "enqueue"),
        (SqlLedger, "record_job"),
        (FileResultStore, "put"),
        (Warehouse, "publish"),
        (executing, "close_order"),
    ],
    ids=lambda place: place[1],
)
def test_a_recompile_that_dies_anywhere_converges_to_the_same_state(night, monkeypatch, place, when):
    folder, used = night
    (qubit, *_) = sorted(used["prism"] - used["square"])
    owner, name = place
    real = getattr(owner, name)

    def dies(*args, **arguments):
        if when == "after":
            real(*args, **arguments)
        raise Killed

    project = calibrated(folder, (qubit, 20))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dies)
        with pytest.raises(Killed):
            again(project)
    project.close()
    project = calibrated(folder, (qubit, 20))
    again_until_published(project)
    found = {row["instance"]: row for row in rows(project)}
    assert found["prism"]["basis_calibration_id"] == project.provider("qpu").target().calibration_id
    assert found["square"]["basis_calibration_id"] != found["prism"]["basis_calibration_id"]
    assert qubit not in next(row for row in circuits(project) if row["instance"] == "prism")["used_qubits"]
    assert [post["outcome"] for post in project.provider("qpu").posts()] == ["accepted", "accepted"]
    assert looked(project) == []


def again_until_published(project):
    """Run both stages until nothing is pending."""
    compile_circuits(project, night=NIGHT, workload="maxcut", backend="qpu")
    while execute(project).pending:
        pass
