"""The conformance test of workloads catches broken ones, and its simulator agrees with Qiskit's."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from hybrid_assets.errors import CapacityError
from hybrid_assets.model.circuits import LogicalKernel
from hybrid_assets.testing.fake_execution import exact_probabilities, execute
from hybrid_assets.testing.workload import assert_workload_api
from hybrid_assets.workloads._maxcut_options import MaxCutOptions
from hybrid_assets.workloads.maxcut import MaxCut
from hybrid_assets_tests.unit.workloads.graphs import edges_of, write_edges


class _Unnamed(MaxCut):
    name = "Max-Cut"


class _WithoutControls(MaxCut):
    def controls_of(self, method):
        return ()


class _ControlsNotScored(MaxCut):
    def score(self, instance, **rest):
        return [score for score in super().score(instance, **rest) if score.kernel_ids]


class _Unrepeatable(MaxCut):
    calls = 0

    def kernels(self, instance, **rest):
        _Unrepeatable.calls += 1
        return [replace(k, values=k.values + _Unrepeatable.calls) for k in super().kernels(instance, **rest)]


class _SameLabels(MaxCut):
    def kernels(self, instance, **rest):
        return [replace(kernel, label="same") for kernel in super().kernels(instance, **rest)]


class _OtherShots(MaxCut):
    def kernels(self, instance, *, shots, **rest):
        return super().kernels(instance, shots=shots + 1, **rest)


class _TooWide(MaxCut):
    def kernels(self, instance, *, max_qubits, **rest):
        return super().kernels(instance, max_qubits=max_qubits + 8, **rest)


class _Reversed(MaxCut):
    """Measures qubit i into bit n - 1 - i, as one does who reads counts keys from the left."""

    def kernels(self, instance, **rest):
        result = []
        for kernel in super().kernels(instance, **rest):
            circuit = kernel.circuit.remove_final_measurements(inplace=False)
            n = circuit.num_qubits
            measured = type(circuit)(n, n).compose(circuit, range(n))
            measured.measure(range(n), range(n - 1, -1, -1))
            result.append(replace(kernel, circuit=measured))
        return result


class _WrongShape(MaxCut):
    def evaluate(self, instance, kernel, counts):
        expected, best = super().evaluate(instance, kernel, counts)
        return expected[:, None], best


class _Boastful(MaxCut):
    def score(self, instance, **rest):
        return [replace(s, best_value=s.best_value + 100) for s in super().score(instance, **rest)]


class _OutsideItsInterval(MaxCut):
    def score(self, instance, **rest):
        return [replace(s, value_low=s.value + 0.1, value_high=s.value + 0.2) for s in super().score(instance, **rest)]


class _TakesAnyOption(MaxCut):
    def parse_options(self, raw):
        return MaxCutOptions() if "no_such_key" in raw else super().parse_options(raw)


class _OtherFingerprint(MaxCut):
    calls = 0

    def load(self, path, **rest):
        _OtherFingerprint.calls += 1
        return replace(super().load(path, **rest), fingerprint=f"{_OtherFingerprint.calls:064x}")


class _Repeating(MaxCut):
    """Asks for its first round again, whatever came of it."""

    def next_round(self, instance, *, history, **rest):
        return [replace(k, **self.changes(len(history))) for k in self.kernels(instance, **rest)]

    def changes(self, number):
        return {"label": f"round{number}", "round_index": number}


class _SameLabelsInTwoRounds(_Repeating):
    def changes(self, number):
        return {"round_index": number}


class _RoundsNotCounted(_Repeating):
    def changes(self, number):
        return {"label": f"round{number}"}


class _UnrepeatableRound(_Repeating):
    calls = 0

    def changes(self, number):
        _UnrepeatableRound.calls += 1
        return {"label": f"round{_UnrepeatableRound.calls}", "round_index": number}


class _ForgetsFailures(MaxCut):
    def score(self, instance, **rest):
        return [score for score in super().score(instance, **rest) if score.value is not None]


class _InventsAValue(MaxCut):
    def score(self, instance, **rest):
        return [s if s.value else replace(s, **_INVENTED) for s in super().score(instance, **rest)]


_INVENTED = {"value": 1.0, "best_value": 1.0, "shots": 1}


class _NeedsEveryKernel(MaxCut):
    def score(self, instance, *, results, missing=(), **rest):
        assert not missing, "cannot do with a kernel less"
        return super().score(instance, results=results, **rest)


@pytest.fixture(name="path", scope="module")
def path_of_petersen(tmp_path_factory):
    return write_edges(tmp_path_factory.mktemp("inputs") / "petersen.csv", edges_of(nx.petersen_graph()))


def test_workload_api_accepts_a_sound_workload(path):
    assert_workload_api(MaxCut(), [path], {"depths": [1, 2]}, max_qubits=10)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (_Unnamed, "is not"),
        (_WithoutControls, "has no control"),
        (_ControlsNotScored, "are not scored"),
        (_Unrepeatable, "kernels changed"),
        (_SameLabels, "labels are not unique"),
        (_OtherShots, "257 shots instead of 256"),
        (_TooWide, "10 qubits, 9 were offered"),
        (_Reversed, "not qubit i into bit i"),
        (_WrongShape, "rows 1"),
        (_Boastful, "beats the proved optimum 12.0"),
        (_OutsideItsInterval, "the value is outside its interval"),
        (_TakesAnyOption, "an unknown option was accepted"),
        (_OtherFingerprint, "loading twice gives two fingerprints"),
        (_Repeating, "still asks for kernels after 64 rounds"),
        (_SameLabelsInTwoRounds, "labels are not unique"),
        (_RoundsNotCounted, r"round 1 has the round_index \[0\]"),
        (_UnrepeatableRound, "the same history gives two rounds 1"),
        (_ForgetsFailures, "the first kernel failed: scored are"),
        (_InventsAValue, "a quantum method without kernels"),
        (_NeedsEveryKernel, "cannot do with a kernel less"),
    ],
)
def test_workload_api_refuses_a_broken_workload(path, broken, message):
    depths = [1] if issubclass(broken, _Repeating) else [1, 2]
    with pytest.raises(AssertionError, match=message):
        assert_workload_api(broken(), [path], {"depths": depths}, max_qubits=9 if broken is _TooWide else 10)


def kernel_of(circuit, names, values, shots=100):
    return LogicalKernel(
        instance="i", label="k", circuit=circuit, parameter_names=names, values=np.array(values), shots=shots
    )


def test_fake_execution_agrees_with_a_statevector():
    """Fixed gates, slots, an expression of parameters, a gate on reversed qubits, barrier and measurements."""
    from qiskit.circuit import Parameter, QuantumCircuit
    from qiskit.quantum_info import Statevector

    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(4, 4)
    circuit.h(range(4))
    circuit.cx(3, 1)
    circuit.rzz(a, 2, 0)
    circuit.barrier()
    circuit.p(2 * (np.pi - a) * b, 1)
    circuit.crx(b, 3, 0)
    circuit.u(a, 0.3, b, 2)
    circuit.ccx(2, 0, 3)
    circuit.measure(range(4), range(4))
    kernel = kernel_of(circuit, ("b", "a"), [[0.3, -0.8], [1.1, 2.0]])
    for row, probabilities in zip(kernel.values, exact_probabilities(kernel), strict=True):
        bound = circuit.assign_parameters({"b": row[0], "a": row[1]}).remove_final_measurements(inplace=False)
        np.testing.assert_allclose(probabilities, Statevector(bound).probabilities(), atol=1e-12)


def test_fake_execution_gives_valid_counts_that_repeat():
    from qiskit.circuit import Parameter, QuantumCircuit

    circuit = QuantumCircuit(3, 3)
    circuit.rx(Parameter("a"), range(3))
    circuit.measure(range(3), range(3))
    kernel = kernel_of(circuit, ("a",), [[0.0], [np.pi], [1.0]])
    first, again, other = execute(kernel), execute(kernel), execute(kernel, seed=8)
    first.counts.verify(num_bits=3, rows=3, shots=100)
    assert first.counts.row(0)[0].tolist() == [0]
    assert first.counts.row(1)[0].tolist() == [7]
    assert first.counts.counts.tolist() == again.counts.counts.tolist()
    assert first.kernel_id != other.kernel_id


def test_fake_execution_refuses_what_is_too_large():
    from qiskit.circuit import QuantumCircuit

    with pytest.raises(CapacityError, match="1 rows of 23 qubits are too much"):
        exact_probabilities(kernel_of(QuantumCircuit(23), (), np.zeros((1, 0))))
