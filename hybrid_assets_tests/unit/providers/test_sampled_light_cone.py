"""Depth 3, sampled as a night samples it: slot template, exact distribution from Aer, seeded counts.

The circuits are those of the light cone of one edge, see `hybrid_assets_tests.unit.circuits.test_light_cone`.
"""

from __future__ import annotations

import math

import numpy as np
from qiskit import QuantumCircuit

from hybrid_assets.circuits.angles import fixed_angles
from hybrid_assets.circuits.payload import dump
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values, unit_scale
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.model.jobs import ExecutionKind, Pub
from hybrid_assets.providers._execute import LocalMachine
from hybrid_assets.providers.aer import AerProvider
from hybrid_assets_tests.unit.circuits.test_light_cone import CUT_FRACTION, TREE, classes

#: Of all 21 circuits together; each gets a part, drawn by its probability.
SHOTS = 40_000


def _pub(circuit, names, values, *, flipped, shots, seed):
    prepared = QuantumCircuit(*circuit.qregs, *circuit.cregs)
    if flipped:
        prepared.x(flipped)
    template = slot_template(prepared.compose(circuit), names)
    payload, sha = dump(template.circuit)
    return Pub(
        kernel_id=f"k{seed}",
        payload=payload,
        payload_sha=sha,
        artefact_fingerprint=sha,
        measured_qubits=tuple(range(14)),
        expected_success=1.0,
        values=template.slot_values(values),
        shots=shots,
        seed=seed,
    )


def test_depth_three_sampled_by_the_provider_is_within_five_sigma(tmp_path):
    """Sigma = sqrt(.792 * .208 / 40000) = .0020, so that half an angle or a swapped bit would show."""
    gammas, betas = fixed_angles(3, 3)
    circuit, names = qaoa_circuit(TREE, 3, shared_angles=True)
    values = qaoa_values(TREE, gammas, betas, shared_angles=True, scale=unit_scale(TREE))
    machine = LocalMachine(
        document=AerProvider.from_settings("aer", {}, tmp_path).target(),
        is_noisy=False,
        density_matrix_qubits=0,
        identity="aer",
        distributions=None,
    )
    mixture = classes(gammas[0][0])
    shares = np.random.default_rng(7).multinomial(SHOTS, [probability for _, probability in mixture])
    cut = 0
    for seed, ((flipped, _), shots) in enumerate(zip(mixture, shares.tolist(), strict=True)):
        if not shots:
            continue
        done = machine.execute(_pub(circuit, names, values, flipped=flipped, shots=shots, seed=seed))
        assert done.execution is ExecutionKind.STATEVECTOR
        done.counts.verify(num_bits=14, rows=1, shots=shots)
        differ = (done.counts.outcomes ^ (done.counts.outcomes >> np.uint64(1))) & np.uint64(1) == 1
        cut += int(done.counts.counts[differ].sum())
    sigma = math.sqrt(CUT_FRACTION * (1 - CUT_FRACTION) / SHOTS)
    assert abs(cut / SHOTS - CUT_FRACTION) <= 5 * sigma
