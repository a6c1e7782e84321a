"""Moving circuits is a candidate beside others: what fails or finds nothing costs no more than that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hybrid_assets.circuits.key import compile_key
from hybrid_assets.errors import CompilationError
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets.runner.relayouting import relayouts
from hybrid_assets_tests.unit.circuits.samples import line_target

TARGET, OPTIONS = line_target(), CompileOptions()


class Cache:
    """Circuits in memory."""

    def __init__(self, *circuits):
        self.stored = {circuit.facts.compile_key: circuit for circuit in circuits}

    def contains(self, key):
        return key in self.stored

    def get(self, key):
        return self.stored.get(key)

    def put(self, circuit):
        self.stored[circuit.facts.compile_key] = circuit

    def nearest(self, _structure):
        return ()


class Pool:
    """Answers with what it is given, by label, and keeps what it was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def outcomes(self, requests):
        self.asked += requests
        for request in requests:
            answer = self.answers[request.label.split("/")[0]]
            yield circuit(request.key.digest) if answer == "moved" else answer


def circuit(key, seed="7"):
    return SimpleNamespace(facts=SimpleNamespace(compile_key=key, key_parts={"seed": seed}), payload=key.encode())


def template(name):
    key = compile_key(name * 64, TARGET, OPTIONS)
    return SimpleNamespace(key=key, logical=SimpleNamespace(instance=name, label="qaoa"))


@pytest.fixture
def standing():
    """Three templates and the circuits that stand for them."""
    return {name: (template(name), f"circuit of {name}") for name in "abc"}


def move(standing, pool, cache=None):
    messages = []
    circuits = cache or Cache(*(circuit(key, seed="9") for _, key in standing.values()))
    project = SimpleNamespace(circuits=circuits, compile_pool=pool, report=messages.append)
    return relayouts(project, standing, target=TARGET, options=OPTIONS), circuits, messages


def test_what_fails_or_finds_no_better_place_is_no_candidate(standing):
    pool = Pool(a="moved", b=None, c=CompilationError("the worker took longer than 60 s and was killed"))
    found, circuits, messages = move(standing, pool)
    (digest,) = found.misses
    assert found.keys == {"a": digest}
    assert circuits.contains(digest)
    assert messages == ["no re-layout: the worker took longer than 60 s and was killed"]


def test_a_request_names_the_circuit_that_is_moved_and_keeps_the_seed_of_its_compile(standing):
    pool = Pool(a="moved", b="moved", c="moved")
    move(standing, pool)
    for request, (_, key) in zip(pool.asked, standing.values(), strict=True):
        assert request.payload == key.encode()
        assert (request.options.relayout, request.options.calibration_id) == (key, TARGET.calibration_id)
        assert (request.key.parts["relayout"], request.key.parts["seed"]) == (key, "9")


def test_what_was_moved_before_is_not_moved_again(standing):
    pool = Pool(a="moved", b="moved", c="moved")
    first, circuits, _ = move(standing, pool)
    asked = len(pool.asked)
    again, _, _ = move(standing, pool, circuits)
    assert (again.keys, again.misses, len(pool.asked)) == (first.keys, {}, asked)


def test_a_circuit_that_vanished_meanwhile_is_not_moved(standing):
    pool = Pool(a="moved")
    found, _, _ = move(standing, pool, Cache(circuit("circuit of a")))
    assert list(found.keys) == ["a"]


def test_two_templates_of_one_circuit_and_key_are_asked_for_once():
    both = {"first": (template("a"), "circuit"), "second": (template("a"), "circuit")}
    pool = Pool(a="moved")
    found, _, _ = move(both, pool)
    assert len(pool.asked) == 1
    assert found.keys["first"] == found.keys["second"]
