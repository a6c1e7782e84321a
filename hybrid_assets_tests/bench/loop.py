"""What a user writes without the product: transpile and run every bound circuit, one after the other."""

from __future__ import annotations

import sys
import time
from itertools import islice, product

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit_aer import AerSimulator

from hybrid_assets_tests.bench.nights import different_cubic_graphs


def circuits(count: int):
    """Yield bound QAOA circuits of 16 cubic graphs, depths 1 to 3, 25 angle settings each, round the graphs first."""
    graphs = different_cubic_graphs(16)
    scales = np.linspace(0.2, 1.0, 5)
    every = product(product(scales, scales), (1, 2, 3), graphs)
    for (gamma, beta), depth, graph in islice(every, count):
        circuit = QuantumCircuit(12, 12)
        circuit.h(range(12))
        for layer in range(depth):
            for u, v in graph.edges:
                circuit.rzz(-gamma * (layer + 1) / depth, u, v)
            circuit.rx(2 * beta * (1 - layer / depth), range(12))
        circuit.measure(range(12), range(12))
        yield circuit


def main(device: str, count: int) -> None:
    """Run the loop and print seconds a circuit."""
    simulator = AerSimulator()
    if device == "fake_torino":
        from qiskit_ibm_runtime.fake_provider import FakeTorino

        backend = FakeTorino()
        options = {"target": backend.target, "optimization_level": 2, "seed_transpiler": 7}
    else:
        options = {"backend": simulator, "optimization_level": 2, "seed_transpiler": 7}
    began = time.perf_counter()
    for circuit in circuits(count):
        compiled = transpile(circuit, **options)
        counts = simulator.run(compiled, shots=4096, seed_simulator=7).result().get_counts()
        if sum(counts.values()) != 4096:
            raise RuntimeError("lost shots")
    print(f"{(time.perf_counter() - began) / count:.6f}")  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
