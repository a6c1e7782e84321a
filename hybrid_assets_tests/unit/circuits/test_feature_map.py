"""The feature map: circuit against statevectors, statevectors against the product formula and a published value."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits.feature_map import (
    coupled_pairs,
    fidelity_circuit,
    fidelity_values,
    kernel_matrix,
    layer_phases,
)
from hybrid_assets.errors import ConfigurationError

#: K((.1, .2), (.3, -.4)), 2 qubits, 2 repetitions: made with a library's ZZ feature map and checked by an independent
#: statevector program; both agree to 1e-15. On 2 qubits linear and full entanglement are the same.
REFERENCE_KERNEL = 0.141900757361
X, Y = np.array([[0.1, 0.2]]), np.array([[0.3, -0.4]])

MAPS = [
    pytest.param(num_qubits, repetitions, entanglement, id=f"{num_qubits}q-{repetitions}r-{entanglement}")
    for num_qubits, repetitions, entanglement in (
        (1, 1, "linear"),
        (2, 2, "linear"),
        (3, 1, "full"),
        (3, 3, "linear"),
        (4, 2, "full"),
        (4, 2, "none"),
        (3, 1, "none"),
    )
]


def p_zero_by_circuit(x, y, *, repetitions, entanglement):
    circuit, names = fidelity_circuit(x.shape[1], repetitions, entanglement)
    bare = circuit.remove_final_measurements(inplace=False)
    values = fidelity_values(x, y, repetitions=repetitions, entanglement=entanglement)
    by_name = {parameter.name: parameter for parameter in bare.parameters}
    return np.array(
        [
            abs(Statevector(bare.assign_parameters({by_name[n]: v for n, v in zip(names, row, strict=True)})).data[0])
            ** 2
            for row in values
        ]
    )


def test_kernel_matrix_gives_the_reference_value():
    actual = kernel_matrix(X, Y, repetitions=2, entanglement="linear")[0, 0]
    assert actual == pytest.approx(REFERENCE_KERNEL, abs=1e-11)


def test_fidelity_circuit_gives_the_reference_value():
    actual = p_zero_by_circuit(X, Y, repetitions=2, entanglement="full")[0]
    assert actual == pytest.approx(REFERENCE_KERNEL, abs=1e-11)


@pytest.mark.parametrize(("num_qubits", "repetitions", "entanglement"), MAPS)
def test_fidelity_circuit_agrees_with_statevector_kernel(num_qubits, repetitions, entanglement):
    """Compute-uncompute with its merged middle layer is the overlap of two feature states."""
    rng = np.random.default_rng(num_qubits)
    x, y = rng.normal(size=(3, num_qubits)), rng.normal(size=(3, num_qubits))
    expected = np.diag(kernel_matrix(x, y, repetitions=repetitions, entanglement=entanglement))
    actual = p_zero_by_circuit(x, y, repetitions=repetitions, entanglement=entanglement)
    assert np.abs(actual - expected).max() < 1e-12


def test_unentangled_kernel_of_one_layer_is_a_product_of_cosines():
    """One layer puts each qubit into (|0> + e^(2i x)|1>)/sqrt 2, so K = prod_q cos(x_q - y_q)^2."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(6, 3))
    expected = np.prod(np.cos(x[:, None, :] - y[None, :, :]) ** 2, axis=2)
    actual = kernel_matrix(x, y, repetitions=1, entanglement="none")
    assert np.abs(actual - expected).max() < 1e-12


def test_linear_map_of_one_qubit_needs_no_pairs():
    x = np.array([[0.3], [1.1]])
    linear = kernel_matrix(x, x, repetitions=2, entanglement="linear")
    product = kernel_matrix(x, x, repetitions=2, entanglement="none")
    assert np.abs(linear - product).max() < 1e-12


@pytest.mark.parametrize("entanglement", ["linear", "full", "none"])
def test_kernel_matrix_is_a_kernel(entanglement):
    """Symmetric, ones on the diagonal, no negative eigenvalue, entries are probabilities."""
    x = np.random.default_rng(3).normal(size=(12, 4))
    kernel = kernel_matrix(x, x, repetitions=2, entanglement=entanglement)
    assert np.abs(kernel - kernel.T).max() < 1e-12
    assert np.abs(np.diag(kernel) - 1).max() < 1e-12
    assert np.linalg.eigvalsh(kernel)[0] > -1e-12
    assert kernel.min() >= 0
    assert kernel.max() <= 1 + 1e-12


def test_layer_phases_follow_the_definition():
    x = np.array([[0.5, -1.0, 2.0]])
    # 2 x_i, then 2 (pi - x_i)(pi - x_j) of (0, 1) and (1, 2).
    expected = [1.0, -2.0, 4.0, 2 * (np.pi - 0.5) * (np.pi + 1.0), 2 * (np.pi + 1.0) * (np.pi - 2.0)]
    assert layer_phases(x, entanglement="linear")[0] == pytest.approx(expected, abs=1e-12)


def test_fidelity_circuit_merges_the_middle_layer():
    """Two repetitions on 4 qubits in a line: 2 x 2 - 1 = 3 diagonals of 3 rzz gates, not 4 of them."""
    circuit, names = fidelity_circuit(4, 2, "linear")
    assert circuit.count_ops() == {"h": 16, "rz": 12, "rzz": 9, "measure": 4}
    assert len(names) == 3 * (4 + 3)
    assert set(names) == {parameter.name for parameter in circuit.parameters}


def test_fidelity_circuit_measures_qubit_i_into_bit_i():
    circuit, _ = fidelity_circuit(3, 1, "full")
    measured = [
        (circuit.find_bit(step.qubits[0]).index, circuit.find_bit(step.clbits[0]).index)
        for step in circuit.data
        if step.operation.name == "measure"
    ]
    assert measured == [(0, 0), (1, 1), (2, 2)]
    assert len(circuit.cregs) == 1


def test_fidelity_of_a_point_with_itself_is_one():
    x = np.array([[0.7, -2.0, 0.1]])
    assert p_zero_by_circuit(x, x, repetitions=2, entanglement="full")[0] == pytest.approx(1, abs=1e-12)


def test_coupled_pairs_of_full_map_are_all():
    assert coupled_pairs(3, "full") == ((0, 1), (0, 2), (1, 2))


def test_coupled_pairs_refuse_unknown_entanglement():
    with pytest.raises(ConfigurationError) as caught:
        coupled_pairs(3, "ring")
    assert str(caught.value) == "Unknown entanglement 'ring'. Known: linear, full, none."
