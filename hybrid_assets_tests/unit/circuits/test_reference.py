"""Reference kernels give what they are known to give, and each notices the mistake that it is there for."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits.reference import NUM_BITS, reference_kernels
from hybrid_assets.model.jobs import RawCounts

KERNELS = {kernel.logical.label: kernel for kernel in reference_kernels(shots=100)}


def distributions(kernel):
    """Return the exact distribution of every row by Qiskit's statevector."""
    circuit = kernel.logical.circuit.remove_final_measurements(inplace=False)
    rows = []
    for row in kernel.logical.values:
        angles = dict(zip(kernel.logical.parameter_names, row, strict=True))
        rows.append(Statevector(circuit.assign_parameters(angles)).probabilities())
    return np.array(rows)


@pytest.fixture(scope="module", params=KERNELS)
def kernel(request):
    return KERNELS[request.param]


def test_a_known_value_is_that_of_the_statevector(kernel):
    exact = distributions(kernel)
    assert (exact * kernel.values).sum(axis=1) == pytest.approx(kernel.ideal, abs=1e-12)
    assert (exact * kernel.values**2).sum(axis=1) == pytest.approx(kernel.ideal_square, abs=1e-12)


def test_values_are_in_range_and_tell_random_bits_from_the_real_thing(kernel):
    assert ((kernel.values >= 0) & (kernel.values <= 1)).all()
    assert np.abs(kernel.ideal - kernel.uniform).max() >= 0.25


def test_the_known_values_are_round_numbers():
    assert KERNELS["ring_qaoa"].ideal.tolist() == [0.75, 0.25]
    assert KERNELS["ghz4"].ideal == pytest.approx([1, 3 / 4, 1 / 4, 0])
    assert KERNELS["rotation"].ideal == pytest.approx(np.arange(8) / 7)
    assert KERNELS["phase"].ideal == pytest.approx(np.arange(8) / 7)
    assert [kernel.uniform[0] for kernel in KERNELS.values()] == [1 / 32, 0.5, 0.5, 0.5, 0.5, 0.5]


def test_the_bell_pair_violates_the_bound_of_every_classical_model():
    """CHSH: |E1 + E2 + E3 - E4| <= 2 without entanglement, 2 sqrt 2 with it; E = 2 P(agree) - 1."""
    correlations = 2 * KERNELS["bell"].ideal - 1
    assert correlations @ [1, 1, 1, -1] == pytest.approx(2 * np.sqrt(2))


def test_every_mix_up_of_qubits_is_noticed():
    kernel = KERNELS["bits"]
    outcomes = kernel.values.argmax(axis=1)
    for order in permutations(range(NUM_BITS)):
        moved = [sum((int(outcome) >> bit & 1) << place for place, bit in enumerate(order)) for outcome in outcomes]
        is_right = kernel.values[np.arange(len(moved)), moved].all()
        assert is_right == (order == tuple(range(NUM_BITS))), order


@pytest.mark.parametrize("label", ["bits", "ghz4", "rotation", "phase", "ring_qaoa"])
def test_every_exchange_of_two_rows_changes_a_value(label):
    kernel = KERNELS[label]
    exact = distributions(kernel)
    for one, other in combinations(range(len(exact)), 2):
        assert abs((exact[other] * kernel.values[one]).sum() - kernel.ideal[one]) > 0.14


@pytest.mark.parametrize("label", ["phase", "ring_qaoa"])
def test_an_angle_of_the_other_sign_changes_a_value(label):
    kernel = KERNELS[label]
    logical = kernel.logical
    first = logical.values.copy()
    first[:, 0] *= -1  # theta; gamma
    circuit = logical.circuit.remove_final_measurements(inplace=False)
    rows = [
        Statevector(circuit.assign_parameters(dict(zip(logical.parameter_names, row, strict=True)))).probabilities()
        for row in first
    ]
    assert np.abs((np.array(rows) * kernel.values).sum(axis=1) - kernel.ideal).max() >= 0.5


def test_the_observed_value_is_the_mean_over_shots():
    """Row 0 of `rotation`: 30 zeros, 10 ones -> 1/4; row 1: 40 ones -> 1."""
    counts = RawCounts(
        num_bits=1,
        outcomes=np.array([0, 1, 1], dtype=np.uint64),
        counts=np.array([30, 10, 40], dtype=np.int64),
        offsets=np.array([0, 2, 3], dtype=np.int64),
    )
    assert KERNELS["rotation"].observed(counts).tolist() == [0.25, 1.0]


def test_influence_is_the_most_that_one_bit_changes():
    assert KERNELS["bits"].influence.tolist() == [[1.0] * 5] * 3
    # A node of a ring has two edges of six: turning it over cuts or mends both at most.
    assert KERNELS["ring_qaoa"].influence == pytest.approx(np.full((2, 6), 2 / 6))
