"""Braket's local simulator: jobs on disk, bit order, and a real kernel all the way through."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from qiskit import QuantumCircuit

from hybrid_assets.circuits.fingerprint import structure_fingerprint
from hybrid_assets.circuits.key import compile_key
from hybrid_assets.circuits.payload import dump
from hybrid_assets.circuits.pool import CompilePool, CompileRequest
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.errors import CapacityError, PermanentProviderError
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets.model.jobs import JobStatus, Pub
from hybrid_assets.providers.braket import BraketProvider
from hybrid_assets.testing.fake_execution import exact_probabilities
from hybrid_assets.workloads.maxcut import MaxCut
from hybrid_assets_tests.unit.providers.pubs import pub, qaoa, request
from hybrid_assets_tests.unit.workloads.graphs import edges_of, write_edges

#: Where a child process finds the tests.
ROOT = Path(__file__).parents[3]
#: Submits a job and dies before anything of it is executed.
SUBMIT = """
import os, pathlib, sys
from hybrid_assets.providers import _local_jobs
from hybrid_assets.providers.braket import BraketProvider
from hybrid_assets_tests.unit.providers.pubs import pub, qaoa, request
_local_jobs._WORKERS.add = lambda task: None
job = request(pub(qaoa(3, ((0, 1), (1, 2)), 1), [[0.4, 0.9]], shots=200), backend="braket", request_id="req")
BraketProvider.from_settings("braket", {}, pathlib.Path(sys.argv[1])).submit(job)
os._exit(0)
"""


def _provider(state, **options):
    return BraketProvider.from_settings("braket", options, state)


def _ended(provider, handle, *, bound_s=60.0):
    deadline = time.monotonic() + bound_s
    while not (report := provider.poll(handle)).status.is_final:
        assert time.monotonic() < deadline, "the job did not end"
        time.sleep(0.01)
    return report


def _small(request_id="req"):
    return request(pub(qaoa(3, ((0, 1), (1, 2)), 1), [[0.4, 0.9]], shots=200), backend="braket", request_id=request_id)


def _counts(result):
    return [(p.counts.outcomes.tolist(), p.counts.counts.tolist()) for p in result.pubs]


@pytest.mark.parametrize("local", ["braket_sv", "braket_dm"])
def test_bit_i_of_an_outcome_is_classical_bit_i(tmp_path, local):
    """One fixed outcome, no symmetry: ones on qubits 1, 2, 4 of six, of which 2, 0, 4 are measured into 0, 1, 2."""
    circuit = QuantumCircuit(6, 3)
    circuit.x([1, 2, 4])
    circuit.rz(0.3, 5)
    circuit.barrier()
    circuit.measure([4, 2, 0], [2, 0, 1])
    provider = _provider(tmp_path, local=local)
    handle = provider.submit(request(pub(circuit, np.zeros((2, 0)), shots=30), backend="braket"))
    assert _ended(provider, handle).status is JobStatus.SUCCEEDED
    counts = provider.fetch(handle).pubs[0].counts
    assert [[part.tolist() for part in counts.row(row)] for row in (0, 1)] == [[[0b101], [30]]] * 2


def test_maxcut_kernel_has_its_exact_expected_value(tmp_path):
    """Petersen graph, depth 1: workload -> slots -> compile workers -> Braket -> evaluation, within 5 sigma a row."""
    workload, path = MaxCut(), write_edges(tmp_path / "petersen.csv", edges_of(nx.petersen_graph()))
    options = workload.parse_options({})
    instance = workload.load(path, source="inputs/petersen.csv", options=options)
    kernel = next(
        k
        for k in workload.kernels(instance, options=options, max_qubits=16, shots=4000)
        if k.circuit.num_qubits == 10 and "rzz" in k.circuit.count_ops()
    )
    provider, template = _provider(tmp_path), slot_template(kernel.circuit, kernel.parameter_names)
    target, how = provider.target(), CompileOptions()
    wanted = CompileRequest(
        label=kernel.label,
        key=compile_key(structure_fingerprint(template.circuit), target, how),
        payload=dump(template.circuit)[0],
        target=target,
        options=how,
    )
    with CompilePool(workers=1) as pool:
        (compiled,) = pool.compile([wanted])
    asked = Pub(
        kernel_id="petersen",
        payload=compiled.payload,
        payload_sha=compiled.payload_sha,
        artefact_fingerprint=compiled.facts.artefact_fingerprint,
        measured_qubits=compiled.facts.measured_qubits,
        expected_success=1.0,
        values=template.slot_values(kernel.values),
        shots=kernel.shots,
        seed=1,
    )
    handle = provider.submit(request(asked, backend="braket"))
    assert _ended(provider, handle).status is JobStatus.SUCCEEDED
    expected, _ = workload.evaluate(instance, kernel, provider.fetch(handle).pubs[0].counts)
    cuts = np.array([sum((o >> u ^ o >> v) & 1 for u, v in _edges(instance)) for o in range(1 << 10)], dtype=float)
    exact = exact_probabilities(kernel)
    mean = exact @ cuts
    sigma = np.sqrt((exact @ cuts**2 - mean**2) / kernel.shots)
    assert mean.max() > 9.0, "the angles are those of a maximum: far above the 7.5 of random bits"
    assert np.all(np.abs(expected - mean) < 5 * sigma)


def _edges(instance):
    """Return the edges as the instance numbers its vertices; every cut edge is worth 1."""
    return instance.problem.pairs


def test_job_of_a_process_that_died_is_executed_by_whoever_polls(tmp_path):
    subprocess.run([sys.executable, "-c", SUBMIT, str(tmp_path)], check=True, cwd=ROOT)
    (handle,) = _provider(tmp_path).find("req")
    assert _ended(_provider(tmp_path), handle).status is JobStatus.SUCCEEDED
    assert _counts(_provider(tmp_path).fetch(handle)) == _counts(_provider(tmp_path).fetch(handle))


def test_submitting_again_keeps_the_sample(tmp_path):
    """Samples are not seeded, so the same job must never be executed again."""
    provider = _provider(tmp_path)
    _ended(provider, handle := provider.submit(_small()))
    before = _counts(provider.fetch(handle))
    assert _provider(tmp_path).submit(_small()) == handle
    assert _counts(provider.fetch(handle)) == before
    assert "not seeded" in provider.describe().identity


def test_circuit_that_cannot_be_executed_fails_its_job(tmp_path):
    circuit = QuantumCircuit(2, 2)
    circuit.swap(0, 1)
    circuit.measure([0, 1], [0, 1])
    provider = _provider(tmp_path)
    handle = provider.submit(request(pub(circuit, np.zeros((1, 0))), backend="braket"))
    report = _ended(provider, handle)
    assert (report.status, report.error_code) == (JobStatus.FAILED, "PermanentProviderError")
    assert "has swap" in (report.message or "")


def test_circuit_beyond_the_simulators_width_is_refused(tmp_path):
    circuit = QuantumCircuit(14, 14)
    circuit.measure(range(14), range(14))
    job = request(pub(circuit, np.zeros((1, 0))), backend="braket")
    with pytest.raises(CapacityError, match="has 14 qubits; braket_dm takes 13"):
        _provider(tmp_path, local="braket_dm").submit(job)


def test_request_for_another_backend_is_refused(tmp_path):
    with pytest.raises(PermanentProviderError, match="for 'aer' was submitted to 'braket'"):
        _provider(tmp_path).submit(request(*_small().pubs, backend="aer"))
