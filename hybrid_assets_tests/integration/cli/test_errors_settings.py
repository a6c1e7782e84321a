"""Wrong settings and options through the command's real entry: what it says, word for word, and how it exits.

Every text says what is wrong, why, and what to do: the nearest right word, or what is expected.
"""

from __future__ import annotations

import pytest

from hybrid_assets_tests.integration.runner.nights import NIGHT, SQUARE

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
            "Known: over_money, over_qpu_s, limited_qpu_s, limited_kernels, limited_money.",
            id="approvals-key",
        ),
        pytest.param(
            "provider: aer}", "provider: aer, price_per_s: '1,60'}",
            refused("backends.aer.price_per_s", "'1,60'", "a number; write 1.60, with a point"), id="decimal-comma",
        ),
        pytest.param(
            "provider: aer}", "provider: aer, price_per_s: 1,60}",
            "backends.aer.60: this key is no name. Inside {...} a comma separates keys: write a number with a point, "
            "as in 1.60, or put quotes around a key.",
            id="decimal-comma-in-braces",
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
        pytest.param(
            "cron: x\nstart: 2026-11-31\n",
            "is not readable as YAML: line 2, column 8: 2026-11-31 is no day of the calendar: "
            "day is out of range for month. Mend it there.",
            id="day",
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
            "slots: 2", "speed: '1,5'", ["calibration", "plan", "qpu"],
            "backends.qpu.speed: '1,5' is wrong; expected a number from 0.001 to 1e+06; write 1.5, with a point.",
            id="decimal-comma",
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
