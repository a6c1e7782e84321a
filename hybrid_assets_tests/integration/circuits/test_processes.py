"""Fingerprints and compiled circuits are the same in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from qiskit.circuit import Parameter, QuantumCircuit

from hybrid_assets.circuits.fingerprint import artefact_fingerprint, structure_fingerprint
from hybrid_assets.circuits.key import compile_key
from hybrid_assets.circuits.payload import dump, load
from hybrid_assets.circuits.pool import CompilePool, CompileRequest
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target, qaoa, reversed_line, zz_feature_map

RING = ((0, 1), (1, 2), (2, 3), (3, 4), (0, 4))

SCRIPT = """
import json, sys
from hybrid_assets_tests.integration.circuits.test_processes import samples
from hybrid_assets.circuits.fingerprint import structure_fingerprint
print(json.dumps([structure_fingerprint(template.circuit) for template in samples()]))
"""


def samples():
    """Slot templates of three kinds."""
    feature_map, names = zz_feature_map(4)
    angles = [f"{kind}{k}" for kind in ("gamma", "beta") for k in range(2)]
    block = QuantumCircuit(2, name="block")
    block.h(0)
    block.cx(0, 1)
    custom = QuantumCircuit(3)
    custom.append(block.to_gate().control(1, annotated=False), [2, 0, 1])
    custom.rx(Parameter("a"), 0)
    return [
        slot_template(qaoa(5, RING, depth=2), angles),
        slot_template(feature_map, names),
        slot_template(custom, ["a"]),
    ]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_structure_fingerprint_is_equal_in_every_process(hash_seed):
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert json.loads(output) == [structure_fingerprint(template.circuit) for template in samples()]


def _requests():
    requests = []
    for target in (line_target(), ideal_target()):
        for level in (1, 2, 3):
            for number, template in enumerate(samples()[:2]):
                options = CompileOptions(optimization_level=level)
                key = compile_key(structure_fingerprint(template.circuit), target, options)
                requests.append(
                    CompileRequest(
                        label=f"{target.backend} {level} {number}",
                        key=key,
                        payload=dump(template.circuit)[0],
                        target=target,
                        options=options,
                    )
                )
    return requests


def test_compiled_circuits_are_equal_in_every_process(monkeypatch):
    """Other hash seeds, other order of work, other payload bytes: the same ISA circuits and facts."""
    prints = []
    for hash_seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
        requests = _requests() if hash_seed == "1" else _requests()[::-1]
        with CompilePool() as pool:
            compiled = list(pool.compile(requests))
        prints.append({circuit.facts.compile_key: circuit.facts.artefact_fingerprint for circuit in compiled})
        assert [circuit.facts.compile_key for circuit in compiled] == [request.key.digest for request in requests]
    assert prints[0] == prints[1]
    assert len(prints[0]) == 12


def test_compiled_circuit_carries_all_its_facts():
    request = _requests()[2]
    with CompilePool(workers=1) as pool:
        (compiled,) = pool.compile([request])
    isa = load(compiled.payload, compiled.payload_sha)
    facts = compiled.facts
    assert facts.key_parts == request.key.parts
    assert facts.structure_fingerprint == request.key.parts["structure"]
    assert facts.calibration_id == request.target.calibration_id
    assert (facts.width, facts.num_slots) == (isa.num_qubits, isa.num_parameters) == (5, 4)
    assert isinstance(facts.exposure[0][1], tuple)
    assert facts.depth == isa.depth()


def test_a_worker_moves_circuits_and_says_where_there_is_no_better_place():
    """In turn with compiles, each under a key of its own; `compile` leaves out what needs no move.

    A circuit on all five qubits of a line can only be turned round, and is better so on one of the two lines.
    """
    request = _requests()[2]
    with CompilePool(workers=1) as pool:
        (standing,) = pool.compile([request])
        asked = []
        for target in (reversed_line(), line_target()):
            options = replace(request.options, calibration_id=target.calibration_id, relayout=request.key.digest)
            key = compile_key(request.key.parts["structure"], target, options)
            asked.append(replace(request, key=key, payload=standing.payload, target=target, options=options))
        unmoved, moved = pool.outcomes(asked)
        assert unmoved is None
        assert [circuit.facts.compile_key for circuit in pool.compile([asked[0], request, asked[1]])] == [
            request.key.digest,
            asked[1].key.digest,
        ]
    assert moved.facts.key_parts["relayout"] == standing.facts.compile_key == request.key.digest
    assert moved.facts.calibration_id == line_target().calibration_id
    assert moved.facts.structure_fingerprint == standing.facts.structure_fingerprint
    assert moved.facts.measured_qubits == tuple(4 - qubit for qubit in standing.facts.measured_qubits)
    assert artefact_fingerprint(load(moved.payload, moved.payload_sha)) == moved.facts.artefact_fingerprint


def test_pool_and_key_load_no_qiskit():
    """A night that finds everything in the cache must not pay for Qiskit's import here."""
    code = (
        "import sys, hybrid_assets.circuits.pool, hybrid_assets.circuits.key, hybrid_assets.circuits.slots\n"
        "import hybrid_assets.circuits.fingerprint, hybrid_assets.storage.circuit_cache\n"
        "sys.exit('qiskit' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
