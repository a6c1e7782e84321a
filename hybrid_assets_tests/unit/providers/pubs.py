"""PUBs for tests of local execution: small circuits, compiled by Qiskit itself."""

from __future__ import annotations

from functools import cache

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import RZZGate
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits import payload
from hybrid_assets.circuits.fingerprint import artefact_fingerprint
from hybrid_assets.circuits.targets import build_target_document, qiskit_target
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import JobRequest, Pub

#: Petersen graph: cubic, no triangle.
PETERSEN = (
    *((i, (i + 1) % 5) for i in range(5)),
    *((i, i + 5) for i in range(5)),
    *((5 + i, 5 + (i + 2) % 5) for i in range(5)),
)


def line_device(num_qubits: int, *, backend: str = "line", error: float = 0.01, readout: float = 0.02):
    """Return a target document of a line of qubits with cz, rz, sx, x; qubit q reads 0 as 1 with (q + 1) x readout."""
    pairs = [(a, a + 1) for a in range(num_qubits - 1)]
    return build_target_document(
        backend=backend,
        num_qubits=num_qubits,
        operations=[
            *(TargetOperation(name="rz", qubits=(q,), error=0.0, duration_s=0.0) for q in range(num_qubits)),
            *(
                TargetOperation(name=name, qubits=(q,), error=error / 10, duration_s=3e-8)
                for name in ("sx", "x")
                for q in range(num_qubits)
            ),
            *(
                TargetOperation(name="cz", qubits=on, error=error, duration_s=7e-8)
                for pair in pairs
                for on in (pair, pair[::-1])
            ),
            *(TargetOperation(name="measure", qubits=(q,), error=readout, duration_s=1e-6) for q in range(num_qubits)),
        ],
        dt_s=1e-9,
        readout=[((q + 1) * readout, readout) for q in range(num_qubits)],
        t1_t2_s=[(2e-4, 1e-4)] * num_qubits,
    )


def compiled(circuit: QuantumCircuit, document=None, *, level: int = 2, seed: int = 7) -> QuantumCircuit:
    """Compile a circuit for a target document; None leaves it as it is."""
    if document is None:
        return circuit
    target = qiskit_target(document, width=circuit.num_qubits)
    return transpile(circuit, target=target, optimization_level=level, seed_transpiler=seed)


def measured_qubits(isa: QuantumCircuit) -> tuple[int, ...]:
    """Return the physical qubit behind each classical bit."""
    found = {
        isa.find_bit(inst.clbits[0]).index: isa.find_bit(inst.qubits[0]).index
        for inst in isa.data
        if inst.name == "measure"
    }
    return tuple(found[bit] for bit in range(isa.num_clbits))


def pub(isa: QuantumCircuit, values, *, kernel_id: str = "k", shots: int = 1000, seed: int = 1) -> Pub:
    """Return the PUB of an ISA circuit whose parameters are slots."""
    content, sha = payload.dump(isa)
    return Pub(
        kernel_id=kernel_id,
        payload=content,
        payload_sha=sha,
        artefact_fingerprint=artefact_fingerprint(isa),
        measured_qubits=measured_qubits(isa),
        expected_success=1.0,
        values=np.asarray(values, dtype=np.float64),
        shots=shots,
        seed=seed,
    )


def request(*pubs: Pub, backend: str = "aer", request_id: str = "req") -> JobRequest:
    """Return a request."""
    return JobRequest(request_id=request_id, backend=backend, pubs=pubs)


@cache
def slot(index: int) -> Parameter:
    """Return the parameter of a column of values."""
    return Parameter(f"s{index:05d}")


def qaoa(num_qubits: int, edges, depth: int) -> QuantumCircuit:
    """Return a MaxCut QAOA template: per layer rzz(slot 2l) on each edge, rx(slot 2l + 1) on each qubit."""
    circuit = QuantumCircuit(num_qubits, num_qubits)
    circuit.h(range(num_qubits))
    for layer in range(depth):
        gamma, beta = slot(2 * layer), slot(2 * layer + 1)
        for u, v in edges:
            circuit.append(RZZGate(gamma), [u, v])
        for qubit in range(num_qubits):
            circuit.rx(beta, qubit)
    circuit.measure(range(num_qubits), range(num_qubits))
    return circuit


def direct_distributions(isa: QuantumCircuit, values) -> np.ndarray:
    """Return the distributions of a circuit by Qiskit's own statevector, shape (rows, 2**num_clbits)."""
    used = sorted({isa.find_bit(q).index for inst in isa.data for q in inst.qubits})
    place = {qubit: k for k, qubit in enumerate(used)}
    small = QuantumCircuit(len(used))
    for inst in isa.data:
        if inst.name not in {"measure", "barrier"}:
            small.append(inst.operation, [place[isa.find_bit(q).index] for q in inst.qubits])
    bits = [place[q] for q in measured_qubits(isa)]
    names = {p: int(p.name[1:]) for p in small.parameters}
    rows = []
    for row in np.asarray(values, dtype=float):
        state = Statevector(small.assign_parameters({p: row[i] for p, i in names.items()}))
        rows.append(state.probabilities(bits))
    return np.array(rows)
