"""Calling the command in this process, on a small night without Dagster."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from hybrid_assets.cli.main import _run
from hybrid_assets.runner.comparing import compare
from hybrid_assets.runner.deciding import decide
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets_tests.integration.runner.nights import NIGHT, execute


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a verb did."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """What was printed as JSON."""
        return json.loads(self.out)


def caller(folder, capsys):
    """Return what runs a verb in a folder's project."""

    def call(*words):
        capsys.readouterr()
        code = _run(["--config", str(folder / "sweep.yaml"), *words])
        printed = capsys.readouterr()
        return Answer(code=code, out=printed.out, err=printed.err)

    return call


def until(condition, *, within_s=20.0):
    """Ask again and again until something holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"


def execute_all(project):
    """Run the stage of the quantum results until it publishes."""
    until(lambda: execute(project).pending is None)


def finish_night(project, night=NIGHT):
    """Run the stages after the quantum results."""
    solve_baselines(project, night=night, workload="maxcut")
    compare(project, night=night, workload="maxcut", backend="qpu")
    decide(project, night=night, workload="maxcut")
