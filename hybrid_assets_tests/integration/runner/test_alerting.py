"""Alarms from a project to a real program and a real HTTP server: each once, none lost, no night harmed."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.queue import BreakerState, BudgetUnit
from hybrid_assets.model.stages import CheckOutcome, StageOutcome
from hybrid_assets.runner import alert_hooks, alerting, spending
from hybrid_assets.runner.driver import utc_now
from hybrid_assets_tests.integration.runner.hooks import command, told, webhook
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night, reopen, run_night
from hybrid_assets_tests.integration.runner.test_gates import GATED, METERED, approve
from hybrid_assets_tests.integration.runner.test_recalibration import calibrated, circuits

WEBHOOK = "alerts: {webhook_env: ALERTS_URL, timeout_s: 1}\n"


def open_breaker(project, *, reason="flaky"):
    project.ledger.set_breaker("qpu", state=BreakerState.OPEN, reason=reason, retry_at=None, now=utc_now())


def close_breaker(project):
    project.ledger.set_breaker("qpu", state=BreakerState.CLOSED, reason="mended", retry_at=None, now=utc_now())


def later(monkeypatch, **wait):
    """Let time pass for alarms."""
    now = utc_now() + timedelta(**wait)
    monkeypatch.setattr(alerting, "utc_now", lambda: now)


def ended(*checks, pending=None):
    return StageOutcome(rows=1, data_version="x", checks=checks, pending=pending)


def row_count(*, passed):
    return CheckOutcome(name="row_count", passed=passed, description="2 rows for 3 kernels.")


def test_without_the_section_nothing_is_told_or_written(tmp_path):
    project = open_night(tmp_path)
    open_breaker(project)
    alerting.note_outcome(project, key=("maxcut", "decisions"), night=NIGHT, outcome=ended(row_count(passed=False)))
    assert alerting.tell(project) == []
    assert not (project.home / "records" / "alerts").exists()


def test_an_alarm_reaches_the_program_as_json_once_whoever_looks_again(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path))
    open_breaker(project)
    assert alerting.tell(project) == []
    assert alerting.tell(project) == []
    assert alerting.tell(reopen(tmp_path)) == []
    (alarm,) = told(tmp_path)
    assert (alarm["version"], alarm["kind"], alarm["subject"]) == (1, "breaker", "qpu")
    assert alarm["text"].endswith("flaky. It stays open until it is closed by hand.")
    assert alarm["remedy"] == "hybrid-assets resume qpu"
    assert alarm["facts"]["backend"] == "qpu"


def test_what_happens_anew_is_told_anew(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path))
    for _ in range(2):
        open_breaker(project)
        alerting.tell(project)
        close_breaker(project)
        alerting.tell(project)
    assert [alarm["kind"] for alarm in told(tmp_path)] == ["breaker", "breaker"]


def test_kinds_that_are_not_wanted_are_not_told(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path, more=", on: [budget]"))
    open_breaker(project)
    alerting.tell(project)
    assert told(tmp_path) == []


def test_a_failed_delivery_waits_is_shown_and_comes_later_even_if_all_is_well_then(tmp_path, monkeypatch):
    project = open_night(tmp_path, top=command(tmp_path, "import sys\nsys.exit('no such channel')"))
    open_breaker(project)
    (sentence,) = alerting.tell(project)
    assert sentence.startswith("Alert not delivered yet: breaker qpu (1 failed, again from ")
    assert sentence.endswith(" UTC on). The command ended with code 1: no such channel.")
    assert alerting.undelivered(project) == [sentence]
    close_breaker(project)
    command(tmp_path)  # mended
    assert alerting.tell(project) == []
    assert told(tmp_path) == [], "it waits for a minute first"
    later(monkeypatch, seconds=61)
    assert alerting.tell(reopen(tmp_path)) == []
    assert [alarm["subject"] for alarm in told(tmp_path)] == ["qpu"]
    assert alerting.undelivered(project) == []


def test_a_process_that_dies_before_or_after_the_delivery_loses_nothing(tmp_path, monkeypatch):
    project = open_night(tmp_path, top=command(tmp_path))
    open_breaker(project)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(alert_hooks, "deliver", die)
        with pytest.raises(KeyboardInterrupt):
            alerting.tell(project)
    alerting.tell(reopen(tmp_path))
    assert len(told(tmp_path)) == 1
    # Now one that dies between the delivery and crossing it out: told already, so not again.
    (record,) = project.alerts.records(alerting.TOLD)
    project.alerts.put(alerting.WAITING, "alerts", record["alarm"]["id"], {"alarm": record["alarm"], "failures": 0})
    alerting.tell(reopen(tmp_path))
    assert len(told(tmp_path)) == 1
    assert alerting.undelivered(project) == []


def test_a_budget_is_told_from_its_share_on_and_again_after_it_was_raised(tmp_path):
    project = open_night(
        tmp_path,
        top=f"budgets: [{{team: research, per: night, shots: 240}}]\n{command(tmp_path, more=', on: [budget]')}",
    )
    run_night(project)  # two kernels of 100 shots: 200 of 240 are 83 %
    alerting.tell(project, nights=(NIGHT,))
    spending.set_limit(project, team="research", window=NIGHT, unit=BudgetUnit.SHOTS, limit=1000)
    alerting.tell(project, nights=(NIGHT,))
    spending.set_limit(project, team="research", window=NIGHT, unit=BudgetUnit.SHOTS, limit=210)
    alerting.tell(project, nights=(NIGHT,))
    assert [alarm["facts"]["limit"] for alarm in told(tmp_path)] == [240.0, 210.0]
    assert "used 200 of 240 shots of 2026-11-20" in told(tmp_path)[0]["text"]


def test_a_plan_that_waits_for_a_person_is_told_with_the_command_that_approves_it(tmp_path):
    project = open_night(tmp_path, backend=METERED, top=GATED + command(tmp_path, more=", on: [gate]"))
    outcome = run_night(project)
    for _ in range(2):
        alerting.note_outcome(project, key=("maxcut", "qpu", "quantum_results"), night=NIGHT, outcome=outcome)
        alerting.tell(project)
    (alarm,) = told(tmp_path)
    assert (alarm["kind"], alarm["subject"]) == ("gate", f"{NIGHT}/maxcut")
    assert "needs an approval. Nobody has approved it. To approve it: hybrid-assets approve " in alarm["text"]
    approve(project, valid_s=1e-6)
    again = run_night(reopen(tmp_path))
    project.pending[f"{NIGHT}/maxcut/qpu"] = (4, again.pending)
    alerting.note_outcome(project, key=("maxcut", "qpu", "quantum_results"), night=NIGHT, outcome=again)
    alerting.tell(project)
    assert "The approval by ada ended" in told(tmp_path)[1]["text"]


def test_a_partition_that_waits_for_its_jobs_is_no_alarm(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path), backend="queue_median_s: 3000000, queue_sigma: 0, wait_s: 0")
    outcome = run_night(project)
    assert outcome.pending
    alerting.note_outcome(project, key=("maxcut", "qpu", "quantum_results"), night=NIGHT, outcome=outcome)
    alerting.tell(project)
    assert told(tmp_path) == []


def test_a_failed_check_is_told_once_until_it_passed(tmp_path):
    project = open_night(tmp_path, top=command(tmp_path))
    for passed in (False, False, True, False):
        alerting.note_outcome(
            project, key=("maxcut", "normalized_inputs"), night=NIGHT, outcome=ended(row_count(passed=passed))
        )
        alerting.tell(project)
    alerting.note_checks(project, key=("maxcut", "decisions"), night=NIGHT, checks=[row_count(passed=False)])
    alerting.tell(project)
    subjects = [alarm["subject"] for alarm in told(tmp_path)]
    assert subjects == [f"{NIGHT}/maxcut/normalized_inputs/row_count"] * 2 + [f"{NIGHT}/maxcut/decisions/row_count"]


def test_drift_is_looked_for_where_no_sensor_does_and_told_once_a_calibration(tmp_path, monkeypatch):
    run_night(calibrated(tmp_path))
    used = {row["instance"]: set(row["used_qubits"]) for row in circuits(calibrated(tmp_path))}
    project = calibrated(tmp_path, (min(used["prism"] - used["square"]), 20))
    with (tmp_path / "sweep.yaml").open("a") as settings:
        settings.write(command(tmp_path))
    project = reopen(tmp_path)
    for minutes in (0, 10, 20):
        later(monkeypatch, minutes=minutes)
        alerting.tell(project)
    (alarm,) = told(tmp_path)
    assert (alarm["kind"], alarm["subject"]) == ("drift", f"{NIGHT}/maxcut/qpu")
    assert alarm["facts"]["num_circuits"] == 1
    assert alarm["remedy"] == "hybrid-assets calibration plan qpu"


# --- the program


def test_the_program_sees_no_other_secrets_and_no_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IBM_TOKEN", "tok-1")
    monkeypatch.setenv("CHAT_TOKEN", "tok-2")
    code = "import json, os, sys\njson.dump([dict(os.environ), sys.argv[1:], os.getcwd()], open('seen.json', 'w'))"
    text = command(tmp_path, code, more=", environment: [CHAT_TOKEN]").replace("hook.py]", "hook.py, $HOME; exit 1]")
    project = open_night(tmp_path, top=text)
    open_breaker(project)
    assert alerting.tell(project) == []
    environment, words, folder = json.loads((tmp_path / "seen.json").read_text())
    assert words == ["$HOME; exit 1"]
    assert environment["CHAT_TOKEN"] == "tok-2"  # noqa: S105 - not a password
    assert set(environment) <= {*alert_hooks.ENVIRONMENT, "CHAT_TOKEN", "LC_CTYPE"}  # Python sets the last one itself
    assert folder == str(tmp_path)


def test_a_secret_that_the_program_writes_is_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAT_TOKEN", "tok-2")
    code = "import os, sys\nsys.exit('401 for ' + os.environ['CHAT_TOKEN'])"
    project = open_night(tmp_path, top=command(tmp_path, code, more=", environment: [CHAT_TOKEN]"))
    open_breaker(project)
    (sentence,) = alerting.tell(project)
    assert sentence.endswith("The command ended with code 1: 401 for ***.")


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path):
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\ntime.sleep(600)"
    )
    project = open_night(tmp_path, top=command(tmp_path, code, more=", timeout_s: 3"))
    open_breaker(project)
    (sentence,) = alerting.tell(project)
    assert sentence.endswith("The command did not end within 3 s and was killed.")
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert not is_alive(pid)


def is_alive(pid):
    """Tell whether a process runs; a zombie that nobody has waited for yet does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - not a file
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("program", "message"),
    [
        pytest.param("no-such-program", "There is no program 'no-such-program' to run.", id="not-found"),
        pytest.param("./in/square.csv", "There is no program './in/square.csv' to run.", id="not-executable"),
    ],
)
def test_a_program_that_cannot_run_is_named(tmp_path, program, message):
    project = open_night(tmp_path, top=f"alerts: {{command: ['{program}']}}\n")
    open_breaker(project)
    (sentence,) = alerting.tell(project)
    assert message in sentence
    assert "Mend alerts.command" in sentence


# --- the webhook


def test_an_alarm_is_posted_as_json(tmp_path, monkeypatch):
    project = open_night(tmp_path, top=WEBHOOK)
    open_breaker(project)
    with webhook(204) as (url, posted):
        monkeypatch.setenv("ALERTS_URL", url)
        assert alerting.tell(project) == []
        assert alerting.tell(project) == []
    ((path, kind, alarm),) = posted
    assert (path, kind, alarm["subject"]) == ("/services/very-secret", "application/json", "qpu")


@pytest.mark.parametrize(
    ("answer", "headers", "message"),
    [
        pytest.param(404, (), "The webhook answered 404.", id="unknown"),
        pytest.param(500, (), "The webhook answered 500.", id="broken"),
        pytest.param(302, (("Location", "/elsewhere"),), "answered 302 (redirects are not followed).", id="redirect"),
        pytest.param(307, (("Location", "/elsewhere"),), "answered 307 (redirects are not followed).", id="kept"),
    ],
)
def test_an_answer_other_than_yes_is_a_failure_and_the_url_stays_secret(
    tmp_path, monkeypatch, answer, headers, message
):
    project = open_night(tmp_path, top=WEBHOOK)
    open_breaker(project)
    with webhook(answer, headers=headers) as (url, posted):
        monkeypatch.setenv("ALERTS_URL", url)
        (sentence,) = alerting.tell(project)
    assert message in sentence
    assert [path for path, _, _ in posted] == ["/services/very-secret"]
    assert_secret(project, sentence, "very-secret")


def test_a_webhook_that_does_not_answer_is_given_up_in_time(tmp_path, monkeypatch):
    project = open_night(tmp_path, top=WEBHOOK)
    open_breaker(project)
    with webhook(hang=threading.Event()) as (url, _):
        monkeypatch.setenv("ALERTS_URL", url)
        (sentence,) = alerting.tell(project)
    assert sentence.endswith("The webhook did not answer within 1 s.")


def test_a_webhook_that_is_down_is_told_without_its_address(tmp_path, monkeypatch):
    project = open_night(tmp_path, top=WEBHOOK)
    open_breaker(project)
    with webhook() as (url, _):
        pass
    monkeypatch.setenv("ALERTS_URL", url)
    (sentence,) = alerting.tell(project)
    assert sentence.endswith("The webhook refused the connection.")
    assert_secret(project, sentence, "127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://hooks.example.org/x", id="not-encrypted"),
        pytest.param("http://127.0.0.1.example.org/x", id="looks-like-loopback"),
        pytest.param("https://ada:pw@hooks.example.org/x", id="user"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("https://hooks.example.org/x y", id="blank"),
        pytest.param("https://[::1", id="no-url"),
        pytest.param("https://h:99999/x", id="port"),
        pytest.param("hooks", id="word"),
    ],
)
def test_a_url_that_may_not_be_asked_is_refused_without_showing_it(tmp_path, monkeypatch, url):
    project = open_night(tmp_path, top=WEBHOOK)
    open_breaker(project)
    monkeypatch.setenv("ALERTS_URL", url)
    (sentence,) = alerting.tell(project)
    assert "The variable ALERTS_URL holds no https URL" in sentence
    assert_secret(project, sentence, url)


def test_a_missing_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("ALERTS_URL", raising=False)
    project = open_night(tmp_path, top=WEBHOOK)
    open_breaker(project)
    (sentence,) = alerting.tell(project)
    assert sentence.endswith(
        "The variable ALERTS_URL is not set. Put the webhook's URL into it, or into the file .env."
    )


def assert_secret(project, sentence, secret):
    stored = "".join(path.read_text() for path in (project.home / "records" / "alerts").rglob("*.json"))
    assert secret not in sentence + stored


# --- no night is harmed


def test_a_state_folder_that_takes_no_records_harms_no_stage(tmp_path):
    """A file stands where the folder of records would be, as little can be written as on a full disk."""
    project = open_night(tmp_path, top=command(tmp_path))
    reports = []
    project = type(project).open(project.settings, report=reports.append)
    (project.home / "records").mkdir(parents=True, exist_ok=True)
    (project.home / "records" / "alerts").write_text("")
    alerting.note_outcome(project, key=("maxcut", "decisions"), night=NIGHT, outcome=ended(row_count(passed=False)))
    assert len(alerting.tell(project)) == 1
    assert all(sentence.startswith("Alerts: ") for sentence in (*reports, *alerting.tell(project)))


def test_another_process_that_delivers_is_left_to_it(tmp_path):
    from hybrid_assets.storage.files import locked

    project = open_night(tmp_path, top=command(tmp_path))
    open_breaker(project)
    with locked(project.home / "records" / "alerts") as is_ours:
        assert is_ours
        assert alerting.tell(project) == []
    assert told(tmp_path) == []
    alerting.tell(project)
    assert len(told(tmp_path)) == 1


def test_a_backend_that_cannot_be_asked_keeps_nothing_else_from_being_told(tmp_path, monkeypatch):
    project = open_night(tmp_path, top=command(tmp_path))

    def refuse(_self, _backend):
        raise ConfigurationError("no such device")

    monkeypatch.setattr(type(project), "target", refuse)
    open_breaker(project)
    assert alerting.tell(project) == []
    assert [alarm["kind"] for alarm in told(tmp_path)] == ["breaker"]
