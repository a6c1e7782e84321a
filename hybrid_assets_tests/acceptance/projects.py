"""Small real projects in a temporary folder, and the real commands that run them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NIGHT = "2026-11-02"

SETTINGS = """
start: 2026-11-01
cron: "* * * * *"
workloads:
  maxcut: {inputs: "inputs/maxcut/*.csv", depths: [1, 2], shots: 512}
  portfolio: {inputs: "inputs/portfolio/*.csv", depths: [1], angles: {policy: ramp}, shots: 512}
  kernel_classification: {inputs: "inputs/classification/*.csv", samples: 24, folds: 2, shots: 256}
backends:
  aer: {provider: aer, slots: 2, wait_s: 600}
  torino: {provider: aer, device: fake_torino, slots: 1, wait_s: 600}
"""


def make_project(folder: Path, settings: str = SETTINGS) -> Path:
    """Make a project with a few of the shipped inputs."""
    for name in ("petersen", "karate-club", "gaussian-dense-n10"):
        _copy("maxcut", f"{name}.csv", folder)
    _copy("portfolio", "sp500-10-weekly.csv", folder)
    _copy("classification", "wine.csv", folder)
    # Plain `dagster dev` looks into pyproject.toml first.
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "sweep.yaml").write_text(settings)
    return folder


def _copy(workload: str, name: str, folder: Path) -> None:
    target = folder / "inputs" / workload
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "data" / "inputs" / workload / name, target / name)


def environment() -> dict[str, str]:
    """Return the environment of a user who has set nothing."""
    drop = {"HYBRID_ASSETS_HOME", "HYBRID_ASSETS_CONFIG", "DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE"}
    return {key: value for key, value in os.environ.items() if key not in drop}


def command(*words: str) -> list[str]:
    """Return the command line of a verb, as a user's shell would find it."""
    return [str(Path(sys.executable).with_name("hybrid-assets")), *words]


def run(folder: Path, *words: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a verb in a project and return what it printed."""
    return subprocess.run(
        command(*words), cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout_s, check=False
    )


def sql(folder: Path, query: str) -> list[dict]:
    """Return the rows of a query."""
    answer = run(folder, "sql", query, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dagster:
    """A running `dagster dev` and its GraphQL API."""

    REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "hybrid_assets"}  # noqa: RUF012

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        #: Leader of the process group of web server, daemon and runs.
        self.pid = pid

    def ask(self, query: str, **variables: object) -> dict:
        """Return the data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - http on the loopback address
            document = json.load(answer)
        assert "errors" not in document, document
        return document["data"]

    def launch(self, job: str, night: str) -> str:
        """Launch a job for a night; return the run's id."""
        answer = self.ask(
            "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename"
            " ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }",
            p={
                "selector": {"jobName": job, **self.REPOSITORY},
                "runConfigData": "{}",
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": night}]},
            },
        )["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def runs(self) -> list[dict]:
        """Return all runs, newest first."""
        query = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
        return self.ask(query)["runsOrError"]["results"]

    def wait_for(self, run_id: str, *, timeout_s: float = 240) -> str:
        """Wait for a run's end; return its status."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            status = next(r["status"] for r in self.runs() if r["runId"] == run_id)
            if status in {"SUCCESS", "FAILURE", "CANCELED"}:
                return status
            time.sleep(1)
        raise TimeoutError(f"run {run_id} did not end within {timeout_s} s")


@contextlib.contextmanager
def dagster_dev(folder: Path, words: list[str], port: int, extra: dict[str, str] | None = None):
    """Run `dagster dev` (or `hybrid-assets ui`) in a project until the block ends."""
    log = (folder / "dagster-dev.log").open("w+")
    process = subprocess.Popen(
        words, cwd=folder, env={**environment(), **(extra or {})}, stdout=log, stderr=log, start_new_session=True
    )
    dagster = Dagster(port, process.pid)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                dagster.ask("{ version }")
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"dagster dev did not come up:\n{log.read()}") from None
                time.sleep(0.5)
        yield dagster
    finally:
        with contextlib.suppress(ProcessLookupError):  # killed already
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()
