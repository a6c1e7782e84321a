"""Wrong words and wrong files through the command's real entry: what it says, word for word, and how it exits.

Every text says what is wrong, why, and what to do: the nearest right word, what is expected, or the command that helps.
"""

from __future__ import annotations

import pytest

from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE, open_night

BACKENDS = "Did you mean 'qpu'? Known: qpu."
NIGHTS = "Write it as YYYY-MM-DD, from 2026-11-01 on."
READ_ONLY = (
    "only SELECT, EXPLAIN, DESCRIBE, SHOW, SUMMARIZE and PIVOT. To change data materialize it again; to work on it "
    "freely open a copy of snapshot.duckdb."
)
HINT = '"show tables" lists the views, "describe verdicts" the columns of one.'


@pytest.mark.parametrize(
    ("words", "text"),
    [
        # nights
        pytest.param(["collect", "--night", "soon"], f"'soon' is no night. {NIGHTS}", id="collect-night"),
        pytest.param(
            ["resume", "--night", "2026-10-01"],
            "'2026-10-01' is not a night of this sweep. Nights are YYYY-MM-DD, from 2026-11-01 on.", id="early",
        ),
        pytest.param(["replay", "--night", "x"], f"'x' is no night. {NIGHTS}", id="replay-night"),
        pytest.param(
            ["replay", "--night", NIGHT],
            f"No results of {NIGHT} are published there: nothing to replay. `hybrid-assets status --night {NIGHT}`",
            id="replay-nothing",
        ),
        pytest.param(
            ["report", "--night", NIGHT],
            f"Nothing of {NIGHT} is published. `hybrid-assets run --night {NIGHT}` runs it.", id="report",
        ),
        pytest.param(
            ["report"], "No night is published yet: nothing to report. `hybrid-assets run` runs one.", id="report-none"
        ),
        pytest.param(["report", "--night", NIGHT, "--all"], "Give --night or --all, not both.", id="report-both"),
        pytest.param(
            ["export", "--night", NIGHT],
            f"Nothing of {NIGHT} is published: nothing to export. `hybrid-assets run --night {NIGHT}`", id="export",
        ),
        pytest.param(
            ["show", NIGHT], f"Nothing is known of {NIGHT}. `hybrid-assets run --night {NIGHT}` runs it.", id="show"
        ),
        # names
        pytest.param(
            ["runn"],
            "There is no verb 'runn'. Did you mean 'run'? Verbs: init, demo, doctor, plan, run, status, show, collect, "
            "approve, reject, pause, resume, cancel, budget, breaker, calibration, replay, sql, report, export, ui.",
            id="verb",
        ),
        pytest.param(["budget", "sett"], "No such command 'sett'. Did you mean 'set'?", id="sub-verb"),
        pytest.param(
            ["collect", "--backend", "qp"], f"There is no backend 'qp' in sweep.yaml. {BACKENDS}", id="collect"
        ),
        pytest.param(["pause", "qp"], f"There is no backend 'qp' in sweep.yaml. {BACKENDS}", id="pause"),
        pytest.param(["resume", "qp"], f"There is no backend 'qp' in sweep.yaml. {BACKENDS}", id="resume"),
        pytest.param(["breaker", "qp"], f"There is no backend 'qp' in sweep.yaml. {BACKENDS}", id="breaker"),
        pytest.param(
            ["run", "--smoke", "qp", "--max-qpu-s", "1"], f"There is no backend 'qp' in sweep.yaml. {BACKENDS}",
            id="smoke",
        ),
        pytest.param(
            ["calibration", "diff", "qp"], f"There is no backend 'qp' in sweep.yaml. {BACKENDS}", id="calibration"
        ),
        pytest.param(
            ["cancel", "--night", NIGHT, "--workload", "maxcat"],
            "There is no workload 'maxcat' in sweep.yaml. Did you mean 'maxcut'? Known: maxcut.", id="cancel-workload",
        ),
        pytest.param(
            ["budget", "set", "resarch", "5"], "There is no team 'resarch'. Did you mean 'research'? Known: research.",
            id="team",
        ),
        pytest.param(
            ["show", "zzzzzzzz"],
            "No kernel, batch or job begins with 'zzzzzzzz'. `hybrid-assets show NIGHT` lists a night's jobs, "
            '`hybrid-assets sql "from quantum_results"` its kernels.',
            id="id",
        ),
        pytest.param(
            ["show", "12"], "'12' is too short for an id: give at least 8 characters, or a night.", id="id-short"
        ),
        pytest.param(
            ["show", "../x"],
            "'../x' is no correlation id: those are night/workload/backend/instance/label.", id="id-path",
        ),
        pytest.param(
            ["cancel", "12345678"],
            "No kernel begins with '12345678'. `hybrid-assets status` and `hybrid-assets show NIGHT` list what there "
            "is.",
            id="kernel",
        ),
        pytest.param(
            ["calibration", "diff", "qpu"],
            "There is no previous calibration of qpu: 0 were seen. A night stores the one in force, and so does "
            "materializing calibration_snapshots.",
            id="previous",
        ),
        # words that do not go together
        pytest.param(
            ["resume"],
            "Name what to go on with: a backend (resume torino) or a night (resume --night 2026-11-20).", id="nothing",
        ),
        pytest.param(
            ["cancel"],
            "Say what to cancel: --night 2026-11-20 (with --workload, --backend), or ids of kernels.", id="cancel",
        ),
        pytest.param(
            ["cancel", "12345678", "--workload", "maxcut"],
            "--workload and --backend choose among a night's kernels: they need --night.", id="cancel-both",
        ),
        pytest.param(["run", "--smoke", "qpu"], "Say what --smoke may spend: --max-qpu-s 30", id="smoke-cap"),
        pytest.param(
            ["run", "--smoke", "qpu", "--night", NIGHT],
            "--smoke runs no night: leave out --night, --workload, --backend, --until and --yes.", id="smoke-night",
        ),
        pytest.param(
            ["run", "--max-qpu-s", "3"],
            "--max-qpu-s, --wait, --smoke-id and --json belong to --smoke BACKEND.", id="smoke-less",
        ),
        pytest.param(
            ["run", "--smoke", "qpu", "--max-qpu-s", "9", "--smoke-id", "../x"],
            "'../x' is no name of a smoke run: take up to 40 letters, digits and hyphens.", id="smoke-name",
        ),
        pytest.param(
            ["ui", "--allow-host", "h"],
            "--allow-host shares the UI, and whoever reaches an editable one can launch runs. Add --read-only.",
            id="ui",
        ),
        # values
        pytest.param(["approve", "0123456789ab"], "Missing option '--by'.", id="by"),
        pytest.param(
            ["approve", "1234567890", "--by", "a", "--note", "x", "--expires", "0"],
            "Invalid value for '--expires': 0.0 is not in the range x>0.", id="expires",
        ),
        pytest.param(
            ["approve", "01", "--by", "ada", "--note", "x", "--night", NIGHT],
            "'01' is too short: give at least 8 digits of the plan's hash.", id="hash",
        ),
        pytest.param(
            ["reject", "0123456789ab", "--by", "ada", "--note", " ", "--night", NIGHT],
            "An approval needs a name and a reason: --by NAME --note WHY.", id="note",
        ),
        pytest.param(
            ["budget", "set", "research", "5", "--unit", "qpu"],
            "Invalid value for '--unit': 'qpu' is not one of 'qpu_s', 'shots', 'money'.", id="unit",
        ),
        pytest.param(["pause"], "Missing argument 'BACKEND'.", id="argument"),
        pytest.param(
            ["collect", "--wait", "-1"], "Invalid value for '--wait': -1.0 is not in the range x>=0.", id="wait"
        ),
        pytest.param(["status", "--nigth", NIGHT], "No such option '--nigth'. Did you mean '--night'?", id="option"),
        # SQL
        pytest.param(
            ["sql", ""],
            "Ask one question at a time; this text holds 0 statements. For example: from verdicts", id="sql-none",
        ),
        pytest.param(
            ["sql", "select 1; select 2"],
            "Ask one question at a time; this text holds 2 statements. For example: from verdicts", id="sql-two",
        ),
        pytest.param(["sql", "selec 1"], f'Parser Error: syntax error at or near "selec"\n{HINT}', id="sql-grammar"),
        pytest.param(["sql", "drop table verdicts"], f"DROP is not allowed here: {READ_ONLY}", id="sql-drop"),
        pytest.param(["sql", "copy verdicts to 'x'"], f"COPY is not allowed here: {READ_ONLY}", id="sql-copy"),
        pytest.param(["sql", "attach 'x.db'"], f"ATTACH is not allowed here: {READ_ONLY}", id="sql-attach"),
        pytest.param(
            ["sql", "select foo(1)"],
            f'Catalog Error: Scalar Function with name foo does not exist!\nDid you mean "floor"?\n{HINT}',
            id="sql-function",
        ),
        pytest.param(
            ["sql", "from read_csv('/etc/hosts')"],
            "A question may read the views only: access to files and settings is taken away from it, so that it reads, "
            "writes and loads nothing else. To read files beside them open a copy of snapshot.duckdb in a DuckDB of "
            'your own. DuckDB says: Permission Error: Cannot access file "/etc/hosts" - file system operations are '
            "disabled by configuration",
            id="sql-file",
        ),
    ],
)  # fmt: skip
def test_words(tmp_path, say, words, text):
    open_night(tmp_path)
    code, out, error = say(*words)
    assert (code, out) == (2, "")
    # Click puts the usage, and the way to the help, before the mistakes that it finds itself.
    usage = error.startswith("Usage: ")
    said = error.rpartition("--help' for help.\n\n")[2] if usage else error
    assert said == f"Error: {text}\n"


def test_a_plan_that_nobody_made_is_not_approved_and_the_present_ones_are_named(tmp_path, say):
    open_night(tmp_path)
    code, _, error = say("run", "--night", NIGHT, "--until", "normalized_inputs")
    assert code == 0, error
    code, _, error = say("approve", "0123456789ab", "--by", "ada", "--note", "x", "--night", NIGHT)
    assert code == 2
    assert error.startswith(
        f"Error: No plan and no decision of {NIGHT} has the hash 0123456789ab now: calibration, inputs or kernels may "
        "have changed since. Present ones: plan of maxcut "
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(["status", "--night", "x"], "'x' is not a night of this sweep.", id="night"),
        pytest.param(["plan", "--night", "2027-01-01"], "'2027-01-01' is not a night of this sweep.", id="future"),
        pytest.param(
            ["run", "--night", NIGHT, "--workload", "maxcat"],
            "No workload 'maxcat' in sweep.yaml. Did you mean 'maxcut'? Known: maxcut.", id="workload",
        ),
        pytest.param(
            ["run", "--night", NIGHT, "--until", "comparison"],
            "No stage 'comparison'. Did you mean 'comparisons'? Stages: calibration_snapshots, normalized_inputs, "
            "classical_baselines, compiled_circuits, quantum_results, comparisons, decisions, job_attempts, "
            "stage_timings, nightly_report.",
            id="stage",
        ),
    ],
)  # fmt: skip
def test_words_that_the_graph_is_asked_about(tmp_path, say, words, text):
    open_night(tmp_path)
    code, out, error = say(*words)
    assert (code, out) == (2, "")
    # The last night of the sweep is yesterday.
    assert error.partition(" Nights are YYYY-MM-DD, 2026-11-01 to ")[0].strip() == f"Error: {text}"


HEADER = "source,target[,weight]"
CSV_REFUSALS = {
    "loop": ("source,target\n0,0\n", ", row 2: the edge joins node 0 to itself; remove the row"),
    "columns": ("from,to\n0,1\n", f", row 1, column 'from': expected the header `{HEADER}`."),
    "typo": (
        "source,traget\n0,1\n",
        f", row 1, column 'traget': expected the header `{HEADER}`. Did you mean 'target'?",
    ),
    "empty": ("", f": the file is empty; expected a header `{HEADER}` and edges"),
    "dup": (
        "source,target\n0,1\n1,0\n",
        ", row 3: the edge 1,0 was already given in row 2; edges have no direction, keep one",
    ),
    "nan": ("source,target,weight\n0,1,nan\n", ", row 2, column 'weight': nan is not finite; expected a number"),
    "huge": (
        "source,target,weight\n0,1,1e400\n",
        ", row 2, column 'weight': 1e400 is out of range; magnitudes go from 1e-09 to 1e+09, rescale all weights",
    ),
    "long": ("source,target\n0,1,2\n", ", row 2: has 3 cells, the header has 2"),
    "Bad Name": (
        SQUARE,
        ": the file's name is the instance's name and may only hold a-z, 0-9, '.', '_' and '-'; rename the file",
    ),
}


def test_inputs(tmp_path, say):
    """All wrong files of a workload are named at once, each with its place and what is expected there."""
    open_night(tmp_path, graphs={name: text for name, (text, _) in CSV_REFUSALS.items()})
    code, out, _ = say("doctor")
    assert code == 3
    listed = out.partition("WRONG workload maxcut: 9 of 9 inputs would be refused; mend or remove:\n")[2]
    shown = [line.strip() for line in listed.splitlines()[: len(CSV_REFUSALS)]]
    assert shown == [f"in/{name}.csv{text}" for name, (_, text) in sorted(CSV_REFUSALS.items())]


def test_a_pattern_without_files(tmp_path, say):
    open_night(tmp_path, graphs={"only.txt": ""})
    (tmp_path / "in" / "only.txt.csv").unlink()
    code, out, _ = say("doctor")
    assert code == 3
    wrong = f"WRONG workload maxcut: workloads.maxcut.inputs: no file matches 'in/*.csv' under {tmp_path}. "
    assert f"{wrong}Mend the pattern, or put input files there.\n" in out


# --- places


def test_a_settings_file_that_is_not_there(say):
    text = "There is no settings file sweep.yaml. Run from the project's folder or set HYBRID_ASSETS_CONFIG."
    assert say("status") == (3, "", f"Error: {text}\n")


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        pytest.param(
            "HYBRID_ASSETS_HOME", "sweep.yaml",
            "The state's place {folder}/sweep.yaml is no folder. Set HYBRID_ASSETS_HOME to one.", id="home",
        ),
        pytest.param(
            "HYBRID_ASSETS_LEDGER", "nonsense://x",
            "The ledger runs on sqlite or postgresql, not on nonsense. Name a database of one of them.", id="ledger",
        ),
    ],
)  # fmt: skip
def test_places_that_are_none(tmp_path, say, monkeypatch, variable, value, text):
    open_night(tmp_path)
    monkeypatch.setenv(variable, value)
    assert say("budget") == (3, "", f"Error: {text.format(folder=tmp_path)}\n")


def test_a_ledger_that_is_none(tmp_path, say):
    open_night(tmp_path)
    ledger = tmp_path / "data" / "state" / "ledger.sqlite"
    ledger.parent.mkdir(parents=True, exist_ok=True)
    ledger.write_bytes(b"not a database" * 500)
    code, _, error = say("budget")
    assert code == 3
    assert error.endswith("cannot be opened: file is not a database. Check that it is a ledger and may be written.\n")


def test_a_place_that_the_system_refuses_is_no_bug(tmp_path, say):
    open_night(tmp_path)
    say("run", "--night", NIGHT, "--until", "normalized_inputs")
    code, _, error = say("export", "--night", NIGHT, "--to", "/proc/nowhere/night")
    assert code == 3
    assert error.endswith("'/proc/nowhere'. Mend the disk, or the rights on that file or folder, and run it again.\n")


def test_a_bug_is_one_sentence_that_says_so_and_a_traceback_only_where_that_was_asked_for(tmp_path, say, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("division by zero")

    open_night(tmp_path)
    monkeypatch.setattr("hybrid_assets.runner.project.Project.open", fail)
    code, out, error = say("budget")
    assert (code, out) == (1, "")
    assert error == (
        "Error: ZeroDivisionError: division by zero. This is a bug: nothing is lost, for what was done is in the "
        "ledger. Please report it with what `hybrid-assets --debug` and the same words print.\n"
    )
    code, _, error = say("--debug", "budget")  # see `say`
    assert code == 1
    assert "in fail\n" in error
