"""`show`, `status`, `export` and `replay`: looking at a night without changing it."""

from __future__ import annotations

import csv
import hashlib
import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from hybrid_assets.cli import status
from hybrid_assets.runner import comparing, steering
from hybrid_assets.runner.project import Project
from hybrid_assets.runner.replaying_batches import replay_batches
from hybrid_assets.storage.results import FileResultStore
from hybrid_assets_tests.integration.cli.commands import execute_all, finish_night
from hybrid_assets_tests.integration.runner.nights import NIGHT, execute, open_night, run_night

CELL = {"night": NIGHT, "workload": "maxcut", "backend": "qpu"}


# --- show


def test_every_id_of_a_kernel_leads_to_the_same_thread(night, call):
    kernel = night.ledger.kernels()[0]
    (batch,) = night.ledger.batches()
    by_kernel = call("show", kernel.kernel_id[:8], "--json").document
    by_request = call("show", f"{NIGHT}/maxcut/qpu/{kernel.instance}/{kernel.label}", "--json").document
    assert by_request == by_kernel
    assert (by_kernel["kind"], by_kernel["state"], by_kernel["team"]) == ("kernel", "DONE", "research")
    assert by_kernel["result"]["provider_job_id"] == batch.provider_job_id
    assert by_kernel["published"][0]["source"] == "backend"
    assert [job["batch_id"] for job in by_kernel["jobs"]] == [batch.batch_id]
    assert kernel.kernel_id in by_kernel["next"]
    for name in (batch.batch_id[:10], batch.request_id[:8], batch.provider_job_id):
        found = call("show", name, "--json").document
        assert (found["kind"], found["id"], found["status"]) == ("batch", batch.batch_id, "SUCCEEDED")
        assert {one["kernel_id"] for one in found["kernels"]} == set(batch.kernel_ids)
        assert [event["kind"] for event in found["events"]] == ["submitted", "finished"]
        assert len(found["decisions"]) == 1


def test_a_night_is_shown_with_its_cells_jobs_and_bill(night, call):
    found = call("show", NIGHT, "--json").document
    assert (found["kernels_by_state"], len(found["jobs"])) == ({"DONE": 2}, 1)
    assert set(found["cells"][0]["published"]) == {"compiled_circuits", "quantum_results", "comparisons"}
    assert found["billed_s"] == pytest.approx(night.ledger.batches()[0].billed_s)
    text = call("show", NIGHT).out
    assert text.startswith(f"night {NIGHT}\n")
    assert text.rstrip().endswith(f"Next: hybrid-assets status --night {NIGHT}")


def test_what_waits_is_shown_with_the_command_that_helps(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu")
    run_night(project)
    kernel = project.ledger.kernels()[0]
    assert call("show", kernel.kernel_id).out.rstrip().endswith("Next: hybrid-assets resume qpu")
    assert call("show", NIGHT).out.rstrip().endswith(f"Next: hybrid-assets collect --night {NIGHT}")
    call("cancel", kernel.kernel_id)
    shown = call("show", kernel.kernel_id).out
    assert "CANCELLED" in shown
    assert f"Next: hybrid-assets resume --night {NIGHT} --workload maxcut --backend qpu" in shown
    call("cancel", "--night", NIGHT)
    execute(project)
    assert call("show", NIGHT).out.rstrip().endswith(f"Next: hybrid-assets resume --night {NIGHT}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("2026-11-22", "Nothing is known of 2026-11-22", id="night"),
        pytest.param("abc", "'abc' is too short for an id", id="short"),
        pytest.param("0123456789", "No kernel, batch or job begins with '0123456789'", id="unknown"),
        pytest.param(f"{NIGHT}/maxcut/qpu", "is no correlation id", id="cell"),
        pytest.param(f"{NIGHT}/maxcut/qpu/squre/p1", "No request", id="request"),
    ],
)
def test_an_unknown_id_is_refused(folder, call, name, message):
    open_night(folder)
    answer = call("show", name)
    assert (answer.code, message in answer.err) == (2, True), answer.err


def test_a_beginning_of_several_ids_lists_them(night, call, monkeypatch):
    kernel = night.ledger.kernels()[0]
    ledger = type(night.ledger)
    found = ledger.matching(night.ledger, "", limit=10)
    monkeypatch.setattr(ledger, "matching", lambda self, beginning, *, limit: found)
    answer = call("show", kernel.kernel_id)
    assert answer.code == 2
    assert "is the beginning of several: kernel " in answer.err
    assert answer.err.count("kernel ") == 2


# --- replay


def test_a_night_is_recomputed_from_counts_without_a_provider(night, call, monkeypatch):
    def no_provider(self, backend):
        raise AssertionError(f"asked for the provider of {backend}")

    monkeypatch.setattr(Project, "provider", no_provider)
    monkeypatch.setattr(Project, "compile_options", no_provider)
    answer = call("replay", "--night", NIGHT)
    assert answer.code == 0, answer.err
    assert answer.out.count("same") == 4  # results, comparisons, verdicts, decisions
    assert "Every data version is the published one." in answer.out


def test_replay_publishes_nothing(night, call):
    files = {path: path.stat().st_mtime_ns for path in night.home.rglob("*.parquet")}
    call("replay", "--night", NIGHT)
    assert {path: path.stat().st_mtime_ns for path in night.home.rglob("*.parquet")} == files


def test_rows_that_do_not_follow_from_the_counts_are_named(night, call):
    rows = night.warehouse.read_rows("quantum_results", **CELL)
    true_value = rows[0]["expected_value"]
    rows[0]["expected_value"] = 99.0
    night.warehouse.publish("quantum_results", rows, partition=CELL)
    answer = call("replay", "--night", NIGHT, "--workload", "maxcut", "--backend", "qpu")
    assert answer.code == 7
    assert answer.out.count("DIFFERS") == 1
    assert f"expected_value 99.0 -> {true_value!r}" in answer.err


def test_a_changed_score_changes_comparisons_and_the_decision_that_rests_on_them(night, call, monkeypatch):
    scored = comparing._rows
    monkeypatch.setattr(comparing, "_rows", lambda *a: [row | {"shots": 1} for row in scored(*a)])
    answer = call("replay", "--night", NIGHT)
    assert answer.code == 7
    differing = [line.split()[2] for line in answer.out.splitlines() if "DIFFERS" in line and "qpu" in line]
    assert differing[0] == "comparisons"
    assert any("decisions" in line and "DIFFERS" in line for line in answer.out.splitlines())


def test_counts_that_are_gone_are_no_replay(night, call):
    for path in (night.home / "results").rglob("*.npz"):
        path.unlink()
    answer = call("replay", "--night", NIGHT)
    assert (answer.code, "are gone or damaged" in answer.err) == (7, True)


def test_failed_kernels_replay_as_failed(folder, call):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu")
    run_night(project)
    call("cancel", "--night", NIGHT)
    execute(project)
    finish_night(project)
    assert call("replay", "--night", NIGHT).code == 0


def test_a_night_without_results_cannot_be_replayed(folder, call):
    open_night(folder)
    assert call("replay", "--night", NIGHT).code == 2
    assert "No batch" in call("replay", "--night", NIGHT, "--decisions").out


GRAPHS = {f"path{n}": "source,target\n" + "".join(f"{k},{k + 1}\n" for k in range(n)) for n in range(2, 9)}


def test_recorded_batches_are_planned_again_as_they_were(folder, call, monkeypatch):
    """Two kernels a job at first, seven kernels: several decisions, each with the past of its moment."""
    project = open_night(folder, backend="batch_size: 2, max_pubs: 3, slots: 2, wait_s: 60", graphs=GRAPHS)
    run_night(project)
    made = [d for d in project.ledger.decisions() if d.batch_id]
    assert len(made) >= 3
    answer = call("replay", "--night", NIGHT, "--decisions")
    assert (answer.code, f"{len(made)} of {len(made)} decisions are reproduced" in answer.out) == (0, True), answer.out
    other = open_night(folder, backend="batch_size: 1, max_pubs: 3, slots: 2, wait_s: 60", graphs=GRAPHS)
    first = next(iter(replay_batches(other, "qpu", NIGHT)))
    assert not first.is_same  # under another setting the first job would have been another
    assert call("replay", "--night", NIGHT, "--decisions").code == 7


def test_a_search_for_a_poison_kernel_is_planned_again_half_by_half(folder, call):
    fault = "faults: {kernel_failures: {rate: 0.3, names_pub: false}}, wait_s: 60"
    project = open_night(folder, backend=fault, graphs=GRAPHS)
    run_night(project)
    made = [d for d in project.ledger.decisions() if d.batch_id]
    assert sum("search for a poison kernel" in d.reason for d in made) >= 2
    assert call("replay", "--night", NIGHT, "--decisions").code == 0


# --- export


def test_a_night_is_exported_with_versions_counts_and_checksums(night, call, tmp_path):
    target = tmp_path / "out" / "night"
    answer = call("export", "--night", NIGHT, "--to", str(target))
    assert answer.code == 0, answer.err
    manifest = json.loads((target / "manifest.json").read_text())
    views = {view["view"]: view for view in manifest["views"]}
    for view in views.values():
        data = (target / view["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == view["sha256"]
        assert pq.read_table(target / view["file"]).num_rows == view["rows"]
    assert views["quantum_results"]["rows"] == 2
    assert views["quantum_results"]["data_versions"] == {
        "maxcut/qpu": night.warehouse.data_version("quantum_results", **CELL)
    }
    assert {path.name for path in target.iterdir()} == {v["file"] for v in views.values()} | {"manifest.json"}
    again = call("export", "--night", NIGHT, "--to", str(target))
    assert (again.code, "is there already" in again.err) == (2, True)


def test_csv_holds_the_same_rows(night, call):
    assert call("export", "--night", NIGHT, "--format", "csv").code == 0
    with (night.home / "exports" / NIGHT / "quantum_results.csv").open() as file:
        found = list(csv.DictReader(file))
    rows = night.warehouse.read_rows("quantum_results", **CELL)
    assert [float(row["expected_value"]) for row in found] == [row["expected_value"] for row in rows]
    assert found[0]["source_reason"] == ""


def test_an_export_that_fails_leaves_nothing(night, call, tmp_path, monkeypatch):
    monkeypatch.setattr("hybrid_assets.storage.bundle._csv", lambda rows: 1 / 0)
    answer = call("export", "--night", NIGHT, "--to", str(tmp_path / "out" / "night"), "--format", "csv")
    assert (answer.code, "ZeroDivisionError" in answer.err) == (1, True)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_empty_night_is_not_exported(folder, call):
    open_night(folder)
    assert "nothing to export" in call("export", "--night", NIGHT).err


# --- status


def test_status_shows_stages_and_kernels_by_state(night, call):
    text = call("status", "--night", NIGHT).out
    assert "decisions" in text
    assert f"Kernels of {NIGHT}" in text
    rows = call("status", "--night", NIGHT, "--json").document
    assert {"workload": "maxcut", "backend": "qpu", "stage": "quantum_results", "rows": 2} in rows


def test_watching_prints_a_line_a_change_and_ends_when_nothing_is_under_way(folder, call, monkeypatch):
    project = open_night(folder, backend="wait_s: 0")
    call("pause", "qpu", "--note", "later")
    run_night(project)
    turns = []

    def sleep(seconds):
        turns.append(seconds)
        if len(turns) == 2:
            steering.set_breaker(project, "qpu", is_open=False, note="by hand")
        if len(turns) == 3:
            execute_all(project)

    monkeypatch.setattr(status, "time", SimpleNamespace(sleep=sleep))
    lines = call("status", "--watch", "--night", NIGHT, "--every", "0.5").out.splitlines()
    assert turns == [0.5, 0.5, 0.5]
    assert lines[0].startswith("maxcut/qpu: 2 READY. 2 kernels are pending")
    assert lines[1] == "qpu: breaker open: later"
    assert lines[2:] == ["qpu: breaker closed", "maxcut/qpu: 2 DONE, 2 rows published", "Nothing is under way."]


def test_results_of_a_foreign_store_are_not_needed_to_watch(night, call, monkeypatch):
    """Watching reads the ledger and the published rows, never raw counts."""

    def get(self, kernel_id):
        raise AssertionError(kernel_id)

    monkeypatch.setattr(FileResultStore, "get", get)
    assert call("status", "--watch", "--night", NIGHT).out.endswith("Nothing is under way.\n")
