"""The one place that knows which Sampler class the client offers. Put building, running and decoding of its jobs here.

`qiskit_ibm_runtime.executor_sampler.Sampler` is used: the top-level ``SamplerV2`` is deprecated since 0.50. It prepares
twirling and decoupling on this side and sends the program ``executor``; its result is decoded by the client's own chain
of decoders. Import this module only when a job is sent or its result read: the client takes two seconds.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_ibm_runtime.decoders.defaults import DEFAULT_DECODERS
from qiskit_ibm_runtime.executor_sampler import Sampler

from hybrid_assets.circuits import payload
from hybrid_assets.providers._ibm_folding import fold
from hybrid_assets.providers._parsed import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybrid_assets.model.jobs import JobRequest, Pub
    from hybrid_assets.providers._ibm_options import IbmOptions
    from hybrid_assets.providers._ibm_requests import SentPub, SentRequest

PROGRAM = "executor"


def load_circuits(request: JobRequest) -> list[QuantumCircuit]:
    """Return the circuit of each PUB, verified against its checksum and its facts.

    Raises:
        ResultIntegrityError: A payload was altered.
        PermanentProviderError: A circuit measures other qubits than it should, or is not one of plain gates.
    """
    return [_loaded(pub) for pub in request.pubs]


def _loaded(pub: Pub) -> QuantumCircuit:
    circuit = payload.load(pub.payload, pub.payload_sha)
    parse(circuit, num_slots=int(pub.values.shape[1]), measured_qubits=pub.measured_qubits)
    return circuit


def pubs_of(request: JobRequest, circuits: Sequence[QuantumCircuit], sent: SentRequest) -> list[SamplerPub]:
    """Return what the client is handed: each circuit once with all its rows, under the register names of ``sent``."""
    described = zip(request.pubs, circuits, sent.pubs, strict=True)
    return [pub for asked, circuit, description in described for pub in _pubs(asked, circuit, description)]


def _pubs(asked: Pub, circuit: QuantumCircuit, described: SentPub) -> Iterator[SamplerPub]:
    for register in described.registers:
        named = _with_register(circuit, register)
        slots = {parameter: asked.values[:, int(parameter.name[1:])] for parameter in named.parameters}  # s00007 is 7
        columns = fold(named, slots, rows=described.rows).values()
        yield SamplerPub.coerce((named, None if described.is_bare else np.column_stack([*columns]), asked.shots))


def _with_register(circuit: QuantumCircuit, name: str) -> QuantumCircuit:
    """Return a circuit whose classical bits, in order, are one register of this name."""
    register = ClassicalRegister(circuit.num_clbits, name)
    place = {bit: register[index] for index, bit in enumerate(circuit.clbits)}
    named = QuantumCircuit(name=name, global_phase=circuit.global_phase)
    named.add_bits(circuit.qubits)
    for quantum in circuit.qregs:
        named.add_register(quantum)
    named.add_register(register)
    for step in circuit.data:
        named.append(step.operation, step.qubits, [place[bit] for bit in step.clbits], copy=False)
    return named


def run(mode: Any, pubs: Sequence[SamplerPub], sent: SentRequest, options: IbmOptions, *, max_run_s: int) -> None:
    """Submit; the job's id is in the call that this is part of, see `_ibm_calls.Call.job_id`.

    Args:
        mode: The client's backend or batch.
        pubs: From `pubs_of`.
        sent: The request.
        options: The backend's options.
        max_run_s: Seconds of the QPU after which the service ends the job.
    """
    sampler = Sampler(mode=mode)
    sampler.options.environment.job_tags = [sent.request_id]
    sampler.options.max_execution_time = max_run_s
    if options.dynamical_decoupling:
        sampler.options.dynamical_decoupling.enable = True
        sampler.options.dynamical_decoupling.sequence_type = options.dynamical_decoupling
    if sent.randomizations:
        sampler.options.twirling.enable_gates = options.twirls_gates
        sampler.options.twirling.enable_measure = options.twirls_measure
        sampler.options.twirling.num_randomizations = sent.randomizations
        sampler.options.twirling.shots_per_randomization = sent.shots_each
    sampler.run(pubs)


def decode(text: str) -> Any:
    """Return the ``PrimitiveResult`` of a result's text, by the client's own decoders."""
    return reduce(
        lambda found, decoder: decoder.decode(found) if decoder.is_applicable(found) else found,
        DEFAULT_DECODERS[PROGRAM],
        text,
    )
