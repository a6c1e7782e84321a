"""The genuine client as a user would use it, and circuits for it. Put nothing here that patches it."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

#: A device of five qubits: the client takes 0.2 s to read the properties of 133.
DEVICE, WIDTH = "fake_manila", 5
#: Two neighbors of it.
PLACE = (1, 2)


def connect(service):
    """Return the client's service object."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    return QiskitRuntimeService(
        channel="ibm_quantum_platform",
        token=service.token,
        instance=service.instance,
        url_resolver=lambda *_: service.api_url,
    )


def sampler(mode, *, program="executor", tags=(), **options):
    """Return the client's sampler that sends a program."""
    from qiskit_ibm_runtime import SamplerV2
    from qiskit_ibm_runtime.executor_sampler import Sampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SamplerV2, since 0.50
        made = Sampler(mode=mode) if program == "executor" else SamplerV2(mode=mode)
    made.options.environment.job_tags = list(tags)
    for name, value in options.items():
        setattr(made.options, name, value)
    return made


def backend_of(client, **options):
    """Return the service's backend."""
    return client.backend("ibm_loopback", **options)


def finished(service, job):
    """Wait for a job of the service's book and return its record."""
    record = next(record for record in service.book if record.id == job.job_id())
    service.wait_for(lambda: record.is_final)
    return record


@cache
def bell():
    """Return an ISA circuit that prepares and measures a Bell pair."""
    circuit = QuantumCircuit(WIDTH, 2)
    circuit.rz(np.pi / 2, PLACE[0])  # rz sx rz is a Hadamard gate up to a phase
    circuit.sx(PLACE[0])
    circuit.rz(np.pi / 2, PLACE[0])
    circuit.cx(*PLACE)
    return _measured(circuit)


@cache
def turned():
    """Return an ISA circuit with one parameter: both qubits are 1 with probability sin(theta/2)**2, independently."""
    circuit = QuantumCircuit(WIDTH, 2)
    theta = Parameter("theta")
    for qubit in PLACE:
        circuit.sx(qubit)
        circuit.rz(theta + np.pi, qubit)
        circuit.sx(qubit)
    return _measured(circuit)


def _measured(circuit):
    circuit.measure(PLACE, (0, 1))
    return circuit


def done(shared, shots=16):
    """Return a job whose result is stored."""
    service, client = shared
    job = sampler(backend_of(client)).run([bell()], shots=shots)
    finished(service, job)
    return job


def routes(service):
    """Return the routes that were asked for, in order."""
    return [request.route for request in service.requests]
