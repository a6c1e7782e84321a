"""The circuit cache on disk: verified, atomic, shared."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace

import pytest

from hybrid_assets.circuits.key import explain_miss
from hybrid_assets.circuits.payload import payload_sha
from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.circuits import CircuitFacts, CompiledCircuit
from hybrid_assets.storage import circuit_cache
from hybrid_assets.storage.circuit_cache import FileCircuitCache

KEY, OTHER, STRUCTURE = "ab" * 32, "cd" * 32, "12" * 32


def _compiled(key=KEY, *, payload=b"payload", structure=STRUCTURE, **changes):
    facts = CircuitFacts(
        structure_fingerprint=structure,
        compile_key=key,
        artefact_fingerprint="ef" * 32,
        width=5,
        used_qubits=(0, 2),
        measured_qubits=(2, 0),
        num_slots=2,
        depth=7,
        two_qubit_gates=3,
        exposure=(("cz", (0, 2), 3), ("measure", (0,), 1)),
        expected_success=0.1 + 0.2,
        calibration_id="01" * 32,
        compile_s=0.25,
        key_parts={"structure": structure, "seed": "7"},
    )
    return CompiledCircuit(facts=replace(facts, **changes), payload=payload, payload_sha=payload_sha(payload))


def _entry(folder, key=KEY, ending="json"):
    return folder / key[:2] / f"{key}.{ending}"


def test_circuit_survives_the_process(tmp_path):
    """Another process, here another cache object, finds every fact and byte as stored."""
    FileCircuitCache(tmp_path).put(_compiled())
    found = FileCircuitCache(tmp_path).get(KEY)
    assert found.facts == _compiled().facts
    assert (found.payload, found.payload_sha) == (b"payload", payload_sha(b"payload"))
    assert FileCircuitCache(tmp_path).contains(KEY)


def test_unknown_key_is_absent_and_leaves_no_folder(tmp_path):
    cache = FileCircuitCache(tmp_path / "circuits")
    assert cache.get(KEY) is None
    assert not cache.contains(KEY)
    assert not (tmp_path / "circuits").exists()


def test_second_get_reads_no_file(tmp_path):
    cache = FileCircuitCache(tmp_path)
    cache.put(_compiled())
    _entry(tmp_path).unlink()
    assert cache.get(KEY).payload == b"payload"
    assert cache.contains(KEY)


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(circuit_cache, "MAX_REMEMBERED", 2)
    cache = FileCircuitCache(tmp_path)
    for n in range(4):
        cache.put(_compiled(f"{n}" * 64))
    assert list(cache._memory) == ["2" * 64, "3" * 64]
    assert cache.get("0" * 64).facts.compile_key == "0" * 64


def _flip_payload(folder):
    path = _entry(folder, ending="qpyz")
    path.write_bytes(b"Payload")


def _cut_payload(folder):
    _entry(folder, ending="qpyz").write_bytes(b"pay")


def _lose_payload(folder):
    _entry(folder, ending="qpyz").unlink()


def _cut_facts(folder):
    path = _entry(folder)
    path.write_bytes(path.read_bytes()[:-10])


def _empty_facts(folder):
    _entry(folder).write_bytes(b"")


def _change_a_fact(folder):
    path = _entry(folder)
    path.write_text(path.read_text().replace('"depth":7', '"depth":8'))


def _drop_a_fact(folder):
    entry = json.loads(_entry(folder).read_text())
    del entry["facts"]
    _entry(folder).write_text(json.dumps(entry))


def _put_another_circuit_there(folder):
    """Whole and well, but not of this key: a file copied by hand."""
    FileCircuitCache(folder).put(_compiled(OTHER))
    for ending in ("json", "qpyz"):
        _entry(folder, OTHER, ending).replace(_entry(folder, KEY, ending))


@pytest.mark.parametrize(
    "damage",
    [
        _flip_payload,
        _cut_payload,
        _lose_payload,
        _cut_facts,
        _empty_facts,
        _change_a_fact,
        _drop_a_fact,
        _put_another_circuit_there,
    ],
)
def test_corrupt_entry_is_set_aside_and_counts_as_absent(tmp_path, damage):
    """It is kept for a person to look at, and compiling again mends the cache."""
    FileCircuitCache(tmp_path).put(_compiled())
    damage(tmp_path)
    cache = FileCircuitCache(tmp_path)
    assert cache.get(KEY) is None
    assert not cache.contains(KEY)
    assert (tmp_path / "quarantine" / f"{KEY}.json").exists()
    assert not _entry(tmp_path).exists()
    assert not _entry(tmp_path, ending="qpyz").exists()
    cache.put(_compiled())
    assert FileCircuitCache(tmp_path).get(KEY).payload == b"payload"


def test_entry_cut_off_between_its_two_files_is_absent(tmp_path):
    """A crash after the payload and before the facts: nothing is there yet, and nothing is quarantined."""
    FileCircuitCache(tmp_path).put(_compiled())
    _entry(tmp_path).unlink()
    assert FileCircuitCache(tmp_path).get(KEY) is None
    assert not (tmp_path / "quarantine").exists()


def test_put_replaces_an_entry_as_a_whole(tmp_path):
    """A better circuit of the same key, found under a newer calibration, takes the place of the old one."""
    FileCircuitCache(tmp_path).put(_compiled())
    cache = FileCircuitCache(tmp_path)
    cache.put(_compiled(payload=b"better", expected_success=0.9))
    assert cache.get(KEY).payload == b"better"
    assert FileCircuitCache(tmp_path).get(KEY).facts.expected_success == 0.9


def test_put_refuses_a_payload_that_is_not_its_checksum(tmp_path):
    with pytest.raises(ResultIntegrityError, match="altered before it was stored"):
        FileCircuitCache(tmp_path).put(replace(_compiled(), payload=b"other"))
    assert not FileCircuitCache(tmp_path).contains(KEY)


def test_keys_that_would_leave_the_folder_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no key of a compiled circuit"):
        FileCircuitCache(tmp_path).get("../../etc/passwd")
    with pytest.raises(ConfigurationError, match="no key of a compiled circuit"):
        FileCircuitCache(tmp_path).put(_compiled(structure="../x"))


def test_nearest_gives_keys_of_the_same_structure_newest_first(tmp_path):
    cache = FileCircuitCache(tmp_path)
    for age, seed in enumerate("987"):
        key = seed * 64
        cache.put(_compiled(key, key_parts={"structure": STRUCTURE, "seed": seed}))
        os.utime(tmp_path / "structures" / STRUCTURE / key, ns=(0, 10**9 * age))
    cache.put(_compiled(OTHER, structure="34" * 32))
    assert [parts["seed"] for parts in FileCircuitCache(tmp_path).nearest(STRUCTURE)] == ["7", "8", "9"]
    assert FileCircuitCache(tmp_path).nearest("56" * 32) == ()


def test_nearest_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(circuit_cache, "MAX_NEAREST", 3)
    cache = FileCircuitCache(tmp_path)
    for n in range(6):
        cache.put(_compiled(f"{n}" * 64))
    assert len(cache.nearest(STRUCTURE)) == 3
    assert len(list((tmp_path / "structures" / STRUCTURE).iterdir())) == 3


def test_nearest_still_explains_an_entry_that_was_set_aside(tmp_path):
    FileCircuitCache(tmp_path).put(_compiled())
    _flip_payload(tmp_path)
    cache = FileCircuitCache(tmp_path)
    assert cache.get(KEY) is None
    assert "set aside as corrupt" in explain_miss(_compiled().facts.key_parts, cache.nearest(STRUCTURE))


def test_nearest_skips_a_damaged_index_file(tmp_path):
    cache = FileCircuitCache(tmp_path)
    cache.put(_compiled())
    (tmp_path / "structures" / STRUCTURE / KEY).write_text("{")
    assert cache.nearest(STRUCTURE) == ()


def _write_often(folder, letter):
    cache = FileCircuitCache(folder)
    for n in range(40):
        cache.put(_compiled(payload=letter * (100 + n), depth=100 + n))


def test_two_processes_may_write_one_key_while_another_reads(tmp_path):
    """Readers see whole entries only, and nothing whole is ever set aside."""
    FileCircuitCache(tmp_path).put(_compiled(payload=b"a" * 100, depth=100))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_often, args=(tmp_path, letter)) for letter in (b"a", b"b")]
    for writer in writers:
        writer.start()
    reads = 0
    while any(writer.is_alive() for writer in writers):
        found = FileCircuitCache(tmp_path).get(KEY)
        assert len(found.payload) == found.facts.depth
        assert len(set(found.payload)) == 1
        reads += 1
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert reads > 10
    assert not (tmp_path / "quarantine").exists()
