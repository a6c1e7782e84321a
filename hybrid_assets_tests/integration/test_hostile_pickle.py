"""A small night, then the same again from what it stored, with nothing to unpickle with."""

from __future__ import annotations

import _pickle
import pickle

import pytest

from hybrid_assets.runner.comparing import compare
from hybrid_assets.runner.solving import solve_baselines
from hybrid_assets_tests.integration.runner.nights import NIGHT, open_night, reopen, rows, run_night


@pytest.fixture
def refused(monkeypatch):
    """Have every way to unpickle raise; return what was tried."""
    tried = []

    def refuse(*_args, **_options):
        tried.append("unpickle")
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "Unpickler"), (pickle, "_Unpickler"), (_pickle, "Unpickler")):
        # A class still: who only makes a class of it, as dill does when it is imported, unpickles nothing.
        monkeypatch.setattr(module, name, type(name, (getattr(module, name),), {"__init__": refuse}))
    for module in (pickle, _pickle):
        for name in ("load", "loads"):
            monkeypatch.setattr(module, name, refuse)
    return tried


def test_a_night_and_its_repetition_from_disk_unpickle_nothing(tmp_path, refused):
    first = whole_night(open_night(tmp_path))
    again = whole_night(reopen(tmp_path))
    assert first
    assert again == first
    assert refused == []


def whole_night(project):
    """Run a night from inputs to verdicts; return what the kernels gave."""
    run_night(project)
    solve_baselines(project, night=NIGHT, workload="maxcut")
    compare(project, night=NIGHT, workload="maxcut", backend="qpu")
    found = [(row["kernel_id"], row["expected_value"]) for row in rows(project)]
    project.close()
    return found


def test_the_fixture_would_notice(refused):
    with pytest.raises(AssertionError, match="unpickled"):
        pickle.loads(pickle.dumps(1))  # noqa: S301 - that is what the test is about
    assert refused == ["unpickle"]
