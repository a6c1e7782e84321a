"""Compiled circuits are stored while others compile; neither failure is lost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hybrid_assets.errors import CompilationError
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets.runner import placing


def _project(outcomes, put):
    def compile_all(_requests):
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome

    circuits = SimpleNamespace(contains=lambda _key: False, nearest=lambda _structure: None, put=put)
    pool = SimpleNamespace(compile=compile_all)
    return SimpleNamespace(circuits=circuits, compile_pool=pool, report=lambda _message: None)


@pytest.fixture
def missing(monkeypatch):
    """Two templates that are in no cache, and need no real circuit."""
    monkeypatch.setattr(placing, "_requests", lambda found, _target: list(found))
    monkeypatch.setattr(placing, "explain_miss", lambda _parts, _nearest: "first of its structure")
    templates = [SimpleNamespace(key=SimpleNamespace(digest=name, parts={"structure": name})) for name in "ab"]
    return [(template, CompileOptions()) for template in templates]


def test_all_are_stored_in_order_before_it_returns(missing):
    stored = []
    reasons = placing.compile_missing(_project("ab", stored.append), missing, target=None)
    assert stored == ["a", "b"]
    assert reasons == dict.fromkeys("ab", "first of its structure")


def test_what_compiled_before_a_failure_is_stored(missing):
    stored = []
    project = _project(["a", CompilationError("b does not compile")], stored.append)
    with pytest.raises(CompilationError, match="b does not compile"):
        placing.compile_missing(project, missing, target=None)
    assert stored == ["a"]


def test_a_disk_that_refuses_ends_the_stage(missing):
    def put(circuit):
        if circuit == "a":
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        placing.compile_missing(_project("ab", put), missing, target=None)
