"""`calibration`: listing, comparing and explaining, without changing anything."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hybrid_assets.calibration.entries import entries
from hybrid_assets.circuits.targets import target_to_json
from hybrid_assets.runner.calibrating import snapshot_calibration
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.storage.snapshot import query
from hybrid_assets_tests.integration.cli.commands import until
from hybrid_assets_tests.integration.runner.nights import NIGHT, execute, open_night, run_night

PAST = "2026-11-01T00:00:00+00:00"
SQUARE, PRISM = "maxcut/square/qaoa_p1", "maxcut/prism/qaoa_p1"


def calibrated(folder, *changes):
    """Open the project after changes that stay: (qubit, factor)."""
    events = ", ".join(f"{{from_at: '{PAST}', qubits: [{qubit}], factor: {factor}}}" for qubit, factor in changes)
    return open_night(folder, backend=f"drift: {{sigma: 0, every_s: 1000000000, events: [{events}]}}")


def observe(folder, *changes):
    """Snapshot the calibration after these changes; return its id."""
    return snapshot_calibration(calibrated(folder, *changes), backend="qpu").data_version


@pytest.fixture
def used_qubits(night):
    """A finished night, executed under the device's own snapshot; return the qubits that each of its circuits uses."""
    rows = night.warehouse.read_rows("compiled_circuits", night=NIGHT, workload="maxcut", backend="qpu")
    night.ledger.close()
    return {f"maxcut/{row['instance']}/{row['label']}": set(row["used_qubits"]) for row in rows}


def content(folder):
    """Return what every file below a folder holds, by name; databases are compared by their rows elsewhere."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "ledger.sqlite" not in path.name
    }


def test_snapshots_are_listed_in_the_order_they_were_seen(folder, call):
    first, second = observe(folder), observe(folder, (0, 3))
    assert first != second
    assert observe(folder) == first  # seen again: nothing new
    answer = call("calibration")
    lines = [line for line in answer.out.splitlines() if line.split()[:1] == ["qpu"]]
    assert (answer.code, [line.split()[1] for line in lines]) == (0, [first[:12], second[:12]])
    found = call("calibration", "--json").document
    assert [one["calibration_id"] for one in found] == [first, second]
    assert 0 < found[0]["median_two_qubit_error"] < 0.1
    assert call("calibration", "--backend", "qpu", "--json").document == found


def test_calibrations_of_a_drifting_backend_can_be_compared(folder, call):
    """Every second another one is in force, in which every error is another."""
    seen = set()

    def look():
        project = open_night(folder, backend="drift: {every_s: 1, sigma: 0.1}")
        seen.add(snapshot_calibration(project, backend="qpu").data_version)
        return len(seen) > 1

    until(look)
    assert {one["calibration_id"] for one in call("calibration", "--json").document} == seen
    found = call("calibration", "diff", "qpu", "--json").document
    assert {found["old_calibration_id"], found["new_calibration_id"]} == seen
    assert len(found["changes"]) > 100
    assert {change["kind"] for change in found["changes"]} == {"error"}


def test_nothing_seen_yet_is_said(folder, call):
    open_night(folder)
    assert "No calibration was seen yet" in call("calibration").out
    assert call("calibration", "--json").document == []


def test_the_document_is_kept_whole_and_its_errors_can_be_queried(folder):
    project = calibrated(folder, (3, 2))
    snapshot_calibration(project, backend="qpu")
    target = project.provider("qpu").target()
    assert target_to_json(project.calibrations.get("qpu", target.calibration_id)) == target_to_json(target)
    expected = {op.qubits: op.error for op in target.operations if op.name == "cz" and op.qubits[0] == 3}
    sql = "SELECT qubits, error FROM calibration_errors WHERE operation = 'cz' AND qubits LIKE '3-%'"
    assert dict(query(project.home, sql)[1]) == {f"{a}-{b}": error for (a, b), error in expected.items()}
    sql = "SELECT error, p_1_given_0, t1_s FROM calibration_errors WHERE operation = 'measure' AND qubits = '3'"
    ((error, up, t1_s),) = query(project.home, sql)[1]
    (measure,) = [op for op in target.operations if op.name == "measure" and op.qubits == (3,)]
    assert (error, up, t1_s) == (measure.error, target.readout[3][0], target.t1_t2_s[3][0])


def test_a_snapshot_that_was_killed_half_way_is_finished_with_the_time_it_was_first_seen(folder):
    """The document was stored an hour ago; neither its errors nor its row were published."""
    project = calibrated(folder)
    target, first = project.provider("qpu").target(), datetime.now(UTC) - timedelta(hours=1)
    project.calibrations.put(target, first)
    snapshot_calibration(project, backend="qpu")
    sql = "SELECT observed_at, (SELECT count(*) FROM calibration_errors) FROM calibration_snapshots"
    assert query(project.home, sql)[1] == [(first, len(entries(target)))]


def test_a_diff_names_what_changed_and_which_circuits_it_touches(folder, call, used_qubits):
    (qubit, *_) = sorted(used_qubits[PRISM] - used_qubits[SQUARE])
    old, new = observe(folder), observe(folder, (qubit, 3))
    found = call("calibration", "diff", "qpu", old[:10], "latest", "--json").document
    assert (found["old_calibration_id"], found["new_calibration_id"]) == (old, new)
    assert all(str(qubit) in change["qubits"].split("-") for change in found["changes"])
    sizes = [change["size"] for change in found["changes"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {tuple(change["circuits"]) for change in found["changes"]} == {(), (PRISM,)}
    prism, square = found["circuits"]
    assert (prism["circuit"], square["circuit"]) == (PRISM, SQUARE)
    assert prism["num_changes"] == sum(PRISM in change["circuits"] for change in found["changes"])
    assert prism["ratio"] == pytest.approx(prism["expected_success_after"] / prism["expected_success_before"])
    assert prism["ratio"] < 0.95
    assert (square["num_changes"], square["ratio"]) == (0, 1.0)


def test_a_diff_is_shown_as_tables_of_the_largest(folder, call, used_qubits):
    qubit = min(used_qubits[PRISM])
    old, new = observe(folder), observe(folder, (qubit, 3))
    answer = call("calibration", "diff", "qpu", "--limit", "2")
    assert answer.code == 0
    assert f"qpu: {old[:12]} to {new[:12]}: 2 of " in answer.out
    assert "2 circuits of the latest night" in answer.out
    back = call("calibration", "diff", "qpu", "latest", "previous", "--limit", "999").out
    assert "--limit" not in back
    assert "no error differs" in call("calibration", "diff", "qpu", new, new).out


def test_without_circuits_a_diff_says_so(folder, call):
    observe(folder)
    observe(folder, (0, 3))
    assert "No compiled circuit of a night is there" in call("calibration", "diff", "qpu").out


def test_a_plan_says_what_would_be_done_and_does_nothing(folder, call, used_qubits):
    (qubit, *_) = sorted(used_qubits[PRISM] - used_qubits[SQUARE])
    (plan,) = call("calibration", "plan", "--json").document
    assert ({one["action"] for one in plan["circuits"]}, plan["reruns"]) == ({"keep"}, [])
    project = calibrated(folder, (qubit, 20))
    before, placed = content(folder), project.ledger.placements("qpu")
    (plan,) = call("calibration", "plan", "qpu", "--json").document
    assert plan["calibration_id"] == project.provider("qpu").target().calibration_id
    assert plan["reruns"] == [f"{NIGHT}/maxcut/qpu"]
    prism, square = plan["circuits"]
    assert (prism["circuits"], prism["action"]) == ([PRISM], "recompile")
    assert prism["ratio"] == pytest.approx(prism["present_score"] / prism["base_score"])
    assert f"{prism['base_score']:.4g} to {prism['present_score']:.4g}" in prism["reason"]
    assert (square["circuits"], square["action"], square["ratio"]) == ([SQUARE], "keep", 1.0)
    assert f"The sensor would run again: {NIGHT}/maxcut/qpu." in call("calibration", "plan").out
    assert project.ledger.placements("qpu") == placed
    assert content(folder) == before


def test_a_circuit_whose_input_was_deleted_asks_for_nothing(folder, call, used_qubits):
    (qubit, *_) = sorted(used_qubits[PRISM] - used_qubits[SQUARE])
    project = calibrated(folder)
    (folder / "in" / "prism.csv").unlink()
    run_night(project)
    calibrated(folder, (qubit, 20))
    (plan,) = call("calibration", "plan", "--json").document
    actions = {tuple(one["circuits"]): one["action"] for one in plan["circuits"]}
    assert (actions, plan["reruns"]) == ({(): "keep", (SQUARE,): "keep"}, [])
    assert plan["circuits"][0]["reason"] == "No circuit of the latest night is it: nothing is done before one is."


def test_after_acting_the_plan_is_to_keep(folder, call, used_qubits):
    (qubit, *_) = sorted(used_qubits[PRISM] - used_qubits[SQUARE])
    project = calibrated(folder, (qubit, 20))
    compile_circuits(project, night=NIGHT, workload="maxcut", backend="qpu")
    execute(project)
    (plan,) = call("calibration", "plan", "--json").document
    assert {one["action"] for one in plan["circuits"]} == {"keep"}
    assert plan["reruns"] == []
    assert sorted(one["circuits"][0] for one in plan["circuits"]) == [PRISM, SQUARE]


def test_what_was_decided_under_this_calibration_is_kept_however_bad(folder, call, used_qubits):
    """Nothing better was found then, and nothing better would be found now."""
    project = calibrated(folder)
    present = project.provider("qpu").target().calibration_id
    placements = project.ledger.placements("qpu")
    worse = [replace(placement, calibration_id=present, score=1.0) for placement in placements]
    project.ledger.place(worse, instead_of={one.base_key: one.calibration_id for one in placements})
    (plan,) = call("calibration", "plan", "--json").document
    assert [one["action"] for one in plan["circuits"]] == ["keep", "keep"]
    assert min(one["ratio"] for one in plan["circuits"]) < 0.95
    assert plan["reruns"] == []
    assert "decided about under this very calibration" in plan["circuits"][0]["reason"]


def test_without_placements_a_plan_says_so(folder, call):
    open_night(folder)
    assert "no circuit was placed yet" in call("calibration", "plan").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--backend", "qp"], "Did you mean 'qpu'?", id="backend of the list"),
        pytest.param(["--json", "plan"], "are for the list", id="option of the list"),
        pytest.param(["plan", "qp"], "Did you mean 'qpu'?", id="backend of a plan"),
        pytest.param(["diff", "qp"], "Did you mean 'qpu'?", id="backend of a diff"),
        pytest.param(["diff", "qpu"], "There is no previous calibration of qpu: 1 were seen.", id="no previous"),
        pytest.param(
            ["diff", "qpu", "zz"], "No calibration of qpu starts with 'zz'. The last ones are: ", id="unknown"
        ),
    ],
)
def test_unknown_names_are_refused(folder, call, words, message):
    observe(folder)
    answer = call("calibration", *words)
    assert (answer.code, message in answer.err) == (2, True), answer.err


def test_a_prefix_of_several_ids_is_refused_with_them(folder, call):
    known = [observe(folder, (0, 1 + number)) for number in range(3)]
    answer = call("calibration", "diff", "qpu", "", "latest")
    assert answer.code == 2
    assert "3 calibrations of qpu start with ''. They are: " in answer.err
    assert all(one[:12] in answer.err for one in known)
