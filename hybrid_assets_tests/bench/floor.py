"""The floor: Aer's own time for the distributions of a finished night, one call a template, nothing else counted.

The circuits are the night's own artefacts, reduced to the qubits they use, since Aer cannot hold a whole device.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from hybrid_assets.circuits.payload import load
from hybrid_assets.storage.circuit_cache import FileCircuitCache
from hybrid_assets.storage.warehouse import Warehouse

#: Parameter settings of a template.
ROWS = 25


def main(folder: Path) -> None:
    """Print the seconds of all calls."""
    home = folder / "data" / "state"
    cache = FileCircuitCache(home / "circuits")
    simulator = AerSimulator(method="statevector")
    rng = np.random.default_rng(7)
    total_s = 0.0
    for row in Warehouse(home).read_rows("compiled_circuits"):
        compiled = cache.get(row["compile_key"])
        circuit = _only_used_qubits(load(compiled.payload, compiled.payload_sha), compiled.facts.used_qubits)
        binds = {parameter: rng.uniform(-3, 3, ROWS).tolist() for parameter in circuit.parameters}
        began = time.perf_counter()
        result = simulator.run(circuit, parameter_binds=[binds]).result()
        for index in range(ROWS):
            result.data(index)["probabilities"]
        total_s += time.perf_counter() - began
    print(f"{total_s:.6f}")  # noqa: T201 - the answer


def _only_used_qubits(isa: QuantumCircuit, used: tuple[int, ...]) -> QuantumCircuit:
    position = {isa.qubits[physical]: index for index, physical in enumerate(used)}
    reduced = QuantumCircuit(len(used), global_phase=isa.global_phase)
    for instruction in isa.data:
        if instruction.operation.name not in {"measure", "barrier"}:
            reduced.append(instruction.operation, [position[qubit] for qubit in instruction.qubits])
    reduced.save_probabilities()
    return reduced


if __name__ == "__main__":
    main(Path(sys.argv[1]))
