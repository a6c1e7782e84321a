"""Wrong input of every kind through the command's real entry: what it says, word for word, and how it exits.

Every text says what is wrong, why, and what to do: the nearest right word, what is expected, or the command that helps.
"""

from __future__ import annotations

import pytest

from hybrid_assets.cli import main as entry
from hybrid_assets_tests.integration.runner.nights import SQUARE, open_night

NIGHT = "2026-11-20"
SWEEP = """
start: 2026-11-01
workloads:
  maxcut: {inputs: 'in/*.csv', shots: 100, depths: [1]}
  portfolio: {inputs: 'in/*.csv', angles: {policy: ramp}}
backends:
  qpu: {provider: emulator, device: fake_torino, slots: 2}
  aer: {provider: aer}
budgets: [{team: research, per: night, qpu_s: 600}]
"""
TOP = "Known: start, cron, workloads, backends, budgets, approvals, benchmark, alerts, baseline_limit_s, seed."
OF_WORKLOADS = (
    "Keys of every workload: inputs, shots, max_qubits, class, team, backends, phase, fallback, slo, latency_budget_s."
)


@pytest.fixture
def say(tmp_path, capsys, monkeypatch):
    """Return what calls the command as its console script does; its answer is (exit code, output, errors)."""
    for name in ("HYBRID_ASSETS_HOME", "HYBRID_ASSETS_CONFIG", "HYBRID_ASSETS_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            entry.main(words)
        printed = capsys.readouterr()
        assert ("Traceback" in printed.err) is ("--debug" in words)
        return ended.value.code, printed.out, printed.err

    return call


def refused(place, given, expected):
    return f"{place}: {given} is wrong; expected {expected}."


NAME = "a name: a small letter, then small letters, digits and _, at most 40 in all"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        # keys, at every level
        pytest.param(
            "start:", "strat:", f"start: this key is missing. Add it. strat: unknown key. Did you mean 'start'? {TOP}",
            id="top-key",
        ),
        pytest.param("budgets:", "budget:", f"budget: unknown key. Did you mean 'budgets'? {TOP}", id="top-plural"),
        pytest.param(
            "qpu_s:", "qpus:",
            "budgets.0.qpus: unknown key. Did you mean 'qpu_s'? Known: team, per, qpu_s, shots, money.",
            id="budget-key",
        ),
        pytest.param(
            "budgets:", "approvals: {over_mony: 1}\nbudgets:",
            "approvals.over_mony: unknown key. Did you mean 'over_money'? "
            "Known: over_money, over_qpu_s, limited_qpu_s, limited_kernels.",
            id="approvals-key",
        ),
        pytest.param(
            "budgets:", "benchmark: {repetition: 1}\nbudgets:",
            "benchmark.repetition: unknown key. Did you mean 'repetitions'? Known: repetitions, shots, depths.",
            id="benchmark-key",
        ),
        pytest.param(
            "budgets:", "alerts: {comand: [x]}\nbudgets:",
            "alerts.comand: unknown key. Did you mean 'command'? "
            "Known: command, webhook_env, on, budget_share, timeout_s, environment.",
            id="alerts-key",
        ),
        pytest.param(
            "shots: 100", "slo: {turnaround: 5}",
            "workloads.maxcut.slo.turnaround: unknown key. Did you mean 'turnaround_s'? "
            "Known: success_rate, turnaround_s, max_inputs_age_s, max_calibration_age_s, fail_factor.",
            id="slo-key",
        ),
        pytest.param(
            "shots: 100", "latency_budget_s: {quantum_result: 5}",
            "workloads.maxcut.latency_budget_s.quantum_result: unknown key. Did you mean 'quantum_results'? Known: "
            "normalized_inputs, classical_baselines, compiled_circuits, quantum_results, comparisons, decisions.",
            id="stage",
        ),
        pytest.param("provider: emulator, ", "", "backends.qpu.provider: this key is missing. Add it.", id="provider"),
        pytest.param(
            "inputs: 'in/*.csv', shots: 100, ", "", "workloads.maxcut.inputs: this key is missing. Add it.", id="inputs"
        ),
        # names
        pytest.param(
            "shots: 100", "backends: [aers]",
            "workload 'maxcut' names backend 'aers', which is not under backends. Did you mean 'aer'? Known: qpu, aer.",
            id="backend-of-workload",
        ),
        pytest.param(
            "  aer:", "  Aer-1:",
            "backends: name 'Aer-1' is wrong; expected a small letter, then small letters, digits and _, "
            "at most 40 in all.",
            id="name",
        ),
        pytest.param("shots: 100", "team: My Team", refused("workloads.maxcut.team", "'My Team'", NAME), id="team"),
        pytest.param(
            "shots: 100", "fallback: [clasical]",
            "workloads.maxcut.fallback[0]: unknown rung 'clasical'. Did you mean 'classical'? "
            "Known: other_backend, cached, simulation, classical.",
            id="rung",
        ),
        pytest.param(
            "shots: 100", "fallback: [{other_backend: aers}]",
            "workloads.maxcut.fallback[0]: unknown backend 'aers'. Did you mean 'aer'? Known: qpu, aer.",
            id="rung-backend",
        ),
        # values
        pytest.param("2026-11-01", "soon", refused("start", "'soon'", "a date, YYYY-MM-DD"), id="date"),
        pytest.param(
            "start:", "cron: every night\nstart:",
            "cron: 'every night' is no schedule: 2 fields instead of 5. "
            "Write it as in '0 2 * * *', every night at 02:00 UTC.",
            id="cron",
        ),
        pytest.param(
            "start:", "cron: 61 2 * * *\nstart:",
            "cron: '61 2 * * *' is no schedule: '61' is no minute, which goes from 0 to 59. "
            "Write it as in '0 2 * * *', every night at 02:00 UTC.",
            id="cron-minute",
        ),
        pytest.param("start:", "cron: 5\nstart:", refused("cron", "5", "text; put it in quotes"), id="cron-number"),
        pytest.param("slots: 2", "slots: 0", refused("backends.qpu.slots", "0", "a number of at least 1"), id="low"),
        pytest.param("slots: 2", "slots: many", refused("backends.qpu.slots", "'many'", "a whole number"), id="word"),
        pytest.param("start:", "seed: 1.5\nstart:", refused("seed", "1.5", "a whole number"), id="fraction"),
        pytest.param(
            "slots: 2", "slots: 2, reserved_slots: 2",
            "backends.qpu: 2 of 2 slots cannot be reserved: exploratory kernels would wait for ever. "
            "Lower reserved_slots, or raise slots.",
            id="reserved",
        ),
        pytest.param(
            "slots: 2", "optimization_level: 4",
            refused("backends.qpu.optimization_level", "4", "a number of at most 3"), id="high",
        ),
        pytest.param(
            "slots: 2", "job_wait_s: 0", refused("backends.qpu.job_wait_s", "0", "a number above 0"), id="zero"
        ),
        pytest.param(
            "slots: 2", "price_per_s: .nan", refused("backends.qpu.price_per_s", "nan", "a finite number"), id="nan"
        ),
        pytest.param(
            "slots: 2", "reuse: nightly",
            f"{refused('backends.qpu.reuse', repr('nightly'), 'always or night')} Did you mean 'night'?", id="choice",
        ),
        pytest.param(
            "shots: 100", "class: prod",
            refused("workloads.maxcut.class", "'prod'", "production or exploratory"), id="choice-far",
        ),
        pytest.param(
            "shots: 100", "fallback: [{cached: -1}]",
            "workloads.maxcut.fallback[0]: {'cached': -1} is wrong; "
            "expected {cached: SECONDS}, how old a result may be.",
            id="rung-value",
        ),
        pytest.param(
            "shots: 100", "slo: {success_rate: 5}",
            "workloads.maxcut.slo.success_rate: 5.0 is wrong; expected a number from 0 to 1.", id="slo",
        ),
        pytest.param("per: night", "per: week", refused("budgets.0.per", "'week'", "night or month"), id="per"),
        pytest.param(
            ", qpu_s: 600", "", "budgets.0: the budget of team 'research' limits nothing: give qpu_s, shots or money.",
            id="budget-of-nothing",
        ),
        pytest.param(
            "[{team: research, per: night, qpu_s: 600}]", "{team: research}",
            refused("budgets", "what stands there", "a list: [...]"), id="list",
        ),
        pytest.param(
            "budgets:", "benchmark: {shots: [1, 1]}\nbudgets:",
            "benchmark.shots: [1, 1] names a value twice; to repeat trials raise benchmark.repetitions.", id="twice",
        ),
        pytest.param(
            "budgets:", "alerts: {command: [x], on: [budgets]}\nbudgets:",
            f"{refused('alerts.on.0', repr('budgets'), 'drift, budget, gate, check or breaker')} "
            "Did you mean 'budget'?",
            id="alert-kind",
        ),
        pytest.param(
            "budgets:", "alerts: {command: notify.sh}\nbudgets:",
            refused("alerts.command", "'notify.sh'", "a list: [...]"), id="alert-shell",
        ),
        pytest.param(
            "budgets:", "alerts: {on: [drift]}\nbudgets:",
            "alerts: give one of command (a program with its arguments) and webhook_env (a variable's name).",
            id="alert-nowhere",
        ),
        pytest.param(
            "budgets:", "alerts: {webhook_env: 'https://h/s3cret'}\nbudgets:",
            "alerts.webhook_env: this is no name of an environment variable, like ALERTS_URL. "
            "Put the URL into that variable (or the file .env), not here.",
            id="alert-secret",
        ),
    ],
)  # fmt: skip
def test_settings(tmp_path, say, old, new, text):
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace(old, new, 1))
    assert say("status") == (3, "", f"Error: sweep.yaml is not valid. {text}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", f"must hold a mapping with the keys {TOP.removeprefix('Known: ')}", id="empty"),
        pytest.param("- 1\n", f"must hold a mapping with the keys {TOP.removeprefix('Known: ')}", id="list"),
        pytest.param(
            "a: [1",
            "is not readable as YAML: line 1, column 6: expected ',' or ']', but got '<stream end>'. Mend it there.",
            id="bracket",
        ),
        pytest.param(
            "start: 2026-11-01\nstart: 2026-11-02\n",
            "is not readable as YAML: line 2, column 1: the key 'start' stands twice: remove one. Mend it there.",
            id="twice",
        ),
        pytest.param(
            "a: &x 1\nb: *x\n",
            "is not readable as YAML: line 2, column 4: aliases are not allowed, write the value out. Mend it there.",
            id="alias",
        ),
        pytest.param(
            "a: !!python/object:os.system x\n",
            "is not readable as YAML: line 1, column 4: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'. Mend it there.",
            id="tag",
        ),
        pytest.param("#" * 300_000, "is larger than 262144 bytes; a sweep needs a few hundred. Shorten it.", id="huge"),
    ],
)
def test_settings_files(tmp_path, say, text, message):
    (tmp_path / "sweep.yaml").write_text(text)
    assert say("status") == (3, "", f"Error: sweep.yaml {message}\n")


def test_a_key_is_a_name_even_where_yaml_has_another_word_for_it(tmp_path, say):
    """YAML reads ``on`` as true: the section's own key would be unknown."""
    (tmp_path / "sweep.yaml").write_text(f"{SWEEP}alerts: {{command: [x], on: [drift]}}\n")
    assert say("budget")[0] == 0


@pytest.mark.parametrize(
    ("old", "new", "words", "text"),
    [
        pytest.param(
            "emulator,", "emulater,", ["calibration", "plan", "qpu"],
            "Unknown provider 'emulater'. Did you mean 'emulator'? "
            "Installed: aer, braket, emulator, ibm, isolated.",
            id="provider",
        ),
        pytest.param(
            "provider: aer", "provider: aer, nois: x", ["calibration", "plan", "aer"],
            "Backend 'aer': unknown option 'nois'. Did you mean 'noise'? "
            "Options: device, noise, density_matrix_qubits, keep_distributions.",
            id="backend-option",
        ),
        pytest.param(
            "slots: 2", "speed: -1", ["calibration", "plan", "qpu"],
            "backends.qpu.speed: -1 is wrong; expected a number from 0.001 to 1e+06.", id="backend-value",
        ),
        pytest.param(
            "  maxcut:", "  maxcat:", ["plan", "--night", NIGHT, "--workload", "maxcat"],
            "Unknown workload 'maxcat'. Did you mean 'maxcut'? Installed: kernel_classification, maxcut, portfolio.",
            id="workload",
        ),
        pytest.param(
            "depths: [1]", "depth: [1]", ["plan", "--night", NIGHT],
            "maxcut.depth: unknown key. Did you mean 'depths'? Known: depths, angles, descent.", id="workload-option",
        ),
        pytest.param(
            "shots: 100", "shot: 100", ["plan", "--night", NIGHT],
            "maxcut.shot: unknown key. Known: depths, angles, descent. "
            f"Did you mean 'shots'? {OF_WORKLOADS}",
            id="workload-common",
        ),
        pytest.param(
            "depths: [1]", "slots: 3", ["plan", "--night", NIGHT],
            "workloads.maxcut.slots: this key belongs under a backend. Move it.", id="place",
        ),
        pytest.param(
            "depths: [1]", "depths: [0]", ["plan", "--night", NIGHT],
            "maxcut.depths: 0 is wrong; expected a whole number from 1 to 5 "
            "(deeper: policy ramp, grid or optimize).",
            id="depth",
        ),
        pytest.param(
            "policy: ramp", "policy: rampe", ["plan", "--night", NIGHT, "--workload", "portfolio"],
            "portfolio.angles.policy: 'rampe' is wrong; expected ramp or grid.", id="angles",
        ),
    ],
)  # fmt: skip
def test_options_of_plug_ins(tmp_path, say, old, new, words, text):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "square.csv").write_text(SQUARE)
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace(old, new, 1))
    code, out, error = say(*words)
    assert (code, out, error.splitlines()[-1]) == (3, "", f"Error: {text}")  # after what progress there was


def test_a_common_key_of_a_backend_mistyped_is_found_though_the_plug_in_refuses_it(tmp_path, say):
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("provider: aer", "provider: aer, slot: 2"))
    code, _, error = say("calibration", "plan", "aer")
    assert code == 3
    assert error.startswith("Error: Backend 'aer': unknown option 'slot'. Options: device, noise, ")
    assert "Did you mean 'slots'? Keys of every backend: provider, slots, wait_s, " in error


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
            'Permission Error: Cannot access file "/etc/hosts" - file system operations are disabled by configuration\n'
            "Only the views may be read here; to read files open a copy of snapshot.duckdb in DuckDB.",
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
    (tmp_path / "sweep.yaml").write_text(SWEEP)
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
