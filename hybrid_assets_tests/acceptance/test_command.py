"""The command, as a user runs it."""

from __future__ import annotations

import shutil

import pytest

from hybrid_assets_tests.acceptance.projects import NIGHT, make_project, run, sql


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project after its first night, with what the command printed."""
    folder = make_project(tmp_path_factory.mktemp("project"))
    return folder, run(folder, "run", "--night", NIGHT)


def test_a_night_ends_well_with_a_table_and_verdicts(project):
    folder, first = project
    assert first.returncode == 0, first.stderr
    assert "leak" not in first.stderr
    for word in (
        "maxcut",
        "portfolio",
        "kernel_classification",
        "torino",
        "qaoa_p2+descent",
        "random_bits",
        "no_advantage",
    ):
        assert word in first.stdout
    assert f"\nReport: {folder / 'data' / 'state' / 'reports' / NIGHT}.html\n" in first.stdout
    verdicts = sql(folder, "select workload, backend, verdict from verdicts order by all")
    assert [(v["workload"], v["backend"]) for v in verdicts] == [
        (w, b) for w in ("kernel_classification", "maxcut", "portfolio") for b in ("aer", "torino")
    ]
    assert {v["verdict"] for v in verdicts} <= {"no_advantage", "inconclusive"}


def test_the_same_night_again_compiles_executes_and_solves_nothing(project):
    folder, _ = project
    before = sql(folder, "select count(*) as n from job_attempts")[0]["n"]
    again = run(folder, "run", "--night", NIGHT)
    assert again.returncode == 0, again.stderr
    assert sql(folder, "select count(*) as n from job_attempts")[0]["n"] == before
    assert sql(folder, "select count(*) as n from compiled_circuits where not cache_hit")[0]["n"] == 0
    assert "compiled" not in again.stderr.replace("compiled_circuits", "")
    assert "done," not in again.stderr


def test_another_night_on_the_same_inputs_makes_no_compile(project):
    folder, _ = project
    done = run(folder, "run", "--night", "2026-11-03", "--until", "compiled_circuits")
    assert done.returncode == 0, done.stderr
    misses = sql(folder, "select count(*) as n from compiled_circuits where night = '2026-11-03' and not cache_hit")
    assert misses == [{"n": 0}]


def test_a_refused_input_is_a_row_and_the_others_still_run(project, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(project[0], folder)
    (folder / "inputs" / "maxcut" / "broken.csv").write_text("source,target\n0,1\n1,1\n")
    done = run(folder, "run", "--night", NIGHT, "--workload", "maxcut", "--backend", "aer")
    assert done.returncode == 3
    assert "inputs/maxcut/broken.csv, row 3" in done.stderr
    asked = f"select instance, status from normalized_inputs where workload = 'maxcut' and night = '{NIGHT}' order by 1"  # noqa: S608 - a constant
    rows = sql(folder, asked)
    assert [(r["instance"], r["status"]) for r in rows] == [
        ("broken", "refused"),
        ("gaussian-dense-n10", "accepted"),
        ("karate-club", "accepted"),
        ("petersen", "accepted"),
    ]
    compared = sql(
        folder, "select count(distinct instance) as n from comparisons where workload = 'maxcut' and backend = 'aer'"
    )
    assert compared == [{"n": 3}]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(["run", "--night", "2020-01-01"], 2, "'2020-01-01' is not a night of this sweep.", id="night"),
        pytest.param(["run", "--workload", "maxcat"], 2, "Did you mean 'maxcut'?", id="workload"),
        pytest.param(["run", "--backend", "are"], 2, "Did you mean 'aer'?", id="backend"),
        pytest.param(["run", "--until", "comparison"], 2, "Did you mean 'comparisons'?", id="stage"),
        pytest.param(["run", "--nigth", "x"], 2, "No such option", id="option"),
        pytest.param(["sql", "select * from comparison"], 2, "Did you mean 'comparisons'?", id="view"),
        pytest.param(["sql", "drop table comparisons"], 2, "is not allowed here", id="drop"),
        pytest.param(["sql", "selec 1"], 2, 'syntax error at or near "selec"\n"show tables" lists', id="grammar"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(project, words, code, message):
    answer = run(project[0], *words)
    assert answer.returncode == code
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


def test_status_and_doctor_tell_what_is_there(project):
    folder, _ = project
    status = run(folder, "status", "--night", NIGHT)
    assert status.returncode == 0, status.stderr
    assert "quantum_results" in status.stdout
    doctor = run(folder, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "WRONG" not in doctor.stdout
    assert "qpu_aer=2, qpu_torino=1" in doctor.stdout


def test_doctor_finds_and_sets_aside_a_truncated_file(project, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(project[0], folder)
    file = next((folder / "data" / "state" / "warehouse" / "comparisons").glob("night=*/**/data.parquet"))
    file.write_bytes(file.read_bytes()[:-100])
    found = run(folder, "doctor")
    assert found.returncode == 3
    assert "1 damaged files" in found.stdout
    assert run(folder, "doctor", "--quarantine").returncode == 0
    assert run(folder, "doctor").returncode == 0
