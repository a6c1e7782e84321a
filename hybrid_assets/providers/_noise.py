"""Noise of the used qubits, from a target document. Put noise models and their approximation here; keep execution out.

A noise model of a whole 133-qubit device takes 6.5 s to build and 1 s a circuit to apply; one of the used qubits 0.2 s.
Readout errors are applied to distributions afterwards (`with_readout_error`), exactly, so no noise model holds them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.circuits.targets import qiskit_target
from hybrid_assets.errors import PermanentProviderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.providers._parsed import Gate, ParsedCircuit


def gate_success(circuit: ParsedCircuit, document: TargetDocument) -> float:
    """Return the probability that no gate of a circuit fails, the product of (1 - error); readout is not in it."""
    times = Counter((gate.name, _physical(circuit, gate)) for gate in circuit.gates)
    return expected_success([(name, on, count) for (name, on), count in times.items()], document)


def check_gates(circuit: ParsedCircuit, document: TargetDocument) -> None:
    """Refuse a circuit with gates the device does not have, whose noise is therefore not known.

    Raises:
        PermanentProviderError: There is such a gate; the message names it.
    """
    known = {(op.name, op.qubits) for op in document.operations}
    for gate in circuit.gates:
        if (gate.name, physical := _physical(circuit, gate)) not in known:
            raise PermanentProviderError(
                f"The device has no {gate.name!r} on qubits {physical}. Compile the circuit for this backend's target."
            )


def readout_errors(circuit: ParsedCircuit, document: TargetDocument) -> list[tuple[float, float]]:
    """Return (P(1|0), P(0|1)) of the qubit behind each bit, bit 0 first; none where the target knows none."""
    if not document.readout:
        return [(0.0, 0.0)] * circuit.num_bits
    return [document.readout[circuit.used_qubits[qubit]] for qubit in circuit.measured]


def noise_model(document: TargetDocument, qubits: Sequence[int]) -> Any:
    """Return the ``NoiseModel`` of some physical qubits, renumbered 0, 1 ... in their order, without readout errors.

    It is Aer's model of a device: depolarizing and thermal relaxation errors that together have each gate's error.
    """
    from qiskit_aer.noise import NoiseModel  # noqa: PLC0415 - takes half a second
    from qiskit_aer.noise.device import basic_device_gate_errors  # noqa: PLC0415 - as above

    target = qiskit_target(reduced(document, qubits), width=len(qubits))
    model = NoiseModel(basis_gates=sorted(name for name in target.operation_names if name != "measure"))
    for name, on, error in basic_device_gate_errors(target=target, thermal_relaxation=bool(document.t1_t2_s)):
        if not error.ideal():
            model.add_quantum_error(error, name, on)
    return model


def reduced(document: TargetDocument, qubits: Sequence[int]) -> TargetDocument:
    """Return a target of some of its qubits, renumbered 0, 1 ... in their order."""
    place = {qubit: k for k, qubit in enumerate(qubits)}
    return replace(
        document,
        num_qubits=len(place),
        operations=tuple(
            replace(op, qubits=tuple(place[q] for q in op.qubits))
            for op in document.operations
            if op.qubits is not None and place.keys() >= set(op.qubits)
        ),
        readout=tuple(document.readout[q] for q in qubits) if document.readout else (),
        t1_t2_s=tuple(document.t1_t2_s[q] for q in qubits) if document.t1_t2_s else (),
        faulty_qubits=tuple(place[q] for q in document.faulty_qubits if q in place),
    )


def _physical(circuit: ParsedCircuit, gate: Gate) -> tuple[int, ...]:
    return tuple(circuit.used_qubits[q] for q in gate.qubits)
