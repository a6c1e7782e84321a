"""The real `hybrid-assets ui` under attack, and in normal use."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import urllib.parse
from pathlib import Path

import pytest
import websockets.sync.client
from websockets.exceptions import InvalidStatus

from hybrid_assets_tests.acceptance.projects import Dagster, command, dagster_dev, free_port, make_project, run

SETTINGS = """
start: 2026-11-01
workloads:
  maxcut: {inputs: "inputs/maxcut/*.csv", depths: [1], shots: 512}
backends:
  aer: {provider: aer, slots: 2, wait_s: 600}
"""
LIMIT = '{ setConcurrencyLimit(concurrencyKey: "attacked", limit: 3) }'
#: Launches a night and leaves a mark, in one go.
ATTACK = """mutation {
  setConcurrencyLimit(concurrencyKey: "attacked", limit: 3)
  launchRun(executionParams: {selector: {repositoryName: "__repository__", repositoryLocationName: "hybrid_assets",
    jobName: "nightly_sweep_job"}, runConfigData: "{}",
    executionMetadata: {tags: [{key: "dagster/partition", value: "2026-11-02"}]}}) { __typename }
}"""
FOREIGN = {"Origin": "http://evil.example"}
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"query": ATTACK})
ENCODED = urllib.parse.urlencode({"query": ATTACK})
EVENT = "/report_asset_materialization/maxcut/decisions"

ATTACKS = {
    "DNS rebinding": (403, "POST", "/graphql", BODY, {**JSON, "Host": "evil.example", "Origin": "http://evil.example"}),
    "foreign origin": (403, "POST", "/graphql", BODY, {**JSON, **FOREIGN}),
    "sandboxed page": (403, "POST", "/graphql", BODY, {**JSON, "Origin": "null"}),
    "cross-site": (403, "POST", "/graphql", BODY, {**JSON, "Sec-Fetch-Site": "cross-site"}),
    "mutation by GET": (405, "GET", f"/graphql?{ENCODED}", None, {}),
    "mutation by an image": (403, "GET", f"/graphql?{ENCODED}", None, {"Sec-Fetch-Site": "cross-site"}),
    "mutation as text": (403, "POST", "/graphql", BODY, {"Content-Type": "text/plain"}),
    "mutation as text that mentions JSON": (
        403,
        "POST",
        "/graphql",
        BODY,
        {"Content-Type": "text/plain; a=application/json"},
    ),
    "form": (
        403,
        "POST",
        f"/graphql?{ENCODED}",
        ENCODED,
        {"Content-Type": "application/x-www-form-urlencoded", **FOREIGN},
    ),
    "POST with the query in the address": (403, "POST", f"/graphql?{ENCODED}", "", {}),
    "preflight": (403, "OPTIONS", "/graphql", None, {**FOREIGN, "Access-Control-Request-Method": "POST"}),
    "event of another page": (403, "POST", EVENT, '{"metadata": {"a": 1}}', {**JSON, **FOREIGN}),
    "event in the address": (403, "POST", f"{EVENT}?description=x", "", {}),
    "traversal": (404, "GET", "/reports/../ledger.sqlite", None, {}),
    "traversal, encoded": (404, "GET", "/reports/%2e%2e/ledger.sqlite", None, {}),
    "traversal, encoded twice": (404, "GET", "/reports/..%252fledger.sqlite", None, {}),
    "traversal by an encoded slash": (404, "GET", "/reports/..%2fledger.sqlite", None, {}),
    "absolute": (404, "GET", "/reports//etc/passwd", None, {}),
    "logs, traversal": (404, "GET", "/logs/%2e%2e/%2e%2e/ledger/sqlite", None, {}),
}


@pytest.fixture(scope="module")
def ui(tmp_path_factory):
    """An editable UI with a report whose script would change its title; everything is killed at the end."""
    folder = make_project(tmp_path_factory.mktemp("ui"), SETTINGS)
    reports = folder / "data" / "state" / "reports"
    reports.mkdir(parents=True)
    (reports / "2026-11-02.html").write_text("<script>document.title = 'ran'</script>")
    port = free_port()
    with dagster_dev(folder, command("ui", "--port", str(port)), port) as dagster:
        dagster.folder = folder
        yield dagster
        os.killpg(dagster.pid, signal.SIGKILL)
    assert wait_until(lambda: processes_of(folder) == []), processes_of(folder)


def request(dagster: Dagster, method, path, body=None, headers=None):
    """Send a request as it stands; return status, headers and text."""
    connection = http.client.HTTPConnection("127.0.0.1", dagster.port, timeout=60)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def limits(dagster):
    """Return the pools that have a limit."""
    found = dagster.ask("{ instance { concurrencyLimits { concurrencyKey } } }")["instance"]["concurrencyLimits"]
    return {limit["concurrencyKey"] for limit in found}


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of living processes that were started for a project, whatever their group."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode()[:200])
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def wait_until(condition, *, timeout_s=30):
    """Wait for a condition; return whether it came."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize(("expected", "method", "path", "body", "headers"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_and_changes_nothing(ui, expected, method, path, body, headers):
    status, answered, text = request(ui, method, path, body, headers)
    assert status == expected, text
    assert answered["Access-Control-Allow-Origin"] is None
    assert ui.runs() == []
    assert "attacked" not in limits(ui)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_subscription_of_another_page_is_refused(ui, origin):
    with (
        pytest.raises(InvalidStatus) as refused,
        websockets.sync.client.connect(f"ws://127.0.0.1:{ui.port}/graphql", subprotocols=["graphql-ws"], origin=origin),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert refused.value.response.body.startswith(b"Refused: the request was made by a page of another origin")


def test_a_subscription_of_our_page_is_answered(ui):
    address = f"127.0.0.1:{ui.port}"
    query = 'subscription { pipelineRunLogs(runId: "none") { __typename } }'
    with websockets.sync.client.connect(
        f"ws://{address}/graphql", subprotocols=["graphql-ws"], origin=f"http://{address}"
    ) as socket:
        socket.send('{"type": "connection_init"}')
        assert json.loads(socket.recv(timeout=30))["type"] == "connection_ack"
        socket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": query, "variables": {}}}))
        answer = json.loads(socket.recv(timeout=30))
    assert answer["type"] == "data", answer
    assert answer["payload"]["data"] == {"pipelineRunLogs": {"__typename": "PipelineRunLogsSubscriptionFailure"}}


def test_the_page_and_its_parts_load_and_refuse_foreign_frames(ui):
    status, headers, text = request(ui, "GET", "/")
    assert status == 200
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in headers.get_all("Content-Security-Policy")
    scripts = [part.split('"')[0] for part in text.split('src="')[1:] if part.startswith("/")]
    assert scripts
    for script in scripts:
        status, headers, _ = request(ui, "GET", script, headers={"Sec-Fetch-Site": "same-origin"})
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert "javascript" in headers["Content-Type"], script


def test_a_report_is_served_and_its_scripts_are_forbidden(ui):
    status, headers, text = request(ui, "GET", "/reports/2026-11-02.html")
    assert (status, text[:8]) == (200, "<script>")
    (policy,) = headers.get_all("Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert "2026-11-02.html" in request(ui, "GET", "/reports/")[2]


def test_daemon_and_pools_are_at_work(ui):
    query = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"

    def healthy():
        statuses = ui.ask(query)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR"} <= {s["daemonType"] for s in statuses if s["healthy"]}

    assert wait_until(healthy, timeout_s=60)
    assert "qpu_aer" in limits(ui)


def test_a_second_ui_on_the_state_is_refused(ui):
    refused = run(ui.folder, "ui", "--port", str(free_port()))
    assert refused.returncode == 3
    assert f"already (process {ui.pid}, http://127.0.0.1:{ui.port}, its daemon " in refused.stderr


def test_a_script_may_change_what_an_attack_could_not(ui):
    """Last: so the attacks above carried what the server would have done."""
    ui.ask(f"mutation {LIMIT}")
    assert "attacked" in limits(ui)


def test_read_only_refuses_changes_and_sigterm_ends_everything(tmp_path):
    folder = make_project(tmp_path, SETTINGS)
    port = free_port()
    words = command("ui", "--port", str(port), "--read-only", "--allow-host", "nights.example.org")
    with dagster_dev(folder, words, port) as dagster:
        answer = json.loads(request(dagster, "POST", "/graphql", BODY, JSON)[2])
        launched = json.loads(request(dagster, "POST", "/graphql", json.dumps({"query": LAUNCH_ONLY}), JSON)[2])
        assert "UnauthorizedError" in answer["errors"][0]["message"]
        assert launched["data"]["launchRun"]["__typename"] == "UnauthorizedError"
        assert request(dagster, "POST", EVENT, "{}", JSON)[0] == 401
        assert (dagster.runs(), "attacked" in limits(dagster)) == ([], False)
        assert request(dagster, "GET", "/", headers={"Host": "nights.example.org"})[0] == 200
        assert request(dagster, "GET", "/", headers={"Host": "other.example.org"})[0] == 403
        os.kill(dagster.pid, signal.SIGTERM)
        assert wait_until(lambda: processes_of(folder) == []), processes_of(folder)


LAUNCH_ONLY = "mutation { " + ATTACK[ATTACK.index("launchRun") :]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (
            ("--allow-host", "a.example"),
            2,
            "--allow-host shares the UI, and whoever reaches an editable one can launch runs. Add --read-only.",
        ),
        (
            ("--read-only", "--allow-host", "https://a"),
            2,
            "--allow-host 'https://a' is no host name. Give it as browsers show it: NAME or NAME:PORT.",
        ),
    ],
)
def test_a_dangerous_or_wrong_option_is_refused(tmp_path, words, code, text):
    refused = run(make_project(tmp_path, SETTINGS), "ui", *words)
    assert (refused.returncode, refused.stderr) == (code, f"Error: {text}\n")
